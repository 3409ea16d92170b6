"""Recordings -> the 64 numbers before the posteriors, for other classifiers; as a DataFrame, or as a step of a scikit-learn pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ser_acrnn.audio.sources import Recorded, complaint_about, several
from ser_acrnn.audio.waveforms import AudioError
from ser_acrnn.inference.batching import in_batches
from ser_acrnn.inference.forked import check_process
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.models.heads import encoder

COLUMN = "embedding_{:02d}"


class Embedder:
    """A predictor's network up to its embedding layer.

    Args:
        predictor: Judges with the network; enrol the speaker before, where it normalises by the speaker.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.model = encoder(predictor.model)

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
        cut = (self._cut(recording, sampling_rate_hertz) for recording in several(recordings))
        for found, embedded in in_batches(cut, self._embeddings, self.predictor.batch_segments):
            yield embedded[0].mean(axis=0) if embedded else found

    def _cut(self, recording: Recorded, sampling_rate_hertz: int | None) -> tuple[NDArray[np.float32] | AudioError, NDArray[np.float32]]:
        """The segments of a recording, second; or none, and first the embedding of one that is long, or why it cannot be used."""
        none, preprocessor = np.zeros((0, *self.model.input_shape[1:]), np.float32), self.predictor.preprocessor
        try:
            with preprocessor.opened(recording, sampling_rate_hertz) as waveform:
                if isinstance(waveform, np.ndarray):
                    return none, preprocessor.cut_up(preprocessor.log_mels(waveform))
                return self._mean_over_windows(preprocessor.window_segments(waveform), recording), none
        except AudioError as error:
            return error, none

    def _mean_over_windows(self, windows: Iterator[NDArray[np.float32]], recording: Recorded) -> NDArray[np.float32]:
        total, count = np.zeros(self.model.output_shape[-1]), 0
        while batch := list(islice(windows, self.predictor.batch_segments)):
            total += self._embeddings(np.stack(batch))[0].sum(axis=0, dtype=np.float64)
            count += len(batch)
        if not count:
            raise AudioError(complaint_about(recording, "no window can be embedded, expected speech"))
        return (total / count).astype(np.float32)

    def _embeddings(self, segments: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Of each segment; a batch is filled up to one of two sizes, so that little is compiled."""
        check_process()
        size = 1 if len(segments) == 1 else self.predictor.batch_segments
        full = np.concatenate([segments, np.zeros((size - len(segments), *segments.shape[1:]), segments.dtype)])
        return [np.asarray(self.model.predict_on_batch(full))[: len(segments)]]


def embed(files: Iterable[str | Path], model: str | Path | keras.Model = "acrnn3d-emodb") -> pd.DataFrame:
    """Embeds recordings.

    Args:
        files: Audio files.
        model: See `ser_acrnn.Predictor`; one that normalises by the speaker takes the files for recordings of one speaker.

    Returns:
        A row a file, indexed by its path, with the columns `embedding_00` to `embedding_63`.

    Raises:
        AudioError: A file cannot be used; the message names it.
    """
    paths = [str(path) for path in files]
    values = AcrnnEmbedding(model).fit_transform(paths)
    columns = [COLUMN.format(unit) for unit in range(values.shape[1])]
    return pd.DataFrame(values, index=pd.Index(paths, name="path"), columns=columns)


class AcrnnEmbedding(TransformerMixin, BaseEstimator):
    """The embedding as a transformer: `make_pipeline(AcrnnEmbedding(), SVC()).fit(paths, emotions)`.

    There is nothing to fit: the network stays as it is.

    Args:
        model: See `embed`.
    """

    def __init__(self, model: str | Path | keras.Model = "acrnn3d-emodb") -> None:
        self.model = model

    def fit(self, paths: Sequence[str | Path], labels: Any = None) -> Self:
        """Loads the network."""
        predictor = Predictor(self.model)
        self.enrols_ = predictor.preprocessor.scope == "speaker"
        self.embedder_ = Embedder(predictor)
        self.n_features_out_ = int(self.embedder_.model.output_shape[-1])
        return self

    def transform(self, paths: Sequence[str | Path]) -> NDArray[np.float32]:
        """Embeds the files, shape `(files, 64)`; a `NotFittedError` before `fit`."""
        check_is_fitted(self)
        if self.enrols_:
            self.embedder_.predictor.enrol(paths)
        rows = []
        for found in self.embedder_.embed_many(paths):
            if isinstance(found, AudioError):
                raise found
            rows.append(found)
        return np.stack(rows)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "embedder_")
