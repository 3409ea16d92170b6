"""Batch norm by a speaker's own audio: mean and variance of what a network hears of one voice, without labels, instead of training's.

Y. Li, N. Wang, J. Shi, X. Hou, J. Liu, "Adaptive Batch Normalization for practical domain adaptation", Pattern Recognition 80, 2018. Few
segments are not trusted alone: the training speakers' statistics count as `PRIOR_SEGMENTS` more, after S. Schneider et al., "Improving
robustness against common corruptions by covariate shift adaptation", NeurIPS 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.config import AS_SPOKEN
from ser_acrnn.features.normalisation import Statistics
from ser_acrnn.features.tempo import at_tempo
from ser_acrnn.inference.batching import in_batches

PRIOR_SEGMENTS = 8


class BatchNorms(Protocol):
    """The batch norms of a network, in order, on whatever runtime.

    Attributes:
        name: The network's, for errors.
        batch_norms: How many there are; without one nothing adapts.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def batch_norms(self) -> int: ...  # noqa: D102

    def statistics(self) -> list[Statistics]:
        """Mean and variance that each has now, `(channels,)`."""

    def take(self, number: int, mean: NDArray[Any], variance: NDArray[Any]) -> None:
        """Gives the batch norm of that number others."""

    def hear(self, number: int, segments: NDArray[np.float32]) -> NDArray[np.float32]:
        """What goes into the batch norm of that number, `(segments, ..., channels)`, of segments `(segments, frames, mels, channels)`."""


class SpeakerBatchNorm:
    """The batch norm of a network, which takes the statistics of a speaker, or those of training again. It changes the network in place.

    Args:
        network: A network, with the statistics of its training.
    """

    def __init__(self, network: BatchNorms) -> None:
        self.network = network

    def adapt(self, hear: Callable[[], Iterable[NDArray[np.float32]]], tempos: Sequence[float] = AS_SPOKEN, batch_size: int = 40) -> None:
        """Takes mean and variance over all that the network hears of a speaker, batch norm by batch norm.

        Args:
            hear: Called once for each batch norm: the speaker's segments, in arrays `(segments, 300, mels, channels)`.
            tempos: Rates at which each segment is heard.
            batch_size: Segments at a time.

        Raises:
            ValueError: No segment; the network is as it was before.
        """
        before = self.network.statistics()
        try:
            self._adapt(hear, tempos, batch_size)
        except BaseException:
            self._take(before)
            raise

    def _adapt(self, hear: Callable[[], Iterable[NDArray[np.float32]]], tempos: Sequence[float], batch_size: int) -> None:
        self.restore()
        for place, (mean, variance) in enumerate(self._trained):

            def listen(batch: NDArray[np.float32], place: int = place) -> list[NDArray]:
                return [self.network.hear(place, at_tempo(batch, tempo)) for tempo in tempos]

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
                raise ValueError(f"{self.network.name}: nothing was heard of the speaker, expected one segment or more")
            share, shift = segments / (segments + PRIOR_SEGMENTS), total / values
            self.network.take(place, mean + share * shift, (1 - share) * variance + share * (squares / values - shift**2))

    def restore(self) -> None:
        """Takes the statistics of training again."""
        self._take(self._trained)

    def _take(self, statistics: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> None:
        for place, (mean, variance) in enumerate(statistics):
            self.network.take(place, mean, variance)

    @cached_property
    def _trained(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        return [(mean.astype(np.float64), variance.astype(np.float64)) for mean, variance in self.network.statistics()]
