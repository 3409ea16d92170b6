"""Result files -> the report of a corpus, and its tables in other pages.

python -m experiments.reporting.summarise emodb [--table table2] [--pages README.md docs/results/emodb.md]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from data_prep import loader
from experiments import catalogue
from experiments.catalogue.published import PUBLISHED
from experiments.grid.collected import results_of
from experiments.reporting import model_cards, pages, tables
from ser_acrnn.evaluation import report
from ser_acrnn.evaluation.protocol import LEAVE_ONE_SPEAKER_OUT, PROTOCOLS
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.evaluation.results_check import folder_name
from ser_acrnn.evaluation.summary import Summary


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m experiments.reporting.summarise", description=str(__doc__).split("\n\n")[0])
    parser.add_argument("corpus", help=f"one of {', '.join(loader.names())}, or a variant such as iemocap-excited")
    parser.add_argument("--protocol", choices=PROTOCOLS, help="whose results (default: the corpus's own protocol)")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of the result files (default: %(default)s)")
    parser.add_argument("--table", choices=tuple(tables.TITLES), help="show this one of the paper's tables instead of the overview")
    parser.add_argument("--pages", type=Path, nargs="+", default=[], help="also bring the tables in these files up to date")
    parser.add_argument("--cards", type=Path, help="also bring the cards of the shipped networks in this folder up to date")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where pages or cards part from the results")
    parser.add_argument("--partial", action="store_true", help="fewer runs than all folds and five seeds are meant: do not list them")
    options = parser.parse_args(arguments)
    try:
        corpus = catalogue.corpus(options.corpus)
        protocol = options.protocol or corpus.protocol
        directory = options.results / folder_name(corpus.name, protocol)
        # The paper's numbers are of its own protocol.
        comparable = protocol == LEAVE_ONE_SPEAKER_OUT
        published = {system: number for (name, system), number in PUBLISHED.items() if comparable and name == corpus.name}
        every = Summary.of(catalogue.ordered(catalogue.with_ensembles(results_of(options.results, corpus, protocol))), published)
        summary = every.part(system for system in every.rows if not catalogue.entry(system).base)
        if not summary.rows:
            raise ValueError(f"{directory}: holds changed systems alone, expected runs of what they are changes of")
        names = catalogue.titles(summary.with_seeds.rows)
        overview = report.tables(summary, names, catalogue.PAIRS)
        texts = pages.updated(options.pages, options.results, corpus, summary, every, overview) if options.pages else {}
        texts |= model_cards.updated(options.cards, corpus, every) if options.cards else {}
        if options.check:
            return _compared(texts)
        for page, text in texts.items():
            page.write_text(text, encoding="utf-8")
        report.write(
            summary,
            directory,
            corpus.title,
            names=names,
            caveat=corpus.caveat,
            pairs=catalogue.PAIRS,
            expected_runs=None if options.partial else {name: _folds(summary.results[0]) * catalogue.entry(name).seeds for name in names},
        )
        shown = f"{corpus.title}\n\n{overview}\n\n{corpus.caveat}".rstrip()
        tables.ablation_page(corpus, every, directory)
        for table in tables.TITLES:
            if page := tables.write(table, corpus, summary, directory):
                shown = page.read_text(encoding="utf-8").rstrip() if table == options.table else shown
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{shown}\n\nreports: {directory}/*.md\nfigures: {directory}/*.png")
    return 0


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
