"""How the networks that ship behave on a published corpus: the tests of `ser-acrnn check`, kept for their cards.

python -m experiments.studies.behaviour emodb --source path/to/emodb
"""

from __future__ import annotations

import csv
import json
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from data_prep import command, loader
from experiments import catalogue
from experiments.options import RESULTS, Results, Source
from experiments.shipped import index, learned_from
from ser_acrnn import __version__, files
from ser_acrnn.cli.progress import Progress
from ser_acrnn.data.corpus import Utterance
from ser_acrnn.evaluation import report

FOLDER = "check"  # below the root of the results, a folder a network and in it a file a corpus


def drawn(utterances: Sequence[Utterance], emotions: Sequence[str], number: int) -> list[Utterance]:
    """So many of the recordings in a network's emotions, the same ones whenever they are drawn; all of them where there are no more."""
    known = sorted((one for one in utterances if one.emotion in emotions), key=lambda one: one.id)
    return sorted(random.Random(0).sample(known, min(number, len(known))), key=lambda one: one.id)


def checked(name: str, corpus: loader.Corpus, source: Path, utterances: Sequence[Utterance], number: int) -> dict[str, Any]:
    """What the tests say of a network that ships, as `ser-acrnn check --json` prints it, but for its time and where the corpus is.

    Args:
        name: The network's.
        corpus: What is known of the corpus.
        source: The corpus's folder.
        utterances: Its recordings.
        number: How many of them are judged.
    """
    from ser_acrnn.checking import checking, judges

    judge = judges.opened(name)
    rows = [
        [str(one.path.resolve()), one.speaker, one.emotion, corpus.details(one.id).get("sex", "") if corpus.details else ""]
        for one in drawn(utterances, judge.emotions, number)
    ]
    with tempfile.TemporaryDirectory() as folder, Progress(None, name, "steps") as progress:
        labels = Path(folder, "labels.csv")
        with labels.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([["path", "speaker", "emotion", "sex"], *rows])
        found = checking.check(judge, labels, on_step=progress.update)
    problems = tuple(problem.replace(f"{source.resolve()}/", "") for problem in found.problems)
    facts = replace(found, labels=corpus.title, problems=problems).to_dict()
    del facts["seconds"]
    return {**facts, "network_sha256": index()[name]["sha256"], "version": __version__}


def table(root: Path, name: str, about: Mapping[str, Any]) -> str:
    """The tests of a network that ships and how they ended on each corpus, as Markdown; empty where it has not been checked.

    Args:
        root: The root of the results.
        name: The network's.
        about: What the index knows of it; a result of other weights is none of its own.
    """
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((root / FOLDER / name).glob("*.json"))}
    found = {corpus: facts for corpus, facts in found.items() if facts["network_sha256"] == about["sha256"]}
    heard = {corpus: "trained on it" if corpus in learned_from(about) else "never heard" for corpus in found}
    head = [f"{facts['labels']}, {heard[corpus]}: {facts['recordings']} recordings" for corpus, facts in found.items()]
    rows = []
    for tests in zip(*(facts["tests"] for facts in found.values()), strict=True):
        bound = next((test["criterion"] for test in tests if test["criterion"]), "")
        rows.append([tests[0]["name"], bound, *(" ".join(filter(None, (_figure(test["value"]), test["verdict"]))) for test in tests)])
    return report.markdown_table(["test", "bound", *head], rows) if rows else ""


def section(root: Path, name: str, about: Mapping[str, Any]) -> str:
    """The table under its heading, for a card; empty where the network has not been checked."""
    if not (behaves := table(root, name, about)):
        return ""
    return f"""
## How it behaves

What `ser-acrnn check` says, by `python -m experiments.studies.behaviour`; recordings are in the emotions that the network knows. Where
they trained it, right decisions and their evenness say nothing of unheard speakers, and decisions change less than theirs would:

{behaves}
"""


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


@command.entry
def main(
    corpus: Annotated[str, typer.Argument(help=f"one of {', '.join(loader.names())}")],
    source: Source,
    network: Annotated[str, typer.Option(help="names of networks that ship, separated by commas")] = ",".join(index()),
    number: Annotated[int, typer.Option("--recordings", min=1, help="at most")] = 500,
    results: Results = RESULTS,
) -> None:
    """Checks networks that ship, and prints a table each.

    Raises:
        CorpusError: The corpus cannot be read.
        CheckError: A network judges none of its recordings.
        ValueError: No such network ships.
    """
    facts = catalogue.corpus(corpus)
    utterances = loader.find(corpus).read(source).utterances
    known = index()
    if unknown := sorted(set(network.split(",")) - set(known)):
        raise ValueError(f"--network names {unknown}, expected some of {list(known)}")
    for name in network.split(","):
        path = results / FOLDER / name / f"{corpus}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(path, json.dumps(checked(name, facts, source, utterances, number), indent=1) + "\n")
        print(f"{path}\n\n{table(results, name, known[name])}")


if __name__ == "__main__":
    sys.exit(main())
