"""One of the paper's tables as a page: its numbers beside ours, paired comparisons, confusion beside its figure, and its riddles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from data_prep.loader import Corpus
from experiments import catalogue
from experiments.catalogue import ablations
from experiments.catalogue.published import BEST_DEPTH, CONFUSIONS, PUBLISHED, Confusion, inconsistencies
from ser_acrnn import files
from ser_acrnn.evaluation import drawing, figures, metrics, report
from ser_acrnn.evaluation.comparison import paired_differences, selection
from ser_acrnn.evaluation.intervals import TESTED, compared, ends, family
from ser_acrnn.evaluation.protocol import LEAVE_ONE_SPEAKER_OUT
from ser_acrnn.evaluation.summary import Summary, confusion_percent, pooled

TITLES = {"table1": "Table I, number of convolutions", "table2": "Table II, systems"}


def write(table: str, corpus: Corpus, summary: Summary, directory: Path) -> Path | None:
    """Writes `<table>.md` and, for Table II, `<table>-confusion.png`.

    Args:
        table: `table1` or `table2`.
        corpus: The corpus of the results; a variant is set beside the numbers of the corpus that it is a variant of.
        summary: The summary of all runs of the corpus; other systems are passed over.
        directory: Where to write.

    Returns:
        The page; None where there is no run of the table's systems under the paper's protocol, or the paper has no such table of the
        corpus.
    """
    systems = catalogue.table_systems(table, corpus) if catalogue.base(corpus.name) in BEST_DEPTH else []
    mine = summary.part(systems)
    if not mine.rows or mine.results[0].protocol != LEAVE_ONE_SPEAKER_OUT:
        return None
    text = [f"# {TITLES[table]}: {corpus.title}, {LEAVE_ONE_SPEAKER_OUT}", ""]
    text += [corpus.caveat, ""] if corpus.caveat else []
    text += [comparison_table(systems, corpus, mine), ""]
    pairs = list(combinations(reversed(systems), 2)) if table == "table2" else [(system, systems[0]) for system in systems[1:]]
    if found := paired_differences(mine.results, pairs):
        text += ["Paired by fold and seed:", "", report.paired_table(found, catalogue.titles(systems)), "", report.PAIRED, ""]
    text += [report.made_with(mine.results), ""]
    if chosen := selection_table(mine):
        text += ["## The speaker who chooses the epoch", "", chosen, "", SELECTION, ""]
    published = CONFUSIONS[catalogue.base(corpus.name)]
    if table == "table2" and (shown := _shown(published, summary)):
        text += _confusion(published, summary.part([shown]), directory / f"{table}-confusion.png")
    text += ["## What does not add up in the paper", "", *(f"- {line}" for line in inconsistencies(catalogue.base(corpus.name))), ""]
    path = directory / f"{table}.md"
    files.write_text(path, "\n".join(text))
    return path


def comparison_table(systems: Sequence[str], corpus: Corpus, summary: Summary) -> str:
    """The paper's row and ours for each system, also for those that have not been run."""
    names = catalogue.titles(systems)
    rows = []
    for system in systems:
        paper = PUBLISHED.get((catalogue.base(corpus.name), system))
        cells = [names[system], f"{paper.mean:.2f} ± {paper.deviation:.2f}" if paper else ""]
        if row := summary.rows.get(system):
            difference = f"{row.uar - paper.mean:+.2f}" if paper else ""
            spread = report.spread(row.uar, row.std_runs)
            cells += [spread, report.number(row.std_folds), ends(row.low, row.high), f"{row.pooled_uar:.2f}", difference, str(row.runs)]
        else:
            cells += ["not run", "", "", "", "", "0"]
        rows.append(cells)
    heads = [
        "system",
        "paper's UAR",
        f"our {report.UAR_HEAD}",
        "std over folds",
        "95 % interval over folds",
        "pooled",
        "difference",
    ]
    return report.markdown_table([*heads, f"runs, {summary.results[0].protocol}"], rows)


def headline_table(corpus: Corpus, summary: Summary, systems: Mapping[str, str], *, paper: bool) -> str:
    """The few systems that a reader asks for first, each with what it is; those that have not been run are left out.

    Args:
        corpus: The corpus of the results.
        summary: The summary of all of them.
        systems: Names, and what each knows.
        paper: Whether the paper's figures stand beside ours.
    """
    rows = []
    for system, words in systems.items():
        if row := summary.rows.get(system):
            published = PUBLISHED.get((catalogue.base(corpus.name), system))
            cells = [
                f"{catalogue.titles([system])[system]}: {words}",
                report.spread(row.uar, row.std_runs),
                ends(row.low, row.high),
                report.folds_by_seeds(row),
            ]
            beside = [f"{published.mean:.2f} ± {published.deviation:.2f}" if published else ""] if paper else []
            rows.append([*cells, *beside])
    heads = ["", report.UAR_HEAD, "95 % interval over folds", "folds x seeds", *(["paper's UAR"] if paper else [])]
    return report.markdown_table(heads, rows) if rows else ""


SELECTION = (
    "Each speaker is the validation speaker of one fold and the test speaker of another. The first column is what a report would say that "
    "judges by the speaker on whom it has chosen the epoch. Interval and p are of a paired t test over the speakers who were both, from "
    "three on; p after Holm: corrected over the rows of the table. The verdict is a gain of those who choose over those who are tested, or "
    "a loss, where that is below 5 %."
)


def selection_table(summary: Summary) -> str:
    """UAR of the speakers on whom the epoch is chosen beside that of the same speakers as test speakers; empty where no speaker is both."""
    rows = []
    for found in family([found for mine in summary.by_system.values() if (found := selection(mine))]):
        first = summary.by_system[found.system][0]
        paper = PUBLISHED.get((catalogue.base(first.corpus), found.system))
        rows.append(
            [
                catalogue.titles([found.system])[found.system],
                {"validation": "best UAR", "last": "last, fixed"}[first.config["training"].get("epoch_choice", "validation")],
                report.spread(found.chosen, found.chosen_std),
                f"{found.tested:.2f}",
                *compared(found, 2),
                f"{paper.mean:.2f} ± {paper.deviation:.2f}" if paper else "",
                str(found.runs),
            ]
        )
    heads = ["system", "epoch", "validation speakers, at that epoch", "test speakers", "difference by speaker", *TESTED]
    return report.markdown_table([*heads, "paper's UAR", "runs"], rows) if rows else ""


def ablation_page(corpus: Corpus, summary: Summary, directory: Path) -> Path | None:
    """Writes `ablations.md`: each changed system beside its base; None where no change was run."""
    tables = [(base, ablation_table(base, summary)) for base in ablations.CHANGES]
    if not any(table for _, table in tables):
        return None
    text = [f"# One change at a time: {corpus.title}", ""]
    for base, table in tables:
        text += [f"## {base}", "", table, ""] if table else []
    text += [
        "Differences are of the changed system less its base, in UAR points, over the folds and seeds that both have, with 95 % intervals. "
        "What the validation speakers say may decide between systems; what the test speakers say is for reading. The changes of a base are "
        f"one family on the validation speakers, and another one on the test speakers. {report.PAIRED}",
        "",
    ]
    path = directory / "ablations.md"
    files.write_text(path, "\n".join(text))
    return path


def ablation_table(base: str, summary: Summary) -> str:
    """A row a change of a system that was run, empty where none was."""
    pairs = ablations.pairs(base)
    results = summary.part([base, *(change for change, _ in pairs)]).results
    validating = [result for result in results if result.fold["validation"]]
    validated = {pair.first: pair for pair in paired_differences(validating, pairs, "validation_uar")}
    rows = [
        [
            pair.first.removeprefix(f"{base}."),
            f"{pair.runs} in {pair.folds} folds",
            *compared(validated.get(pair.first), 2),
            *compared(pair, 2),
        ]
        for pair in paired_differences(results, pairs)
    ]
    heads = ["change", "pairs of runs", "validation speakers", *TESTED, "test speakers", *TESTED]
    return report.markdown_table(heads, rows) if rows else ""


def _shown(published: Confusion, summary: Summary) -> str | None:
    """The system of the published matrix, or the network of another depth with the most runs while that one has none."""
    networks = [name for name in catalogue.order(summary.rows) if name.startswith(published.system.partition("-")[0])]
    ours = [name for name in (published.system, *networks) if name in summary.rows]
    return max(ours, key=lambda name: summary.rows[name].runs, default=None)


def _confusion(published: Confusion, summary: Summary, path: Path) -> list[str]:
    """Draws the published matrix beside ours on the same speakers and on all, and says what they average."""
    results, emotions = summary.results, summary.results[0].emotions
    (name,) = catalogue.titles(summary.rows).values()
    order = [published.emotions.index(emotion) for emotion in emotions]
    theirs = np.array(published.percent)[np.ix_(order, order)]
    chosen = [result for result in results if result.fold["test"] in published.speakers]
    who = f"speakers {published.speakers[0]}-{published.speakers[-1]}" if published.speakers else ""
    panels = [(f"{published.figure} of the paper{', ' if who else ''}{who}", emotions, theirs)]
    rows = [[f"{published.figure} of the paper", f"{np.trace(theirs) / len(theirs):.2f}", f"{published.caption:.2f} (caption)", ""]]
    for title, some in ((f"ours, {who}", chosen), ("ours, all test speakers", results)):
        if some:
            counts = metrics.confusion(*pooled(some), emotions).sum(axis=1)
            truths = [f"{emotion} ({count})" for emotion, count in zip(emotions, counts, strict=True)]
            panels.append((f"{name}, {title}", truths, confusion_percent(some)))
            (row,) = Summary.of(some).rows.values()
            rows.append([f"{name}, {title}", f"{row.pooled_uar:.2f}", f"{row.uar:.2f}", str(row.runs)])
    drawing.save(figures.confusions_figure(panels, emotions), path)
    heads = ["confusion", "UAR pooled: mean of the diagonal", "UAR, mean over folds", "runs"]
    return ["## Confusion", "", report.markdown_table(heads, rows), "", f"![Confusion matrices]({path.name})", ""]
