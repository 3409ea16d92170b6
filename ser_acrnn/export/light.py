"""The file beside a `.keras` by which its network is judged without TensorFlow: written, and compared with what Keras says."""

from __future__ import annotations

import json
import os
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from ser_acrnn import __version__, files
from ser_acrnn.export.checks import synthetic_segments
from ser_acrnn.export.targets import check_file
from ser_acrnn.inference.keras_network import KerasNetwork
from ser_acrnn.inference.onnx_network import OnnxNetwork
from ser_acrnn.inference.runtimes import SUFFIX, Network
from ser_acrnn.models.loading import check_parts, load

MOST_DIFFERENCE = 1e-5  # of a posterior, a weight of the attention, or a share of the unfamiliarity; float32 differs by 1e-6
OTHER_SPEAKER = 1.5  # what the check multiplies batch norm's statistics by
SEGMENTS = BATCH = 24  # that are compared


class LightFileError(ValueError):
    """A file that cannot be made, or that does not say what its network says; nothing of it is left."""


def write(network: str | Path) -> Path:
    """Writes the file for ONNX Runtime beside a network, with which `ser_acrnn.Predictor` judges from then on.

    Args:
        network: A `.keras` file with a network of `ser_acrnn.models.networks.acrnn` in float32. The file belongs to these very bytes of
            it: of another network under the same name it is not taken.

    Returns:
        Its path, that of the network but for the suffix `.onnx`.

    Raises:
        LightFileError: It is a folder, or the package onnx is not installed; an export has the file's name; or the file says something
            else than Keras.
        ValueError: The network cannot be opened, is none of this package's, or has a layer that there is no such file of.
    """
    network = Path(network)
    if network.is_dir():
        raise LightFileError(f"{network}: is a folder, expected a network saved as .keras")
    try:
        from ser_acrnn.export import onnx_graph
    except ImportError as error:
        raise LightFileError(
            f"{network}: a file for ONNX Runtime needs {error.name}, not installed here: pip install 'ser_acrnn[export]'"
        ) from error
    path = network.with_suffix(SUFFIX)
    if check_file(path).is_file():
        raise LightFileError(f"{path}: is an export, with {check_file(path).name} beside it, expected none of the network's name here")
    model = load(network)
    check_parts(model, str(network))
    normalise = model.get_layer("normalise")
    properties = {
        "made_from": files.sha256(network),
        "emotions": json.dumps(model.get_layer("emotion").emotions),
        "recipe_hash": normalise.recipe_hash,
        "scope": normalise.scope,
        "parameters": str(model.count_params()),
        "ser_acrnn": __version__,
    }
    made = onnx_graph.graph_of(model, properties)
    with files.replacing(path) as partial:
        partial.write_bytes(made.SerializeToString(deterministic=True))
        if (found := _largest_difference(model, OnnxNetwork(partial, str(path)))) > MOST_DIFFERENCE:
            raise LightFileError(f"{path}: differs by {found:.1e} from what Keras says of {network}, expected at most {MOST_DIFFERENCE:g}")
    return path


def check(network: str | Path) -> float:
    """Compares the file beside a network with the network.

    Returns:
        The largest difference in what they say of made-up segments, before and after batch norm took other statistics.

    Raises:
        ValueError: One of the files cannot be opened.
    """
    network = Path(network)
    return _largest_difference(load(network), OnnxNetwork(network.with_suffix(SUFFIX), os.fspath(network)))


def _largest_difference(model: keras.Model, light: OnnxNetwork) -> float:
    by_keras, segments = KerasNetwork(model, BATCH, lent=True), synthetic_segments(model, SEGMENTS)
    by_keras.own()
    short = segments[2:].copy()
    short[:, segments.shape[1] // 3 :] = 0  # of these alone, padding is cut off
    found = [_difference(by_keras, light, some) for some in (segments, short)]
    for number, (mean, variance) in enumerate(by_keras.statistics()):
        for network in (by_keras, light):
            network.take(number, mean * OTHER_SPEAKER, variance * OTHER_SPEAKER)
    return max(*found, _difference(by_keras, light, segments))


def _difference(one: Network, other: Network, segments: NDArray[np.float32]) -> float:
    mine, yours = ([*network.score(segments), *_heard(network, segments)] for network in (one, other))
    return max(float((np.abs(a - b) / np.maximum(1, np.abs(a))).max()) for a, b in zip(mine, yours, strict=True))


def _heard(network: Network, segments: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return [network.hear(number, segments) for number in range(network.batch_norms)]
