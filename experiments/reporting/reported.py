"""What a report would say of finished runs if its figures came about in one way or another: mechanisms, and each one's figures.

Each mechanism takes the decisions that it would report out of committed results; nothing is trained.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments import catalogue
from experiments.catalogue.published import CONFUSIONS, Confusion
from experiments.grid.collected import results_of
from ser_acrnn.evaluation import metrics
from ser_acrnn.evaluation.intervals import FEWEST_FOLDS, Difference, rate_interval
from ser_acrnn.evaluation.protocol import LEAKY_CHOICE, LEAKY_NORMALISATION, LEAKY_RANDOM, LEAKY_SEGMENTS, LEAVE_ONE_SPEAKER_OUT
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.evaluation.results_check import folder_name

CORPUS = "emodb"
UNCHOSEN_EPOCHS = 10


@dataclass(frozen=True)
class Reported:
    """What a report says of one speaker, or of another part of the corpus, by one network.

    Attributes:
        part: Whose utterances they are.
        seed: The seed of the run.
        ids: The utterances.
        truth: Their emotions.
        decisions: One list of decisions, or one an epoch where several are averaged.
    """

    part: str
    seed: int
    ids: tuple[str, ...]
    truth: tuple[str, ...]
    decisions: tuple[tuple[str, ...], ...]

    @property
    def uar(self) -> float:
        """Percent."""
        return 100 * float(np.mean([metrics.unweighted_average_recall(self.truth, decided) for decided in self.decisions]))


def tested(run: RunResult) -> Reported:
    """The test speaker at the chosen epoch."""
    return _reported(run, run.fold["test"], run.utterances, [run.decisions])


def validated(run: RunResult) -> Reported:
    """The validation speaker at the epoch that this speaker chose."""
    return _reported(run, run.fold["validation"], run.validation_utterances, [run.decided(run.validation_utterances)[1]])


def best_on_test(run: RunResult) -> Reported:
    """The test speaker at the epoch with the best UAR on the test speaker; of equals the earliest."""
    best = max(run.test_curve, key=lambda entry: (entry["test_uar"], -entry["epoch"]))
    return _reported(run, run.fold["test"], run.utterances, [_decided(run, best)])


def last_epochs(run: RunResult) -> Reported:
    """The test speaker after each of the last epochs, of which none is chosen."""
    return _reported(run, run.fold["test"], run.utterances, [_decided(run, entry) for entry in run.test_curve[-UNCHOSEN_EPOCHS:]])


def _decided(run: RunResult, entry: dict) -> list[str]:
    return [run.emotions[number] for number in entry["decisions"]]


def _reported(run: RunResult, part: str, utterances: Sequence[dict], decisions: Iterable[Sequence[str]]) -> Reported:
    ids, truth = (tuple(utterance[field] for utterance in utterances) for field in ("id", "emotion"))
    return Reported(part, run.seed, ids, truth, tuple(tuple(decided) for decided in decisions))


@dataclass(frozen=True)
class Mechanism:
    """A way in which a figure could have come about.

    Attributes:
        name: As tables call it.
        report: A run -> what is reported of it.
        change: What stands behind the system's name, such as `.batch-norm-judged`.
        protocol: Whose results.
        by_epoch: Whether the run has to have been judged after every epoch.
    """

    name: str
    report: Callable[[RunResult], Reported] = tested
    change: str = ""
    protocol: str = LEAVE_ONE_SPEAKER_OUT
    by_epoch: bool = False


_JUDGED = ".batch-norm-judged"
WORDED = Mechanism("as the paper words it: the validation speaker chooses the epoch, training's batch norm, the test speaker is reported")
MECHANISMS = (
    WORDED,
    Mechanism("nothing chosen: the last ten epochs", last_epochs, by_epoch=True),
    Mechanism("the validation speaker is reported", validated),
    Mechanism("the test speaker chooses the epoch", best_on_test, by_epoch=True),
    Mechanism("the test speaker chooses the epoch, and the machine", protocol=LEAKY_CHOICE),
    Mechanism("batch norm of the judged speaker", change=_JUDGED),
    Mechanism("batch norm of the judged speaker, nothing chosen", last_epochs, _JUDGED, by_epoch=True),
    Mechanism("batch norm of batches of 40", change=f"{_JUDGED}-40"),
    Mechanism("batch norm of batches of 60", change=f"{_JUDGED}-60"),
    Mechanism("batch norm of the speaker's other half", change=f"{_JUDGED}-halves"),
    Mechanism("batch norm of the judged speaker, the validation speaker is reported", validated, _JUDGED),
    Mechanism("batch norm of the judged speaker, the test speaker chooses the epoch", best_on_test, _JUDGED, by_epoch=True),
    Mechanism("waveforms standardised by the speaker", change=".waveform-by-speaker"),
    Mechanism("features normalised over the whole corpus", protocol=LEAKY_NORMALISATION),
    Mechanism("utterances split at random", protocol=LEAKY_RANDOM),
    Mechanism("segments split at random", protocol=LEAKY_SEGMENTS),
)
# A system, and the paper's figure that it is set beside: `narrow` is a narrower network of one convolution.
SYSTEMS = {
    "acrnn3d-1conv": "acrnn3d-1conv",
    "acrnn3d-5conv": "acrnn3d-5conv",
    "acrnn2d-1conv": "acrnn2d-5conv",
    "narrow": "acrnn3d-1conv",
    "dnn-elm": "dnn-elm",
}


@dataclass(frozen=True)
class Row:
    """A mechanism's figures for one system; percent, NaN where there is nothing to compute from.

    Attributes:
        system: The system's name.
        mechanism: Which.
        runs: Networks.
        folds: Parts that are reported.
        seeds: The seeds of the runs.
        uar: Mean over parts of the means over seeds.
        low: Lower end of its 95 % t interval.
        high: Upper end.
        std_runs: Deviation over runs.
        std_folds: Deviation over parts.
        std_low: Lower end of its 95 % interval, of normal parts.
        std_high: Upper end.
        difference: From `WORDED`, on the runs that both have; None for itself.
        four: UAR over the four speakers of the paper's figure; NaN where parts are no speakers.
        distance: From the paper's confusion matrix, see `distance`.
    """

    system: str
    mechanism: Mechanism
    runs: int
    folds: int
    seeds: int
    uar: float
    low: float
    high: float
    std_runs: float
    std_folds: float
    std_low: float
    std_high: float
    difference: Difference | None
    four: float
    distance: float


def rows(root: Path) -> list[Row]:
    """A row for each system and mechanism of which there are results of three folds at least.

    Args:
        root: Folder of the result files.

    Raises:
        ResultError: See `ser_acrnn.evaluation.results.collect`.
    """
    corpus = catalogue.corpus(CORPUS)
    runs: dict[tuple[str, str], list[RunResult]] = {}
    for protocol in dict.fromkeys(mechanism.protocol for mechanism in MECHANISMS):
        folder = root / folder_name(CORPUS, protocol)
        for run in results_of(root, corpus, protocol) if folder.is_dir() else []:
            runs.setdefault((protocol, run.system), []).append(run)
    found = []
    for system in SYSTEMS:
        own = runs.get((LEAVE_ONE_SPEAKER_OUT, system), [])
        watched = {_key(run) for run in own if run.test_curve}
        if len({speaker for speaker, _ in watched}) >= FEWEST_FOLDS:  # every mechanism of the same networks
            own = [run for run in own if _key(run) in watched]
        worded = [tested(run) for run in own]
        for mechanism in MECHANISMS:
            mine = runs.get((mechanism.protocol, system + mechanism.change), [])
            if mechanism.protocol == LEAVE_ONE_SPEAKER_OUT and not mechanism.change:
                mine = own
            reports = [mechanism.report(run) for run in mine if run.test_curve or not mechanism.by_epoch]
            said = [one for one in reports if one.ids]
            if len({one.part for one in said}) >= FEWEST_FOLDS:
                found.append(_row(system, mechanism, said, worded))
    return found


def _key(run: RunResult) -> tuple[str, int]:
    return run.fold["test"], run.seed


def _row(system: str, mechanism: Mechanism, said: Sequence[Reported], worded: Sequence[Reported]) -> Row:
    uars = np.array([one.uar for one in said])
    folds = by_part(said)
    means = np.array(list(folds.values()))
    low, high = rate_interval(means, 100)
    deviation = float(np.std(means, ddof=1)) if len(means) > 1 else math.nan
    published = CONFUSIONS[CORPUS]
    four = [folds[speaker] for speaker in published.speakers if speaker in folds]
    before = by_part(worded)
    common = [part for part in folds if part in before] if mechanism is not WORDED else []
    return Row(
        system=system,
        mechanism=mechanism,
        runs=len(said),
        folds=len(folds),
        seeds=len({one.seed for one in said}),
        uar=float(means.mean()),
        low=float(low),
        high=float(high),
        std_runs=float(np.std(uars, ddof=1)) if len(uars) > 1 else math.nan,
        std_folds=deviation,
        **dict(zip(("std_low", "std_high"), deviation_interval(deviation, len(means)), strict=True)),
        difference=Difference.over([folds[part] - before[part] for part in common]) if len(common) > 2 else None,
        four=float(np.mean(four)) if len(four) == len(published.speakers) else math.nan,
        distance=distance(said, published),
    )


def by_part(said: Sequence[Reported]) -> dict[str, float]:
    """UAR of each part, its seeds averaged, in order."""
    parts: dict[str, list[float]] = {}
    for one in said:
        parts.setdefault(one.part, []).append(one.uar)
    return {part: float(np.mean(parts[part])) for part in sorted(parts)}


def deviation_interval(deviation: float, number: int, level: float = 0.95) -> tuple[float, float]:
    """The interval of a standard deviation of so many normal values, by the chi-square distribution; NaN of fewer than three."""
    if number < 3:
        return math.nan, math.nan
    low, high = (deviation * math.sqrt((number - 1) / stats.chi2.ppf((1 + side * level) / 2, number - 1)) for side in (1, -1))
    return low, high


def distance(said: Sequence[Reported], published: Confusion) -> float:
    """How far the decisions on some speakers' utterances are from a published confusion matrix.

    Args:
        said: The posteriors of parts of the corpus; utterances of other speakers are passed over.
        published: The matrix, and whose utterances it shows.

    Returns:
        Percent of an emotion's decisions that would have to be others, averaged over emotions; NaN where an emotion is missing.
    """
    ours = confusion(said, published)
    return float(np.abs(ours - np.array(published.percent)).sum(axis=1).mean() / 2)


def confusion(said: Sequence[Reported], published: Confusion) -> NDArray[np.float64]:
    """Decisions on the utterances that a published matrix shows, in its order, in percent of the truth."""
    counts = np.zeros((len(published.emotions), len(published.emotions)))
    for one in said:
        shown = [index for index, name in enumerate(one.ids) if name.startswith(published.speakers)]
        if not shown:
            continue
        truth = [one.truth[index] for index in shown]
        for decided in one.decisions:
            counts += metrics.confusion(truth, [decided[index] for index in shown], published.emotions) / len(one.decisions)
    with np.errstate(invalid="ignore"):
        return 100 * counts / counts.sum(axis=1, keepdims=True)
