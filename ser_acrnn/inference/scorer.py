"""What scores segments for `Predictor`, on either runtime: its tempos, its batches, its speaker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.features.tempo import at_tempo
from ser_acrnn.inference.runtimes import Network, Runtime, opened
from ser_acrnn.inference.speaker_adaptation import SpeakerBatchNorm

if TYPE_CHECKING:
    import keras

    from ser_acrnn.inference.keras_network import KerasNetwork


class SegmentScorer:
    """Scores segments with a network, and adapts it to a speaker; arguments and errors as of `Predictor`.

    Attributes:
        network: The network on its runtime.
    """

    def __init__(self, model: str | Path | keras.Model, batch_segments: int, tempos: Sequence[float], runtime: Runtime = "auto") -> None:
        self.batch_segments, self.tempos = batch_segments, tuple(tempos)
        self._source = model
        self._take(opened(model, runtime, batch_segments))

    def _take(self, network: Network) -> None:
        self.network = network
        self._batch_norm = SpeakerBatchNorm(network)

    @property
    def model(self) -> keras.Model:
        """The Keras model, with the speaker's batch norm after `adapt`; from then on it scores, so that what is changed in it is heard."""
        if self.network.runtime != "keras":
            by_speaker = self.network.statistics()
            self._take(opened(self._source, "keras", self.batch_segments))
            for number, statistics in enumerate(by_speaker):
                self.network.take(number, *statistics)
        return cast("KerasNetwork", self.network).model

    @property
    def adapts(self) -> bool:
        """Whether it has batch norm to adapt."""
        return self.network.batch_norms > 0

    def adapt(self, segments: Callable[[], Iterable[NDArray[np.float32]]] | None) -> None:
        """Batch norm takes the statistics of a speaker's segments; None gives it back those of its training.

        A network that was handed over loaded stays as it is: from the first speaker on, a copy scores.
        """
        if segments is None:
            self._batch_norm.restore()
        else:
            self.network.own()
            self._batch_norm.adapt(segments, self.tempos, self.batch_segments)

    def __call__(self, segments: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Scores segments `(segments, frames, mels, channels)`, some at a time.

        Returns:
            See `Network.score`; the posteriors are the mean over all tempos, attention and unfamiliarity those of the tempo as spoken.
        """
        found = []
        for start in range(0, len(segments), self.batch_segments):
            batch = segments[start : start + self.batch_segments]
            scored = {tempo: self.network.score(at_tempo(batch, tempo)) for tempo in self.tempos}
            found.append((np.mean([heard[0] for heard in scored.values()], axis=0), *scored[1][1:]))
        posteriors, attention, unfamiliarity = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return posteriors, attention, unfamiliarity
