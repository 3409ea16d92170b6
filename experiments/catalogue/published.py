"""What the paper reports, and what in it does not add up: Tables I and II, Figs. 3 and 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data_prep.corpora import emodb
from ser_acrnn.evaluation.summary import Published

# Table I's best depth, which is the 3-D row of Table II.
BEST_DEPTH = {"emodb": 5, "iemocap": 6}
_TABLE_1 = {
    "emodb": {
        1: (81.53, 6.96),
        2: (81.72, 6.32),
        3: (82.74, 5.03),
        4: (81.75, 6.22),
        5: (82.82, 4.99),
        6: (82.69, 5.53),
        7: (80.84, 5.09),
    },
    "iemocap": {
        1: (64.20, 5.73),
        2: (64.18, 5.57),
        3: (64.11, 5.23),
        4: (64.62, 5.27),
        5: (63.80, 5.45),
        6: (64.74, 5.44),
        7: (63.95, 5.12),
    },
}
PUBLISHED = {
    (corpus, f"acrnn3d-{layers}conv"): Published(*numbers, "Table I")
    for corpus, rows in _TABLE_1.items()
    for layers, numbers in rows.items()
} | {
    ("emodb", "acrnn2d-5conv"): Published(79.38, 7.78, "Table II"),
    ("iemocap", "acrnn2d-6conv"): Published(62.40, 6.70, "Table II"),
    ("emodb", "dnn-elm"): Published(71.56, 8.43, "Table II"),
    ("iemocap", "dnn-elm"): Published(51.24, 7.24, "Table II"),
}


@dataclass(frozen=True)
class Confusion:
    """A published confusion matrix.

    Attributes:
        figure: Where it stands.
        system: Whose decisions it shows.
        emotions: Rows (truth) and columns (decision).
        percent: Percent of the row's truth.
        caption: UAR that the caption gives.
        speakers: The test speakers whose utterances it shows; empty: all.
    """

    figure: str
    system: str
    emotions: tuple[str, ...]
    percent: tuple[tuple[float, ...], ...]
    caption: float
    speakers: tuple[str, ...] = ()


CONFUSIONS = {
    "iemocap": Confusion(
        "Fig. 3",
        "acrnn3d-6conv",
        ("angry", "sad", "happy", "neutral"),
        (
            (70.47, 2.43, 13.31, 13.78),
            (0.68, 84.32, 2.03, 12.97),
            (11.88, 9.52, 29.95, 48.64),
            (3.96, 16.51, 12.96, 66.52),
        ),
        64.74,
    ),
    "emodb": Confusion(
        "Fig. 4",
        "acrnn3d-5conv",
        ("angry", "sad", "happy", "neutral", "fear", "disgust", "bored"),
        (
            (88.36, 0, 9.09, 0, 2.55, 0, 0),
            (0, 97.14, 0, 0.71, 0, 0, 2.14),
            (51.43, 0, 46.86, 0, 1.14, 0.57, 0),
            (0, 1.88, 0, 93.75, 0.63, 0, 3.75),
            (4.12, 4.71, 7.65, 0.59, 81.76, 1.18, 0),
            (0, 3.75, 1.88, 2.5, 3.13, 83.75, 5),
            (0, 8.29, 0.49, 4.39, 0, 3.41, 83.41),
        ),
        82.82,
        ("13", "14", "15", "16"),
    ),
}

_CODE = (
    "The authors' released program is not the paper's network. `acrnn1.py` pools 2 x 4 instead of 2 x 2, its attention is u . sigmoid(W h "
    "+ b), batch norm stands after the linear layer and not in the 64-unit layer, and it is trained by Adam with 1e-5 in batches of 60; "
    "padding counts in its statistics, and training is cut to 300 segments a class. The older `crnn.py` with `train.py` has batches of 40, "
    "a rate of 1e-4 and batch norm in the 64-unit layer, as the paper says."
)
_BATCH_NORM = (
    "The two differ in batch norm at judging: in `acrnn1.py` its wrapper asks whether a placeholder is there, which always holds, so that "
    "mean and variance are those of the batch that is judged, the validation or test speaker's own segments; `crnn.py` has a mode, and "
    "running averages of training."
)
_REPORTED = (
    "Nor does the release tell whose figures the paper's are: `model.py` evaluates and prints the validation speaker; `utils.py` evaluates "
    "the test speaker at each new best UAR of the validation speaker and reports that; `model1.py`, which is `model.py` before March 2019, "
    "keeps the best accuracy on the test speaker over all steps. What each of these habits would report of our networks stands on the page "
    "of mechanisms."
)
_DEVIATION = (
    "The standard deviation may be over the 50 runs or over the folds' means; the paper does not say. Both stand above: the one beside "
    "the mean is over runs."
)


def inconsistencies(corpus: str) -> list[str]:
    """What the paper reports of a corpus and does not fit together, one sentence or two each; computed where it can be."""
    matrix = CONFUSIONS[corpus]
    diagonal = sum(row[index] for index, row in enumerate(matrix.percent)) / len(matrix.percent)
    lines = [
        f"The diagonal of {matrix.figure} averages {diagonal:.1f} %, its caption says {matrix.caption:.2f} %. Decisions of all folds put "
        "together and UAR averaged over folds differ; both are reported here."
    ]
    crooked = [(emotion, sum(row)) for emotion, row in zip(matrix.emotions, matrix.percent, strict=True) if abs(sum(row) - 100) > 0.021]
    lines += [
        f"The row {emotion!r} of {matrix.figure} adds up to {total:.2f} %, more than rounding explains." for emotion, total in crooked
    ]
    if matrix.speakers:
        counts = utterances_of(matrix.speakers, emodb.PUBLISHED_COUNTS)
        share = f"{sum(counts)} of {sum(map(sum, emodb.PUBLISHED_COUNTS.values()))}"
        lines.append(
            f"{matrix.figure}'s percentages are whole numbers of decisions on {'/'.join(map(str, counts))} utterances with five seeds (off "
            f"by at most {largest_remainder(matrix, counts):.2f} decisions): those of the speakers {', '.join(matrix.speakers)}, {share}. "
            f"It shows {len(matrix.speakers)} of the ten folds."
        )
        lines.append(
            "Some speakers lack an emotion or have one or two utterances of it (08 never acts disgust): a fold's UAR is over the emotions "
            "that its test speaker has, and one utterance can move it by 14 points."
        )
    return [*lines, _DEVIATION, _CODE, _BATCH_NORM, _REPORTED]


def utterances_of(speakers: Sequence[str], counts: Mapping[str, Sequence[int]]) -> list[int]:
    """Utterances of some speakers together, an emotion each."""
    return np.sum([counts[speaker] for speaker in speakers], axis=0).tolist()


def largest_remainder(matrix: Confusion, counts: Sequence[int], seeds: int = 5) -> float:
    """How far the matrix is from whole numbers of decisions on that many utterances an emotion, in decisions."""
    decisions = np.array(matrix.percent) / 100 * np.array(counts)[:, None] * seeds
    return float(np.abs(decisions - decisions.round()).max())
