"""Result files -> the report of a corpus, and its table in the README.

python -m experiments.summarise emodb [--readme README.md]
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments import catalogue
from ser_acrnn import report
from ser_acrnn.results import collect


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
    parser.add_argument("corpus", help=f"one of {', '.join(sorted(catalogue.CORPORA))}, or a variant such as iemocap-excited")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of the result files (default: %(default)s)")
    parser.add_argument("--readme", type=Path, help="also bring the table in this file up to date")
    parser.add_argument("--partial", action="store_true", help="fewer runs than ten folds and five seeds are meant: do not list them")
    options = parser.parse_args(arguments)
    try:
        corpus = catalogue.corpus(options.corpus)
        directory = options.results / corpus.name
        results = collect(directory)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    order = catalogue.order(result.system for result in results)
    results.sort(key=lambda result: (order.index(result.system), result.fold["test"], result.seed))
    names = catalogue.titles(order)
    published = {system: number for (name, system), number in catalogue.PUBLISHED.items() if name == corpus.name}
    path = report.write(
        results,
        directory,
        corpus.title,
        published=published,
        names=names,
        caveat=corpus.caveat,
        pairs=catalogue.PAIRS,
        expected_runs=0 if options.partial else catalogue.FOLDS * catalogue.SEEDS,
    )
    table = report.tables(results, published, names, catalogue.PAIRS)
    if options.readme:
        text = options.readme.read_text(encoding="utf-8")
        try:
            options.readme.write_text(insert(text, f"results {corpus.name}", table), encoding="utf-8")
        except ValueError as error:
            print(f"{options.readme}: {error}", file=sys.stderr)
            return 1
    print(f"{corpus.title}\n\n{table}\n")
    if corpus.caveat:
        print(f"{corpus.caveat}\n")
    print(f"report: {path}\nfigures: {directory}/*.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
