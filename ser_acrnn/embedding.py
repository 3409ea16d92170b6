"""Recordings -> the 64 numbers before the posteriors, for other classifiers; as a DataFrame, or as a step of a scikit-learn pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from ser_acrnn.predictor import Predictor
from ser_acrnn.transfer import encoder

COLUMN = "embedding_{:02d}"


class Embedder:
    """A predictor's network up to its embedding layer.

    Args:
        predictor: Judges with the network; enrol the speaker before, where it normalises by the speaker.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.model = encoder(predictor.model)

    def embed(self, recording: str | Path | ArrayLike, sampling_rate_hertz: int | None = None) -> NDArray[np.float32]:
        """The mean over a recording's segments of 3 s, shape `(64,)`; arguments and errors as of `Predictor.predict`."""
        segments = self.predictor.segments(recording, sampling_rate_hertz)
        return np.mean([np.asarray(self.model.predict_on_batch(segment[None]))[0] for segment in segments], axis=0)


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
        self.enrols_ = predictor.scope == "speaker"
        self.embedder_ = Embedder(predictor)
        self.n_features_out_ = int(self.embedder_.model.output_shape[-1])
        return self

    def transform(self, paths: Sequence[str | Path]) -> NDArray[np.float32]:
        """Embeds the files, shape `(files, 64)`."""
        if self.enrols_:
            self.embedder_.predictor.enrol(paths)
        return np.stack([self.embedder_.embed(path) for path in paths])

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "embedder_")
