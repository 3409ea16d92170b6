"""One check for all that a layer owes Keras, and JAX on the side: used by the tests of layers and models."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
CHILDREN = ROOT / "tests" / "children"

WITHOUT_TENSORFLOW = "import sys; sys.modules['tensorflow'] = None\n"
# A process that is short needs neither to look for garbage nor to take everything down one by one.
_IN_HASTE = "import gc; gc.disable()\n{}\nimport os, sys; sys.stdout.flush(); sys.stderr.flush(); os._exit(0)\n"
COMPUTE_OUTPUTS = """
import keras, numpy, ser_acrnn
from pathlib import Path
for path in sorted(Path(sys.argv[1]).glob("*.keras")):
    model = keras.saving.load_model(path, compile=False)
    with numpy.load(path.with_suffix(".npz")) as arrays:
        inputs = [arrays[name] for name in arrays.files]
    outputs = model.predict_on_batch(inputs[0] if len(inputs) == 1 else inputs)
    numpy.savez(path.with_suffix(".out.npz"), *keras.tree.flatten(outputs))
"""


def run_layer_check(
    cls: type[keras.layers.Layer],
    kwargs: Mapping[str, Any],
    inputs: Sequence[NDArray],
    directory: Path,
    *,
    trainable: int,
    non_trainable: int = 0,
    bfloat16_tolerance: float = 0.03,
) -> keras.Model:
    """Asserts that a layer survives its configuration and a file, keeps its declared shapes, trains, and computes in mixed bfloat16.

    Args:
        cls: The layer's class.
        kwargs: Its own arguments, without name and dtype.
        inputs: The first one, and optionally a `mask`.
        directory: For its file.
        trainable: Expected number of trainable parameters.
        non_trainable: Expected number of others.
        bfloat16_tolerance: Largest difference of the mixed bfloat16 outputs from the float32 ones, relative to the largest output.

    Returns:
        A model that holds the layer alone.
    """
    layer = cls(**kwargs, name="checked")
    _check_arguments(layer, kwargs)
    model = single_layer_model(layer, inputs)
    randomise(layer)
    assert _parameters(layer.trainable_weights) == trainable
    assert _parameters(layer.non_trainable_weights) == non_trainable
    outputs = evaluate(model, inputs)
    _check_declaration(model, outputs)

    config = layer.get_config()
    clone = cls.from_config(json.loads(json.dumps(config)))
    assert clone.get_config() == config
    _check_arguments(clone, kwargs)
    copy = single_layer_model(clone, inputs)
    clone.set_weights(layer.get_weights())
    _check_equal(evaluate(copy, inputs), outputs)

    path = directory / "layer.keras"
    model.save(path)
    loaded = keras.saving.load_model(path)
    assert type(loaded.get_layer("checked")) is cls
    _check_arguments(loaded.get_layer("checked"), kwargs)
    _check_equal(evaluate(loaded, inputs), outputs)

    mixed = cls(**kwargs, name="mixed", dtype="mixed_bfloat16")
    mixed_model = single_layer_model(mixed, inputs)
    mixed.set_weights(layer.get_weights())
    assert {weight.dtype for weight in mixed.weights} <= {"float32"}
    # Of small inputs of one sign: bfloat16 rounds a score by a share of its size and a weight by as much as its score; sums keep theirs.
    small = [np.abs(inputs[0]) / 4, *inputs[1:]]
    mixed_outputs = evaluate(mixed_model, small)
    _check_declaration(mixed_model, mixed_outputs)
    for exact, rounded in zip(evaluate(model, small), mixed_outputs, strict=True):
        exact, rounded = exact.astype("float64"), rounded.astype("float64")
        np.testing.assert_allclose(rounded, exact, rtol=0, atol=bfloat16_tolerance * np.abs(exact).max())

    _check_training_step(layer, model, inputs)
    return loaded


def single_layer_model(layer: keras.layers.Layer, inputs: Sequence[NDArray]) -> keras.Model:
    """A model of one layer; a second input is its mask."""
    tensors = [keras.Input(array.shape[1:], dtype=array.dtype.name) for array in inputs]
    if len(tensors) == 1:
        return keras.Model(tensors[0], layer(tensors[0]))
    return keras.Model(tensors, layer(tensors[0], mask=tensors[1]))


def randomise(layer: keras.layers.Layer, seed: int = 0) -> None:
    """Gives every weight values from 0.5 to 1.5 of either sign, so that none is neutral; positive where a sign would make no sense."""
    rng = np.random.default_rng(seed)
    values = []
    for weight in layer.weights:
        size = rng.uniform(0.5, 1.5, weight.shape)
        values.append(size if "variance" in weight.name else size * rng.choice([-1, 1], weight.shape))
    layer.set_weights(values)


def evaluate(model: keras.Model, inputs: Sequence[NDArray]) -> list[NDArray]:
    """The model's outputs as a flat list of arrays."""
    return [ops.convert_to_numpy(output) for output in keras.tree.flatten(model(_argument(inputs)))]


@functools.cache
def jax_python() -> str | None:
    """An interpreter that has JAX: the one of an environment without TensorFlow that SER_ACRNN_JAX_PYTHON names, or this one."""
    named = os.environ.get("SER_ACRNN_JAX_PYTHON")
    return named or (sys.executable if importlib.util.find_spec("jax") else None)


NO_JAX = "JAX is not installed; SER_ACRNN_JAX_PYTHON can name an interpreter that has it"


def run_on_jax(code: str, *arguments: str | Path) -> str:
    """Runs code in a fresh process on JAX, with Keras, where TensorFlow cannot be imported; returns what it printed."""
    # Compiling takes longer than computing here.
    environment = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_backend_optimization_level=0"}
    return run_python(WITHOUT_TENSORFLOW + code, *arguments, interpreter=jax_python(), **environment)


def run_python(code: str, *arguments: str | Path, interpreter: str | None = None, check: bool = True, **environment: str) -> str:
    """Runs code in a fresh process that can import the package; returns what it printed.

    Args:
        code: The program.
        arguments: Its `sys.argv[1:]`.
        interpreter: This one by default.
        check: Whether failing is an error.
        environment: Variables to add.
    """
    paths = os.pathsep.join(map(str, (CHILDREN, ROOT, ROOT / "tests")))
    done = subprocess.run(
        [interpreter or sys.executable, "-c", _IN_HASTE.format(code), *map(str, arguments)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 or not check, done.stderr[-3000:]
    return done.stdout


def check_same_on_jax(models: Mapping[str, tuple[keras.Model, Sequence[NDArray]]], directory: Path, tolerance: float = 1e-5) -> None:
    """Asserts that models saved here compute the same on JAX, loaded without `custom_objects` in a process without TensorFlow."""
    for name, (model, inputs) in models.items():
        model.save(directory / f"{name}.keras")
        np.savez(directory / f"{name}.npz", *inputs)
    run_on_jax(COMPUTE_OUTPUTS, directory)
    for name, (model, inputs) in models.items():
        with np.load(directory / f"{name}.out.npz") as arrays:
            there = [arrays[key] for key in arrays.files]
        for ours, theirs in zip(evaluate(model, inputs), there, strict=True):
            assert ours.dtype == theirs.dtype and ours.shape == theirs.shape, name
            np.testing.assert_allclose(theirs.astype("float64"), ours.astype("float64"), rtol=0, atol=tolerance, err_msg=name)


def _argument(inputs: Sequence[NDArray]) -> NDArray | list[NDArray]:
    return inputs[0] if len(inputs) == 1 else list(inputs)


def _parameters(weights: Sequence[keras.Variable]) -> int:
    return sum(int(np.prod(weight.shape)) for weight in weights)


def _check_arguments(layer: keras.layers.Layer, kwargs: Mapping[str, Any]) -> None:
    for name, value in kwargs.items():
        assert getattr(layer, name) == value, f"argument {name} is not kept"


def _check_declaration(model: keras.Model, outputs: list[NDArray]) -> None:
    for declared, output in zip(keras.tree.flatten(model.output), outputs, strict=True):
        assert declared.dtype == output.dtype.name
        assert declared.shape[0] is None and declared.shape[1:] == output.shape[1:]
        assert np.isfinite(output.astype("float64")).all()


def _check_equal(results: list[NDArray], expected: list[NDArray]) -> None:
    for result, value in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result, value)


def _check_training_step(layer: keras.layers.Layer, model: keras.Model, inputs: Sequence[NDArray]) -> None:
    flat = [keras.layers.Flatten()(ops.cast(output, "float32")) for output in keras.tree.flatten(model.output)]
    head = keras.layers.Dense(1, name="head")(flat[0])
    trained = keras.Model(model.input, head)
    trained.compile(optimizer=keras.optimizers.SGD(0.01), loss="mse", jit_compile=False)
    before = [weight.copy() for weight in layer.get_weights()]
    flags = [weight.trainable for weight in layer.weights]
    target = np.random.default_rng(1).normal(size=(len(inputs[0]), 1))
    history = trained.fit(_argument(inputs), target, epochs=1, batch_size=len(target), verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    for flag, old, new in zip(flags, before, layer.get_weights(), strict=True):
        assert np.isfinite(new).all()
        assert flag != np.array_equal(old, new), "a trainable weight stood still, or another one moved"
