"""Commands that are killed at random moments, one kill after the other: the next time they end in the undisturbed result all the same."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from experiments.stress.cases import Case, Part
from experiments.stress.commands import COMMANDS, copied
from experiments.stress.scene import Scene

KILLS = 5  # of one result
ALONE_SHARE = 0.5  # of the kills that what a command has started survives

# Results of each command at full scale, 200 kills, and the time that they may take.
KILLED = {"preparation": (40, 1_800), "run": (40, 7_200), "grid": (40, 14_400), "report": (40, 3_600), "train": (40, 14_400)}


def _tried(name: str, numbers: Sequence[int], seed: int, folder: Path) -> Iterator[Case]:
    scene = Scene(COMMANDS[name], folder)
    for number in numbers:
        yield Case(number, f"completed after {KILLS} kills", _fault(scene, np.random.default_rng([seed, number]), folder / "case"))
        shutil.rmtree(folder / "case")


def _fault(scene: Scene, rng: np.random.Generator, place: Path) -> str:
    """Kills a result so many times, and says what is wrong with what it ends in; what ends before its kill is compared too."""
    copied(scene.before, place)
    kills, groups = 0, []
    while kills < KILLS:
        child = scene.begun(place)
        groups.append(child.pid)
        if child.ended_within(rng.uniform(0, scene.seconds)):
            if fault := scene.fault_of(child, place):
                return f"after {kills} kills: {fault}"
            copied(scene.before, place)
        else:
            child.kill(alone=rng.random() < ALONE_SHARE)
            kills += 1
    try:
        fault = scene.fault_of(scene.begun(place), place)
        return f"after {kills} kills: {fault}" if fault else ""
    finally:
        for group in groups:  # what outlived its command
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)


PARTS = tuple(Part(name, count, seconds, partial(_tried, name)) for name, (count, seconds) in KILLED.items())
