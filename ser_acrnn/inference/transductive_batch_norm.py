"""Batch norm by mean and variance of the segments that are being judged, as the authors' program has it, instead of training's.

In `acrnn1.py` of the paper's authors the batch norm's wrapper takes the statistics of the batch at hand in training and judging alike.
What it says of a segment then depends on the segments beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from ser_acrnn.config import ConfigError
from ser_acrnn.inference.batching import filled

# Rows that statistics are taken of, and rows that are judged by them.
Share = tuple[NDArray[np.int64], NDArray[np.int64]]


class TransductiveBatchNorm:
    """A network whose batch norms take their statistics from what is judged. The network itself stays as it is.

    Args:
        model: A network of this package, with one batch norm or more.

    Raises:
        ConfigError: The network has no batch norm.
    """

    def __init__(self, model: keras.Model) -> None:
        self.layers = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
        if not self.layers:
            raise ConfigError(f"{model.name} has no batch norm, expected one to take the statistics of what is judged")
        starts = [model.input, *(layer.output for layer in self.layers)]
        ends = [*(layer.input for layer in self.layers), model.output]
        self._parts = [keras.Model(start, end) for start, end in zip(starts, ends, strict=True)]

    def posteriors(self, features: NDArray[np.float32], ways: Sequence[Sequence[Share]], batch_size: int = 40) -> list[NDArray[np.float32]]:
        """Posteriors of segments under several ways of taking the statistics; the network up to its first batch norm runs once.

        Args:
            features: Shape `(segments, 300, mels, channels)`.
            ways: Of each way the shares, which judge every segment once.
            batch_size: Segments at a time; the posteriors do not depend on it.

        Returns:
            An array `(segments, emotions)` a way.
        """
        first = _through(self._parts[0], features, batch_size)
        found = []
        for shares in ways:
            scores = np.full((len(features), self._parts[-1].output_shape[-1]), np.nan, np.float32)
            for heard, judged in shares:
                rows = np.union1d(heard, judged)
                said = self._after(first[rows], np.isin(rows, heard), batch_size)
                scores[judged] = said[np.isin(rows, judged)]
            found.append(scores)
        return found

    def _after(self, values: NDArray[np.float32], heard: NDArray[np.bool_], batch_size: int) -> NDArray[np.float32]:
        """From the first batch norm to the posteriors, each batch norm by the rows that are heard."""
        for layer, part in zip(self.layers, self._parts[1:], strict=True):
            axes = tuple(range(values.ndim - 1))
            wide = values[heard].astype(np.float64)
            gamma, beta = (np.asarray(keras.ops.convert_to_numpy(weight)) for weight in (layer.gamma, layer.beta))
            scale = gamma / np.sqrt(wide.var(axis=axes) + layer.epsilon)
            values = _through(part, ((values - wide.mean(axis=axes)) * scale + beta).astype(np.float32), batch_size)
        return values


def shares(way: str, utterance: NDArray[np.int64], seed: int = 0) -> list[Share]:
    """Which segments of a speaker lend their statistics to which.

    Args:
        way: `"judged"`: all to all; `"judged-40"` and the like: each batch of so many, in order, to itself, the last one being smaller;
            `"judged-halves"`: each half of the utterances, drawn at random, to the other half.
        utterance: Number of the utterance of each segment, shape `(segments,)`.
        seed: What the halves are drawn by.

    Raises:
        ValueError: Another way.
    """
    everything = np.arange(len(utterance))
    if way == "judged":
        return [(everything, everything)]
    if way == "judged-halves":
        order = np.random.default_rng(seed).permutation(np.unique(utterance))
        first = np.isin(utterance, order[: (len(order) + 1) // 2])
        halves = np.flatnonzero(first), np.flatnonzero(~first)
        return [halves, halves[::-1]] if len(halves[1]) else [(everything, everything)]
    name, _, size = way.rpartition("-")
    if name != "judged" or not size.isdigit() or int(size) < 1:
        raise ValueError(f"no way of judging is called {way!r}, expected 'judged', 'judged-halves', or 'judged-40' and the like")
    return [(batch, batch) for batch in np.split(everything, range(int(size), len(everything), int(size)))]


def _through(part: keras.Model, values: NDArray[np.float32], batch_size: int) -> NDArray[np.float32]:
    """What a part of the network makes of its input, in batches of one size."""
    return np.concatenate([np.asarray(part.predict_on_batch(batch))[:number] for batch, number in filled(values, batch_size)])
