"""Inference: one 3 s segment in Keras, LiteRT and ONNX Runtime on the same threads, and batches of 40 in float32 and mixed bfloat16."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

from experiments.bench.harness import Row, interleaved
from ser_acrnn.config import ModelConfig, TrainConfig, paper_conv, preset

SEGMENT_SECONDS = 3.0
BATCH = TrainConfig().batch_size
KERAS = "Keras float32"
XLA = "Keras float32, XLA"  # slower than without for batches on a processor, so for one segment only
EXPORTS: dict[str, tuple[Literal["litert", "onnx"], Literal["int8"] | None]] = {
    "LiteRT float32": ("litert", None),
    "LiteRT int8": ("litert", "int8"),
    "ONNX Runtime float32": ("onnx", None),
}


def rows(quick: bool) -> list[Row]:
    """Measures the paper's network, with five convolutions or, quickly, with one, and the presets lite and tiny."""
    layers, rounds = (1, 3) if quick else (5, 15)
    networks = {f"{layers} conv": ModelConfig(conv=paper_conv(layers)), **{light: preset(light).model for light in ("lite", "tiny")}}
    table = []
    for name, config in networks.items():
        table += _rows(f"inference, {name}, one segment", 1, _one_segment(config, rounds))
        table += _rows(f"inference, {name}, batch of {BATCH}", BATCH, _batch(config, rounds // 3))
    return table


def _rows(group: str, segments: int, found: dict[str, float]) -> list[Row]:
    """Two lines a way: the time beside Keras as it comes, and times real time beside Keras compiled by XLA, where that was measured."""
    table = []
    for way, seconds in found.items():
        table.append(Row(group, way, 1000 * seconds, "ms", *_beside(found, way, KERAS)))
        table.append(Row(group, way, SEGMENT_SECONDS * segments / seconds, "x real time", *_beside(found, way, XLA)))
    return table


def _beside(found: dict[str, float], way: str, yardstick: str) -> tuple[str, float | None]:
    return (yardstick, found[yardstick] / found[way]) if yardstick in found and yardstick != way else ("", None)


def _one_segment(config: ModelConfig, rounds: int) -> dict[str, float]:
    import keras

    from ser_acrnn.export.checks import synthetic_segments
    from ser_acrnn.export.exporting import FORMATS, export, open_exported
    from ser_acrnn.models.networks import acrnn

    keras.utils.set_random_seed(0)
    model, threads = acrnn(config), os.cpu_count()
    segment = synthetic_segments(model, count=1)
    # Networks of their own, whose graphs Keras compiles for this batch alone: the exports' comparison uses others.
    plain, xla = acrnn(config), acrnn(config)
    xla.jit_compile = True
    ways: dict[str, Callable[[], object]] = {KERAS: partial(plain.predict_on_batch, segment), XLA: partial(xla.predict_on_batch, segment)}
    with tempfile.TemporaryDirectory() as folder:
        for way, (format, quantize) in EXPORTS.items():
            path = Path(folder, way + FORMATS[format].suffix)
            export(model, path, format, quantize=quantize, samples=segment)
            ways[way] = partial(open_exported(path, format, threads), segment)
        return _rested(ways, rounds)


def _batch(config: ModelConfig, rounds: int) -> dict[str, float]:
    import keras

    from ser_acrnn.export.checks import synthetic_segments
    from ser_acrnn.models.networks import acrnn

    ways: dict[str, Callable[[], object]] = {}
    for way, precision in ((KERAS, "float32"), ("Keras mixed bfloat16", "bfloat16")):
        keras.utils.set_random_seed(0)
        model = acrnn(config, precision=precision)
        ways[way] = partial(model.predict_on_batch, synthetic_segments(model, count=BATCH))
    return _rested(ways, rounds)


def _rested(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """`interleaved`, with a rest after each call: threads that wait for more work in a loop would slow the next one down."""
    rest = partial(time.sleep, 0.1)
    found = interleaved({name: call for way, run in ways.items() for name, call in ((way, run), (f"rest after {way}", rest))}, rounds)
    return {way: found[way] for way in ways}
