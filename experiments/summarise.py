"""Result files -> the report of a corpus, and its tables in other pages.

python -m experiments.summarise emodb [--table table2] [--pages README.md docs/results/emodb.md]
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from data_prep import loader
from data_prep.loader import Corpus
from experiments import cards, catalogue, enrolment, protocol_tables, robustness, tables
from experiments.catalogue import ablations
from experiments.catalogue.published import PUBLISHED
from experiments.collected import results_of
from ser_acrnn import report
from ser_acrnn.ensembles import with_seed_ensembles
from ser_acrnn.protocol import LEAVE_ONE_SPEAKER_OUT, PROTOCOLS, SPEAKER_AND_TEXTS
from ser_acrnn.results import RunResult

NONE_YET = "*No runs yet.*"


def insert(text: str, name: str, block: str) -> str:
    """Replaces what stands between `<!-- name -->` and `<!-- /name -->`.

    Raises:
        ValueError: The marks are missing.
    """
    pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"the marks <!-- {name} --> and <!-- /{name} --> are missing")
    return pattern.sub(lambda match: f"{match[1]}{block}\n{match[2]}", text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m experiments.summarise", description=str(__doc__).split("\n\n")[0])
    parser.add_argument("corpus", help=f"one of {', '.join(loader.names())}, or a variant such as iemocap-excited")
    parser.add_argument("--protocol", choices=PROTOCOLS, help="whose results (default: the corpus's own protocol)")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of the result files (default: %(default)s)")
    parser.add_argument("--table", choices=tuple(tables.TITLES), help="show this one of the paper's tables instead of the overview")
    parser.add_argument("--pages", type=Path, nargs="+", default=[], help="also bring the tables in these files up to date")
    parser.add_argument("--cards", type=Path, help="also bring the cards of the shipped networks in this folder up to date")
    parser.add_argument("--partial", action="store_true", help="fewer runs than all folds and five seeds are meant: do not list them")
    options = parser.parse_args(arguments)
    try:
        corpus = catalogue.corpus(options.corpus)
        protocol = options.protocol or corpus.protocol
        directory = options.results / catalogue.results_folder(corpus.name, protocol)
        every = _ordered(catalogue.with_together(results_of(options.results, corpus, protocol)))
        results = [result for result in every if ablations.base_of(result.system) is None]
        if not results:
            raise ValueError(f"{directory}: holds changed systems alone, expected runs of what they are changes of")
        names = catalogue.titles(result.system for result in with_seed_ensembles(results))
        # The paper's numbers are of its own protocol.
        comparable = results[0].protocol == LEAVE_ONE_SPEAKER_OUT
        published = {system: number for (name, system), number in PUBLISHED.items() if comparable and name == corpus.name}
        report.write(
            results,
            directory,
            corpus.title,
            published=published,
            names=names,
            caveat=corpus.caveat,
            pairs=catalogue.PAIRS,
            expected_runs=None if options.partial else {name: _folds(results[0]) * catalogue.seeds(name) for name in names},
        )
        overview = report.tables(results, published, names, catalogue.PAIRS)
        if options.cards:
            cards.write_all(options.results, options.cards, corpus.name)
        if options.pages:
            _bring_up_to_date(options.pages, options.results, corpus, results, every, overview)
        shown = f"{corpus.title}\n\n{overview}\n\n{corpus.caveat}".rstrip()
        tables.ablation_page(corpus, every, directory)
        for table in tables.TITLES:
            if page := tables.write(table, corpus, results, directory):
                shown = page.read_text(encoding="utf-8").rstrip() if table == options.table else shown
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{shown}\n\nreports: {directory}/*.md\nfigures: {directory}/*.png")
    return 0


def _ordered(results: list[RunResult]) -> list[RunResult]:
    """By system as the catalogue has them, then by fold and seed."""
    order = catalogue.order(result.system for result in results)
    return sorted(results, key=lambda result: (order.index(result.system), result.fold["test"], result.seed))


def _folds(result: RunResult) -> int:
    """How many folds its protocol has, one a speaker or group."""
    return len({*result.fold["train"], result.fold["validation"], result.fold["test"]} - {None})


def _bring_up_to_date(
    pages: Sequence[Path], root: Path, corpus: Corpus, results: list[RunResult], every: list[RunResult], table: str
) -> None:
    """Replaces the corpus's tables in files, those of which a file has the marks.

    Raises:
        ValueError: A file has none.
    """
    name = corpus.name
    others = [protocol for protocol in PROTOCOLS if (root / catalogue.results_folder(name, protocol)).is_dir()]

    def under(protocol: str) -> list[RunResult]:
        return _ordered(results_of(root, corpus, protocol)) if protocol in others else []

    blocks: dict[str, Callable[[], str]] = {
        f"results {catalogue.results_folder(name, results[0].protocol)}": lambda: table,
        f"headline {name}": lambda: tables.headline_table(corpus, every, catalogue.HEADLINES, paper=True),
        f"headline-adapted {name}": lambda: tables.headline_table(corpus, every, catalogue.HEADLINES_ADAPTED, paper=False),
        f"robustness {name}": lambda: robustness.table(root, name),
        f"enrolment {name}": lambda: enrolment.table(root, name),
        f"disjoint {name}": lambda: protocol_tables.disjoint_table(every),
        f"texts {name}": lambda: protocol_tables.texts_table(every, under(SPEAKER_AND_TEXTS)),
        f"leaky {name}": lambda: protocol_tables.leaky_table(results, {one: under(one) for one in others if one.startswith("leaky")}),
        f"selection {name}": lambda: tables.selection_table(with_seed_ensembles(results)),
        **{f"ablations {name} {base}": partial(tables.ablation_table, base, every) for base in ablations.CHANGES},
    }
    for page in pages:
        text = page.read_text(encoding="utf-8")
        marked = [mark for mark in blocks if f"<!-- {mark} -->" in text]
        if not marked:
            raise ValueError(f"{page}: the marks <!-- results {name} --> or others of {name} are missing")
        try:
            for mark in marked:
                text = insert(text, mark, blocks[mark]() or NONE_YET)
        except ValueError as error:
            raise ValueError(f"{page}: {error}") from error
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
