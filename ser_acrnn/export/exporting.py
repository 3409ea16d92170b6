"""A network -> SavedModel, LiteRT, ONNX or .keras, each opened again in its own runtime and compared with the network it was made from."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import logging
import math
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import NDArray

from ser_acrnn import __version__
from ser_acrnn.config.features import feature_recipe
from ser_acrnn.export import targets
from ser_acrnn.export.checks import pieces, synthetic_segments, synthetic_waveforms, utterance_posteriors
from ser_acrnn.export.formats import BATCH, FORMATS, Format, Inputs, Posteriors, facts, runtime_name
from ser_acrnn.features.normalisation import Statistics
from ser_acrnn.inference.batching import segment_posteriors
from ser_acrnn.inference.preprocessor import Preprocessor
from ser_acrnn.models.loading import NetworkError, check_parts
from ser_acrnn.models.saving import in_float32
from ser_acrnn.models.segment_network import segment_network
from ser_acrnn.models.waveform import network_in, waveform_model

logger = logging.getLogger(__name__)

STEPS = ("judged by the network", "written", "judged in its runtime")
# Of a posterior. Float32 differs by 1e-6 from runtime to runtime, weights in half precision by 2e-3, a wrong weight by 1e-1.
MAX_DIFFERENCE = {None: 1e-3, "float16": 1e-2}
MIN_INT8_AGREEMENT = 0.99  # of decisions: eight bits move posteriors by 1e-2 and more, which may turn a near tie


class ExportError(ValueError):
    """An export that cannot be made, or that does not compute what its network computes; nothing of it is left."""


@dataclass(frozen=True)
class Comparison:
    """How close an exported network is to its source; what its user has to know besides.

    Attributes:
        format: `saved_model`, `litert`, `onnx` or `keras`.
        quantize: None, `int8` or `float16`.
        waveform: Whether the file takes waveforms.
        runtime: Name and version of what read the file and computed.
        version: The version of this package.
        segments: How many were compared; of a file that takes waveforms, how many waveforms.
        max_difference: Largest difference of a posterior.
        agreement: Share of them with the same decision.
        mixed_difference: Of a network in mixed bfloat16, which is exported and compared in float32: largest difference of a
            posterior between the two precisions, before the export; None otherwise.
        input_shape: The shape of a segment: (frames, mels, channels); of a waveform: (samples,), None for any length.
        emotions: In the order of the posteriors.
        recipe_hash: The hash of the features' recipe.
    """

    format: str
    quantize: str | None
    waveform: bool
    runtime: str
    version: str
    segments: int
    max_difference: float
    agreement: float
    mixed_difference: float | None
    input_shape: tuple[int | None, ...]
    emotions: tuple[str, ...]
    recipe_hash: str


def export(
    model: keras.Model,
    path: str | Path,
    format: Literal["saved_model", "litert", "onnx", "keras"] = "saved_model",
    *,
    quantize: Literal["int8", "float16"] | None = None,
    samples: Inputs | None = None,
    waveform: bool = False,
    seconds: float | None = None,
    speaker: Statistics | None = None,
    on_step: Callable[[str], object] = lambda step: None,
) -> Comparison:
    """Writes a network for another runtime, opens the file there, and compares posteriors.

    The file takes segments, named `segments`, or, with its features inside, raw audio, named `waveform`: `(batch, samples)`, mono at 16
    kHz; and gives `posteriors`, NaN for what holds NaN or infinite values, and for silence, see `waveform_model`. Normalisation is inside.
    LiteRT takes one segment or waveform at a time, the others any number. A network in mixed bfloat16 is exported in float32. The
    comparison is kept as JSON in `<path>.check.json`. Both replace an earlier export in the end, in one step each; until then, and on an
    error, that one stays as it was.

    Args:
        model: A network of `ser_acrnn.models.networks`.
        path: A file ending in `.tflite`, `.onnx` or `.keras`; of a SavedModel the folder.
        format: `saved_model` for TF Serving; `litert` for phones and small computers; `onnx` for ONNX Runtime.
        quantize: Of LiteRT: `int8`, weights in eight bits and activations rounded while computing (dynamic range), or `float16`,
            weights in half precision. With `int8` the features stay in float32.
        samples: What to compare on: segments `(segments, frames, mels, channels)`, `synthetic_segments` by default; with `waveform` a
            sequence of recordings `(samples,)` at 16 kHz, `synthetic_waveforms` by default, cut where the length is fixed. There the
            file needs zeros behind a shorter one, which the source hears too, unless the recipe has a speech gate.
        waveform: Whether the file is to take raw audio, and to give the posteriors of the utterance: see `waveform_model`. It is
            compared with the network behind `ser_acrnn.features.log_mels`.
        seconds: Length of every waveform; by default any, of LiteRT, which has to know it, one segment of 300 frames: 3.015 s.
        speaker: With `waveform`, of a network that normalises by the speaker: see `waveform_model`.
        on_step: Called with the name of each of `STEPS` that has been done.

    Returns:
        The comparison.

    Raises:
        ExportError: A posterior differs by more than 1e-3 (float16: 1e-2), or, with int8, more than one decision in a hundred differs;
            the runtime is not installed, or Keras does not run on TensorFlow; arguments that do not go together.
        ValueError: The network cannot take waveforms: see `waveform_model`.
    """
    path = Path(path)
    _check_arguments(path, format, quantize, waveform, seconds, speaker)
    emotions, recipe_hash = _facts(model)
    network = in_float32(model) if any(layer.compute_dtype != "float32" for layer in model.layers) else model
    inputs: Inputs
    heard: Inputs
    if waveform:
        made_from, inputs, heard, judged = _of_waveforms(network, format, samples, seconds, speaker)
    else:
        made_from = network if format == "keras" else segment_network(network)
        inputs, judged = _checked(model, samples), segment_posteriors
        heard = inputs
    expected = judged(network, heard, BATCH)
    mixed_difference = None if network is model else float(np.abs(expected - judged(model, heard, BATCH)).max())
    on_step(STEPS[0])

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        made, check = Path(folder, path.name), Path(folder, "check.json")
        FORMATS[format].write(made_from, made, quantize)
        on_step(STEPS[1])
        found = open_exported(made, format)(inputs)
        on_step(STEPS[2])
        comparison = Comparison(
            format=format,
            quantize=quantize,
            waveform=waveform,
            runtime=runtime_name(format),
            version=__version__,
            segments=len(inputs),
            max_difference=float(np.abs(found - expected).max()),
            agreement=float((found.argmax(axis=1) == expected.argmax(axis=1)).mean()),
            mixed_difference=mixed_difference,
            input_shape=tuple(made_from.input_shape[1:]),
            emotions=emotions,
            recipe_hash=recipe_hash,
        )
        _judge(comparison, path, generated=samples is None)
        check.write_text(json.dumps(dataclasses.asdict(comparison), indent=1) + "\n", encoding="utf-8")
        targets.check_file(path).unlink(missing_ok=True)  # never beside another export than its own
        if path.is_dir():
            os.replace(path, Path(folder, "replaced"))
        os.replace(made, path)
        os.replace(check, targets.check_file(path))
    logger.info("%s: largest difference %.1e, agreement %.3f", path, comparison.max_difference, comparison.agreement)
    return comparison


def open_exported(path: str | Path, format: str, threads: int | None = None) -> Posteriors:
    """Opens an export in its own runtime.

    Args:
        path: The file, or the folder of a SavedModel.
        format: See `export`.
        threads: How many LiteRT and ONNX Runtime take; by default what they choose. TensorFlow's are the process's.

    Returns:
        A function, segments `(segments, frames, mels, channels)` -> posteriors `(segments, emotions)`; of a file that takes waveforms,
        a list of waveforms `(samples,)` -> their posteriors.

    Raises:
        ExportError: The runtime is not installed; an unknown format.
    """
    _check_installed(format)
    return _format(format).open(path, threads)


def _of_waveforms(
    network: keras.Model, format: str, recordings: Inputs | None, seconds: float | None, speaker: Statistics | None
) -> tuple[keras.Model, list[NDArray[np.float32]], list[NDArray[np.float32]], Callable[[keras.Model, Any, int], NDArray[np.float32]]]:
    """The network that takes waveforms, what it and its source are compared on, and what the source says of such."""
    recipe = feature_recipe(network.get_layer("normalise").recipe_hash, network.name)
    length = None if seconds is None else round(seconds * recipe.sampling_rate_hertz)
    if length is None and format == "litert":
        length = recipe.segment_samples
    made_from = waveform_model(network, samples=length, speaker=speaker)
    recordings = synthetic_waveforms() if recordings is None else recordings
    waveforms = heard = pieces(recordings, length)
    if recipe.speech_gate:
        heard = pieces(recordings, length, filled=False)
        usable = [number for number, waveform in enumerate(heard) if not Preprocessor(network.name, recipe, 3, "segment").flaw(waveform)]
        if not usable:
            raise ExportError(f"there are {len(heard)} recordings, none with speech; expected one or more to compare on")
        waveforms, heard = ([of[number] for number in usable] for of in (waveforms, heard))
    return made_from, waveforms, heard, partial(utterance_posteriors, speaker)


def _check_arguments(
    path: Path, format: str, quantize: str | None, waveform: bool, seconds: float | None, speaker: Statistics | None
) -> None:
    _format(format)
    if quantize not in (None, "int8", "float16"):
        raise ExportError(f"quantize is {quantize!r}, expected None, 'int8' or 'float16'")
    if quantize and format != "litert":
        raise ExportError(f"quantize is {quantize!r} and format {format!r}, expected the format 'litert', or quantize None")
    if not waveform and (seconds is not None or speaker is not None):
        given = f"seconds is {seconds!r}" if seconds is not None else "a speaker is given"
        raise ExportError(f"{given} for a file that takes segments, expected waveform=True besides")
    if refused := targets.complaint(path, format):
        raise ExportError(f"{path}: {refused}")
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
    if not isinstance(model, keras.Model):
        raise ExportError(f"the model is a {type(model).__name__}, expected a keras.Model, as ser_acrnn.load_pretrained gives")
    if network_in(model) is not model:
        raise ExportError(f"{model.name}: takes raw audio already, expected the network that it was made of, and waveform=True")
    try:
        check_parts(model, parts=("normalise", "emotion"))
    except NetworkError as error:
        raise ExportError(str(error)) from error
    found = facts(model)
    if not isinstance(model.output, keras.KerasTensor):
        raise ExportError(f"the model has the outputs {sorted(model.output)}, expected the posteriors alone")
    return found


def _checked(model: keras.Model, samples: Inputs | None) -> NDArray[np.float32]:
    if samples is None:
        return synthetic_segments(model)
    samples, shape = np.asarray(samples, np.float32), model.input_shape[1:]
    if samples.shape[1:] != tuple(shape) or not len(samples):
        raise ExportError(f"samples have the shape {samples.shape}, expected (1 or more, {', '.join(map(str, shape))})")
    if not np.isfinite(samples).all():
        raise ExportError("samples hold values that are not finite, expected numbers")
    return samples


def _judge(comparison: Comparison, path: Path, *, generated: bool) -> None:
    if not math.isfinite(comparison.max_difference):
        raise ExportError(f"{path}: posteriors of the export are not numbers, expected those of its network")
    if comparison.quantize == "int8":
        if comparison.agreement < MIN_INT8_AGREEMENT:
            made_up = (
                "; real speech may pass: give recordings, samples=... or --speech FOLDER, instead of made-up input" if generated else ""
            )
            raise ExportError(
                f"{path}: {comparison.agreement:.1%} of the decisions are the network's, "
                f"expected at least {MIN_INT8_AGREEMENT:.0%}{made_up}"
            )
    elif comparison.max_difference > (bound := MAX_DIFFERENCE[comparison.quantize]):
        raise ExportError(f"{path}: a posterior differs by {comparison.max_difference:.1e} from the network's, expected at most {bound:g}")


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise ExportError(f"format is {name!r}, expected one of {sorted(FORMATS)}")
    return FORMATS[name]
