"""`train`: a network from recordings of one's own, judged speaker-independently, with a report."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ser_acrnn.cli.evaluating import Labels
from ser_acrnn.cli.failures import LARGEST_NUMBER, Command, named, option
from ser_acrnn.cli.progress import Progress
from ser_acrnn.cli.running import tell
from ser_acrnn.cli.settings import Config, number_list
from ser_acrnn.files import check_no_input, check_target
from ser_acrnn.pretrained import DEFAULT_MODEL

if TYPE_CHECKING:
    from ser_acrnn.training.job import Job

SCRATCH = "scratch"
MOST_FOLDS = 10
MOST_EPOCHS, MOST_SEEDS, MOST_SEGMENTS = 100_000, 1_000, 10_000


def _seed_list(text: str) -> list[int]:
    """Seeds from a list such as `0-4`; from a number alone so many of them."""
    found = list(range(int(text))) if text.isdecimal() and int(text) <= MOST_SEEDS else number_list(text)
    if not found or len(found) > MOST_SEEDS or max(found) >= LARGEST_NUMBER:
        raise ValueError(f"{text!r} is no list of at most {MOST_SEEDS} seeds, expected something like 0-4")
    return found


Seeds = Annotated[
    Sequence[int] | None,
    typer.Option(
        parser=option(_seed_list),
        metavar="LIST",
        help="Runs of each fold, such as 0-4; a number alone is how many. By default one, of --seed.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Adds the subcommand."""
    app.command(cls=Command, epilog="Example: ser-acrnn train --labels mine.csv --init acrnn3d-open --out mine")(train)


def train(
    labels: Labels,
    out: Annotated[Path, typer.Option(help="Folder for network, results and report; the same command goes on there.")],
    init: Annotated[str, typer.Option(help="Network to begin with: a shipped one's name, a .keras file, or 'scratch'.")] = DEFAULT_MODEL,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_EPOCHS,
            help="Of each training; by default 30, 40 from scratch, more of few recordings. From a network 3 or more: in three stages.",
        ),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(min=1e-9, max=10, help="Highest learning rate; by default 0.003, that of the head, and 0.001 from scratch."),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, max=MOST_SEGMENTS, help="Segments of 3 s at a time; by default 40, 8 of few recordings.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=LARGEST_NUMBER - 1, help="Of the network that is kept; by default the first of --seeds, or 0.")
    ] = None,
    seeds: Seeds = None,
    judge: Annotated[bool, typer.Option(help="Also train and test a network a fold, to know what to expect.")] = True,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write loss curves to OUT/tensorboard. Needs the extra [tensorboard].")
    ] = False,
    sound_alike: Annotated[
        bool,
        typer.Option(
            "--sound-alike", help="Take recordings of two speakers or emotions that sound the same, as behind one prompt; they are named."
        ),
    ] = False,
    config: Config = None,
) -> None:
    """Train a network on recordings and emotions of your own.

    Each speaker is tested by a network that has never heard them (more than ten speakers: ten groups of speakers); then a network is
    trained on all. Beginning with a trained network, first its head learns, then ever more of the rest; name emotions as it
    does, and it begins with what it knows of them.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    runs = seeds or [seed or 0]
    with named():
        from ser_acrnn.training import from_csv, own_folder, scalars

        check_target(out / own_folder.NETWORK)
        check_no_input(own_folder.written(out), [init, labels, config])
        from ser_acrnn.inference.predictor import Predictor

        if tensorboard:
            scalars.require()
        source = None if init == SCRATCH else Predictor(init)
        with Progress(None, "features") as progress:
            job = from_csv.plan(
                labels,
                source,
                epochs=epochs,
                learning_rate=learning_rate,
                batch_size=batch_size,
                seed=runs[0] if seed is None else seed,
                most_folds=MOST_FOLDS,
                sound_alike=sound_alike,
                on_file=lambda path: progress.update(),
            )
        typer.echo(job.description, err=True)
        with own_folder.alone(out):
            path = _trained(job, out, runs if judge else [], tensorboard)
    tell(f"network: {path}")


def _trained(job: Job, out: Path, seeds: Sequence[int], tensorboard: bool) -> Path:
    """The network; before it, with any seeds, the folds and the report."""
    from ser_acrnn.training import from_csv, own_folder

    own_folder.settle(job, out, seeds)
    there = own_folder.finished_network(job, out)
    runs = len(own_folder.unfinished(job, out, seeds))
    with Progress(job.epochs * (runs + (there is None)), "training", "epochs") as progress:
        names: list[str] = []

        def show(name: str, entry: dict[str, Any]) -> None:
            if name not in names:
                names.append(name)
            progress.reach((len(names) - 1) * job.epochs + entry["epoch"], f"{name}, loss {entry['loss']:.3f}")

        if seeds:
            for _ in from_csv.evaluate_folds(job, out, seeds, tensorboard=tensorboard, on_epoch=show):
                pass
            report = from_csv.write_report(job, out)
            progress.say(f"report: {report}" if report else f"no report: {job.why_not_evaluated}")
        if there:
            progress.say(f"{there}: already there, of the same recordings, labels and configuration")
        return there or from_csv.train(job, out, tensorboard=tensorboard, on_epoch=show)
