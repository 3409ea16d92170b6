"""Recordings -> the 64 numbers before the posteriors, on whichever runtime the network is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.audio.sources import Recorded, complaint_about, several
from ser_acrnn.audio.waveforms import AudioError
from ser_acrnn.features.spectrum import hastened
from ser_acrnn.inference.batching import in_batches
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.inference.preprocessor import Utterance

COLUMN = "embedding_{:02d}"


class Embedder:
    """A predictor's network up to its embedding layer.

    Args:
        predictor: Judges with the network; enrol the speaker before, where it normalises by the speaker.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor

    def embed(self, recording: Recorded, sampling_rate_hertz: int | None = None) -> NDArray[np.float32]:
        """The mean over a recording's segments of 3 s, shape `(64,)`; arguments and errors as of `Predictor.predict`.

        Of a recording of more than a minute it is the mean over its windows, one a second, in memory that does not grow with it.
        """
        (found,) = self.embed_many([recording], sampling_rate_hertz)
        if isinstance(found, AudioError):
            raise found
        return found

    def embed_many(
        self, recordings: Iterable[Recorded], sampling_rate_hertz: int | None = None
    ) -> Iterator[NDArray[np.float32] | AudioError]:
        """What `embed` gives for each recording, in order, or in its place the error; recordings share the network's batches."""
        cut = (self._cut(recording, sampling_rate_hertz) for recording in hastened(several(recordings)))
        for found, embedded in in_batches(cut, lambda segments: [self.predictor.network.embed(segments)], self.predictor.batch_segments):
            yield embedded[0].mean(axis=0) if embedded else found

    def _cut(self, recording: Recorded, sampling_rate_hertz: int | None) -> tuple[NDArray[np.float32] | AudioError, NDArray[np.float32]]:
        """The segments of a recording, second; or none, and first the embedding of one that is long, or why it cannot be used."""
        none, preprocessor = np.zeros((0, *self.predictor.network.segment_shape), np.float32), self.predictor.preprocessor
        try:
            with preprocessor.opened(recording, sampling_rate_hertz) as found:
                if isinstance(found, Utterance):
                    return none, preprocessor.cut_up(found.log_mels)
                return self._mean_over_windows(preprocessor.window_segments(found), recording), none
        except AudioError as error:
            return error, none

    def _mean_over_windows(self, windows: Iterator[NDArray[np.float32]], recording: Recorded) -> NDArray[np.float32]:
        total, count = np.zeros(self.predictor.network.embedding_units), 0
        while batch := list(islice(windows, self.predictor.batch_segments)):
            total += self.predictor.network.embed(np.stack(batch)).sum(axis=0, dtype=np.float64)
            count += len(batch)
        if not count:
            raise AudioError(complaint_about(recording, "no window can be embedded, expected speech"))
        return (total / count).astype(np.float32)
