"""Networks that ship with the package: `<name>.keras`, `<name>.onnx`, the card `<name>.md`, and `index.json`, which knows the checksums.

They are made by `python -m experiments.release`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from ser_acrnn import files
from ser_acrnn.pretrained import hub

DIRECTORY = Path(__file__).parent
INDEX = "index.json"
DEFAULT_MODEL = "acrnn3d-open"
SUMS = {".keras": "sha256", ".onnx": "onnx_sha256"}  # of a network's files by their suffix, in the index


class PretrainedError(ValueError):
    """A shipped network that is not there, or not as it was shipped; the message names it."""


def list_pretrained() -> list[str]:
    """Names of the networks that ship with the package, sorted."""
    return sorted(_index())


def pretrained_path(name: str, suffix: Literal[".keras", ".onnx"] = ".keras") -> Path:
    """The file of a network, its checksum checked.

    Args:
        name: One of `list_pretrained()`.
        suffix: `.onnx` for the file that ONNX Runtime reads.

    Raises:
        PretrainedError: An unknown name, or a file that is missing or damaged.
    """
    known = _index()
    if name not in known:
        raise PretrainedError(f"no pretrained network is called {name!r}, expected one of {sorted(known)}")
    path, expected = DIRECTORY / f"{name}{suffix}", known[name][SUMS[suffix]]
    if not path.is_file():
        raise PretrainedError(f"{path}: no such file, expected the network {name!r}; install the package again")
    found = files.sha256(path)
    if found != expected:
        raise PretrainedError(f"{path}: has the sha256 {found}, expected {expected}; install the package again")
    return path


def describe(name: str) -> str:
    """What a network is, in one line.

    Raises:
        PretrainedError: An unknown name.
    """
    pretrained_path(name)
    return _index()[name]["description"]


def model_card(name: str) -> str:
    """What a network was trained on, how well it judges, and what it is not for, as Markdown.

    Raises:
        PretrainedError: An unknown name.
    """
    pretrained_path(name)
    return (DIRECTORY / f"{name}.md").read_text(encoding="utf-8")


def load_pretrained(name: str) -> Any:
    """Loads a network.

    Args:
        name: One of `list_pretrained()`, or `hf://<owner>/<repository>` for one on the Hugging Face hub, which is downloaded.

    Returns:
        A `keras.Model`: segments `(batch, 300, 40, 3)` of the recipe `paper` -> posteriors `(batch, emotions)`, in float32. The emotions
        are `model.get_layer("emotion").emotions`. `model.get_layer("normalise").scope` says by what the log-Mels have to be standardised
        before they are cut: `"training"` by nothing, `"utterance"` and `"speaker"` by that one's mean and variance, which
        `Predictor.preprocessor.segments` and `ser_acrnn.waveform_model` do. Segments of log-Mels as they are get NaN, or with `predict` a
        `ValueError`.

    Raises:
        PretrainedError: An unknown name, or a file that is missing or damaged.
        HubError, NetworkError: The network on the hub cannot be fetched, or not be opened.
    """
    import keras

    from ser_acrnn.models import loading

    if not name.startswith(hub.ADDRESS):
        return keras.saving.load_model(pretrained_path(name), compile=False)
    try:
        return loading.load(hub.fetched(name))
    except loading.NetworkError as error:
        raise loading.NetworkError(f"{name}: {error}") from error


def _index() -> dict[str, dict[str, Any]]:
    return json.loads((DIRECTORY / INDEX).read_text(encoding="utf-8"))
