"""Networks beside that of Emo-DB alone, on corpora that neither has heard: differences of UAR, paired by speaker, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from experiments import catalogue
from experiments.cross_corpus.recordings import SETS, shared
from experiments.cross_corpus.results import CONDITIONS, decisions, parts
from ser_acrnn.evaluation import metrics
from ser_acrnn.evaluation.intervals import TESTED, Difference, compared, family
from ser_acrnn.evaluation.markdown import markdown_table
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.evaluation.results_manifest import ResultError

BESIDE = "acrnn3d-emodb"
HEADS = ["network", "judged on", "heard before", "emotions", "speakers", f"UAR points less `{BESIDE}`", *TESTED]


def table(results: Sequence[RunResult]) -> str:
    """Each network less the one of Emo-DB alone, under the same condition on the same recordings; one family of comparisons.

    Returns:
        Markdown; empty where no two networks have judged the same corpus.

    Raises:
        ResultError: Two were judged on other recordings of it.
    """
    of_networks = [one for one in results if "network" in one.config]
    beside = {(one.corpus, parts(one.system)[1]): one for one in of_networks if one.config["network"] == BESIDE}
    rows: list[list[str]] = []
    found: list[Difference] = []
    for result in sorted(of_networks, key=lambda one: (one.config["network"], one.corpus, list(CONDITIONS).index(parts(one.system)[1]))):
        network, condition = parts(result.system)
        other = beside.get((result.corpus, condition))
        if other is None or other is result:
            continue
        if _judged(result) != _judged(other):
            raise ResultError(f"{result.system} and {other.system} on {result.corpus}: are of other recordings, expected the same")
        corpus, both = catalogue.corpus(result.corpus), set(result.emotions) & set(other.emotions)
        for emotions in dict.fromkeys(shared(wanted, [both], corpus.emotions) for wanted in SETS.values()):
            points = [100 * (mine - its) for mine, its in zip(by_speaker(result, emotions), by_speaker(other, emotions), strict=True)]
            rows.append([f"`{network}`", corpus.title, condition, str(len(emotions)), str(len(points))])
            found.append(Difference.over(points))
    return markdown_table(HEADS, [row + compared(one) for row, one in zip(rows, family(found), strict=True)]) if rows else ""


def by_speaker(result: RunResult, emotions: Iterable[str]) -> list[float]:
    """UAR over some emotions of each speaker who has any of them, in the order of their names, 0 to 1."""
    wanted = list(emotions)
    mine = sorted((one for one in result.utterances if one["emotion"] in wanted), key=lambda one: one["speaker"])
    of_each = [replace(result, utterances=list(own)) for _, own in groupby(mine, key=lambda one: one["speaker"])]
    return [metrics.unweighted_average_recall(*decisions(part, wanted)) for part in of_each]


def _judged(result: RunResult) -> list[tuple[str, str]]:
    return sorted((one["id"], one["emotion"]) for one in result.utterances)
