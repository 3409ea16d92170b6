"""A network on ONNX Runtime, from a file that `ser_acrnn.export.light` has written beside a `.keras`; neither Keras nor TensorFlow.

The statistics of batch norms are inputs of the graph whose defaults are those of training; what goes into each is an output.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.config import Normalisation
from ser_acrnn.features.normalisation import Statistics
from ser_acrnn.pretrained import list_pretrained, pretrained_path

SEGMENTS, POSTERIORS, ATTENTION, EMBEDDING, UNFAMILIARITY = "segments", "emotion", "attention", "embedding", "unfamiliarity"
# Of the batch norm with that number: what it hears; mean and variance as inputs, and as the graph has them.
HEARD, MEAN, VARIANCE, OF_MEAN, OF_VARIANCE = "heard_{}", "mean_{}", "variance_{}", "of_mean_{}", "of_variance_{}"
PROPERTIES = ("made_from", "emotions", "recipe_hash", "scope", "parameters")  # what the file tells of itself
_ERRORS_ALONE = 3  # of ONNX Runtime's levels of severity; it warns of inputs that have defaults


class RuntimeUnavailableError(ValueError):
    """A network that a runtime cannot judge, here or at all; the message says why."""


class OnnxNetwork:
    """See `ser_acrnn.inference.runtimes.Network`.

    Args:
        path: The file.
        name: What errors call the network.

    Attributes:
        made_from: The sha256 of the `.keras` file that has the same weights.

    Raises:
        RuntimeUnavailableError: ONNX Runtime is not installed or cannot open it, or it is none of `ser_acrnn.export.light`.
    """

    runtime: Literal["onnx", "keras"] = "onnx"

    def __init__(self, path: Path, name: str) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise RuntimeUnavailableError(f"{name}: ONNX Runtime is not installed here: pip install onnxruntime") from error
        self.name, self._path = name, path.absolute()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ALONE
        try:
            self._session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its own have no common kind
            reason = " ".join(str(error).split())
            raise RuntimeUnavailableError(f"{path}: ONNX Runtime {onnxruntime.__version__} cannot open it ({reason})") from error
        about = self._session.get_modelmeta().custom_metadata_map
        shapes = {value.name: value.shape for value in (*self._session.get_inputs(), *self._session.get_outputs())}
        lacking = [name for name in PROPERTIES if name not in about]
        lacking += [name for name in (SEGMENTS, POSTERIORS, ATTENTION, EMBEDDING) if name not in shapes]
        if lacking:
            raise RuntimeUnavailableError(f"{path}: does not tell {', '.join(lacking)}, expected a file of `ser_acrnn.export.light.write`")
        self.made_from, self.recipe_hash = about["made_from"], about["recipe_hash"]
        try:
            self.emotions: tuple[str, ...] = tuple(json.loads(about["emotions"]))
            self.parameters = int(about["parameters"])
            self.segment_shape: tuple[int, ...] = tuple(int(size) for size in shapes[SEGMENTS][1:])
            self.steps, self.embedding_units = (int(shapes[name][1]) for name in (ATTENTION, EMBEDDING))
        except (ValueError, TypeError, IndexError) as error:
            expected = "expected a file of `ser_acrnn.export.light.write`"
            raise RuntimeUnavailableError(f"{path}: tells what cannot be read ({error}), {expected}") from error
        self.scope: Normalisation = cast(Normalisation, about["scope"])
        if self.scope not in get_args(Normalisation):
            raise RuntimeUnavailableError(f"{path}: normalises by {self.scope!r}, expected one of {get_args(Normalisation)}")
        self.batch_norms = len(self._session.get_overridable_initializers()) // 2
        self._knows = UNFAMILIARITY in shapes
        self._speaker: dict[str, NDArray[np.float32]] = {}  # inputs that replace the defaults

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled and copied by its file, which a session cannot be, and with its speaker."""
        return _reopened, (self._path, self.name, self.made_from, self._speaker)

    def score(self, segments: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """See `Network`."""
        posteriors, attention, *known = self._run([POSTERIORS, ATTENTION, *([UNFAMILIARITY] if self._knows else [])], segments)
        return posteriors, attention, known[0] if known else np.zeros(len(posteriors), np.float32)

    def embed(self, segments: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Network`."""
        return self._run([EMBEDDING], segments)[0]

    def hear(self, number: int, segments: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `ser_acrnn.inference.speaker_adaptation.BatchNorms`."""
        return self._run([HEARD.format(number)], segments)[0]

    def statistics(self) -> list[Statistics]:
        """See `ser_acrnn.inference.speaker_adaptation.BatchNorms`."""
        names = [name.format(number) for number in range(self.batch_norms) for name in (OF_MEAN, OF_VARIANCE)]
        found = self._run(names, np.zeros((1, *self.segment_shape), np.float32)) if names else []
        return list(zip(found[::2], found[1::2], strict=True))

    def take(self, number: int, mean: NDArray[Any], variance: NDArray[Any]) -> None:
        """See `ser_acrnn.inference.speaker_adaptation.BatchNorms`."""
        self._speaker[MEAN.format(number)] = np.asarray(mean, np.float32)
        self._speaker[VARIANCE.format(number)] = np.asarray(variance, np.float32)

    def own(self) -> None:
        """See `Network`; a file is always its own."""

    def _run(self, outputs: list[str], segments: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        return self._session.run(outputs, {SEGMENTS: np.ascontiguousarray(segments), **self._speaker})


def _reopened(path: Path, name: str, made_from: str, speaker: dict[str, NDArray[np.float32]]) -> OnnxNetwork:
    """The network that was pickled; one that ships is found wherever the package is installed.

    Raises:
        RuntimeUnavailableError: Its file is not there any more, or another one is.
    """
    if not path.is_file() and name in list_pretrained():
        path = pretrained_path(name).with_suffix(path.suffix)
    network = OnnxNetwork(path, name)
    if network.made_from != made_from:
        raise RuntimeUnavailableError(f"{path}: holds other weights, expected those of the network that was pickled")
    network._speaker = dict(speaker)
    return network
