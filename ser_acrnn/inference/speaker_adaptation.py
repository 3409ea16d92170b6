"""Batch norm by a speaker's own audio: mean and variance of what a network hears of one voice, without labels, instead of training's.

Y. Li, N. Wang, J. Shi, X. Hou, J. Liu, "Adaptive Batch Normalization for practical domain adaptation", Pattern Recognition 80, 2018. Few
segments are not trusted alone: the training speakers' statistics count as `PRIOR_SEGMENTS` more, after S. Schneider et al., "Improving
robustness against common corruptions by covariate shift adaptation", NeurIPS 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

import keras
import numpy as np
from numpy.typing import NDArray

from ser_acrnn.config import AS_SPOKEN
from ser_acrnn.features.tempo import at_tempo
from ser_acrnn.inference.batching import filled, in_batches

PRIOR_SEGMENTS = 8


class SpeakerBatchNorm:
    """The batch norm of a network, which takes the statistics of a speaker, or those of training again. It changes the network in place.

    Args:
        model: A network of this package.

    Attributes:
        layers: The network's batch norms, in order; without one nothing adapts.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.layers = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
        self._trained = [_statistics(layer) for layer in self.layers]

    def adapt(self, hear: Callable[[], Iterable[NDArray[np.float32]]], tempos: Sequence[float] = AS_SPOKEN, batch_size: int = 40) -> None:
        """Takes mean and variance over all that the network hears of a speaker, layer by layer.

        Args:
            hear: Called once for each layer: the speaker's segments, in arrays `(segments, 300, mels, channels)`.
            tempos: Rates at which each segment is heard.
            batch_size: Segments at a time.

        Raises:
            ValueError: No segment.
        """
        self.restore()
        for layer, before, (mean, variance) in zip(self.layers, self._before, self._trained, strict=True):

            def listen(batch: NDArray[np.float32], before: keras.Model = before) -> list[NDArray]:
                ((full, number),) = filled(batch, batch_size)
                return [np.asarray(before.predict_on_batch(at_tempo(full, tempo)))[:number] for tempo in tempos]

            segments, values = 0, 0
            total, squares = np.zeros(mean.shape), np.zeros(mean.shape)
            for _, found in in_batches(((None, part) for part in hear()), listen, batch_size):
                segments += len(found[0]) if found else 0
                for heard in found:
                    rows = heard.reshape(-1, len(mean)).astype(np.float64) - mean  # so that the difference of squares keeps its digits
                    values += len(rows)
                    total += rows.sum(axis=0)
                    squares += (rows**2).sum(axis=0)
            if not segments:
                raise ValueError(f"{self.model.name}: nothing was heard of the speaker, expected one segment or more")
            share, shift = segments / (segments + PRIOR_SEGMENTS), total / values
            layer.moving_mean.assign(mean + share * shift)
            layer.moving_variance.assign((1 - share) * variance + share * (squares / values - shift**2))

    @cached_property
    def _before(self) -> list[keras.Model]:
        """For each layer the network up to it; kept, so that it is compiled once."""
        return [keras.Model(self.model.input, layer.input) for layer in self.layers]

    def restore(self) -> None:
        """Takes the statistics of training again."""
        for layer, (mean, variance) in zip(self.layers, self._trained, strict=True):
            layer.moving_mean.assign(mean)
            layer.moving_variance.assign(variance)


def _statistics(layer: keras.layers.BatchNormalization) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mean, variance = (np.asarray(keras.ops.convert_to_numpy(value), np.float64) for value in (layer.moving_mean, layer.moving_variance))
    return mean, variance
