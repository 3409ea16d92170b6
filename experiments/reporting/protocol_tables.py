"""The same systems under other conditions: splits that leak, sentences left out, adaptation to recordings that are not judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from experiments import catalogue
from experiments.catalogue import ablations
from ser_acrnn.evaluation import report
from ser_acrnn.evaluation.comparison import paired_differences
from ser_acrnn.evaluation.intervals import TESTED, around, compared
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.evaluation.summary import Summary


def leaky_table(honest: Summary, leaky: Mapping[str, Summary]) -> str:
    """By how much a split flatters: the systems that were run under a leaky protocol, beside the same under the honest one.

    Args:
        honest: Results of leave-one-speaker-out.
        leaky: Protocol -> its results.

    Returns:
        Markdown; empty where no system was run under both.
    """
    rows, left = [], honest.rows
    for protocol, summary in leaky.items():
        right = summary.rows
        names = catalogue.titles(catalogue.order(left.keys() & right.keys()))
        rows += [
            [
                protocol,
                name,
                *(f"{report.spread(side[system].uar, side[system].std_runs)} ({side[system].runs})" for side in (left, right)),
                f"{right[system].uar - left[system].uar:+.2f}",
            ]
            for system, name in names.items()
        ]
    heads = ["protocol", "system", "UAR (runs), leave-one-speaker-out", "UAR (runs), under it", "difference"]
    return report.markdown_table(heads, rows) if rows else ""


def texts_table(honest: Summary, texts: Summary) -> str:
    """What is left where neither the speaker nor the sentence is known, beside leave-one-speaker-out, speaker by speaker.

    A speaker's decisions on all sentences are put together, each by the network that has not heard it, so that both figures are over
    the same utterances.

    Args:
        honest: Results of leave-one-speaker-out.
        texts: Those of leave-one-speaker-and-texts-out.

    Returns:
        Markdown; empty where no system was run under both.
    """
    unheard = Summary.of(by_speaker(texts.results))
    systems = catalogue.order(honest.rows.keys() & unheard.rows.keys())
    both = [*honest.part(systems).results, *(replace(run, system=f"{run.system} texts") for run in unheard.results)]
    found = {pair.second: pair for pair in paired_differences(both, [(f"{system} texts", system) for system in systems])}
    rows = []
    for system, name in catalogue.titles(systems).items():
        plain, left = honest.rows[system], unheard.rows[system]
        cells = [around(row.uar, row.low, row.high) for row in (plain, left)]
        rows.append([name, report.folds_by_seeds(left), *cells, *compared(found.get(system), 2)])
    heads = ["system", "speakers x seeds", "leave-one-speaker-out", "sentences left out too", "difference by speaker", *TESTED]
    return report.markdown_table(heads, rows) if rows else ""


def by_speaker(results: Iterable[RunResult]) -> list[RunResult]:
    """Runs of leave-one-speaker-and-texts-out put together, one a speaker; those of which sentences are missing are left out."""
    parts: dict[tuple[str, str, int], list[RunResult]] = {}
    for run in results:
        parts.setdefault((run.system, run.fold["test"].partition("-")[0], run.seed), []).append(run)
    most = max(map(len, parts.values()), default=0)
    return [
        replace(
            runs[0],
            fold={**runs[0].fold, "test": speaker, "validation": None},
            utterances=[utterance for run in runs for utterance in run.utterances],
            validation_utterances=[],
        )
        for (_, speaker, _), runs in sorted(parts.items())
        if len(runs) == most
    ]


def disjoint_table(summary: Summary) -> str:
    """Adapted networks by what they have heard: everything, or only recordings that they are not judged on; empty where none was run.

    Args:
        summary: The summary of one corpus, with the systems that judge together.
    """
    figures = summary.rows
    systems = [*catalogue.ADAPTED.values(), "best-adapted"]
    rows = []
    for system in systems:
        heard = [system, *(f"{system}.{change}" for change in ablations.DISJOINT)]
        if any(name in figures for name in heard[1:]):
            cells = [around(row.uar, row.low, row.high) if (row := figures.get(name)) else "" for name in heard]
            runs = " / ".join(str(figures[name].runs) if name in figures else "0" for name in heard)
            rows.append([catalogue.titles([system])[system], *cells, runs])
    heads = ["UAR (95 % interval over folds), adapted to", "everything, the judged included", "the other half", "16 others", "8 others"]
    return report.markdown_table([*heads, "runs of each"], rows) if rows else ""
