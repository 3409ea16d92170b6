"""Whether the networks that ship say the same on ONNX Runtime as on Keras: each recording of a corpus, and after adapting to its speaker.

python -m experiments.studies.runtimes --corpus emodb --source path/to/emodb
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pandas as pd
import typer

from data_prep import command, loader
from experiments.options import RESULTS, Results, Source
from experiments.studies.checkpoints import write
from ser_acrnn.config import AS_SPOKEN, FIVE_TEMPOS
from ser_acrnn.data.corpus import Utterance
from ser_acrnn.evaluation import report
from ser_acrnn.pretrained import list_pretrained

if TYPE_CHECKING:  # not needed for --help
    from ser_acrnn.inference.predictions import Prediction

FOLDER = "runtimes"  # below the results
COLUMNS = ["recording", "network", "way", "onnx", "keras", "posterior", "unfamiliarity", "attention"]
PLAIN, ADAPTED = "as it is", "adapted, five tempos"
MOST_DIFFERENCE = 1e-5  # of a posterior


def compare(utterances: Sequence[Utterance], network: str) -> pd.DataFrame:
    """Has both runtimes judge recordings, plainly where the network needs no speaker, and after adapting to each speaker's.

    Returns:
        The columns `COLUMNS`: decisions, and the largest differences of a posterior, of the unfamiliarity and of a weight of the attention.
    """
    from ser_acrnn.inference.predictor import Predictor

    rows: list[list[object]] = []
    for way, tempos in ((PLAIN, AS_SPOKEN), (ADAPTED, FIVE_TEMPOS)):
        both = Predictor(network, runtime="onnx", tempos=tempos), Predictor(network, runtime="keras", tempos=tempos)
        if way == PLAIN and both[0].preprocessor.scope == "speaker":
            continue
        for _, own in groupby(sorted(utterances, key=lambda one: one.speaker), key=lambda one: one.speaker):
            paths = [utterance.path for utterance in own]
            if way == ADAPTED:
                for predictor in both:
                    predictor.enrol(paths, on_unusable=lambda error: None)
            said = (predictor.predict_many(paths) for predictor in both)
            rows += [[path.stem, network, way, *_differences(*pair)] for path, *pair in zip(paths, *said, strict=True)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _differences(one: Prediction | ValueError, other: Prediction | ValueError) -> list[object]:
    decisions: list[object] = [_decision(one), _decision(other)]
    if isinstance(one, ValueError) or isinstance(other, ValueError):
        return [*decisions, 0.0, 0.0, 0.0]
    pairs = list(zip([one, *one.segments], [other, *other.segments], strict=True))
    posterior = max(abs(mine.posteriors[name] - yours.posteriors[name]) for mine, yours in pairs for name in mine.posteriors)
    attention = max(np.abs(np.subtract(a.attention, b.attention)).max() for a, b in zip(one.segments, other.segments, strict=True))
    unfamiliarity = max(abs(mine.unfamiliarity - yours.unfamiliarity) for mine, yours in pairs)
    return [*decisions, *(float(f"{difference:.1e}") for difference in (posterior, unfamiliarity, attention))]


def _decision(said: Prediction | ValueError) -> str:
    if isinstance(said, ValueError):
        return str(said)
    return f"unsure, {said.emotion}" if said.unsure else said.emotion


def table(root: Path) -> str:
    """How many recordings were judged on both runtimes, and how far apart, as Markdown."""
    rows = []
    for path in sorted((root / FOLDER).glob("*.csv")):
        for (network, way), found in pd.read_csv(path).groupby(["network", "way"], sort=False):
            other = int((found["onnx"] != found["keras"]).sum())
            largest = [f"{found[name].max():.1e}" for name in ("posterior", "unfamiliarity", "attention")]
            rows.append([path.stem, network, way, str(len(found)), str(other), *largest])
    header = ["corpus", "network", "way", "recordings", "decisions that differ", "posterior", "unfamiliarity", "attention"]
    return report.markdown_table(header, rows) if rows else ""


@command.entry
def main(
    corpus: Annotated[str, typer.Option(help="name of its loader")],
    source: Source,
    results: Results = RESULTS,
    most: Annotated[int | None, typer.Option(min=1, help="recordings, spread over the corpus (default: all)")] = None,
) -> int:
    """Compares, keeps a line a recording, and prints the table; exit code 1 where the runtimes differ.

    Raises:
        ValueError: The corpus cannot be used.
    """
    utterances = loader.find(corpus).read(source).utterances
    if most is not None:
        utterances = [utterances[index] for index in np.linspace(0, len(utterances) - 1, min(most, len(utterances))).round().astype(int)]
    found = pd.concat([compare(utterances, network) for network in list_pretrained()], ignore_index=True)
    print(f"{write([found], results / FOLDER / f'{corpus}.csv')}\n\n{table(results)}")
    return int((found["onnx"] != found["keras"]).any() or (found["posterior"] > MOST_DIFFERENCE).any())


if __name__ == "__main__":
    sys.exit(main())
