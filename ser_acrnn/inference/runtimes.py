"""Which runtime a network is judged on: ONNX Runtime where there is a file for it, Keras otherwise; and what both do.

What a first prediction takes of time and memory on either stands in results/bench, group `predicting`. LiteRT takes more time for a segment
(group `inference` there), takes one at a time, and has no inputs with defaults, by which batch norm is adapted to a speaker here. A session
has one thread: more of them take more of the processor's time for the same segments, and a process that forks would leave them behind.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from ser_acrnn import files
from ser_acrnn.config import Normalisation
from ser_acrnn.inference.onnx_network import OnnxNetwork, RuntimeUnavailableError
from ser_acrnn.inference.speaker_adaptation import BatchNorms
from ser_acrnn.pretrained import list_pretrained, pretrained_path

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

Runtime = Literal["auto", "onnx", "keras"]
SUFFIX: Literal[".onnx"] = ".onnx"  # of the file for ONNX Runtime, beside the `.keras`
_BROUGHT_BY_KERAS = ("h5py", "keras", "tensorflow")  # what the small environment lacks; another backend is the user's choice


class Network(BatchNorms, Protocol):
    """A network on one of the runtimes.

    Attributes:
        runtime: `"onnx"` or `"keras"`.
        emotions: Its classes, in the order of its posteriors.
        recipe_hash: Of the features that it takes.
        scope: What these are normalised by, see `ser_acrnn.config.ModelConfig`.
        segment_shape: `(frames, mels, channels)`.
        steps: Weights of the attention a segment.
        embedding_units: What the posteriors are computed from.
        parameters: How many numbers it holds.
    """

    @property
    def runtime(self) -> Literal["onnx", "keras"]: ...  # noqa: D102

    @property
    def emotions(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def recipe_hash(self) -> str: ...  # noqa: D102

    @property
    def scope(self) -> Normalisation: ...  # noqa: D102

    @property
    def segment_shape(self) -> tuple[int, ...]: ...  # noqa: D102

    @property
    def steps(self) -> int: ...  # noqa: D102

    @property
    def embedding_units(self) -> int: ...  # noqa: D102

    @property
    def parameters(self) -> int: ...  # noqa: D102

    def score(self, segments: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Segments `(segments, frames, mels, channels)` -> posteriors `(segments, emotions)`, attention `(segments, steps)` and
        unfamiliarity `(segments,)`, see `ser_acrnn.models.layers.Familiarity`, 0 of a network that does not know.
        """

    def embed(self, segments: NDArray[np.float32]) -> NDArray[np.float32]:
        """Segments -> what the posteriors are computed from, `(segments, units)`."""

    def own(self) -> None:
        """From now on, what is changed is no longer what was handed over."""


def opened(model: str | Path | keras.Model, runtime: Runtime, batch_segments: int) -> Network:
    """Opens a network.

    Args:
        model: See `ser_acrnn.Predictor`.
        runtime: `"auto"`: ONNX Runtime for a network that ships, and for a `.keras` file with an `.onnx` beside it that was made from it;
            Keras for all others. `"onnx"` and `"keras"` take no other.
        batch_segments: Segments at a time, which Keras compiles for.

    Raises:
        RuntimeUnavailableError: The runtime is not installed, or has no file of the network.
        ValueError: There is no such network, it is none of this package's; another runtime.
    """
    if runtime not in get_args(Runtime):
        raise ValueError(f"runtime is {runtime!r}, expected one of {get_args(Runtime)}")
    why_not = ""
    if runtime != "keras":
        try:
            return _by_onnx(model)
        except RuntimeUnavailableError as error:
            if runtime == "onnx":
                raise
            why_not = f"{error}; and Keras "
    try:
        from ser_acrnn.inference import keras_network
    except ModuleNotFoundError as error:
        if error.name not in _BROUGHT_BY_KERAS:
            raise
        lacking = f"{why_not or f'{model}: Keras '}needs {error.name}, not installed here: pip install ser_acrnn"
        raise RuntimeUnavailableError(lacking) from error
    return keras_network.opened(model, batch_segments)


def is_network(model: object) -> bool:
    """Whether it is a loaded `keras.Model`; Keras is not imported for the question."""
    return isinstance(model, getattr(sys.modules.get("keras"), "Model", ()))


def _by_onnx(model: str | Path | keras.Model) -> Network:
    if is_network(model):
        raise RuntimeUnavailableError("a loaded network has no file for ONNX Runtime, expected its name or its .keras file")
    name, path = str(model), f"{str(model).removesuffix('.keras')}{SUFFIX}"
    if name in list_pretrained():
        return OnnxNetwork(pretrained_path(name, SUFFIX), name)
    if not (os.path.isfile(path) and os.path.isfile(name)):
        raise RuntimeUnavailableError(f"{name}: there is no {path} beside it, expected one that `ser_acrnn.export.light.write` wrote")
    network, expected = OnnxNetwork(Path(path), name), files.sha256(name)
    if network.made_from != expected:
        raise RuntimeUnavailableError(f"{path}: was made from a network with the sha256 {network.made_from}, expected {expected} of {name}")
    return network
