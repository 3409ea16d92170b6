"""A network that scores segments for `Predictor`: where it comes from, its tempos and batches, its attention, its speaker."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ser_acrnn.features.tempo import at_tempo
from ser_acrnn.inference.batching import filled
from ser_acrnn.inference.forked import check_process
from ser_acrnn.inference.speaker_adaptation import SpeakerBatchNorm
from ser_acrnn.models.heads import FAMILIARITY
from ser_acrnn.models.loading import NetworkError, check_parts, load
from ser_acrnn.models.networks import with_attention
from ser_acrnn.pretrained import hub, list_pretrained, load_pretrained


class SegmentScorer:
    """Scores segments with a network, and adapts it to a speaker; arguments and errors as of `Predictor`.

    Attributes:
        model: The network; after `adapt`, with the speaker's batch norm.
    """

    def __init__(self, model: str | Path | keras.Model, batch_segments: int, tempos: Sequence[float]) -> None:
        self.batch_segments, self.tempos = batch_segments, tuple(tempos)
        check_process()
        self._lent = isinstance(model, keras.Model)
        network = model if isinstance(model, keras.Model) else _loaded(model)
        check_parts(network, network.name if self._lent else str(model))
        self._take(network)

    def _take(self, model: keras.Model) -> None:
        self.model = model
        self._network = with_attention(model)
        self._batch_norm = SpeakerBatchNorm(model)

    @property
    def adapts(self) -> bool:
        """Whether it has batch norm to adapt."""
        return bool(self._batch_norm.layers)

    def adapt(self, segments: Callable[[], Iterable[NDArray[np.float32]]] | None) -> None:
        """Batch norm takes the statistics of a speaker's segments; None gives it back those of its training.

        A network that was handed over loaded stays as it is: from the first speaker on, a copy scores.
        """
        check_process()
        if segments is not None and self._lent:
            copy = keras.models.clone_model(self.model)
            copy.set_weights(self.model.get_weights())
            self._take(copy)
            self._lent = False
        self._batch_norm.restore()
        if segments is not None:
            self._batch_norm.adapt(segments, self.tempos, self.batch_segments)

    def __call__(self, segments: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Scores segments `(segments, frames, mels, channels)`; one alone, more in batches of one size, so that little is compiled.

        Returns:
            Posteriors `(segments, emotions)`, the mean over all tempos; and, at the tempo as spoken, attention `(segments, steps)` and
            unfamiliarity `(segments,)`, see `ser_acrnn.models.layers.Familiarity`, 0 of a network that does not know.
        """
        check_process()
        size = 1 if len(segments) == 1 else self.batch_segments
        found = []
        for batch, number in filled(segments, size):
            scored = {tempo: self._network.predict_on_batch(at_tempo(batch, tempo)) for tempo in self.tempos}
            mean = np.mean([heard["emotion"] for heard in scored.values()], axis=0)
            found.append([part[:number] for part in (mean, np.asarray(scored[1]["attention"]), self._unfamiliarity(scored[1]))])
        posteriors, attention, unfamiliarity = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return posteriors, attention, unfamiliarity

    def _unfamiliarity(self, heard: dict[str, Any]) -> NDArray[np.float32]:
        if "embedding" not in heard:
            return np.zeros(len(heard["emotion"]), np.float32)
        return np.asarray(self.model.get_layer(FAMILIARITY).unfamiliarity(heard["embedding"]))

    @property
    def steps(self) -> int:
        """Weights of the attention a segment."""
        return int(self._network.output["attention"].shape[1])


def _loaded(model: str | Path) -> keras.Model:
    if str(model) in list_pretrained() or str(model).startswith(hub.ADDRESS):
        return load_pretrained(str(model))
    if not os.path.exists(model):
        raise NetworkError(f"{model}: no such file, expected a network saved as .keras, or one of {list_pretrained()}")
    return load(model)
