"""Finished runs -> figures a system: means, deviations, intervals, pooled confusion; and the published numbers beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ser_acrnn.evaluation import metrics
from ser_acrnn.evaluation.intervals import t_interval
from ser_acrnn.evaluation.results import RunResult


@dataclass(frozen=True)
class Published:
    """A published number: UAR in percent, mean and standard deviation, and the table that it stands in."""

    mean: float
    deviation: float
    table: str


def scores(results: Sequence[RunResult]) -> pd.DataFrame:
    """One row a run: `system, protocol, speaker, seed, uar, wa, f1` (0 to 1), `chosen_epoch, epochs, precision, backend, device,
    wall_seconds`; speaker is the test part of the fold, whatever the protocol splits by."""
    rows = [
        {
            "system": result.system,
            "protocol": result.protocol,
            "speaker": result.fold["test"],
            "seed": result.seed,
            "uar": metrics.unweighted_average_recall(result.truth, result.decisions),
            "wa": metrics.weighted_accuracy(result.truth, result.decisions),
            "f1": metrics.macro_f1(result.truth, result.decisions),
            "chosen_epoch": result.chosen_epoch,
            "epochs": len(result.validation_curve),
            "precision": result.precision,
            "backend": result.backend,
            "device": result.device,
            "wall_seconds": result.wall_seconds,
        }
        for result in results
    ]
    return pd.DataFrame(rows).sort_values(["system", "speaker", "seed"], ignore_index=True)


@dataclass(frozen=True)
class SystemSummary:
    """One system on one corpus; rates in percent, NaN where there is nothing to compute from.

    Attributes:
        system: The system's name.
        runs: Finished runs.
        folds: Test speakers among them.
        seeds: Seeds among them.
        uar: Mean over folds of the mean over a fold's runs; where all folds have as many seeds, the mean over runs.
        std_runs: Sample standard deviation over runs.
        std_folds: Sample standard deviation over the folds' means.
        low: Lower end of the 95 % t interval over folds; NaN with fewer than three.
        high: The upper end of the interval.
        pooled_uar: UAR of all test decisions put together.
        wa: Weighted accuracy, mean over folds.
        f1: Macro F1, mean over folds.
        paper: Published mean.
        paper_std: Published standard deviation.
    """

    system: str
    runs: int
    folds: int
    seeds: int
    uar: float
    std_runs: float
    std_folds: float
    low: float
    high: float
    pooled_uar: float
    wa: float
    f1: float
    paper: float
    paper_std: float

    @property
    def difference(self) -> float:
        """Ours less the published mean."""
        return self.uar - self.paper


def summary(results: Sequence[RunResult], published: Mapping[str, Published] | None = None) -> list[SystemSummary]:
    """One row a system, in the order in which the results name them.

    Args:
        results: Runs of one corpus.
        published: Number of each system that has one.
    """
    nothing = Published(math.nan, math.nan, "")
    rows = []
    for system in dict.fromkeys(result.system for result in results):
        mine = [result for result in results if result.system == system]
        runs = scores(mine)
        folds = 100 * runs.groupby("speaker")[["uar", "wa", "f1"]].mean()
        low, high = t_interval(folds["uar"])
        paper = (published or {}).get(system, nothing)
        rows.append(
            SystemSummary(
                system=system,
                runs=len(runs),
                folds=len(folds),
                seeds=runs["seed"].nunique(),
                uar=folds["uar"].mean(),
                std_runs=100 * runs["uar"].std(),
                std_folds=folds["uar"].std(),
                low=low,
                high=high,
                pooled_uar=100 * metrics.unweighted_average_recall(*pooled(mine)),
                wa=folds["wa"].mean(),
                f1=folds["f1"].mean(),
                paper=paper.mean,
                paper_std=paper.deviation,
            )
        )
    return rows


def pooled(results: Sequence[RunResult]) -> tuple[list[str], list[str]]:
    """Truth and decisions of all test utterances of some runs, one after the other."""
    truth = [emotion for result in results for emotion in result.truth]
    return truth, [emotion for result in results for emotion in result.decisions]


def confusion_percent(results: Sequence[RunResult]) -> NDArray[np.float64]:
    """Confusion pooled over runs, rows = truth, in percent of the row; a class that never occurs has a row of zeros."""
    counts = metrics.confusion(*pooled(results), results[0].emotions).astype(float)
    return 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
