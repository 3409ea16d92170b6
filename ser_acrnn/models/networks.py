"""`acrnn(config)`: the one table-driven builder of every network of the family, 3-D and 2-D, one to seven convolutions; its use; `dnn`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from ser_acrnn.config import DnnElmConfig, ModelConfig
from ser_acrnn.models.layers import AttentionPooling, EmotionPosteriors, Familiarity, NeutralNormalisation, PaddingMask
from ser_acrnn.models.segment_network import SegmentNetwork


def acrnn(config: ModelConfig = ModelConfig(), *, recipe_hash: str = "", precision: str = "float32") -> keras.Model:
    """Builds the attention-based convolutional recurrent network of Chen et al. (2018), section II-B.

    Layers are named `normalise, conv_1 .. conv_n, pool_1, linear, blstm, attention, embedding, emotion`. A new network normalises
    by mean 0 and variance 1: fit it with `model.get_layer("normalise").set_statistics(mean, variance)`.

    Args:
        config: The table.
        recipe_hash: `FeatureConfig.recipe_hash` of the features that the network will see; saved with it.
        precision: `"float32"`, or `"bfloat16"`: mixed, with float32 weights, normalisation, batch norm and softmax.

    Returns:
        A functional model, segments `(batch, 300, 40, channels)` -> posteriors `(batch, emotions)`: a `SegmentNetwork`, which refuses
        segments that it cannot judge.

    Raises:
        ValueError: Another precision.
    """
    policy = _policy(precision)
    segments = keras.Input((config.segment_frames, config.mels, config.channels), name="segments")
    mask = PaddingMask(math.prod(row[1] for row in config.conv), name="padding")(segments) if config.mask_padding else None

    x = NeutralNormalisation(recipe_hash, config.normalisation, name="normalise", dtype="float32")(segments)  # (batch, 300, 40, 3)
    for number, (maps, pool_time, pool_mels) in enumerate(config.conv, start=1):
        x = layers.Conv2D(maps, config.kernel, padding="same", name=f"conv_{number}", dtype=policy, **_initial(config))(x)
        pool = _pooling((pool_time, pool_mels), f"pool_{number}", policy)
        if "conv" in config.batch_norm:  # its statistics are of all frames
            x = pool(_activation(x, "conv", f"conv_{number}", config, policy))
        else:  # the largest value stays the largest under an activation that never falls, which then has a quarter of the work
            x = _activation(pool(x), "conv", f"conv_{number}", config, policy)  # (batch, 150, 20, 128)
    x = layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]), name="flatten_mels", dtype=policy)(x)  # (batch, 150, 20 * 256)
    x = layers.Dense(config.linear_units, name="linear", dtype=policy, **_initial(config))(x)  # (batch, 150, 768)
    x = _dropout(_activation(x, "linear", "linear", config, policy), "linear", config, policy)
    recurrent = layers.LSTM(config.blstm_units, return_sequences=True, dtype=policy, name="lstm")
    x = layers.Bidirectional(recurrent, name="blstm", dtype=policy)(x, mask=mask)  # (batch, 150, 256)
    x, _ = AttentionPooling(config.attention, name="attention", dtype=policy)(x, mask=mask)  # (batch, 256)
    x = _dropout(x, "attention", config, policy)
    x = layers.Dense(config.embedding_units, name="embedding", dtype=policy, **_initial(config))(x)  # (batch, 64)
    x = _dropout(_activation(x, "embedding", "embedding", config, policy), "embedding", config, policy)
    posteriors = EmotionPosteriors(config.emotions, name="emotion", **_initial(config))(x)  # (batch, 7)
    return SegmentNetwork(segments, posteriors, name="acrnn")


def dnn(
    config: DnnElmConfig = DnnElmConfig(), shape: tuple[int, int] = (30, 1), *, recipe_hash: str = "", precision: str = "float32"
) -> keras.Model:
    """Builds the network of the baseline DNN-ELM (Han et al. 2014): stacked frames -> hidden layers of ReLU -> posteriors.

    Args:
        config: The numbers.
        shape: The shape of a frame's features, (coefficients, channels).
        recipe_hash: See `acrnn`.
        precision: See `acrnn`.

    Returns:
        A functional model, segments `(batch, 25, 30, 1)` -> posteriors `(batch, emotions)`.

    Raises:
        ValueError: Another precision.
    """
    policy = _policy(precision)
    segments = keras.Input((config.context_frames, *shape), name="segments")
    x = NeutralNormalisation(recipe_hash, name="normalise", dtype="float32")(segments)
    x = layers.Flatten(name="stack", dtype=policy)(x)  # (batch, 750)
    for number, units in enumerate(config.hidden_units, start=1):
        x = layers.Dense(units, activation="relu", name=f"hidden_{number}", dtype=policy)(x)
        x = layers.Dropout(config.dropout, name=f"hidden_{number}_dropout", dtype=policy)(x) if config.dropout else x
    posteriors = EmotionPosteriors(config.emotions, name="emotion")(x)
    return keras.Model(segments, posteriors, name="dnn")


def with_attention(model: keras.Model) -> keras.Model:
    """The same network, sharing its weights, with the attention as a second output, and the embedding where it knows that of its training.

    Args:
        model: A network of `acrnn`, new or loaded.

    Returns:
        A model whose outputs are named `emotion`, `(batch, emotions)`, `attention`, `(batch, steps)`, summing to one, and, of a network
        with a layer `Familiarity`, `embedding`, `(batch, 64)`.
    """
    _, weights = model.get_layer("attention").output
    outputs = {"emotion": model.output, "attention": weights}
    outputs |= {"embedding": layer.output for layer in model.layers if isinstance(layer, Familiarity)}  # noqa: B035  one at most
    return keras.Model(model.input, outputs, name=f"{model.name}_with_attention")


def _policy(precision: str) -> str:
    policies = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
    if precision not in policies:
        raise ValueError(f"precision is {precision!r}, expected 'float32' or 'bfloat16'")
    return policies[precision]


def _initial(config: ModelConfig) -> dict[str, Any]:
    """A layer's initialisers, made for it alone: one object used for two layers would give both the same weights."""
    if config.initialisation == "glorot":
        return {}
    return {
        "kernel_initializer": keras.initializers.TruncatedNormal(stddev=0.1),
        "bias_initializer": keras.initializers.Constant(0.1),
    }


def _pooling(sizes: tuple[int, int], name: str, policy: str) -> Callable[[Any], Any]:
    return layers.MaxPooling2D(sizes, name=name, dtype=policy) if sizes != (1, 1) else lambda x: x


def _activation(x: Any, place: str, name: str, config: ModelConfig, policy: str) -> Any:
    if place in config.batch_norm:
        x = layers.BatchNormalization(momentum=config.batch_norm_momentum, name=f"{name}_batch_norm", dtype="float32")(x)
    return layers.LeakyReLU(config.leaky_relu_slope, name=f"{name}_activation", dtype=policy)(x)


def _dropout(x: Any, place: str, config: ModelConfig, policy: str) -> Any:
    return layers.Dropout(config.dropout, name=f"{place}_dropout", dtype=policy)(x) if config.dropout else x
