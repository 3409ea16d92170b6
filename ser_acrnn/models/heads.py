"""A trained network for other emotions: its encoder, and a new head upon it, with as much frozen as there is little data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import keras

from ser_acrnn.models.layers import EmotionPosteriors
from ser_acrnn.models.loading import check_parts

Freeze = Literal["none", "conv", "encoder"]


def encoder(model: keras.Model) -> keras.Model:
    """The network up to its 64-unit embedding, activation included, sharing its weights.

    Args:
        model: A network of `ser_acrnn.models.networks.acrnn`.

    Returns:
        Segments `(batch, 300, 40, 3)` -> embeddings `(batch, 64)`.

    Raises:
        NetworkError: It is none of this package's.
    """
    check_parts(model, model.name, ("emotion",))
    return keras.Model(model.input, model.get_layer("emotion").input, name=f"{model.name}_encoder")


def with_new_head(model: keras.Model, emotions: Sequence[str], freeze: Freeze = "encoder") -> keras.Model:
    """A copy of the network that tells other emotions apart; the layer `emotion` starts anew.

    Args:
        model: A network of `ser_acrnn.models.networks.acrnn`; it stays as it is.
        emotions: Names of the new outputs, in order; two or more.
        freeze: What is not trained: `"none"`; `"conv"`, the convolutions; `"encoder"`, all but the new layer. Frozen batch norm uses the
            statistics that it has. The normalisation of the features is never trained.

    Returns:
        Segments -> posteriors `(batch, emotions)`, not compiled.

    Raises:
        ValueError: Fewer than two distinct emotions, or an unknown `freeze`.
        NetworkError: The network is none of this package's.
    """
    check_parts(model, model.name, ("emotion",))
    if len(set(emotions)) != len(emotions) or len(emotions) < 2:
        raise ValueError(f"emotions are {list(emotions)}, expected two or more distinct names")
    if freeze not in get_args(Freeze):
        raise ValueError(f"freeze is {freeze!r}, expected one of {get_args(Freeze)}")
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    for layer in copy.layers:
        layer.trainable = not (freeze == "encoder" or (freeze == "conv" and layer.name.startswith("conv_")))
    posteriors = EmotionPosteriors(tuple(emotions), name="emotion")(copy.get_layer("emotion").input)
    return keras.Model(copy.input, posteriors, name=model.name)
