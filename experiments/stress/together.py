"""Commands that work on the same folders at once, are stopped for a while, or see the clock go back; predictions without end or at once."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from experiments.stress import worker
from experiments.stress.cases import Case, Part
from experiments.stress.commands import COMMANDS, RATE_HERTZ, copied, write_recordings
from experiments.stress.scene import Scene, last_lines

STOPPED_SECONDS = 60.0
DAY_SECONDS = 86_400
PREDICTIONS = 1_000  # of one case
LONG_SECONDS = 7_200.0
MOST_GROWN = 50 * 2**20  # bytes, since the first case
NETWORK, THREADS, PROCESSES = "acrnn3d-emodb", 16, 4
PREDICTING_SECONDS = 3_600.0  # of one case at most

Answers = dict[str, list[float]]


def _twice(name: str, numbers: Sequence[int], seed: int, folder: Path) -> Iterator[Case]:
    """Two of a command, the second one up to as long after the first one as that takes; where one waits for no other, it ends as locked."""
    scene = Scene(COMMANDS[name], folder)
    for number in numbers:
        place, rng = copied(scene.before, folder / "case"), np.random.default_rng([seed, number])
        first = scene.begun(place, log="first.log")
        time.sleep(rng.uniform(0, scene.seconds / 2))
        second = scene.begun(place, log="second.log")
        faults = []
        for which, child in (("first", first), ("second", second)):
            if not child.ended_within(2 * scene.longest_seconds):
                child.kill()
                faults.append(f"the {which} does not end")
            elif (code := child.code()) not in (0, os.EX_TEMPFAIL):
                faults.append(f"the {which} ends with exit code {code}: {last_lines(child.said())}")
        if difference := scene.difference(place):
            faults.append(difference)
        yield Case(number, "ended as one", "; ".join(faults))


def _stopped(numbers: Sequence[int], seed: int, folder: Path) -> Iterator[Case]:
    scene = Scene(COMMANDS["run"], folder)
    for number in numbers:
        place, rng = copied(scene.before, folder / "case"), np.random.default_rng([seed, number])
        child = scene.begun(place)
        child.ended_within(rng.uniform(0, scene.seconds))
        for what in (signal.SIGSTOP, signal.SIGCONT):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, what)
            time.sleep(STOPPED_SECONDS if what == signal.SIGSTOP else 0)
        yield Case(number, "ended as undisturbed", scene.fault_of(child, place))


def _set_back(name: str, numbers: Sequence[int], seed: int, folder: Path) -> Iterator[Case]:
    scene = Scene(COMMANDS[name], folder)
    for number in numbers:
        place, rng = copied(scene.before, folder / "case"), np.random.default_rng([seed, number])
        when = time.time() + rng.uniform(0, scene.seconds)
        yield Case(number, "ended as undisturbed", scene.fault_of(scene.begun(place, before=partial(_set_clock_back, when)), place))


def _set_clock_back(when: float) -> None:
    """Has the clock go back by a day at a moment."""
    now = time.time

    def shown() -> float:
        return now() - (DAY_SECONDS if now() > when else 0)

    time.time = shown


def _predicted(numbers: Sequence[int], seed: int, folder: Path) -> Iterator[Case]:
    return worker.tried(partial(_predicting, _recordings(folder)), numbers, PREDICTING_SECONDS)


def _predicting(paths: Sequence[Path]) -> worker.Try:
    import psutil

    from ser_acrnn.inference.predictor import Predictor

    predictor, process = Predictor(NETWORK), psutil.Process()
    first: list[int] = []

    def predict(number: int) -> Case:
        for index in range(PREDICTIONS):
            predictor.predict(paths[index % len(paths)])
        first.append(process.memory_info().rss)
        grown = first[-1] - first[0]
        return Case(number, f"{PREDICTIONS} answers", f"takes {grown / 2**20:.0f} MB more than at first" if grown > MOST_GROWN else "")

    return predict


def _long(numbers: Sequence[int], seed: int, folder: Path) -> Iterator[Case]:
    paths = _recordings(folder)
    long = folder / "long.wav"
    sounds = np.concatenate([soundfile.read(path, dtype="int16")[0] for path in paths])
    with soundfile.SoundFile(long, "w", RATE_HERTZ, 1) as file:
        for _ in range(round(LONG_SECONDS * RATE_HERTZ / len(sounds))):
            file.write(sounds)
    yield from worker.tried(partial(_following, long), numbers, PREDICTING_SECONDS)


def _following(path: Path) -> worker.Try:
    import psutil

    from ser_acrnn.inference.predictor import Predictor

    predictor, process = Predictor(NETWORK), psutil.Process()

    def follow(number: int) -> Case:
        first = grown = 0
        for moment in predictor.timeline(path):
            resident = process.memory_info().rss
            first = first or (resident if moment.end_seconds > LONG_SECONDS / 10 else 0)
            grown = max(grown, resident - first if first else 0)
        fault = f"takes {grown / 2**20:.0f} MB more than after a tenth" if grown > MOST_GROWN else ""
        return Case(number, f"a timeline of {LONG_SECONDS / 3600:g} hours", fault)

    return follow


def _by_threads(numbers: Sequence[int], seed: int, folder: Path) -> Iterator[Case]:
    return worker.tried(partial(_asking, _recordings(folder), seed), numbers, PREDICTING_SECONDS)


def _asking(paths: Sequence[Path], seed: int) -> worker.Try:
    from ser_acrnn.inference.predictor import Predictor

    predictor = Predictor(NETWORK)
    alone = _answers(predictor, paths)

    def ask(number: int) -> Case:
        rng = np.random.default_rng([seed, number])
        orders = [[paths[index] for index in rng.permutation(len(paths))] for _ in range(THREADS)]
        with ThreadPoolExecutor(THREADS) as pool:
            found = list(pool.map(partial(_answers, predictor), orders))
        return Case(number, "equal answers", _difference(alone, found))

    return ask


def _by_processes(numbers: Sequence[int], seed: int, folder: Path) -> Iterator[Case]:
    paths = _recordings(folder)
    for number in numbers:
        with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
            alone, *others = pool.map(_answers_of_its_own, [paths] * PROCESSES, chunksize=1)
        yield Case(number, "equal answers", _difference(alone, others))


def _answers_of_its_own(paths: Sequence[Path]) -> Answers:
    from ser_acrnn.inference.predictor import Predictor

    return _answers(Predictor(NETWORK), paths)


def _answers(predictor: Any, paths: Sequence[Path]) -> Answers:
    return {path.name: list(predictor.predict(path).posteriors.values()) for path in paths}


def _difference(alone: Answers, found: Sequence[Answers]) -> str:
    differing = sorted({name for one in found for name in alone if one[name] != alone[name]})
    largest = max((np.abs(np.subtract(one[name], alone[name])).max() for one in found for name in differing), default=0.0)
    return f"{len(differing)} of {len(alone)} answers differ, by {largest:.1e} at most" if differing else ""


def _recordings(folder: Path) -> list[Path]:
    shutil.rmtree(folder, ignore_errors=True)
    write_recordings(folder)
    return sorted((folder / "source" / "wav").iterdir())


PARTS = (
    *(
        Part(f"two of {name}", count, 7_200, partial(_twice, name))
        for name, count in (("preparation", 50), ("run", 20), ("grid", 10), ("train", 10))
    ),
    Part("stopped", 5, 3_600, _stopped),
    *(Part(f"clock set back in {name}", count, 3_600, partial(_set_back, name)) for name, count in (("run", 20), ("preparation", 50))),
    Part("predictions", 10, 7_200, _predicted),
    Part("a long recording", 1, 7_200, _long),
    Part("threads", 10, 3_600, _by_threads),
    Part("processes", 5, 3_600, _by_processes),
)
