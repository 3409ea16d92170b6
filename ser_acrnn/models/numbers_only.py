"""Posteriors of what holds no numbers: NaN, in every runtime, and never the emotion that a maximum makes of it on the way."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from ser_acrnn.models.layers import register

_LARGEST = float(np.finfo(np.float32).max)


class InFloat32(keras.layers.Layer):
    """A layer without weights that computes in float32 whatever the precision of the layers around it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})


def nan_where_beyond(limit: float, inputs: Any, posteriors: Any) -> Any:
    """Posteriors `(batch, emotions)`, NaN in the rows whose inputs `(batch, ...)` hold NaN, infinite values, or some beyond a limit."""
    # To compare with NaN is false in every runtime; maxima, and the recurrent layers of some, lose it.
    within = ops.all(ops.abs(inputs) <= limit, axis=tuple(range(1, len(inputs.shape))))
    return ops.where(within[:, None], posteriors, float("nan"))


@register
class NumbersOnly(InFloat32):
    """Called on posteriors `(batch, emotions)` and the segments that they are of, gives them back, NaN where a segment has no numbers."""

    def call(self, posteriors: Any, segments: Any) -> Any:
        return nan_where_beyond(_LARGEST, segments, posteriors)

    def compute_output_spec(self, posteriors: Any, segments: Any) -> Any:
        return keras.KerasTensor(posteriors.shape, dtype="float32")


def numbers_only(model: keras.Model) -> keras.Model:
    """A network of segments inside one that gives NaN for a segment with NaN or infinite values, and computes the others as it does."""
    segments = keras.Input(model.input_shape[1:], name=model.inputs[0].name)
    return keras.Model(segments, NumbersOnly(name="posteriors")(model(segments), segments), name=f"{model.name}_of_numbers")
