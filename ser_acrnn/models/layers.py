"""The layers that Keras does not have: normalisation, padding mask, attention pooling, familiarity, posteriors. `keras.ops` only."""

from __future__ import annotations

from typing import Any, Literal

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

SMALLEST_VARIANCE = 1e-4  # of a segment's log-Mels: where nothing varies, rounding is not blown up to a signal

register = keras.saving.register_keras_serializable(package="ser_acrnn")


def padding_mask(segments: Any) -> Any:
    """True where a frame is real, False where it is padding, that is, zero in every coefficient.

    Args:
        segments: Tensor of shape `(batch, frames, mels, channels)`.

    Returns:
        Boolean tensor of shape `(batch, frames)`.
    """
    return ops.any(ops.not_equal(segments, 0.0), axis=(2, 3))


@register
class NeutralNormalisation(keras.layers.Layer):
    """Standardises each coefficient by fitted statistics and leaves padding, the all-zero frame, zero.

    `y = (x - mean) / sqrt(variance)`, statistics a mel and channel, held as non-trainable weights, so that they are saved with the
    model. Fit them on the training speakers only: `layer.set_statistics(mean, variance)`. Under a mixed policy only the output is cast.

    Args:
        recipe_hash: `FeatureConfig.recipe_hash` of the features that the statistics belong to; saved with the model.
        scope: Whose statistics the network was trained with, `ModelConfig.normalisation`: those of the `"training"` speakers, which the
            layer holds; of the `"speaker"` or the `"utterance"`, which the features were standardised by before the layer, whose own
            then are 0 and 1; or of the `"segment"` itself, computed here over its real frames, whatever the layer holds.

    Input and output shape: `(batch, frames, mels, channels)`.
    """

    def __init__(self, recipe_hash: str = "", scope: str = "training", **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.recipe_hash = recipe_hash
        self.scope = scope

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = input_shape[-2:]
        self.mean = self.add_weight(name="mean", shape=shape, initializer="zeros", trainable=False, autocast=False)
        self.variance = self.add_weight(name="variance", shape=shape, initializer="ones", trainable=False, autocast=False)
        self.built = True

    def set_statistics(self, mean: ArrayLike, variance: ArrayLike) -> None:
        """Sets the statistics.

        Args:
            mean: Shape `(mels, channels)`.
            variance: Same shape, positive.

        Raises:
            ValueError: A wrong shape, or a variance that is not positive and finite.
        """
        mean, variance = np.asarray(mean), np.asarray(variance)
        if mean.shape != tuple(self.mean.shape) or variance.shape != tuple(self.variance.shape):
            raise ValueError(f"statistics have the shapes {mean.shape} and {variance.shape}, expected {tuple(self.mean.shape)}")
        if not (np.isfinite(mean).all() and np.isfinite(variance).all() and (variance > 0).all()):
            raise ValueError(f"variance has the minimum {variance.min()}, expected finite statistics and positive variances")
        self.mean.assign(mean)
        self.variance.assign(variance)

    def call(self, inputs: Any) -> Any:
        real = padding_mask(inputs)[:, :, None, None]
        mean, variance = self._of_segments(inputs, real) if self.scope == "segment" else (self.mean, self.variance)
        normalised = (inputs - mean) / ops.sqrt(variance)
        return ops.cast(ops.where(real, normalised, ops.zeros_like(normalised)), self.compute_dtype)

    @staticmethod
    def _of_segments(inputs: Any, real: Any) -> tuple[Any, Any]:
        """Mean and variance over real frames, `(batch, 1, mels, channels)`."""
        weights = ops.cast(real, "float32")
        weights = weights / ops.maximum(ops.sum(weights, axis=1, keepdims=True), 1.0)
        mean = ops.sum(inputs * weights, axis=1, keepdims=True)
        variance = ops.sum(ops.square(inputs - mean) * weights, axis=1, keepdims=True)
        return mean, ops.maximum(variance, SMALLEST_VARIANCE)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "recipe_hash": self.recipe_hash, "scope": self.scope}


@register
class PaddingMask(keras.layers.Layer):
    """Which time steps hold a real frame, at the rate that is left after pooling.

    Args:
        pooling: Frames that a time step covers; it is real if one of them is.

    Input shape: `(batch, frames, mels, channels)`; output: boolean `(batch, frames // pooling)`.
    """

    def __init__(self, pooling: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pooling = pooling

    def call(self, inputs: Any) -> Any:
        mask = padding_mask(inputs)
        steps = mask.shape[1] // self.pooling
        return ops.any(ops.reshape(mask[:, : steps * self.pooling], (-1, steps, self.pooling)), axis=2)

    def compute_output_spec(self, inputs: Any) -> Any:
        return keras.KerasTensor((inputs.shape[0], inputs.shape[1] // self.pooling), dtype="bool")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pooling": self.pooling}


@register
class AttentionPooling(keras.layers.Layer):
    """A sequence -> its weighted mean, the weights learned: eq. (4) and (5) of the paper.

    `alpha_t = softmax_t(score(h_t))`, `c = sum_t alpha_t h_t`, with `score(h) = W . h` (`form="paper"`) or
    `u . sigmoid(W h + b)` (`form="released-code"`, the authors' repository).

    Args:
        form: `"paper"` or `"released-code"`.
        units: Rows of W in the released form; 1 there.

    Input shape: `(batch, steps, features)`, and optionally a boolean `mask` of shape `(batch, steps)` whose False steps get no weight.
    Output: `(batch, features)` and the weights `(batch, steps)`, which sum to one.

    Example:
        >>> import numpy as np
        >>> pooled, weights = AttentionPooling()(np.ones((2, 150, 256), "float32"))
        >>> tuple(pooled.shape), tuple(weights.shape)
        ((2, 256), (2, 150))
    """

    def __init__(self, form: Literal["paper", "released-code"] = "paper", units: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if form not in ("paper", "released-code"):
            raise ValueError(f"form is {form!r}, expected 'paper' or 'released-code'")
        self.form = form
        self.units = units
        self.supports_masking = True

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        features = input_shape[-1]
        if self.form == "paper":
            self.kernel = self.add_weight(name="kernel", shape=(features, 1))
        else:
            self.kernel = self.add_weight(name="kernel", shape=(features, self.units))
            self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
            self.context = self.add_weight(name="context", shape=(self.units, 1))
        self.built = True

    def call(self, inputs: Any, mask: Any = None) -> tuple[Any, Any]:
        scores = ops.matmul(inputs, self.kernel)
        if self.form == "released-code":
            scores = ops.matmul(ops.sigmoid(scores + self.bias), self.context)
        scores = ops.cast(scores[..., 0], "float32")
        if mask is not None:
            scores = ops.where(mask, scores, -1e9)
        weights = ops.softmax(scores, axis=1)
        pooled = ops.sum(inputs * ops.cast(weights, inputs.dtype)[..., None], axis=1)
        return pooled, weights

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        return None

    def compute_output_spec(self, inputs: Any, mask: Any = None) -> tuple[Any, Any]:
        batch, steps, features = inputs.shape
        return keras.KerasTensor((batch, features), dtype=self.compute_dtype), keras.KerasTensor((batch, steps), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "form": self.form, "units": self.units}


@register
class Familiarity(keras.layers.Layer):
    """Passes embeddings on as they are, and tells how far they are from those of the training.

    The squared Mahalanobis distance from a Gaussian over all training embeddings, as a share of a limit, after K. Lee, K. Lee, H. Lee,
    J. Shin, "A simple unified framework for detecting out-of-distribution samples and adversarial attacks", NeurIPS 2018. Gaussian and
    limit are non-trainable weights, so that they are saved with the model.

    Input and output shape: `(batch, units)`.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        units = input_shape[-1]
        self.mean = self.add_weight(name="mean", shape=(units,), initializer="zeros", trainable=False)
        self.whitening = self.add_weight(name="whitening", shape=(units, units), initializer="identity", trainable=False)
        self.limit = self.add_weight(name="limit", shape=(), initializer="ones", trainable=False)
        self.built = True

    def set_gaussian(self, mean: ArrayLike, whitening: ArrayLike, limit: float) -> None:
        """Sets the Gaussian and the limit.

        Args:
            mean: Shape `(units,)`.
            whitening: Shape `(units, units)`; what is centred and multiplied by it has a unit covariance.
            limit: Squared distance from which on nothing is known of what is heard, positive.

        Raises:
            ValueError: A wrong shape, a value that is not finite, or a limit that is not positive.
        """
        mean, whitening = np.asarray(mean), np.asarray(whitening)
        if mean.shape != tuple(self.mean.shape) or whitening.shape != tuple(self.whitening.shape):
            raise ValueError(
                f"mean and whitening have the shapes {mean.shape} and {whitening.shape}, expected one of {self.mean.shape[0]} units"
            )
        if not (np.isfinite(mean).all() and np.isfinite(whitening).all() and np.isfinite(limit) and limit > 0):
            raise ValueError(f"the limit is {limit}, expected a positive one, and finite mean and whitening")
        self.mean.assign(mean)
        self.whitening.assign(whitening)
        self.limit.assign(limit)

    def unfamiliarity(self, embeddings: Any) -> Any:
        """The distance of embeddings `(batch, units)` as a share of the limit, `(batch,)`."""
        whitened = ops.matmul(embeddings - self.mean, self.whitening)
        return ops.sum(ops.square(whitened), axis=-1) / self.limit

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape


@register
class EmotionPosteriors(keras.layers.Dense):
    """Softmax layer that knows the names of its classes, in float32 whatever the precision of the layers before it.

    Args:
        emotions: Names of the outputs, in order.

    Input shape: `(batch, features)`; output: `(batch, emotions)`.
    """

    def __init__(self, emotions: tuple[str, ...], **kwargs: Any) -> None:
        kwargs = {**kwargs, "units": len(emotions), "activation": "softmax", "dtype": "float32"}
        super().__init__(**kwargs)
        self.emotions = tuple(emotions)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for fixed in ("units", "activation"):
            config.pop(fixed)
        return {**config, "emotions": list(self.emotions)}
