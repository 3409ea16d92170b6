"""A network of segments that refuses what it cannot judge: what is no number, and log-Mels that nobody normalised before it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from ser_acrnn.models.layers import padding_mask, register

_LARGEST = float(np.finfo(np.float32).max)
# Scopes whose statistics features are standardised by before they are cut to segments, and mean and deviation of a segment's log-Mels: one
# that is below the first and above the second was not standardised. Standardised by its own utterance a segment of speech is near 0 and 1,
# by little other speech of the speaker further off; as it is, its mean is below -2 and its deviation above 2. Tests hold that on Emo-DB.
STANDARDISED = {"utterance": (-1.5, 1.7), "speaker": (-2.5, 2.5)}


def nan_where_beyond(limit: float, inputs: Any, posteriors: Any) -> Any:
    """Posteriors `(batch, emotions)`, NaN in the rows whose inputs `(batch, ...)` hold NaN, infinite values, or some beyond a limit."""
    # To compare with NaN is false in every runtime; maxima, and the recurrent layers of some, lose it.
    within = ops.all(ops.abs(inputs) <= limit, axis=tuple(range(1, len(inputs.shape))))
    return ops.where(within[:, None], posteriors, float("nan"))


@register
class SegmentNetwork(keras.Model):
    """Segments `(batch, frames, mels, channels)` -> posteriors `(batch, emotions)`, NaN where a segment cannot be judged.

    That is one that holds NaN or infinite values; and, of a network that was trained on log-Mels normalised by their utterance or speaker,
    one of log-Mels as `ser_acrnn.features.log_mels_3d` gives them. In training nothing is refused. Functional: made from input and output.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None, **kwargs: Any) -> Any:
        """As of a functional `keras.Model`, but for what is refused."""
        posteriors = super().call(inputs, training=training, mask=mask, **kwargs)
        if training:
            return posteriors
        posteriors = nan_where_beyond(_LARGEST, inputs, posteriors)
        normalise = self.get_layer("normalise")
        if normalise.scope not in STANDARDISED:
            return posteriors
        return ops.where(_as_they_are(inputs, normalise)[:, None], float("nan"), posteriors)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.predict`.

        Raises:
            ValueError: A segment cannot be judged; the message says which, and what makes segments that can be.
        """
        posteriors = super().predict(x, *args, **kwargs)
        refused = np.flatnonzero(np.isnan(posteriors).any(axis=1))
        if len(refused):
            scope = self.get_layer("normalise").scope
            by = f", normalised by the {scope}'s mean and variance" if scope in STANDARDISED else ""
            raise ValueError(
                f"{self.name}: {len(refused)} of {len(posteriors)} segments cannot be judged, the first is {refused[0]}; expected finite "
                f"log-Mels{by}, as Predictor.preprocessor.segments makes them; ser_acrnn.waveform_model(model) takes raw audio"
            )
        return posteriors


def segment_network(model: keras.Model) -> SegmentNetwork:
    """The same network, sharing its layers, as one that refuses what it cannot judge."""
    return SegmentNetwork(model.inputs[0], model.outputs[0], name=model.name)


def _as_they_are(segments: Any, normalise: keras.layers.Layer) -> Any:
    """Whether the log-Mels of each segment are not standardised, not even by the speaker's statistics in the layer: `(batch,)`."""
    static = (ops.cast(segments[..., 0], "float32") - normalise.mean[:, 0]) / ops.sqrt(normalise.variance[:, 0])
    real = ops.cast(padding_mask(segments), "float32")[:, :, None]
    values = ops.maximum(ops.sum(real, axis=(1, 2)), 1.0) * static.shape[2]
    mean = ops.sum(static * real, axis=(1, 2)) / values
    variance = ops.sum(ops.square(static - mean[:, None, None]) * real, axis=(1, 2)) / values
    lowest, largest = STANDARDISED[normalise.scope]
    return ops.logical_and(mean < lowest, variance > largest**2)
