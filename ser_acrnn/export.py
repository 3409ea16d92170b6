"""A network -> SavedModel, LiteRT, ONNX or .keras, each opened again in its own runtime and compared with the network it was made from."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import importlib.util
import json
import logging
import math
import os
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import NDArray

from ser_acrnn import __version__
from ser_acrnn.models import segment_posteriors

logger = logging.getLogger(__name__)

Posteriors = Callable[[NDArray[np.float32]], NDArray[np.float32]]

# Of a posterior. Float32 differs by 1e-6 from runtime to runtime, weights in half precision by 2e-3, a wrong weight by 1e-1.
MAX_DIFFERENCE = {None: 1e-3, "float16": 1e-2}
MIN_INT8_AGREEMENT = 0.99  # of decisions: eight bits move posteriors by 1e-2 and more, which may turn a near tie
SYNTHETIC_SEGMENTS = 100  # so that one decision may differ after int8
BATCH = 20


class ExportError(ValueError):
    """An export that cannot be made, or that does not compute what its network computes; nothing of it is left."""


@dataclass(frozen=True)
class Comparison:
    """How close an exported network is to its source; what its user has to know besides.

    Attributes:
        format: `saved_model`, `litert`, `onnx` or `keras`.
        quantize: None, `int8` or `float16`.
        runtime: Name and version of what read the file and computed.
        version: Of this package.
        segments: How many were compared.
        max_difference: Largest difference of a posterior.
        agreement: Share of the segments with the same decision.
        mixed_difference: Of a network in mixed bfloat16, which is exported and compared in float32: largest difference of a
            posterior between the two precisions, before the export; None otherwise.
        input_shape: Of a segment: (frames, mels, channels).
        emotions: In the order of the posteriors.
        recipe_hash: Of the features.
    """

    format: str
    quantize: str | None
    runtime: str
    version: str
    segments: int
    max_difference: float
    agreement: float
    mixed_difference: float | None
    input_shape: tuple[int, ...]
    emotions: tuple[str, ...]
    recipe_hash: str


def export(
    model: keras.Model,
    path: str | Path,
    format: Literal["saved_model", "litert", "onnx", "keras"] = "saved_model",
    *,
    quantize: Literal["int8", "float16"] | None = None,
    samples: NDArray[np.float32] | None = None,
) -> Comparison:
    """Writes a network for another runtime, opens the file there, and compares posteriors.

    The file takes segments, named `segments`, and gives `posteriors`; normalisation is inside. LiteRT takes one segment at a time, the
    others any number. A network in mixed bfloat16 is exported in float32. The comparison is kept as JSON in `<path>.check.json`.
    Both replace an earlier export in the end, in one step each; until then, and on an error, that one stays as it was.

    Args:
        model: A network of `ser_acrnn.models`.
        path: A file ending in `.tflite`, `.onnx` or `.keras`; of a SavedModel the folder.
        format: `saved_model` for TF Serving; `litert` for phones and small computers; `onnx` for ONNX Runtime.
        quantize: Of LiteRT: `int8`, weights in eight bits and activations rounded while computing (dynamic range), or `float16`,
            weights in half precision.
        samples: Segments to compare on, shape `(segments, frames, mels, channels)`; `synthetic_segments` by default.

    Returns:
        The comparison.

    Raises:
        ExportError: A posterior differs by more than 1e-3 (float16: 1e-2), or, with int8, more than one decision in a hundred differs;
            the runtime is not installed, or Keras does not run on TensorFlow; arguments that do not go together.
    """
    path = Path(path)
    _check_arguments(path, format, quantize)
    emotions, recipe_hash = _facts(model)
    samples = synthetic_segments(model) if samples is None else _checked(samples, model.input_shape[1:])
    expected, mixed_difference = segment_posteriors(model, samples, BATCH), None
    if any(layer.compute_dtype != "float32" for layer in model.layers):
        mixed, model = expected, _in_float32(model)
        expected = segment_posteriors(model, samples, BATCH)
        mixed_difference = float(np.abs(expected - mixed).max())

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        made, check = Path(folder, path.name), Path(folder, "check.json")
        FORMATS[format].write(model, made, quantize)
        found = open_exported(made, format)(samples)
        comparison = Comparison(
            format=format,
            quantize=quantize,
            runtime=_runtime(format),
            version=__version__,
            segments=len(samples),
            max_difference=float(np.abs(found - expected).max()),
            agreement=float((found.argmax(axis=1) == expected.argmax(axis=1)).mean()),
            mixed_difference=mixed_difference,
            input_shape=tuple(model.input_shape[1:]),
            emotions=emotions,
            recipe_hash=recipe_hash,
        )
        _judge(comparison, path)
        check.write_text(json.dumps(dataclasses.asdict(comparison), indent=1) + "\n", encoding="utf-8")
        check_file(path).unlink(missing_ok=True)  # never beside another export than its own
        if path.is_dir():
            os.replace(path, Path(folder, "replaced"))
        os.replace(made, path)
        os.replace(check, check_file(path))
    logger.info("%s: largest difference %.1e, agreement %.3f", path, comparison.max_difference, comparison.agreement)
    return comparison


def check_file(path: str | Path) -> Path:
    """Where the comparison of an export is kept."""
    return Path(f"{path}.check.json")


def open_exported(path: str | Path, format: str, threads: int | None = None) -> Posteriors:
    """Opens an export in its own runtime.

    Args:
        path: The file, or the folder of a SavedModel.
        format: See `export`.
        threads: Of LiteRT and ONNX Runtime; by default what they choose. TensorFlow's are the process's.

    Returns:
        A function, segments `(segments, frames, mels, channels)` -> posteriors `(segments, emotions)`.

    Raises:
        ExportError: The runtime is not installed; an unknown format.
    """
    _check_installed(format)
    return _format(format).open(path, threads)


def synthetic_segments(model: keras.Model, count: int = SYNTHETIC_SEGMENTS, seed: int = 0) -> NDArray[np.float32]:
    """Segments in the units of a network's features: waves over time and mels, each segment at a loudness of its own.

    Args:
        model: A network of `ser_acrnn.models`.
        count: How many.
        seed: Of the waves.

    Returns:
        Shape `(count, frames, mels, channels)`; the first without padding, the second nothing else, the others with some at the end.
    """
    frames, mels, channels = model.input_shape[1:]
    normalise = model.get_layer("normalise")
    mean, variance = (np.asarray(keras.ops.convert_to_numpy(values)) for values in (normalise.mean, normalise.variance))
    random = np.random.default_rng(seed)

    def waves(most_cycles: float, size: int) -> NDArray:
        cycles, phase = random.uniform(0, most_cycles, (count, 4, channels, 1)), random.random((count, 4, channels, 1))
        return np.cos(2 * math.pi * (cycles * np.linspace(0, 1, size) + phase))

    shapes = np.einsum("nwct,nwcm->ntmc", waves(12, frames), waves(3, mels))
    loudness, noise = random.normal(size=(count, 1, 1, channels)), 0.3 * random.normal(size=shapes.shape)
    segments = mean + np.sqrt(variance) * (shapes + loudness + noise)
    lengths = random.integers(1, frames, count)
    lengths[:2] = (frames, 0)[:count]
    segments[np.arange(frames) >= lengths[:, None]] = 0
    return segments.astype(np.float32)


def _check_arguments(path: Path, format: str, quantize: str | None) -> None:
    suffix, suffixes = _format(format).suffix, {known.suffix for known in FORMATS.values()}
    if quantize not in (None, "int8", "float16"):
        raise ExportError(f"quantize is {quantize!r}, expected None, 'int8' or 'float16'")
    if quantize and format != "litert":
        raise ExportError(f"quantize is {quantize!r} and format {format!r}, expected the format 'litert', or quantize None")
    if path.suffix != suffix and (suffix or path.suffix in suffixes):
        raise ExportError(
            f"{path}: expected {f'a name ending in {suffix}' if suffix else 'the name of a folder'} for the format {format!r}"
        )
    if path.is_dir() and (suffix or (any(path.iterdir()) and not (path / "saved_model.pb").is_file())):
        raise ExportError(f"{path}: is a folder, expected {'a file' if suffix else 'none, an empty one, or an earlier SavedModel'}")
    if path.is_file() and not suffix:
        raise ExportError(f"{path}: is a file, expected none, or the folder of an earlier SavedModel")
    if format != "keras" and (backend := keras.backend.backend()) != "tensorflow":
        raise ExportError(
            f"{path}: the format {format!r} is made from a TensorFlow graph, and Keras runs on {backend!r} here; "
            "save the network as .keras and export it where KERAS_BACKEND is 'tensorflow'"
        )
    _check_installed(format)


def _check_installed(format: str) -> None:
    missing = [package for package in _format(format).packages if importlib.util.find_spec(package.replace("-", "_")) is None]
    if missing:
        raise ExportError(f"the format {format!r} needs {', '.join(missing)}, not installed here: pip install 'ser_acrnn[export]'")


def _facts(model: keras.Model) -> tuple[tuple[str, ...], str]:
    """Emotions and the recipe's hash; refuses what is no network of ours."""
    try:
        facts = model.get_layer("emotion").emotions, model.get_layer("normalise").recipe_hash
    except (ValueError, AttributeError) as error:
        raise ExportError(f"the model is not a network of ser_acrnn ({error}), expected its layers 'normalise' and 'emotion'") from error
    if not isinstance(model.output, keras.KerasTensor):
        raise ExportError(f"the model has the outputs {sorted(model.output)}, expected the posteriors alone")
    return facts


def _checked(samples: NDArray, shape: tuple[int, ...]) -> NDArray[np.float32]:
    samples = np.asarray(samples, np.float32)
    if samples.shape[1:] != tuple(shape) or not len(samples):
        raise ExportError(f"samples have the shape {samples.shape}, expected (1 or more, {', '.join(map(str, shape))})")
    if not np.isfinite(samples).all():
        raise ExportError("samples hold values that are not finite, expected numbers")
    return samples


def _judge(comparison: Comparison, path: Path) -> None:
    if not math.isfinite(comparison.max_difference):
        raise ExportError(f"{path}: posteriors of the export are not numbers, expected those of its network")
    if comparison.quantize == "int8":
        if comparison.agreement < MIN_INT8_AGREEMENT:
            raise ExportError(
                f"{path}: {comparison.agreement:.1%} of the decisions are the network's, expected at least {MIN_INT8_AGREEMENT:.0%}"
            )
    elif comparison.max_difference > (bound := MAX_DIFFERENCE[comparison.quantize]):
        raise ExportError(f"{path}: a posterior differs by {comparison.max_difference:.1e} from the network's, expected at most {bound:g}")


def _in_float32(model: keras.Model) -> keras.Model:
    """The same network with the same weights, computed in float32 throughout."""

    def without_policies(value: Any) -> Any:
        if isinstance(value, dict):
            if value.get("class_name") == "DTypePolicy":
                return "float32"
            return {key: without_policies(item) for key, item in value.items()}
        return [without_policies(item) for item in value] if isinstance(value, (list, tuple)) else value

    copy = type(model).from_config(without_policies(model.get_config()))
    copy.set_weights(model.get_weights())
    return copy


def _runtime(format: str) -> str:
    package = FORMATS[format].runtime
    name = f"{package} {importlib.metadata.version(package)}"
    return f"{name} on {keras.backend.backend()}" if package == "keras" else name


def _signature(model: keras.Model, batch: int | None = None) -> list[keras.InputSpec]:
    return [keras.InputSpec(shape=(batch, *model.input_shape[1:]), dtype="float32", name="segments")]


def _write_saved_model(model: keras.Model, path: Path, quantize: str | None, batch: int | None = None) -> None:
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", lambda segments: {"posteriors": model(segments, training=False)}, _signature(model, batch))
    archive.write_out(path, verbose=False)


def _open_saved_model(path: str | Path, threads: int | None) -> Posteriors:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))  # the signature alone would not keep its variables

    def posteriors(segments: NDArray[np.float32]) -> NDArray[np.float32]:
        serve = loaded.signatures["serving_default"]
        return np.concatenate([serve(tf.constant(batch))["posteriors"].numpy() for batch in _batches(segments)])

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

    run = Interpreter(model_path=str(path), num_threads=threads).get_signature_runner("serving_default")

    def posteriors(segments: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.concatenate([run(segments=segment[None])["posteriors"] for segment in segments])

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
    emotions, recipe_hash = _facts(model)
    onnx.helper.set_model_props(made, {"emotions": json.dumps(emotions), "recipe_hash": recipe_hash, "ser_acrnn": __version__})
    onnx.checker.check_model(made)
    onnx.save(made, str(path))


def _open_onnx(path: str | Path, threads: int | None) -> Posteriors:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def posteriors(segments: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.concatenate([session.run(["posteriors"], {"segments": batch})[0] for batch in _batches(segments)])

    return posteriors


def _write_keras(model: keras.Model, path: Path, quantize: str | None) -> None:
    model.save(path)


def _open_keras(path: str | Path, threads: int | None) -> Posteriors:
    model = keras.saving.load_model(path, compile=False)
    return lambda segments: segment_posteriors(model, segments, BATCH)


def _batches(segments: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return [segments[start : start + BATCH] for start in range(0, len(segments), BATCH)]


@dataclass(frozen=True)
class _Format:
    suffix: str
    packages: tuple[str, ...]  # of the extra
    runtime: str
    write: Callable[[keras.Model, Path, str | None], None]
    open: Callable[[str | Path, int | None], Posteriors]


FORMATS = {
    "saved_model": _Format("", (), "tensorflow", _write_saved_model, _open_saved_model),
    "litert": _Format(".tflite", ("ai-edge-litert",), "ai-edge-litert", _write_litert, _open_litert),
    "onnx": _Format(".onnx", ("onnx", "tf2onnx", "onnxruntime"), "onnxruntime", _write_onnx, _open_onnx),
    "keras": _Format(".keras", (), "keras", _write_keras, _open_keras),
}


def _format(name: str) -> _Format:
    if name not in FORMATS:
        raise ExportError(f"format is {name!r}, expected one of {sorted(FORMATS)}")
    return FORMATS[name]
