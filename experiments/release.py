"""The networks that ship with the package: a system trained on all speakers of a corpus, its files, checksums and card.

python -m experiments.release --prepared build/data/emodb --system best-by-utterance.robust-short-pauses --name acrnn3d-emodb

With `--models`, where the grid kept the networks of the folds, the network also learns what is unlike all that it was trained on.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from data_prep import command
from experiments import familiarity, shipped
from experiments.grid.runs import Experiment, named_experiment
from experiments.options import GridOptions
from experiments.reporting import model_cards
from ser_acrnn.cli.progress import Progress
from ser_acrnn.config import Preset
from ser_acrnn.pretrained import DIRECTORY


@command.entry
def main(
    options: GridOptions,
    system: Annotated[str, typer.Option(help="row of the tables, one that takes the last epoch")],
    name: Annotated[str, typer.Option(help="what users call the network")],
    seed: Annotated[int, typer.Option(min=0, help="of the training")] = 0,
    directory: Annotated[Path, typer.Option(help="where shipped networks are kept", show_default="the package")] = DIRECTORY,
) -> None:
    """Trains, and writes network, its file for ONNX Runtime, index and card.

    Raises:
        LicenceError: The corpus is not open.
        ValueError: The corpus or the system cannot be used, or there is no result that says what the network is worth.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    import keras  # heavy, and not needed for --help

    from ser_acrnn.models.saving import in_float32
    from ser_acrnn.training import run as training

    experiment = named_experiment(options, system)
    if not isinstance(experiment.preset, Preset):
        raise ValueError(f"--system is {system}, expected a network")
    shipped.check_licences(name, {"corpus": experiment.corpus.name})
    results = options.results / experiment.folder / system
    if not any(results.glob("*-seed*.json")):
        raise ValueError(f"{results}: holds no result, expected the folds that say what {system} is worth on unheard speakers")
    checkpoint = options.work / "ship" / f"{name}-seed{seed}.npz"
    with Progress(experiment.preset.training.epochs, name, "epochs") as bar:

        def show(entry: dict) -> None:
            bar.reach(entry["epoch"], f"loss {entry['loss']:.3f}")

        model = training.train_on_all(
            experiment.corpus,
            experiment.preset,
            seed,
            copies=experiment.copies,
            devices=options.devices,
            checkpoint=checkpoint,
            on_epoch=show,
        )
    model = in_float32(model)  # every processor has units for float32
    kept = _networks(experiment, options.models, seed)
    model = familiarity.learned(model, experiment.preset, experiment.corpus, kept, experiment.copies)
    path = shipped.ship(
        model,
        name,
        experiment.preset,
        directory,
        corpus=experiment.corpus.name,
        devices=options.devices,
        system=system,
        seed=seed,
        familiarity_by=list(kept),
    )
    model_cards.write(name, options.results, directory)
    checkpoint.unlink(missing_ok=True)
    keras.backend.clear_session()
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


def _networks(experiment: Experiment, folder: Path | None, seed: int) -> dict[str, Path]:
    """Those of the folds that the grid kept, by who was left out."""
    runs = [experiment.run(fold, seed) for fold in range(len(experiment.folds))] if folder else []
    return {run.fold.test: path for run in runs if (path := run.file(folder, ".keras")).is_file()}


if __name__ == "__main__":
    sys.exit(main())
