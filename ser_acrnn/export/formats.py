"""The formats that networks are exported to: how each is written, and how it is opened in its own runtime."""

from __future__ import annotations

import importlib.metadata
import json
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from ser_acrnn import __version__
from ser_acrnn.inference.batching import segment_posteriors
from ser_acrnn.models.waveform import network_in
from ser_acrnn.quiet import without_talk

# Segments `(segments, frames, mels, channels)`, or waveforms `(samples,)` of any lengths that the file takes.
Inputs = NDArray[np.float32] | Sequence[NDArray[np.float32]]
Posteriors = Callable[[Inputs], NDArray[np.float32]]

BATCH = 20  # segments at a time; waveforms go one by one


@dataclass(frozen=True)
class Format:
    """How a format is made and read.

    Attributes:
        suffix: How the name of its file ends; "" for a folder.
        packages: What it needs of the extra `export`.
        runtime: The package that opens it.
        write: Called with a network, a path and the quantisation or None.
        open: Called with a path and a number of threads or None.
    """

    suffix: str
    packages: tuple[str, ...]
    runtime: str
    write: Callable[[keras.Model, Path, str | None], None]
    open: Callable[[str | Path, int | None], Posteriors]


def runtime_name(format: str) -> str:
    """What opens a format here, with its version."""
    package = FORMATS[format].runtime
    name = f"{package} {importlib.metadata.version(package)}"
    return f"{name} on {keras.backend.backend()}" if package == "keras" else name


def facts(model: keras.Model) -> tuple[tuple[str, ...], str]:
    """Emotions and recipe's hash of a network, or of the network in a waveform model.

    Raises:
        ValueError, AttributeError: It is none of this package's.
    """
    network = network_in(model)
    return network.get_layer("emotion").emotions, network.get_layer("normalise").recipe_hash


def _signature(model: keras.Model, batch: int | None = None) -> list[keras.InputSpec]:
    (entry,) = model.inputs
    return [keras.InputSpec(shape=(batch, *entry.shape[1:]), dtype="float32", name=entry.name)]


def _write_saved_model(model: keras.Model, path: Path, quantize: str | None, batch: int | None = None) -> None:
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", lambda inputs: {"posteriors": model(inputs, training=False)}, _signature(model, batch))
    archive.write_out(path, verbose=False)


def _open_saved_model(path: str | Path, threads: int | None) -> Posteriors:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))  # the signature alone would not keep its variables

    def posteriors(inputs: Inputs) -> NDArray[np.float32]:
        serve = loaded.signatures["serving_default"]
        (name,) = serve.structured_input_signature[1]
        return np.concatenate([serve(**{name: tf.constant(batch)})["posteriors"].numpy() for batch in _batches(inputs)])

    return posteriors


def _write_litert(model: keras.Model, path: Path, quantize: str | None) -> None:
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        # With a batch of unknown size the recurrent loops would need TensorFlow's own operations, which a phone does not have.
        _write_saved_model(model, Path(folder), None, batch=1)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if quantize:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if quantize == "float16":
            converter.target_spec.supported_types = [tf.float16]
        path.write_bytes(converter.convert())


def _open_litert(path: str | Path, threads: int | None) -> Posteriors:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=threads)
    with without_talk():
        interpreter.allocate_tensors()  # tells which delegate it takes
    run = interpreter.get_signature_runner("serving_default")
    (name,) = run.get_input_details()

    def posteriors(inputs: Inputs) -> NDArray[np.float32]:
        return np.concatenate([run(**{name: one[None]})["posteriors"] for one in inputs])

    return posteriors


def _write_onnx(model: keras.Model, path: Path, quantize: str | None) -> None:
    import onnx

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # Keras asks NumPy for a name that it no longer has
        model.export(path, format="onnx", verbose=False, input_signature=_signature(model))
    made = onnx.load(str(path))
    (output,) = made.graph.output
    for node in made.graph.node:
        for names in (node.input, node.output):
            names[:] = ["posteriors" if name == output.name else name for name in names]
    output.name = "posteriors"
    for value in (*made.graph.input, output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    emotions, recipe_hash = facts(model)
    onnx.helper.set_model_props(made, {"emotions": json.dumps(emotions), "recipe_hash": recipe_hash, "ser_acrnn": __version__})
    onnx.checker.check_model(made)
    onnx.save(made, str(path))


def _open_onnx(path: str | Path, threads: int | None) -> Posteriors:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()

    def posteriors(inputs: Inputs) -> NDArray[np.float32]:
        return np.concatenate([session.run(["posteriors"], {entry.name: batch})[0] for batch in _batches(inputs)])

    return posteriors


def _write_keras(model: keras.Model, path: Path, quantize: str | None) -> None:
    model.save(path)


def _open_keras(path: str | Path, threads: int | None) -> Posteriors:
    model = keras.saving.load_model(path, compile=False)

    def posteriors(inputs: Inputs) -> NDArray[np.float32]:
        if isinstance(inputs, np.ndarray):
            return segment_posteriors(model, inputs, BATCH)
        return np.concatenate([keras.ops.convert_to_numpy(model(batch, training=False)) for batch in _batches(inputs)])

    return posteriors


def _batches(inputs: Inputs) -> Iterator[NDArray[np.float32]]:
    """Segments some at a time, waveforms one by one."""
    if isinstance(inputs, np.ndarray):
        yield from (inputs[start : start + BATCH] for start in range(0, len(inputs), BATCH))
    else:
        yield from (waveform[None] for waveform in inputs)


FORMATS = {
    "saved_model": Format("", (), "tensorflow", _write_saved_model, _open_saved_model),
    "litert": Format(".tflite", ("ai-edge-litert",), "ai-edge-litert", _write_litert, _open_litert),
    "onnx": Format(".onnx", ("onnx", "tf2onnx", "onnxruntime"), "onnxruntime", _write_onnx, _open_onnx),
    "keras": Format(".keras", (), "keras", _write_keras, _open_keras),
}
