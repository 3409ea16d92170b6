"""Results of a corpus by what was published of its utterances: sex, age and intensity.

python -m experiments.reporting.by_details crema_d
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Literal

import typer

from data_prep import command, loader
from data_prep.loader import Corpus
from experiments import catalogue
from experiments.grid.collected import results_of
from experiments.options import RESULTS, Results
from ser_acrnn import files
from ser_acrnn.evaluation import metrics, report
from ser_acrnn.evaluation.protocol import PROTOCOLS
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.evaluation.results_check import folder_name

PAGE = "by-details.md"
AGES = (30, 45, 60)  # in years, where one group of speakers ends and the next one begins
Details = Callable[[str], Mapping[str, str]]


def parts_of(utterance: str, details: Details) -> list[str]:
    """The parts of a corpus that an utterance is in, such as `sex female` and `age 30 to 44`."""
    found = dict(details(utterance))
    if "age" in found:
        found["age"] = _span(int(found["age"]))
    return [f"{name} {value}" for name, value in found.items()]


def _span(age: int) -> str:
    low = max((limit for limit in AGES if limit <= age), default=None)
    high = min((limit for limit in AGES if limit > age), default=None)
    if low is None:
        return f"below {high}"
    return f"{low} and above" if high is None else f"{low} to {high - 1}"


def rows(results: Iterable[RunResult], details: Details) -> list[list[str]]:
    """For each system and part the number of decisions over all runs, and the UAR in percent over the emotions that the part has."""
    pooled: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for result in results:
        for utterance, truth, decision in zip(result.utterances, result.truth, result.decisions, strict=True):
            for part in ["all", *parts_of(utterance["id"], details)]:
                pooled.setdefault((result.system, part), []).append((truth, decision))
    return [
        [f"`{system}`", part, str(len(pairs)), f"{100 * metrics.unweighted_average_recall(*zip(*pairs, strict=True)):.1f}"]
        for (system, part), pairs in sorted(pooled.items(), key=lambda item: (item[0][0], item[0][1] != "all", item[0][1]))
    ]


def page(corpus: Corpus, results: list[RunResult]) -> str:
    """The table as Markdown, under a heading.

    Raises:
        ValueError: Nothing was published of the corpus's utterances.
    """
    if corpus.details is None:
        raise ValueError(f"{corpus.name}: nothing else was published of its utterances, expected sex, age or intensity")
    table = report.markdown_table(["system", "part", "decisions", "UAR, %"], rows(results, corpus.details))
    return f"# {corpus.title} by speaker and intensity\n\nPooled over all runs. {corpus.caveat}\n\n{table}\n\n{report.made_with(results)}\n"


@command.entry
def main(
    corpus: Annotated[str, typer.Argument(help=f"one of {', '.join(loader.names())}, or a variant")],
    protocol: Annotated[Literal[*PROTOCOLS] | None, typer.Option(help="whose results (default: the corpus's own protocol)")] = None,
    results: Results = RESULTS,
) -> None:
    """Writes the page beside the results.

    Raises:
        ResultError: There is no result, or one cannot be right.
        ValueError: Nothing was published of the corpus's utterances.
    """
    facts = catalogue.corpus(corpus)
    protocol = protocol or facts.protocol
    path = results / folder_name(facts.name, protocol) / PAGE
    files.write_text(path, page(facts, catalogue.ordered(results_of(results, facts, protocol))))
    print(path)


if __name__ == "__main__":
    sys.exit(main())
