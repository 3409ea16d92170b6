"""How sure a mean over folds is: t intervals, the t test that goes with them, Holm's correction, and how they are printed.

A fold tests one speaker, and its seeds are not independent, so that everything here takes one figure a fold. Folds are taken as
independent draws of speakers; that their networks share most of the training speakers is in no interval. What the intervals cover is
simulated by `experiments.studies.coverage`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

FEWEST_FOLDS = 3  # of two, the interval would reach 13 standard errors to either side of the mean
CHANCE = 0.05
LEVEL = 1 - CHANCE


def t_interval(means: ArrayLike, level: float = LEVEL) -> NDArray[np.float64]:
    """Student's t interval of a mean over folds.

    Args:
        means: The mean over seeds of each fold, shape `(..., folds)`.
        level: Coverage.

    Returns:
        Lower and upper end, shape `(..., 2)`; NaN with fewer than `FEWEST_FOLDS` folds.
    """
    values = np.asarray(means, float)
    folds = values.shape[-1]
    if folds < FEWEST_FOLDS:
        return np.full((*values.shape[:-1], 2), np.nan)
    half = stats.t.ppf((1 + level) / 2, folds - 1) * values.std(axis=-1, ddof=1) / np.sqrt(folds)
    return np.stack([values.mean(axis=-1) - half, values.mean(axis=-1) + half], axis=-1)


def rate_interval(means: ArrayLike, whole: float = 1.0) -> NDArray[np.float64]:
    """The t interval of a mean rate, as far as it can be one: cut at 0 and at `whole`, which leaves out no mean that there can be.

    Args:
        means: See `t_interval`.
        whole: The highest rate, 100 of rates in percent.

    Returns:
        See `t_interval`.
    """
    return np.clip(t_interval(means), 0, whole)


def t_test(differences: ArrayLike) -> float:
    """Two-sided p-value of Student's t test that a mean over folds is zero; of paired differences, the paired t test.

    It is below 0.05 just where the 95 % interval leaves out zero. Wilcoxon's signed-rank test, which needs no normal differences, is not
    taken: its least p-value is 2 / 2 ** folds, 0.0625 with five folds and 0.002 with ten, so that after Holm's correction nothing could
    be shown by five folds, nor by ten in a table of more than 25 comparisons, however large the differences are.

    Args:
        differences: The mean over seeds of each fold, shape `(folds,)`.

    Returns:
        0 to 1; NaN with fewer than `FEWEST_FOLDS` folds.
    """
    values = np.asarray(differences, float)
    if len(values) < FEWEST_FOLDS:
        return math.nan
    error = values.std(ddof=1) / np.sqrt(len(values))
    if error == 0:
        return 0.0 if values.any() else 1.0
    return float(2 * stats.t.sf(abs(values.mean()) / error, len(values) - 1))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Holm's step-down correction, which holds the chance of any false finding among some comparisons, dependent or not.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.

    Args:
        p_values: The p-values of one family's comparisons; NaN where nothing was tested, which counts for nothing.

    Returns:
        Same shape: the least of m p-values times m, the next one times m - 1 and so on, none less than the one before, at most 1.
    """
    p = np.asarray(p_values, float)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]  # NaN come last
    corrected = np.full(p.shape, np.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1)
    return corrected


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A mean difference over folds.

    Attributes:
        mean: The mean of the folds' mean differences.
        low: Lower end of its 95 % t interval; NaN with fewer than three folds.
        high: Upper end.
        p_value: See `t_test`.
        p_holm: After Holm's correction over the family that it is one of; NaN where it stands alone, or was not tested.
    """

    mean: float
    low: float
    high: float
    p_value: float
    p_holm: float = math.nan

    @classmethod
    def over(cls, differences: ArrayLike, **more: Any) -> Self:
        """The difference from one figure a fold, shape `(folds,)`; `more` are a subclass's own attributes."""
        values = np.asarray(differences, float)
        low, high = t_interval(values)
        return cls(mean=float(values.mean()), low=float(low), high=float(high), p_value=t_test(values), **more)

    @property
    def verdict(self) -> str:
        """`gain` or `loss` where Holm's correction leaves less than 5 %, else `within chance`; empty where nothing was tested."""
        if math.isnan(self.p_holm):
            return ""
        return "within chance" if self.p_holm >= CHANCE else "gain" if self.mean > 0 else "loss"


Compared = TypeVar("Compared", bound=Difference)


def family(differences: Sequence[Compared]) -> list[Compared]:
    """The same differences as one family, such as the rows of a table: each with its p-value after Holm's correction."""
    corrected = holm([difference.p_value for difference in differences])
    return [replace(difference, p_holm=float(p)) for difference, p in zip(differences, corrected, strict=True)]


def ends(low: float, high: float, sign: str = "") -> str:
    """An interval as text, such as `75.2 to 85.9`; nothing where there is none."""
    return "" if math.isnan(low) else f"{low:{sign}.1f} to {high:{sign}.1f}"


def around(mean: float, low: float, high: float, sign: str = "", decimals: int = 1) -> str:
    """A mean and its interval in brackets; the mean alone where there is no interval."""
    interval = ends(low, high, sign)
    return f"{mean:{sign}.{decimals}f}" + (f" ({interval})" if interval else "")


TESTED = ["p", "p after Holm", "verdict"]  # heads above `tested`


def tested(difference: Difference) -> list[str]:
    """Cells of a table: p, p after Holm, and the verdict."""
    return [*(_probability(p) for p in (difference.p_value, difference.p_holm)), difference.verdict]


def compared(difference: Difference | None, decimals: int = 1) -> list[str]:
    """Cells of a table: the mean with its interval, and `tested`; all empty where there is nothing to compare."""
    if difference is None:
        return [""] * (1 + len(TESTED))
    return [around(difference.mean, difference.low, difference.high, "+", decimals), *tested(difference)]


def _probability(p: float) -> str:
    return "" if math.isnan(p) else "< 0.001" if p < 0.0005 else f"{p:.3f}"
