"""Networks of one configuration share the graphs of their steps: TensorFlow needs longer to trace one than these tests to train with it.

A graph takes a network's variables as inputs, so that another network's can be given to it instead. Each network keeps its weights, its
optimiser and its seeds; what is shared is only what its configuration decides. `--own-graphs` runs every test without.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import pytest

_PLAIN = (bool, int, float, str, bytes, type(None))
_NAMES = ("name", "_name", "_path", "_parent_path", "seed", "_seed")
_known: dict[Any, tuple[Any, list[int]]] = {}


@contextmanager
def shared() -> Iterator[None]:
    """Within it, steps of training and prediction on single batches are traced once for all networks that are alike."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    from tensorflow.python.eager.context import Context

    with pytest.MonkeyPatch.context() as patch:
        for name, step in (("train_function", "train_step"), ("predict_function", "predict_step")):
            patch.setattr(keras.Model, f"make_{name}", _maker(name, step, getattr(keras.Model, f"make_{name}")))
        # Keras seeds TensorFlow's own generator as well: no network here draws from it, and TensorFlow then forgets all that it compiled.
        patch.setattr(Context, "_set_global_seed", lambda self, seed: vars(self).update(_seed=seed, _rng=random.Random(seed)))
        yield


def _maker(name: str, step: str, make: Callable[..., Any]) -> Callable[..., Any]:
    def make_shared(model: keras.Model, force: bool = False) -> Any:
        if getattr(model, name) is None or force:
            make(model, force)
            setattr(model, name, _shared_step(model, step, getattr(model, name)))
        return getattr(model, name)

    return make_shared


def _shared_step(model: keras.Model, step: str, own: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What Keras calls with batches: the graph of a network that is alike, on this one's variables; its own where it cannot be shared."""
    import tensorflow as tf

    mine: dict[Any, tuple[Any, list[int]]] = {}

    def run(batches: Any) -> Any:
        if isinstance(batches, tf.data.Iterator) or model.run_eagerly or model.steps_per_execution > 1 or tf.distribute.has_strategy():
            return own(batches)
        batch = next(iter(batches))
        parts = batch if isinstance(batch, tuple) else (batch,)
        values = tuple(None if part is None else tf.convert_to_tensor(part) for part in parts)
        shapes = tuple(None if value is None else (tuple(value.shape), value.dtype) for value in values)
        if shapes not in mine:
            key = (step, _code(getattr(model, step)), shapes, description(model))
            mine[shapes] = _known[key] if key in _known else _known.setdefault(key, _traced(model, step, values))
        graph, order = mine[shapes]
        variables = _variables(model)
        return graph._call_flat([value for value in values if value is not None], [variables[index].value.handle for index in order])

    return run


def _traced(model: keras.Model, step: str, values: tuple[Any, ...]) -> tuple[Any, list[int]]:
    """The graph of a step, and which of the network's variables are its further inputs."""
    import tensorflow as tf

    function = tf.function(lambda data: getattr(model, step)(data), jit_compile=model.jit_compile, autograph=False)
    graph = function.get_concrete_function(values)
    place = {id(variable.value.handle): index for index, variable in enumerate(_variables(model))}
    return graph, [place[id(given)] for given in graph.captured_inputs]  # KeyError: it depends on something else


def _variables(model: keras.Model) -> list[Any]:
    optimiser = getattr(model, "optimizer", None)
    metrics = [variable for metric in model.metrics for variable in metric.variables]
    return [*model.variables, *(optimiser.variables if optimiser else []), *metrics]


def description(model: keras.Model) -> tuple[Any, ...]:
    """All that may decide what a network's steps compute but for the values of its variables."""
    layers = list(model._flatten_layers())
    plain = [{name: value for name, value in vars(layer).items() if isinstance(value, (*_PLAIN, np.ndarray))} for layer in layers]
    configs = [[layer.get_config(), layer.dtype_policy.name] for layer in layers]
    compiled = [keras.saving.serialize_keras_object(getattr(model, name, None)) for name in ("optimizer", "loss")]
    text = json.dumps(_unnamed([configs, plain, compiled]), sort_keys=True, default=_text)
    return text, getattr(model, "jit_compile", None), keras.config.floatx(), *((type(layer), _code(layer.call)) for layer in layers)


def _code(method: Callable[..., Any]) -> Any:
    """The function of a method, which all of a class have in common unless one has its own."""
    return getattr(method, "__func__", method)


def _text(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else str(value)


def _unnamed(value: Any) -> Any:
    """Without what differs between networks that are alike: names that count up, and the seeds of initial values."""
    if isinstance(value, dict):
        return {
            key: _unnamed(part) for key, part in value.items() if key not in ("name", "_name", "_path", "_parent_path", "seed", "_seed")
        }
    return [_unnamed(part) for part in value] if isinstance(value, list | tuple) else value
