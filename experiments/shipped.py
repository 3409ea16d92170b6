"""The networks that ship: their files, their index, what each learned from, and whether that may be passed on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_prep.loader import OPEN_LICENCES
from experiments import catalogue
from ser_acrnn import __version__, files
from ser_acrnn.config import Preset
from ser_acrnn.pretrained import DIRECTORY, INDEX

if TYPE_CHECKING:  # heavy, and not needed for --help
    import keras


class LicenceError(ValueError):
    """A corpus whose licence does not let a network that learned from it ship."""


def index(directory: Path = DIRECTORY) -> dict[str, dict[str, Any]]:
    """What is known of each network, by its name; nothing where there is no index yet."""
    path = directory / INDEX
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def learned_from(about: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the corpora that trained a network; several are joined by `+` in the index."""
    return tuple(about["corpus"].split("+"))


def check_licences(network: str, about: Mapping[str, Any]) -> None:
    """Makes sure that a network may ship.

    Raises:
        LicenceError: It learned from a corpus that is not open.
    """
    for name in learned_from(about):
        corpus = catalogue.corpus(name)
        if not corpus.is_open:
            licence = corpus.licence or "unknown to its loader"
            raise LicenceError(
                f"{network}: learned from {corpus.title}, whose licence is {licence}, expected corpora under {', '.join(OPEN_LICENCES)}"
            )


def ship(
    model: keras.Model,
    name: str,
    preset: Preset,
    directory: Path,
    *,
    corpus: str,
    system: str,
    seed: int,
    devices: str,
    familiarity_by: Sequence[str],
    temperature: float = 1.0,
) -> Path:
    """Writes a network, its file for ONNX Runtime, and its entry in the index.

    Args:
        model: In float32.
        name: What users call it.
        preset: What it was trained by.
        directory: Where shipped networks are kept.
        corpus: Name of the corpus that it learned from; several are joined by `+`.
        system: Name of the system or the recipe.
        seed: Of the training.
        devices: Where it was trained, see `ser_acrnn.training.devices.place`.
        familiarity_by: Whom the networks had not heard that its limit is by.
        temperature: What its head's logits have been divided by since its training.

    Returns:
        The `.keras` file.

    Raises:
        LicenceError: It learned from a corpus that is not open.
    """
    from ser_acrnn.export import light
    from ser_acrnn.models.saving import save_compact
    from ser_acrnn.training import run
    from ser_acrnn.training.devices import place

    check_licences(name, {"corpus": corpus})
    path, placement = directory / f"{name}.keras", place(devices, preset.training.batch_size)
    directory.mkdir(parents=True, exist_ok=True)
    save_compact(model, path)
    *others, last = [catalogue.corpus(each).title for each in learned_from({"corpus": corpus})]
    entry = {
        "description": describe(preset, f"{', '.join(others)} and {last}" if others else last),
        "sha256": files.sha256(path),
        "onnx_sha256": files.sha256(light.write(path)),
        "corpus": corpus,
        "system": system,
        "seed": seed,
        "epochs": preset.training.epochs,
        "copies": preset.training.copies,
        "emotions": list(preset.model.emotions),
        "normalisation": preset.model.normalisation,
        "recipe_hash": preset.features.recipe_hash,
        "parameters": model.count_params(),
        "version": __version__,
        "backend": run.backend(),
        "device": placement.description,
        "precision": placement.precision(preset.training.precision),
        "familiarity_by": list(familiarity_by),
        "temperature": temperature,
    }
    known = {**index(directory), name: entry}
    files.write_text(directory / INDEX, json.dumps(dict(sorted(known.items())), indent=1) + "\n")
    return path


def describe(preset: Preset, corpora: str) -> str:
    """A network in one line."""
    speaker = "; for a speaker of whom other recordings are at hand" if preset.model.normalisation == "speaker" else ""
    return f"{len(preset.model.emotions)} emotions ({', '.join(preset.model.emotions)}), trained on {corpora}{speaker}"
