"""`train`: a network from recordings of one's own, judged speaker-independently, with a report."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from ser_acrnn.cli.evaluating import Labels
from ser_acrnn.cli.failures import Command, named
from ser_acrnn.cli.quiet import quiet
from ser_acrnn.files import check_target

SCRATCH = "scratch"
MOST_FOLDS = 10
MOST_EPOCHS, MOST_SEEDS = 100_000, 1_000


def add_to(app: typer.Typer) -> None:
    """Adds the subcommand."""
    app.command(cls=Command, epilog="Example: ser-acrnn train --labels mine.csv --init acrnn3d-emodb --out mine")(train)


def train(
    labels: Labels,
    out: Annotated[Path, typer.Option(help="Folder for network, results and report; the same command goes on there.")],
    init: Annotated[str, typer.Option(help="Network to begin with: a shipped one's name, a .keras file, or 'scratch'.")] = "acrnn3d-emodb",
    epochs: Annotated[
        int | None, typer.Option(min=1, max=MOST_EPOCHS, help="Of each training; by default 30, 40 from scratch, more of few recordings.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=MOST_SEEDS, help="Runs of each fold.")] = 1,
    judge: Annotated[bool, typer.Option(help="Also train and test a network a fold, to know what to expect.")] = True,
) -> None:
    """Train a network on recordings and emotions of your own.

    Each speaker is tested by a network that has never heard them (more than ten speakers: ten groups of speakers); then a network is
    trained on all. Beginning with a trained network, first a new head learns, then ever more of the rest.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    with named():
        check_target(out / "model.keras")
        with quiet():
            from ser_acrnn.inference.predictor import Predictor
            from ser_acrnn.training import from_csv

            source = None if init == SCRATCH else Predictor(init)
        from tqdm import tqdm

        with tqdm(desc="features", unit=" files", disable=not sys.stderr.isatty()) as bar:
            job = from_csv.plan(labels, source, epochs=epochs, most_folds=MOST_FOLDS, on_file=lambda path: bar.update())
        typer.echo(job.description, err=True)
        with from_csv.alone(out):
            if judge:
                total = len(job.folds) * seeds
                with tqdm(total=total, desc="folds", unit=" runs", disable=not sys.stderr.isatty()) as bar:
                    for _ in from_csv.evaluate_folds(job, out, range(seeds)):
                        bar.update()
                report = from_csv.write_report(job, out)
                typer.echo(f"report: {report}" if report else f"no report: {job.why_not_evaluated}", err=True)
            there = from_csv.finished_network(job, out)
            if there:
                typer.echo(f"{there}: already there, of the same recordings, labels and configuration", err=True)
            path = there or from_csv.train(job, out)
    typer.echo(f"network: {path}")
