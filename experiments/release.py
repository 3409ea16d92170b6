"""The networks that ship with the package: a system trained on all speakers of a corpus, its files, checksums and card.

python -m experiments.release --prepared build/data/emodb --system best-by-utterance.robust-short-pauses --name acrnn3d-emodb

With `--models`, where the grid kept the networks of the folds, the network also learns what is unlike all that it was trained on.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from data_prep import command
from experiments import familiarity, shipped
from experiments.grid.runs import named_experiment
from experiments.options import GridOptions
from experiments.reporting import model_cards
from ser_acrnn import __version__, files
from ser_acrnn.cli.progress import Progress
from ser_acrnn.config import Preset
from ser_acrnn.pretrained import DIRECTORY, INDEX


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

    from ser_acrnn.export import light
    from ser_acrnn.models.saving import in_float32, save_compact
    from ser_acrnn.training import devices
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
    model, unheard = familiarity.learned(in_float32(model), experiment, options, seed)  # every processor has units for float32
    path = directory / f"{name}.keras"
    save_compact(model, path)
    known = shipped.index(directory)
    placement = devices.place(options.devices, experiment.preset.training.batch_size)
    known[name] = {
        "description": describe(experiment.preset, experiment.facts.title),
        "sha256": files.sha256(path),
        "onnx_sha256": files.sha256(light.write(path)),
        "corpus": experiment.corpus.name,
        "system": system,
        "seed": seed,
        "epochs": experiment.preset.training.epochs,
        "emotions": list(experiment.preset.model.emotions),
        "normalisation": experiment.preset.model.normalisation,
        "recipe_hash": experiment.corpus.features.recipe_hash,
        "parameters": model.count_params(),
        "version": __version__,
        "backend": training.backend(),
        "device": placement.description,
        "precision": placement.precision(experiment.preset.training.precision),
        "familiarity_by": unheard,
    }
    files.write_text(directory / INDEX, json.dumps(dict(sorted(known.items())), indent=1) + "\n")
    model_cards.write(name, options.results, directory)
    checkpoint.unlink(missing_ok=True)
    keras.backend.clear_session()
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


def describe(preset: Preset, corpus: str) -> str:
    """A network in one line."""
    speaker = "; for a speaker of whom other recordings are at hand" if preset.model.normalisation == "speaker" else ""
    return f"{len(preset.model.emotions)} emotions ({', '.join(preset.model.emotions)}), trained on {corpus}{speaker}"


if __name__ == "__main__":
    sys.exit(main())
