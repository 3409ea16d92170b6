"""A network on Keras: opened by its name or file, or handed over loaded, and asked in batches of one size."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import NDArray

from ser_acrnn.config import Normalisation
from ser_acrnn.features.normalisation import Statistics
from ser_acrnn.inference.batching import filled
from ser_acrnn.inference.forked import check_process
from ser_acrnn.models.heads import FAMILIARITY, encoder
from ser_acrnn.models.loading import NetworkError, check_parts, load
from ser_acrnn.models.networks import with_attention
from ser_acrnn.pretrained import hub, list_pretrained, load_pretrained


def opened(model: str | Path | keras.Model, batch_segments: int) -> KerasNetwork:
    """Opens a network; arguments and errors as of `ser_acrnn.inference.runtimes.opened`."""
    check_process()
    if isinstance(model, keras.Model):
        check_parts(model)
        return KerasNetwork(model, batch_segments, lent=True)
    network = _loaded(model)
    check_parts(network, str(model))
    return KerasNetwork(network, batch_segments)


def _loaded(model: str | Path) -> keras.Model:
    if str(model) in list_pretrained() or str(model).startswith(hub.ADDRESS):
        return load_pretrained(str(model))
    if not os.path.exists(model):
        raise NetworkError(f"{model}: no such file, expected a network saved as .keras, or one of {list_pretrained()}")
    return load(model)


class KerasNetwork:
    """See `ser_acrnn.inference.runtimes.Network`.

    Args:
        model: A network of this package.
        batch_segments: One segment is asked alone, more in batches of that size, so that little is compiled.
        lent: Whether the model is someone else's and stays as it is, see `own`.

    Attributes:
        model: The network, with the batch norm that it was given.
    """

    runtime: Literal["onnx", "keras"] = "keras"

    def __init__(self, model: keras.Model, batch_segments: int, *, lent: bool = False) -> None:
        self.batch_segments, self._lent = batch_segments, lent
        self._take_model(model)

    def _take_model(self, model: keras.Model) -> None:
        self.model = model
        self._layers = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
        for made in ("_with_attention", "_encoder", "_before"):
            self.__dict__.pop(made, None)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled and copied with a model of its own, and without what was compiled of it."""
        return KerasNetwork, (self.model, self.batch_segments)

    @property
    def name(self) -> str:
        """The model's."""
        return self.model.name

    @property
    def emotions(self) -> tuple[str, ...]:
        """See `Network`."""
        return tuple(self.model.get_layer("emotion").emotions)

    @property
    def recipe_hash(self) -> str:
        """See `Network`."""
        return self.model.get_layer("normalise").recipe_hash

    @property
    def scope(self) -> Normalisation:
        """See `Network`."""
        return self.model.get_layer("normalise").scope

    @property
    def segment_shape(self) -> tuple[int, ...]:
        """See `Network`."""
        return tuple(self.model.input_shape[1:])

    @property
    def steps(self) -> int:
        """See `Network`."""
        return int(self._with_attention.output["attention"].shape[1])

    @property
    def embedding_units(self) -> int:
        """See `Network`."""
        return int(self._encoder.output_shape[-1])

    @property
    def parameters(self) -> int:
        """See `Network`."""
        return self.model.count_params()

    @property
    def batch_norms(self) -> int:
        """See `ser_acrnn.inference.speaker_adaptation.BatchNorms`."""
        return len(self._layers)

    @cached_property
    def _with_attention(self) -> keras.Model:
        return with_attention(self.model)

    @cached_property
    def _encoder(self) -> keras.Model:
        return encoder(self.model)

    @cached_property
    def _before(self) -> list[keras.Model]:
        """For each batch norm the network up to it; kept, so that it is compiled once."""
        return [keras.Model(self.model.input, layer.input) for layer in self._layers]

    def score(self, segments: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """See `Network`."""

        def parts(batch: NDArray[np.float32]) -> tuple[Any, ...]:
            heard = self._with_attention.predict_on_batch(batch)
            return heard["emotion"], heard["attention"], self._unfamiliarity(heard)

        posteriors, attention, unfamiliarity = self._asked(parts, segments)
        return posteriors, attention, unfamiliarity

    def _unfamiliarity(self, heard: dict[str, Any]) -> Any:
        if "embedding" not in heard:
            return np.zeros(len(heard["emotion"]), np.float32)
        return self.model.get_layer(FAMILIARITY).unfamiliarity(heard["embedding"])

    def embed(self, segments: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Network`."""
        return self._asked(lambda batch: (self._encoder.predict_on_batch(batch),), segments)[0]

    def hear(self, number: int, segments: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `ser_acrnn.inference.speaker_adaptation.BatchNorms`."""
        return self._asked(lambda batch: (self._before[number].predict_on_batch(batch),), segments)[0]

    def _asked(self, network: Callable[[NDArray[np.float32]], tuple[Any, ...]], segments: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """What a network says of segments, an array with a row each for each of its outputs."""
        check_process()
        size = 1 if len(segments) == 1 else self.batch_segments
        found = [[np.asarray(part)[:number] for part in network(batch)] for batch, number in filled(segments, size)]
        return [np.concatenate(parts) for parts in zip(*found, strict=True)]

    def statistics(self) -> list[Statistics]:
        """See `ser_acrnn.inference.speaker_adaptation.BatchNorms`."""
        return [(_array(layer.moving_mean), _array(layer.moving_variance)) for layer in self._layers]

    def take(self, number: int, mean: NDArray[Any], variance: NDArray[Any]) -> None:
        """See `ser_acrnn.inference.speaker_adaptation.BatchNorms`."""
        check_process()
        self._layers[number].moving_mean.assign(mean)
        self._layers[number].moving_variance.assign(variance)

    def own(self) -> None:
        """See `Network`: of a model that was lent, a copy is asked."""
        if self._lent:
            copy = keras.models.clone_model(self.model)
            copy.set_weights(self.model.get_weights())
            self._take_model(copy)
            self._lent = False


def _array(value: Any) -> NDArray[np.float32]:
    return np.array(keras.ops.convert_to_numpy(value), np.float32)
