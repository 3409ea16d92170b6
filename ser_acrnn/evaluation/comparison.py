"""Two systems on the same folds and seeds: the mean difference of their UAR over folds, its interval and test, a family at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.evaluation.intervals import Difference, family
from ser_acrnn.evaluation.results import RunResult


@dataclass(frozen=True, kw_only=True)
class PairedDifference(Difference):
    """First less second, in UAR points (percent).

    Attributes:
        first: A system.
        second: Another one.
        runs: Pairs of runs with the same test speaker and seed.
        folds: Test speakers (or groups) among them.
    """

    first: str
    second: str
    runs: int
    folds: int


@dataclass(frozen=True, kw_only=True)
class Selection(Difference):
    """What a system's UAR is on the speakers on whom the epoch was chosen, less that of the same speakers when they are tested.

    Attributes:
        system: The system's name.
        runs: How many there are.
        chosen: UAR on the validation speaker at the chosen epoch, mean over speakers, percent.
        chosen_std: The standard deviation of `chosen` over runs.
        tested: UAR on the test speaker, mean over speakers, percent.
    """

    system: str
    runs: int
    chosen: float
    chosen_std: float
    tested: float


def selection(results: Sequence[RunResult]) -> Selection | None:
    """Compares validation and test UAR of one system, speaker by speaker; None with fewer than two who were both."""
    results = [run for run in results if run.fold["validation"] is not None]
    chosen, tested = (100 * np.array([getattr(run, score) for run in results]) for score in ("validation_uar", "uar"))
    validation = _by_fold(chosen, [run.fold["validation"] for run in results])
    test = _by_fold(tested, [run.fold["test"] for run in results])
    speakers = sorted(validation.keys() & test.keys())
    if len(speakers) < 2:
        return None
    return Selection.over(
        [validation[speaker] - test[speaker] for speaker in speakers],
        system=results[0].system,
        runs=len(results),
        chosen=float(np.mean([*validation.values()])),
        chosen_std=float(chosen.std(ddof=1)),
        tested=float(np.mean([*test.values()])),
    )


def paired_differences(
    results: Sequence[RunResult], pairs: Sequence[tuple[str, str]], score: Literal["uar", "validation_uar"] = "uar"
) -> list[PairedDifference]:
    """Compares systems on the runs that both have, the pairs of one table, which are corrected as one family.

    Args:
        results: Runs of one corpus; runs of other systems are passed over.
        pairs: Systems, the first and what it is compared with.
        score: What is compared, an attribute of the results.

    Returns:
        The mean differences over folds, in the order of the pairs, without those that have fewer than two test speakers in common.
    """
    named = {system for pair in pairs for system in pair}
    scored: dict[str, dict[tuple[str, int], float]] = {system: {} for system in named}
    for result in results:
        if result.system in named:
            scored[result.system][result.fold["test"], result.seed] = 100 * getattr(result, score)
    found = []
    for first, second in pairs:
        common = sorted(scored[first].keys() & scored[second].keys())
        differences = np.array([scored[first][key] - scored[second][key] for key in common])
        folds = _by_fold(differences, [speaker for speaker, _ in common])
        if len(folds) > 1:
            found.append(PairedDifference.over([*folds.values()], first=first, second=second, runs=len(common), folds=len(folds)))
    return family(found)


def _by_fold(values: NDArray[np.float64], folds: Sequence[str]) -> dict[str, float]:
    """The mean of each fold's figures, in the order of their names."""
    names = np.array(folds)
    return {name: float(values[names == name].mean()) for name in sorted(set(folds))}
