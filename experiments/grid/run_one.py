"""One run: (corpus, system, fold, seed) -> one result file; skipped when that file is there, or another process computes it.

python -m experiments.grid.run_one --prepared build/data/emodb --system tiny --fold 0 --seed 0
"""

from __future__ import annotations

import logging
import shutil
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_prep import command
from experiments.grid.runs import Experiment, named_experiment
from experiments.jobs.job import Wait
from experiments.options import GridOptions
from ser_acrnn import files
from ser_acrnn.cli.progress import Progress
from ser_acrnn.config import DnnElmPreset
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.locks import lock

if TYPE_CHECKING:  # heavy, and not needed for --help
    import keras


@dataclass(frozen=True, kw_only=True)
class Options(GridOptions):
    """Which run, and how."""

    system: Annotated[str, typer.Option(help="row of the tables")] = "acrnn3d-5conv"
    fold: Annotated[
        int, typer.Option(min=0, help="number of the test speaker, or of what else the protocol leaves out, in sorted order, from 0")
    ]
    seed: Annotated[int, typer.Option(min=0, help="of weights and draws")]
    save_model: Annotated[Path | None, typer.Option(help="also save the network, ending in .keras")] = None
    wait: Wait = False


def run(options: Options) -> None:
    """Computes the run that the options name, unless its result is there; exit code 75 when another process computes it.

    Raises:
        LockedError: Another process computes it.
        ValueError: It cannot be computed; the message names file, value and expectation.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    experiment = named_experiment(options, options.system)
    if not 0 <= options.fold < len(experiment.folds):
        raise ValueError(f"--fold is {options.fold}, expected 0 to {len(experiment.folds) - 1}")
    if options.save_model and options.save_model.suffix != ".keras":
        raise ValueError(f"--save-model is {options.save_model}, expected a name ending in .keras")
    for name, kept in (("--save-model", options.save_model), ("--models", options.models)):
        if kept and isinstance(experiment.preset, DnnElmPreset):
            raise ValueError(f"{name} is {kept}, expected none: {experiment.system} is more than its network")
    if options.conditions and not experiment.conditions:
        raise ValueError(f"--conditions is given, expected a system of which the catalogue has conditions, not {experiment.system}")
    this = experiment.run(options.fold, options.seed)
    last = experiment.last(this, conditions=options.conditions)
    path = last.file(options.results)
    with lock(this.file(options.work, ".lock"), wait=options.wait):
        experiment.settle_manifest(options.results)
        if experiment.finished(last, options.results):  # asked once the lock is held, since another process may just have computed it
            if options.save_model and not options.save_model.exists():
                raise ValueError(
                    f"--save-model is {options.save_model}, and {path} is already there without its network, expected other --results"
                )
            print(f"{path}: already there")
        else:
            _compute(experiment, this, path, options)


def _compute(experiment: Experiment, this: Run, path: Path, options: Options) -> None:
    from ser_acrnn.training import every_epoch
    from ser_acrnn.training import run as training

    checkpoint = this.file(options.work, ".npz")
    with Progress(experiment.preset.training.epochs, f"{this.fold.test} seed {this.seed}", "epochs") as bar:

        def show(entry: dict) -> None:
            shown = ("loss", "validation_uar")
            bar.reach(entry["epoch"], ", ".join(f"{name} {entry[name]:.3f}" for name in shown if name in entry))

        settings = {
            "devices": options.devices,
            "checkpoint": checkpoint,
            "log_directory": this.file(options.work, "-tensorboard"),
            "on_epoch": show,
        }
        corpus = experiment.corpus_of(this.fold)
        if options.conditions:
            weights = this.file(options.work, ".weights")
            every_epoch.run(
                corpus, this, conditions=experiment.conditions, weights=weights, on_result=partial(_keep, this, options), **settings
            )
            shutil.rmtree(weights)
        else:
            _keep(this, options, *training.run(corpus, this, copies=experiment.copies, **settings))
    files.remove_with_leftovers(checkpoint)
    result = RunResult.load(path)
    print(f"{path}: epoch {result.chosen_epoch}, {result.wall_seconds:.0f} s")


def _keep(this: Run, options: Options, result: RunResult, model: keras.Model) -> None:
    """Saves the network where the options want it, then the result."""
    from ser_acrnn.models.saving import save_whole

    its = replace(this, system=result.system)
    for kept in filter(None, (its == this and options.save_model, options.models and its.file(options.models, ".keras"))):
        save_whole(model, kept)
    result.save(its.file(options.results))


main = command.entry(run)


if __name__ == "__main__":
    sys.exit(main())
