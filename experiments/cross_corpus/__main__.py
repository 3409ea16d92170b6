"""The command that judges across corpora; results that are there are not computed again.

python -m experiments.cross_corpus --corpora emodb=../emodb,ravdess=path,crema_d=path --page docs/results/cross-corpus.md
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from data_prep import command
from experiments.catalogue import baselines
from experiments.cross_corpus import machines, networks, page
from experiments.cross_corpus.networks import Network
from experiments.cross_corpus.recordings import Recording, check_leaks, read
from experiments.cross_corpus.results import Cell
from experiments.options import RESULTS, WORK, FunctionalsWork, Results
from experiments.shipped import index
from ser_acrnn import files
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.features.functionals import opensmile_extractor
from ser_acrnn.locks import lock


def folders(text: str) -> dict[str, Path]:
    """Parses `"emodb=../emodb,nemo=path"`.

    Raises:
        ValueError: A part has another form, or a corpus stands there twice.
    """
    parts = [part.partition("=") for part in text.split(",")]
    found = {name: Path(folder) for name, _, folder in parts}
    if len(found) < len(parts) or not all(name and folder for name, _, folder in parts):
        raise ValueError(f"{text!r}: expected each corpus once, as <loader>=<folder>, separated by commas")
    return found


@command.entry
def main(
    corpora: Annotated[
        Mapping[str, Path] | None,
        typer.Option(parser=folders, metavar="NAME=DIR,...", help="loaders and folders; by default nothing new is judged"),
    ] = None,
    machine: Annotated[str, typer.Option(help="which of the baselines, separated by commas; empty: none")] = "opensmile-compare-svm",
    network: Annotated[str, typer.Option(help="names of networks that ship, separated by commas; empty: none")] = ",".join(index()),
    left_out: Annotated[
        str,
        typer.Option(
            metavar="RECIPE",
            help="of experiments.studies.open_corpora, whose networks judge the corpus that each left out; by default none",
        ),
    ] = "",
    models: Annotated[Path, typer.Option(help="folder of these networks")] = Path("build/models"),
    most: Annotated[int, typer.Option(min=1, help="recordings that are drawn of a corpus, evenly over speakers and emotions")] = 10_000,
    results: Results = RESULTS,
    work: FunctionalsWork = WORK,
    to: Annotated[Path | None, typer.Option("--page", help="also write the page from all results that are there")] = None,
) -> None:
    """Judges what has no result yet; exit code 75 when another process does.

    Raises:
        LeakError: The same audio stands in two corpora.
        LockedError: Another process computes results.
        ValueError: They cannot be computed; the message names file, value and expectation.
    """
    asked = {name: list(filter(None, names.split(","))) for name, names in (("--machine", machine), ("--network", network))}
    for option, known in (("--machine", baselines.BY_TRAINING), ("--network", index())):
        if unknown := sorted(set(asked[option]) - set(known)):
            raise ValueError(f"{option} names {unknown}, expected some of {list(known)}")
    if corpora:
        if len(corpora) < 2 and asked["--machine"]:
            raise ValueError(f"--corpora names {list(corpora)}, expected two or more: a machine is trained on others than it is judged on")
        drawn = {name: read(name, folder, most) for name, folder in corpora.items()}
        of_networks = [*map(networks.shipped, asked["--network"]), *(networks.left_out(left_out, results, models) if left_out else ())]
        with lock(work / "cross-corpus.lock"):
            judge(asked["--machine"], of_networks, drawn, results, work)
    if to is not None:
        for path in page.write(results, to):
            print(path)


def judge(
    of_machines: Sequence[str], of_networks: Sequence[Network], drawn: Mapping[str, Sequence[Recording]], root: Path, work: Path
) -> None:
    """Computes the results that are not there yet.

    Args:
        of_machines: Names of `baselines.BY_TRAINING`.
        of_networks: Networks.
        drawn: Corpus -> recordings.
        root: Root of the results.
        work: Keeps the functionals, a folder a corpus.
    """
    who = {cell: network for network in of_networks for cell in networks.cells(network, drawn)}
    every = [*(cell for name in of_machines for cell in machines.cells(name, drawn)), *who]
    missing = [cell for cell in every if not cell.finished(root, _tested(cell, drawn), who[cell].config if cell in who else None)]
    if missing and len(drawn) > 1:
        _check_once(drawn, work)
    # What is quick comes first: several corpora take a machine longer than all single ones.
    _judge_machines([cell for cell in missing if cell.judge in of_machines and len(cell.train) == 1], drawn, root, work)
    for cell in (cell for cell in missing if cell in who):
        _keep(networks.judged(cell, who[cell], _tested(cell, drawn)), cell, root)
    _judge_machines([cell for cell in missing if cell.judge in of_machines and len(cell.train) > 1], drawn, root, work)


def _check_once(drawn: Mapping[str, Sequence[Recording]], work: Path) -> None:
    """Compares the audio of all corpora, unless the same recordings have been compared before."""
    compared = work / f"disjoint-{files.sha256_of(' '.join(sorted(one.sha256 for own in drawn.values() for one in own)))[:16]}"
    if not compared.exists():
        check_leaks(drawn)
        files.write_text(compared, f"{', '.join(drawn)}: no audio stands in two corpora\n")


def _judge_machines(cells: Sequence[Cell], drawn: Mapping[str, Sequence[Recording]], root: Path, work: Path) -> None:
    for name, its in groupby(cells, key=lambda cell: cell.judge):
        preset = baselines.BY_TRAINING[name]
        extractor = opensmile_extractor(preset.features)
        vectors = {
            corpus: machines.vectors_of(own, preset.features, extractor, work / "functionals" / corpus) for corpus, own in drawn.items()
        }
        for _, alike in groupby(its, key=lambda cell: (cell.train, cell.emotions, machines.NORMALISATION[cell.condition])):
            machine = None
            for cell in alike:
                machine = machine or machines.trained(cell, drawn, vectors, preset)
                own = drawn[cell.test], vectors[cell.test]
                _keep(machines.judged(cell, machine, *own, preset, extractor.program), cell, root)


def _tested(cell: Cell, drawn: Mapping[str, Sequence[Recording]]) -> list[Recording]:
    return [one for one in drawn[cell.test] if one.emotion in cell.emotions]


def _keep(result: RunResult, cell: Cell, root: Path) -> None:
    result.save(cell.file(root))
    print(f"{cell.file(root)}: {result.wall_seconds:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
