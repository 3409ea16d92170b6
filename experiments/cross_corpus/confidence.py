"""How sure networks are on corpora that they have not heard, beside how often they are right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments import catalogue
from experiments.cross_corpus.results import CONDITIONS, parts
from ser_acrnn.evaluation import report
from ser_acrnn.evaluation.calibration import ScoredUtterances, reliability, scored_utterances
from ser_acrnn.evaluation.results import RunResult


def scored(result: RunResult) -> ScoredUtterances:
    """The recordings that were judged, over all emotions that the network knows."""
    return scored_utterances([one for one in result.utterances if one["posteriors"]], result.emotions)


def of_networks(results: Sequence[RunResult]) -> list[RunResult]:
    """Those whose posteriors are probabilities, which a machine's scores are not; by network, what was heard and tested corpus."""
    order = list(CONDITIONS)

    def place(result: RunResult) -> tuple[str, int, str]:
        judge, condition = parts(result.system)
        return judge, order.index(condition), result.corpus

    return sorted((one for one in results if not one.system.startswith("opensmile")), key=place)


def table(results: Sequence[RunResult]) -> str:
    """Right decisions, mean confidence and expected calibration error in percent, as Markdown; empty without a network."""
    rows = []
    for one in of_networks(results):
        judge, condition = parts(one.system)
        judged = scored(one)
        figures = (np.mean(judged.right), np.mean(judged.confidence), reliability(judged).error)
        rows.append([f"`{judge}`", condition, catalogue.corpus(one.corpus).title, *(f"{100 * value:.1f}" for value in figures)])
    heads = ["network", "heard before", "judged on", "right, %", "mean confidence, %", "calibration error, %"]
    return report.markdown_table(heads, rows) if rows else ""
