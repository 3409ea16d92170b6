"""Tests on labelled recordings: how right a model is, for whom, and whether it knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ser_acrnn.checking.bounds import Bounds
from ser_acrnn.checking.outcomes import Outcome
from ser_acrnn.evaluation import metrics
from ser_acrnn.evaluation.evaluating import Evaluation
from ser_acrnn.evaluation.intervals import FEWEST_FOLDS, LEVEL

SPEAKER, SEX = "speaker", "sex"
LENGTH, PITCH = "seconds", "pitch_hertz"  # columns that are measured
FEWEST_OF_A_GROUP = 10  # recordings whose UAR is worth a comparison
_THIRDS = ("lowest third", "middle third", "highest third")


def tests(table: pd.DataFrame, found: Evaluation, share_judged: float, bounds: Bounds) -> Iterator[Outcome]:
    """Yields the outcome of each test.

    Args:
        table: A row a judged recording: `truth`, `decision`, and where they are known `speaker`, `sex`, `seconds` and `pitch_hertz`.
        found: The same recordings, evaluated.
        share_judged: Share of the recordings that the model did not refuse.
        bounds: What passes.
    """
    yield Outcome("recordings are judged", "share of the recordings that the model does not refuse", share_judged, bounds.least_usable)
    yield _above_chance(found, bounds)
    yield _recall(found, bounds)
    yield _by_sex(table, bounds)
    yield from _by_speaker(table, bounds)
    yield _by_thirds(table, LENGTH, "length", "the recording's seconds", found.uar, bounds)
    yield _by_thirds(table, PITCH, "pitch", "the median fundamental frequency", found.uar, bounds)
    yield Outcome(
        "calibration",
        "expected calibration error, over ten bins of confidence",
        found.calibration_error,
        bounds.most_calibration_error,
        at_least=False,
        reason="" if np.isfinite(found.calibration_error) else "there are no posteriors",
    )


def gini(values: NDArray[np.floating]) -> float:
    """Gini coefficient: half the mean difference between two, over the mean; 0 where all are the same, or zero."""
    mean = values.mean()
    return float(np.abs(values[:, None] - values[None]).mean() / (2 * mean)) if mean else 0.0


def _above_chance(found: Evaluation, bounds: Bounds) -> Outcome:
    """The lower end over speakers where there are enough of them, else that of the recalls' standard errors."""
    chance = 1 / len(found.recall)
    if chance == 1:
        return Outcome("UAR above chance", "lower end of the UAR's 95 % interval", reason="the labels have one emotion alone")
    if found.groups is not None and found.groups.number >= FEWEST_FOLDS:
        low, what = found.groups.uar.low, f"{found.groups.column}s"
    else:
        counts = found.confusion.sum(axis=1)
        counts = counts[counts > 0]
        recalls = np.array(list(found.recall.values()))
        error = np.sqrt(np.sum(recalls * (1 - recalls) / counts)) / len(counts)
        low, what = found.uar - stats.norm.ppf((1 + LEVEL) / 2) * error, "recordings"
    about = f"lower end of the UAR's 95 % interval over {what}; chance is {chance:.3f}"
    details = {"UAR": found.uar, "WA": found.wa, "macro F1": found.macro_f1}
    return Outcome("UAR above chance", about, low, chance + bounds.least_above_chance, details=details)


def _recall(found: Evaluation, bounds: Bounds) -> Outcome:
    """With Wilson's interval of each."""
    details: dict[str, float] = {}
    for emotion, recall in found.recall.items():
        place = found.emotions.index(emotion)
        number = int(found.confusion[place].sum())
        interval = stats.binomtest(int(found.confusion[place, place]), number).proportion_ci(LEVEL, "wilson")
        details |= {emotion: recall, f"{emotion}, from": interval.low, f"{emotion}, to": interval.high}
    chance = 1 / len(found.recall)
    return Outcome(
        "recall of each emotion",
        "the lowest recall",
        min(found.recall.values()),
        bounds.least_recall * chance,
        details=details,
        of_each=True,
    )


def _by_sex(table: pd.DataFrame, bounds: Bounds) -> Outcome:
    name, about = "sex", "largest difference of the UAR between sexes"
    groups = _uars(table, SEX) if SEX in table else {}
    if len(groups) < 2:
        return Outcome(name, about, reason=f"the labels have no column {SEX!r} with {FEWEST_OF_A_GROUP} recordings of two sexes")
    return Outcome(name, about, max(groups.values()) - min(groups.values()), bounds.most_sex_difference, at_least=False, details=groups)


def _by_speaker(table: pd.DataFrame, bounds: Bounds) -> Iterator[Outcome]:
    groups = _uars(table, SPEAKER, 1) if SPEAKER in table else {}
    values = np.array(list(groups.values()))
    reason = "" if len(groups) > 1 else "there are no two speakers"
    spread, worst = "Gini coefficient of the speakers' UAR", "the lowest UAR of a speaker over the speakers' mean"
    if reason:
        yield Outcome("speakers' spread", spread, reason=reason)
        yield Outcome("worst speaker", worst, reason=reason)
        return
    details = {**groups, "mean": float(values.mean()), "standard deviation": float(values.std(ddof=1))}
    yield Outcome("speakers' spread", spread, gini(values), bounds.most_gini, at_least=False, details=details)
    share = float(values.min() / values.mean()) if values.mean() else 0.0
    yield Outcome("worst speaker", worst, share, bounds.least_worst_speaker)


def _by_thirds(table: pd.DataFrame, column: str, name: str, what: str, uar: float, bounds: Bounds) -> Outcome:
    about = f"by how much the UAR of a third of the recordings, by {what}, falls below that of all"
    known = table[table[column].notna()] if column in table else table[:0]
    if known.empty:
        return Outcome(name, about, reason="it cannot be measured without the recordings")
    if (values := known[column].nunique()) < len(_THIRDS):
        return Outcome(name, about, reason=f"the recordings have {values} such values, expected {len(_THIRDS)} or more to part them by")
    thirds = pd.qcut(known[column].rank(method="first"), len(_THIRDS), labels=list(_THIRDS)).astype(str)
    groups = _uars(known.assign(third=thirds), "third")
    if len(groups) < len(_THIRDS):
        return Outcome(name, about, reason=f"a third of the recordings are fewer than {FEWEST_OF_A_GROUP}")
    return Outcome(name, about, max(0.0, uar - min(groups.values())), bounds.most_group_loss, at_least=False, details=groups)


def _uars(table: pd.DataFrame, column: str, fewest: int = FEWEST_OF_A_GROUP) -> Mapping[str, float]:
    """UAR of the recordings of each value."""
    return {
        str(value): metrics.unweighted_average_recall(own["truth"], own["decision"])
        for value, own in table.groupby(column)
        if len(own) >= fewest and str(value)
    }
