"""What a network of several corpora is worth on voices of one of them that it has not heard, beside networks of that corpus alone.

The results of both are read; `experiments.studies.speakers_left_out` computes the first, the corpus's own grid the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from experiments import catalogue
from experiments.cross_corpus.results import decisions
from experiments.studies.left_out import SEED
from ser_acrnn.data.pooled import BETWEEN
from ser_acrnn.evaluation import metrics, report, results_manifest
from ser_acrnn.evaluation.intervals import TESTED, Difference, compared, ends, family, rate_interval
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.evaluation.results_manifest import ResultError

FOLDER, PROTOCOL = "open-corpora-speakers", "leave-speakers-of-one-corpus-out"
ALONE = ("best-by-utterance", "best-by-utterance.robust-short-pauses")  # what the corpus alone is judged by


def finished(recipe: str, corpus: str, results: Path) -> list[RunResult]:
    """The results of a recipe on the speakers of a corpus that are there."""
    return [RunResult.load(path) for path in sorted((results / FOLDER / recipe).glob(f"{corpus}-*-seed{SEED}.json"))]


def by_speaker(found: Iterable[RunResult], emotions: Sequence[str], speakers: Mapping[str, str]) -> dict[str, float]:
    """UAR in percent of each speaker, over the emotions that are asked of and that the speaker has.

    Args:
        found: Results, in which no utterance is twice.
        emotions: Utterances of others are left out, and none of others is decided for.
        speakers: Utterance -> speaker, of all of the corpus.

    Raises:
        ResultError: An utterance is not of the corpus, or twice.
    """
    pairs: dict[str, list[tuple[str, str]]] = {}
    seen: set[str] = set()
    for one in found:
        judged = [each["id"].rpartition(BETWEEN)[2] for each in one.utterances if each["emotion"] in emotions]
        if wrong := sorted({name for name in judged if name not in speakers} | seen.intersection(judged)):
            raise ResultError(
                f"{one.system}, {one.fold['test']}: {wrong[:3]} are not of the corpus, or twice, expected its utterances, each once"
            )
        seen.update(judged)
        for name, truth, said in zip(judged, *decisions(one, emotions), strict=True):
            pairs.setdefault(speakers[name], []).append((truth, said))
    return {speaker: 100 * metrics.unweighted_average_recall(*zip(*both, strict=True)) for speaker, both in sorted(pairs.items())}


def table(recipe: str, corpus: str, results: Path) -> str:
    """UAR over speakers of a recipe and of networks of the corpus alone, and what the recipe gains over each, as Markdown.

    Returns:
        Nothing without results of the recipe.

    Raises:
        ResultError: A result is not of the corpus.
    """
    if not (mine := finished(recipe, corpus, results)):
        return ""
    speakers = {row.utterance: row.speaker for row in results_manifest.read(results / corpus) or ()}
    emotions = [emotion for emotion in mine[0].emotions if emotion in catalogue.corpus(corpus).emotions]
    pooled = by_speaker(mine, emotions, speakers)
    rows, differences = [[f"`{recipe}`", *_cells(pooled)]], []
    for system in ALONE:
        runs = [RunResult.load(path) for path in sorted((results / corpus / system).glob(f"*-seed{SEED}.json"))]
        alone = by_speaker(runs, emotions, speakers)
        both = sorted(alone.keys() & pooled.keys())
        rows.append([f"`{system}`", *_cells(alone)])
        differences.append(Difference.over([pooled[one] - alone[one] for one in both]) if both else None)
    tested = iter(family([one for one in differences if one is not None]))
    columns = [compared(None), *(compared(next(tested) if one is not None else None) for one in differences)]
    heads = ["network", "speakers", "UAR, %", "95 % interval", "the first less this one, on speakers of both", *TESTED]
    return report.markdown_table(heads, [[*row, *cells] for row, cells in zip(rows, columns, strict=True)])


def _cells(uars: Mapping[str, float]) -> list[str]:
    values = list(uars.values())
    if not values:
        return ["0", "", ""]
    deviation = f" ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
    return [str(len(values)), f"{np.mean(values):.1f}{deviation}", ends(*rate_interval(values, 100))]
