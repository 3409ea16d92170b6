"""Predicting on ONNX Runtime beside Keras: one file from a cold start, its memory, many short files, a long recording; in processor time.

Processor time, user and system, is what a figure is while other work shares the machine; where it does not, one thread's is the wall's.
What the wall's clock says of a cold start, of an hour and of several threads stands beside it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
FORMATS = {
    "WAV, 16 kHz": (".wav", 16_000, 1),
    "FLAC, 48 kHz stereo": (".flac", 48_000, 2),
    "MP3, 48 kHz stereo": (".mp3", 48_000, 2),
    "Opus in Ogg, 48 kHz stereo": (".opus", 48_000, 2),
    "AAC in M4A, 48 kHz stereo": (".m4a", 48_000, 2),
}
FILE_SECONDS = 2.0
_MEASURED = """
import resource, subprocess, sys, time
began = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
seconds, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 2**10, seconds)
"""
TIMELINE = "a timeline of an hour"
THREADS = 16


def rows(quick: bool) -> list[Row]:
    """Measures each way in turn with its yardstick, Keras."""
    with tempfile.TemporaryDirectory() as folder:
        names = list(FORMATS)[: 1 if quick else None]
        paths = {name: _write(Path(folder, f"{number}{FORMATS[name][0]}"), name) for number, name in enumerate(names)}
        found = [row for name, path in paths.items() for row in _cold(name, path, rounds=1 if quick else 5)]
        path, files, rounds = paths["WAV, 16 kHz"], 8 if quick else 400, 1 if quick else 3
        return found + _warm(path, files, minutes=0.5 if quick else 10, rounds=rounds) + _threads(path, files, 1 if quick else 15)


def _cold(name: str, path: Path, rounds: int) -> list[Row]:
    """Seconds of processor, MiB and seconds of the whole command, median of some starts; the first format beside Keras."""
    runtimes = (ONNX, KERAS) if path.suffix == ".wav" else (ONNX,)
    words = [sys.executable, "-m", "ser_acrnn.cli", "predict", str(path), "--runtime"]
    cost: dict[str, list[list[float]]] = {runtime: [] for runtime in runtimes}
    for _ in range(rounds):
        for runtime, found in cost.items():
            found.append(_process([*words, runtime]))
    table = []
    for place, unit in enumerate(("s of processor", "MiB at most", "s")):
        mine, *others = (statistics.median(three[place] for three in cost[runtime]) for runtime in runtimes)
        beside = ("with --runtime keras", others[0] / mine) if others else ("", None)
        table.append(Row("predicting", f"ser-acrnn predict, one {name}", mine, unit, *beside))
    return table


def _process(command: list[str]) -> list[float]:
    """All three of a process, by a parent that is small: a process begins with the most memory that its parent had."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "PYTHONDONTWRITEBYTECODE": ""}
    words = [sys.executable, "-c", _MEASURED, *command]
    said = subprocess.run(words, env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return [float(word) for word in said.split()]


def _warm(path: Path, files: int, minutes: float, rounds: int) -> list[Row]:
    """Short files a second and an hour's timeline, on one processor, once everything is loaded and compiled."""
    from ser_acrnn.inference.predictor import Predictor

    both = {runtime: Predictor(runtime=runtime) for runtime in (ONNX, KERAS)}  # type: ignore[arg-type]
    samples = voice(60 * minutes, 16_000)
    ways: dict[str, Callable[[Predictor], object]] = {
        "short files": lambda predictor: list(predictor.predict_many([path] * files)),
        TIMELINE: lambda predictor: list(predictor.timeline(samples, 16_000)),
    }
    seconds: dict[str, dict[str, tuple[float, float]]] = {}
    for what, run in ways.items():
        for predictor in both.values():
            list(islice(predictor.timeline(samples, 16_000), 20))
            list(predictor.predict_many([path] * 20))
        seconds[what] = {runtime: _least(partial(run, predictor), rounds) for runtime, predictor in both.items()}
    table = []
    for what, taken in seconds.items():
        figure = taken[ONNX][0] * 60 / minutes if what == TIMELINE else files / taken[ONNX][0]
        unit = "s of processor" if what == TIMELINE else f"files of {FILE_SECONDS:g} s a second of processor"
        table.append(Row("predicting", what, figure, unit, "with runtime='keras'", taken[KERAS][0] / taken[ONNX][0]))
    hour = seconds[TIMELINE][ONNX][1] * 60 / minutes
    return [
        *table,
        Row("predicting", TIMELINE, hour, "s", "with runtime='keras'", seconds[TIMELINE][KERAS][1] / seconds[TIMELINE][ONNX][1]),
    ]


def _threads(path: Path, files: int, rounds: int) -> list[Row]:
    """Recordings a second by the wall's clock when threads share a predictor, beside one thread; and segments of ONNX Runtime alone."""
    from ser_acrnn.inference.predictor import Predictor

    predictor = Predictor(runtime=ONNX)
    samples, segment = (predictor.preprocessor.waveform(path), 16_000), predictor.preprocessor.segments(path)
    ways: dict[str, tuple[Callable[[], object], str]] = {
        "samples": (lambda: predictor.predict(samples), f"recordings of {FILE_SECONDS:g} s a second"),
        "short files": (lambda: predictor.predict(path), f"files of {FILE_SECONDS:g} s a second"),
        "ONNX Runtime alone": (lambda: predictor.network.score(segment), "segments a second"),
    }
    table = []
    for what, (run, unit) in ways.items():
        run()
        pairs = [[_together(run, files, threads) for threads in (1, THREADS)] for _ in range(rounds)]
        alone, shared = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
        table.append(Row("predicting", f"{what}, one by one, {THREADS} threads", files / shared, unit, "1 thread", alone / shared))
    return table


def _together(run: Callable[[], object], times: int, threads: int) -> float:
    """Seconds of the wall's clock until all threads have done their share."""
    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        list(pool.map(lambda _: run(), range(times)))
        return time.perf_counter() - began


def _least(run: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Seconds of processor and of the wall's clock, the least of some rounds each."""

    def once() -> tuple[float, float]:
        began, started = time.perf_counter(), time.process_time()
        run()
        return time.process_time() - started, time.perf_counter() - began

    processor, wall = zip(*(once() for _ in range(rounds)), strict=True)
    return min(processor), min(wall)


def voice(seconds: float, rate_hertz: int) -> np.ndarray:
    """Syllables of harmonics above a little noise, `(samples,)`."""
    time_seconds = np.arange(round(seconds * rate_hertz)) / rate_hertz
    harmonics = sum(np.sin(2 * np.pi * 140 * order * time_seconds) / order for order in range(1, 12))
    syllables = np.maximum(np.sin(2 * np.pi * 3 * time_seconds), 0)
    return 0.2 * harmonics * syllables + 1e-3 * np.random.default_rng(0).normal(size=len(time_seconds))


def _write(path: Path, name: str) -> Path:
    _, rate_hertz, channels = FORMATS[name]
    samples = np.repeat(voice(FILE_SECONDS, rate_hertz)[:, None], channels, axis=1)
    if path.suffix == ".m4a":
        _write_aac(path, samples, rate_hertz)
    else:
        kinds = {".opus": {"format": "OGG", "subtype": "OPUS"}}
        soundfile.write(path, samples, rate_hertz, **kinds.get(path.suffix, {}))
    return path


def _write_aac(path: Path, samples: np.ndarray, rate_hertz: int) -> None:
    import av

    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=rate_hertz, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T, np.float32), format="fltp", layout="stereo")
        frame.sample_rate = rate_hertz
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
