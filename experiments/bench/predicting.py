"""Predicting on ONNX Runtime beside Keras: one file from a cold start, its memory, many short files, a long recording; in processor time.

Processor time, user and system, is what a figure is while other work shares the machine; where it does not, one thread's is the wall's.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from experiments.bench.harness import Row

if TYPE_CHECKING:  # Keras alone takes seconds to start
    from ser_acrnn.inference.predictor import Predictor

KERAS, ONNX = "keras", "onnx"
FORMATS = {"WAV, 16 kHz": (".wav", 16_000, 1), "FLAC, 48 kHz stereo": (".flac", 48_000, 2), "MP3, 48 kHz stereo": (".mp3", 48_000, 2)}
FILE_SECONDS = 2.0
_MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime, used.ru_stime, used.ru_maxrss)
"""
TIMELINE = "a timeline of an hour"


def rows(quick: bool) -> list[Row]:
    """Measures each way in turn with its yardstick, Keras."""
    with tempfile.TemporaryDirectory() as folder:
        names = list(FORMATS)[: 1 if quick else None]
        paths = {name: _write(Path(folder, f"{number}{FORMATS[name][0]}"), name) for number, name in enumerate(names)}
        found = [row for name, path in paths.items() for row in _cold(name, path, rounds=1 if quick else 3)]
        return found + _warm(paths["WAV, 16 kHz"], files=8 if quick else 400, minutes=0.5 if quick else 10, rounds=1 if quick else 3)


def _cold(name: str, path: Path, rounds: int) -> list[Row]:
    """Seconds of processor and MiB of the whole command, median of some starts."""
    cost: dict[str, list[tuple[float, float]]] = {ONNX: [], KERAS: []}
    for _ in range(rounds):
        for runtime, found in cost.items():
            found.append(_process([sys.executable, "-m", "ser_acrnn.cli", "predict", "--runtime", runtime, str(path)]))
    table = []
    for place, unit in enumerate(("s of processor", "MiB at most")):
        mine, yardstick = (statistics.median(pair[place] for pair in cost[runtime]) for runtime in (ONNX, KERAS))
        table.append(Row("predicting", f"ser-acrnn predict, one {name}", mine, unit, "with --runtime keras", yardstick / mine))
    return table


def _process(command: list[str]) -> tuple[float, float]:
    """Both of a process, by a parent that is small: a process begins with the most memory that its parent had."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1"}
    words = [sys.executable, "-c", _MEASURED, *command]
    said = subprocess.run(words, env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    user, system, kibibytes = map(float, said.split())
    return user + system, kibibytes / 2**10


def _warm(path: Path, files: int, minutes: float, rounds: int) -> list[Row]:
    """Short files a second and an hour's timeline, on one processor, once everything is loaded and compiled."""
    from ser_acrnn.inference.predictor import Predictor

    both = {runtime: Predictor(runtime=runtime) for runtime in (ONNX, KERAS)}  # type: ignore[arg-type]
    samples = voice(60 * minutes, 16_000)
    ways: dict[str, Callable[[Predictor], object]] = {
        "short files": lambda predictor: list(predictor.predict_many([path] * files)),
        TIMELINE: lambda predictor: list(predictor.timeline(samples, 16_000)),
    }
    seconds: dict[str, dict[str, float]] = {}
    for what, run in ways.items():
        for predictor in both.values():
            list(islice(predictor.timeline(samples, 16_000), 20))
            list(predictor.predict_many([path] * 20))
        seconds[what] = {runtime: min(_processor(partial(run, predictor)) for _ in range(rounds)) for runtime, predictor in both.items()}
    table = []
    for what, taken in seconds.items():
        figure = taken[ONNX] * 60 / minutes if what == TIMELINE else files / taken[ONNX]
        unit = "s of processor" if what == TIMELINE else f"files of {FILE_SECONDS:g} s a second of processor"
        table.append(Row("predicting", what, figure, unit, "with runtime='keras'", taken[KERAS] / taken[ONNX]))
    return table


def _processor(run: Callable[[], object]) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started


def voice(seconds: float, rate_hertz: int) -> np.ndarray:
    """Syllables of harmonics above a little noise, `(samples,)`."""
    time_seconds = np.arange(round(seconds * rate_hertz)) / rate_hertz
    harmonics = sum(np.sin(2 * np.pi * 140 * order * time_seconds) / order for order in range(1, 12))
    syllables = np.maximum(np.sin(2 * np.pi * 3 * time_seconds), 0)
    return 0.2 * harmonics * syllables + 1e-3 * np.random.default_rng(0).normal(size=len(time_seconds))


def _write(path: Path, name: str) -> Path:
    _, rate_hertz, channels = FORMATS[name]
    soundfile.write(path, np.repeat(voice(FILE_SECONDS, rate_hertz)[:, None], channels, axis=1), rate_hertz)
    return path
