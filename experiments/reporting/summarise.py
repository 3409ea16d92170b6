"""Result files -> the report of a corpus, and its tables in other pages.

python -m experiments.reporting.summarise emodb [--table table2] [--pages README.md docs/results/emodb.md]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from data_prep import command, loader
from experiments import catalogue
from experiments.catalogue.published import PUBLISHED
from experiments.grid.collected import results_of
from experiments.options import RESULTS, Results
from experiments.reporting import model_cards, pages, tables
from ser_acrnn import files
from ser_acrnn.evaluation import report
from ser_acrnn.evaluation.protocol import LEAVE_ONE_SPEAKER_OUT, PROTOCOLS
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.evaluation.results_check import folder_name
from ser_acrnn.evaluation.summary import Summary


@command.entry
def main(
    corpus: Annotated[str, typer.Argument(help=f"one of {', '.join(loader.names())}, or a variant such as iemocap-excited")],
    more: Annotated[list[Path] | None, typer.Argument(hidden=True, help="of --pages, all files but the first")] = None,
    protocol: Annotated[Literal[*PROTOCOLS] | None, typer.Option(help="whose results (default: the corpus's own protocol)")] = None,
    results: Results = RESULTS,
    table: Annotated[Literal[*tables.TITLES] | None, typer.Option(help="show this table of the paper instead of the overview")] = None,
    first: Annotated[
        Path | None, typer.Option("--pages", metavar="FILE ...", help="also bring the tables in these files up to date")
    ] = None,
    cards: Annotated[Path | None, typer.Option(help="also bring the cards of the shipped networks in this folder up to date")] = None,
    check: Annotated[bool, typer.Option("--check", help="write nothing; fail where pages or cards part from the results")] = False,
    partial: Annotated[bool, typer.Option("--partial", help="fewer runs than all folds and seeds are meant: do not list them")] = False,
) -> int | None:
    """Writes reports, pages and cards, and prints a table; exit code 1 where `check` finds one that is not up to date."""
    if more and not first:
        raise typer.BadParameter(f"{more[0]} is given, expected it behind --pages")
    facts = catalogue.corpus(corpus)
    protocol = protocol or facts.protocol
    directory = results / folder_name(facts.name, protocol)
    # The paper's numbers are of its own protocol.
    comparable = protocol == LEAVE_ONE_SPEAKER_OUT
    published = {system: number for (name, system), number in PUBLISHED.items() if comparable and name == facts.name}
    every = Summary.of(catalogue.ordered(catalogue.with_ensembles(results_of(results, facts, protocol))), published)
    # A change of a system stands beside that one; where it is not there, by itself.
    summary = every.part(system for system in every.rows if catalogue.entry(system).base not in every.rows)
    names = catalogue.titles(summary.with_seeds.rows)
    overview = report.tables(summary, names, catalogue.PAIRS)
    texts = pages.updated([first, *(more or ())], results, facts, summary, every, overview) if first else {}
    texts |= model_cards.updated(cards, facts, every, results) if cards else {}
    if check:
        return _compared(texts)
    for page, text in texts.items():
        files.write_text(page, text)
    report.write(
        summary,
        directory,
        facts.title,
        names=names,
        caveat=facts.caveat,
        pairs=catalogue.PAIRS,
        expected_runs=None if partial else {name: _folds(summary.results[0]) * catalogue.entry(name).seeds for name in names},
    )
    shown = f"{facts.title}\n\n{overview}\n\n{facts.caveat}".rstrip()
    tables.ablation_page(facts, every, directory)
    for name in tables.TITLES:
        if page := tables.write(name, facts, summary, directory):
            shown = page.read_text(encoding="utf-8").rstrip() if name == table else shown
    print(f"{shown}\n\nreports: {directory}/*.md\nfigures: {directory}/*.png")
    return None


def _compared(texts: dict[Path, str]) -> int:
    """Says which files are not as the results have them; returns the exit code."""
    changed = [str(path) for path, text in texts.items() if path.read_text(encoding="utf-8") != text]
    if changed:
        print(f"{', '.join(changed)}: not as the results have it, expected what `make report-emodb` writes", file=sys.stderr)
    return 1 if changed else 0


def _folds(result: RunResult) -> int:
    """How many folds its protocol has, one a speaker or group."""
    return len({*result.fold["train"], result.fold["validation"], result.fold["test"]} - {None})


if __name__ == "__main__":
    sys.exit(main())
