"""Recordings -> the 64 numbers before the posteriors, for other classifiers; as a DataFrame, or as a step of a scikit-learn pipeline."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ser_acrnn.audio.sources import several
from ser_acrnn.audio.waveforms import AudioError
from ser_acrnn.inference.embedder import COLUMN, Embedder
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.pretrained import DEFAULT_MODEL

if TYPE_CHECKING:
    import keras


def embed(files: Iterable[str | Path], model: str | Path | keras.Model = DEFAULT_MODEL) -> pd.DataFrame:
    """Embeds recordings.

    Args:
        files: Audio files.
        model: See `ser_acrnn.Predictor`; one that normalises by the speaker takes the files for recordings of one speaker.

    Returns:
        A row a file, indexed by its path, with the columns `embedding_00` to `embedding_63`.

    Raises:
        AudioError: A file cannot be used; the message names it.
        ValueError: No file, or something that is no path.
    """
    paths: list[Any] = list(several(files))
    if strangers := [path for path in paths if not isinstance(path, (str, os.PathLike))]:
        raise ValueError(f"files hold a {type(strangers[0]).__name__}, expected paths; Embedder.embed_many takes samples")
    if not paths:
        raise ValueError("files are none, expected one or more")
    paths = [str(path) for path in paths]
    values = AcrnnEmbedding(model).fit_transform(paths)
    columns = [COLUMN.format(unit) for unit in range(values.shape[1])]
    return pd.DataFrame(values, index=pd.Index(paths, name="path"), columns=columns)


class AcrnnEmbedding(TransformerMixin, BaseEstimator):
    """The embedding as a transformer: `make_pipeline(AcrnnEmbedding(), SVC()).fit(paths, emotions)`.

    There is nothing to fit: the network stays as it is.

    Args:
        model: See `embed`.
    """

    def __init__(self, model: str | Path | keras.Model = DEFAULT_MODEL) -> None:
        self.model = model

    def fit(self, paths: Sequence[str | Path], labels: Any = None) -> Self:
        """Loads the network."""
        predictor = Predictor(self.model)
        self.enrols_ = predictor.preprocessor.scope == "speaker"
        self.embedder_ = Embedder(predictor)
        self.n_features_out_ = predictor.network.embedding_units
        return self

    def transform(self, paths: Sequence[str | Path]) -> NDArray[np.float32]:
        """Embeds the files, shape `(files, 64)`; a `NotFittedError` before `fit`."""
        check_is_fitted(self)
        files: list[Any] = list(several(paths))
        if not files:
            raise ValueError("paths are none, expected one or more")
        if self.enrols_:
            self.embedder_.predictor.enrol(files)
        rows = []
        for found in self.embedder_.embed_many(files):
            if isinstance(found, AudioError):
                raise found
            rows.append(found)
        return np.stack(rows)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns, as `embed` has them; `set_output(transform="pandas")` takes them."""
        check_is_fitted(self)
        return np.array([COLUMN.format(unit) for unit in range(self.n_features_out_)], dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "embedder_")
