"""Two systems on the same folds and seeds: the mean difference of their UAR, its interval, and a signed-rank test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ser_acrnn import metrics
from ser_acrnn.results import RunResult


@dataclass(frozen=True)
class PairedDifference:
    """First less second, in UAR points (percent).

    Attributes:
        first: A system.
        second: Another one.
        runs: Pairs of runs with the same test speaker and seed.
        folds: Test speakers (or groups) among them.
        mean: Mean difference over the pairs.
        low: Lower end of the 95 % bootstrap interval over folds.
        high: Its upper end.
        p_value: Two-sided Wilcoxon signed-rank test on the folds' mean differences: seeds of one fold are not independent.
    """

    first: str
    second: str
    runs: int
    folds: int
    mean: float
    low: float
    high: float
    p_value: float


def uar_on_test(result: RunResult) -> float:
    """UAR on the test part, percent."""
    return 100 * metrics.unweighted_average_recall(*result.decided(result.utterances))


def uar_on_validation(result: RunResult) -> float:
    """UAR on the validation part at the chosen epoch, percent: what may decide between systems.

    Of its decisions where the result has them, else as the curve has it.

    Raises:
        ValueError: Nobody validated.
    """
    if result.fold["validation"] is None:
        raise ValueError(f"{result.system}, test part {result.fold['test']}: nobody validated, expected a validation part")
    if result.validation_utterances:
        return 100 * metrics.unweighted_average_recall(*result.decided(result.validation_utterances))
    return 100 * next(entry["validation_uar"] for entry in result.validation_curve if entry["epoch"] == result.chosen_epoch)


@dataclass(frozen=True)
class Selection:
    """What a system's UAR is on the speakers on whom the epoch was chosen, beside the same speakers when they are tested.

    Attributes:
        system: Its name.
        runs: How many there are.
        chosen: UAR on the validation speaker at the chosen epoch, mean over runs, percent.
        chosen_std: Its standard deviation over runs.
        tested: UAR on the test speaker, mean over runs, percent.
        difference: Mean over speakers of the first less the second, each averaged over a speaker's runs.
        low: Lower end of its 95 % bootstrap interval over speakers.
        high: Upper end.
    """

    system: str
    runs: int
    chosen: float
    chosen_std: float
    tested: float
    difference: float
    low: float
    high: float


def selection(results: Sequence[RunResult]) -> Selection | None:
    """Compares validation and test UAR of one system, speaker by speaker; None with fewer than two who were both."""
    results = [run for run in results if run.fold["validation"] is not None]
    chosen, tested = np.array([uar_on_validation(run) for run in results]), np.array([uar_on_test(run) for run in results])
    validation, test = np.array([run.fold["validation"] for run in results]), np.array([run.fold["test"] for run in results])
    speakers = np.intersect1d(validation, test)
    if len(speakers) < 2:
        return None
    gains = np.array([chosen[validation == speaker].mean() - tested[test == speaker].mean() for speaker in speakers])
    low, high = metrics.bootstrap_interval(gains, speakers)
    figures = map(float, (chosen.mean(), chosen.std(ddof=1), tested.mean(), gains.mean(), low, high))
    return Selection(results[0].system, len(results), *figures)


def paired_difference(
    results: Sequence[RunResult], first: str, second: str, score: Callable[[RunResult], float] = uar_on_test
) -> PairedDifference | None:
    """Compares two systems on the runs that both have.

    Args:
        results: Of one corpus; runs of other systems are passed over.
        first: A system.
        second: Another one.
        score: What is compared.

    Returns:
        The comparison; None with fewer than two test speakers in common.
    """
    uar: dict[str, dict[tuple[str, int], float]] = {first: {}, second: {}}
    for result in results:
        if result.system in uar:
            uar[result.system][result.fold["test"], result.seed] = score(result)
    common = sorted(set(uar[first]) & set(uar[second]))
    speakers = np.array([speaker for speaker, _ in common])
    differences = np.array([uar[first][key] - uar[second][key] for key in common])
    folds = np.array([differences[speakers == speaker].mean() for speaker in np.unique(speakers)])
    if len(folds) < 2:
        return None
    low, high = metrics.bootstrap_interval(differences, speakers)
    p_value = float(stats.wilcoxon(folds).pvalue) if np.any(folds) else 1.0
    return PairedDifference(first, second, len(common), len(folds), float(differences.mean()), low, high, p_value)
