"""A trained network cut at its embedding: the encoder, a new head or a less sure one, and what it knows of its training's embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import keras
import numpy as np
from numpy.typing import NDArray

from ser_acrnn import tables
from ser_acrnn.models.layers import EmotionPosteriors, Familiarity
from ser_acrnn.models.loading import check_parts
from ser_acrnn.models.segment_network import SegmentNetwork

FAMILIARITY = "familiarity"  # the layer's name
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
    embedding = _embedding(model)
    return keras.Model(model.input, embedding, name=f"{model.name}_encoder")


def with_new_head(model: keras.Model, emotions: Sequence[str], freeze: Freeze = "encoder", *, keep_known: bool = True) -> keras.Model:
    """A copy of the network that tells other emotions apart: with those that it knows by name it goes on, the others start anew.

    Args:
        model: A network of `ser_acrnn.models.networks.acrnn`; it stays as it is.
        emotions: Names of the new outputs, in order; two or more.
        freeze: What is not trained: `"none"`; `"conv"`, the convolutions; `"encoder"`, all but the new layer. Frozen batch norm uses the
            statistics that it has. The normalisation of the features is never trained.
        keep_known: Whether the weights of outputs that the network has already, by name, are kept.

    Returns:
        Segments -> posteriors `(batch, emotions)`, not compiled.

    Raises:
        ValueError: Fewer than two distinct emotions, something that cannot be the name of one, or an unknown `freeze`.
        NetworkError: The network is none of this package's.
    """
    check_parts(model, parts=("emotion",))
    distinct = not isinstance(emotions, (str, set, frozenset)) and len(set(emotions)) == len(emotions) > 1
    if not distinct or not all(map(tables.can_be_an_emotion, emotions)):
        words = f"two or more distinct names of letters on a line, in order, none of {list(tables.PREDICTED)}"
        raise ValueError(f"emotions are {emotions!r}, expected {words}")
    if freeze not in get_args(Freeze):
        raise ValueError(f"freeze is {freeze!r}, expected one of {get_args(Freeze)}")
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    for layer in copy.layers:
        layer.trainable = not (freeze == "encoder" or (freeze == "conv" and layer.name.startswith("conv_")))
    known, head = copy.get_layer("emotion"), EmotionPosteriors(tuple(emotions), name="emotion")
    posteriors = head(_embedding(copy))
    kept = [(place, known.emotions.index(name)) for place, name in enumerate(emotions) if keep_known and name in known.emotions]
    weights = head.get_weights()
    for new, old in zip(weights, known.get_weights(), strict=True):
        for place, number in kept:
            new[..., place] = old[..., number]
    head.set_weights(weights)
    return SegmentNetwork(copy.input, posteriors, name=model.name)


def with_familiarity(model: keras.Model, embeddings: NDArray[np.float32], limit: float) -> keras.Model:
    """The network, sharing its weights, with a layer `familiarity` that tells how far a recording is from what it was trained on.

    Args:
        model: A network of `ser_acrnn.models.networks.acrnn`.
        embeddings: What its encoder makes of its training recordings, `(segments, 64)`.
        limit: See `Familiarity.set_gaussian`.

    Returns:
        A network with the same posteriors.

    Raises:
        ValueError: A limit that is not positive, or embeddings that are not finite.
        NetworkError: The network is none of this package's.
    """
    from sklearn.covariance import LedoitWolf

    embedding, known, head = _embedding(model), Familiarity(name=FAMILIARITY), model.get_layer("emotion")
    new = EmotionPosteriors.from_config(head.get_config())
    changed = SegmentNetwork(model.input, new(known(embedding)), name=model.name)
    new.set_weights(head.get_weights())
    gaussian = LedoitWolf().fit(embeddings)
    known.set_gaussian(gaussian.location_, np.linalg.cholesky(gaussian.precision_), limit)
    return changed


def at_temperature(model: keras.Model, temperature: float) -> keras.Model:
    """The network, sharing all weights but those of its head, whose logits are divided by a temperature.

    C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.

    Args:
        model: A network of `ser_acrnn.models.networks.acrnn`.
        temperature: Above 1 its posteriors are less sure of themselves, below 1 surer; what it decides of a segment stays.

    Raises:
        ValueError: A temperature that is not positive and finite.
        NetworkError: The network is none of this package's.
    """
    if not 0 < temperature < np.inf:
        raise ValueError(f"temperature is {temperature}, expected a positive number")
    check_parts(model, parts=("emotion",))
    head = model.get_layer("emotion")
    new = EmotionPosteriors.from_config(head.get_config())
    changed = SegmentNetwork(model.input, new(head.input), name=model.name)
    new.set_weights([weight / temperature for weight in head.get_weights()])
    return changed


def _embedding(model: keras.Model) -> keras.KerasTensor:
    """The embedding, activation included; what a network knows of its training is of its own head alone."""
    check_parts(model, parts=("emotion",))
    place = FAMILIARITY if any(layer.name == FAMILIARITY for layer in model.layers) else "emotion"
    return model.get_layer(place).input
