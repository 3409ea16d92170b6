"""Finished runs -> figures a system: means, deviations, intervals, pooled confusion; and the published numbers beside them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ser_acrnn.evaluation import metrics
from ser_acrnn.evaluation.ensembles import with_seed_ensembles
from ser_acrnn.evaluation.intervals import rate_interval
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
            "uar": result.uar,
            "wa": result.wa,
            "f1": result.macro_f1,
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


@dataclass(frozen=True)
class Summary:
    """Runs of a corpus under a protocol and their figures, computed once and handed to whatever shows them.

    Attributes:
        results: The runs.
        rows: System -> its figures, in the order in which the results name them.
    """

    results: Sequence[RunResult]
    rows: Mapping[str, SystemSummary]

    @classmethod
    def of(cls, results: Sequence[RunResult], published: Mapping[str, Published] | None = None) -> Self:
        """Computes the figures.

        Args:
            results: Runs of one corpus.
            published: Number of each system that has one.
        """
        nothing = Published(math.nan, math.nan, "")
        systems = _by_system(results)
        return cls(results, {system: _row(system, runs, (published or {}).get(system, nothing)) for system, runs in systems.items()})

    @cached_property
    def by_system(self) -> Mapping[str, list[RunResult]]:
        """System -> its runs, in the order of `rows`."""
        return _by_system(self.results)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """A row for each run, with its UAR, WA and macro F1."""
        return scores(self.results)

    @cached_property
    def with_seeds(self) -> Summary:
        """The same, and behind each system that has three seeds or more those seeds judging together."""
        results = with_seed_ensembles(self.results)
        rows = {**self.rows, **Summary.of([run for run in results if run.system not in self.rows]).rows}
        return Summary(results, {system: rows[system] for system in _by_system(results)})

    def part(self, systems: Iterable[str]) -> Summary:
        """The same of some systems alone, in their order; those that have not been run are passed over."""
        names = [system for system in systems if system in self.rows]
        return Summary([run for name in names for run in self.by_system[name]], {name: self.rows[name] for name in names})


def _by_system(results: Iterable[RunResult]) -> dict[str, list[RunResult]]:
    systems: dict[str, list[RunResult]] = {}
    for result in results:
        systems.setdefault(result.system, []).append(result)
    return systems


def _row(system: str, results: Sequence[RunResult], paper: Published) -> SystemSummary:
    runs = scores(results)
    folds = 100 * runs.groupby("speaker")[["uar", "wa", "f1"]].mean()
    low, high = rate_interval(folds["uar"], 100)
    return SystemSummary(
        system=system,
        runs=len(runs),
        folds=len(folds),
        seeds=runs["seed"].nunique(),
        uar=folds["uar"].mean(),
        std_runs=100 * runs["uar"].std(),
        std_folds=folds["uar"].std(),
        low=low,
        high=high,
        pooled_uar=100 * metrics.unweighted_average_recall(*pooled(results)),
        wa=folds["wa"].mean(),
        f1=folds["f1"].mean(),
        paper=paper.mean,
        paper_std=paper.deviation,
    )


def pooled(results: Sequence[RunResult]) -> tuple[list[str], list[str]]:
    """Truth and decisions of all test utterances of some runs, one after the other."""
    truth = [emotion for result in results for emotion in result.truth]
    return truth, [emotion for result in results for emotion in result.decisions]


def confusion_percent(results: Sequence[RunResult]) -> NDArray[np.float64]:
    """Confusion pooled over runs, rows = truth, in percent of the row; a class that never occurs has a row of zeros."""
    counts = metrics.confusion(*pooled(results), results[0].emotions).astype(float)
    return 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
