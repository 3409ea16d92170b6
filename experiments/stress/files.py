"""Malformed files of the package's own: each is refused in a line that names it, or read as it was; so is every single bit turned."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np

from experiments.stress import forks, worker
from experiments.stress.cases import Case, Part
from experiments.stress.commands import COMMANDS, write_recordings
from experiments.stress.mutations import mutated, with_bit_flipped
from experiments.stress.opened import CORPUS, IDENTITY, KEPT, Kept

CASES = 160  # of each kind of file; every other one has a single bit turned
HANGS_SECONDS = 30.0  # TensorFlow's first file takes some
LONGEST_REFUSAL = 2_000  # letters


def _tried(kept: Kept, numbers: Sequence[int], seed: int, folder: Path) -> Iterator[Case]:
    whole = _written(folder.parent / "whole")
    place = folder / "work"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(whole, place)
    return worker.tried(partial(_opener, kept, place, seed), numbers, HANGS_SECONDS)


def malformed(data: bytes, number: int, seed: int) -> bytes:
    """The file of a case."""
    rng = np.random.default_rng([seed, number])
    return mutated(data, rng) if number % 2 else with_bit_flipped(data, rng)


def _opener(kept: Kept, folder: Path, seed: int) -> worker.Try:
    path = folder / kept.path
    data, right = path.read_bytes(), kept.content(folder)

    def opened(number: int) -> Case:
        path.write_bytes(malformed(data, number, seed))
        try:
            found = kept.content(folder)
        except ValueError as error:
            return Case(number, "refused", fault_of(error, (path.name, *kept.named)))
        finally:
            path.write_bytes(data)
        if found == right:
            return Case(number, "read as it was")
        if kept.mends and found == _nothing(kept):
            return Case(number, "found damaged, made anew")
        if kept.guarded:
            return Case(number, "read as another", "read as another content without an error")
        return Case(number, "read as another, there is no checksum")

    return opened


def fault_of(error: ValueError, names: Sequence[str]) -> str:
    """What is wrong with a refusal; "" where nothing is."""
    text = str(error)
    if not any(name in text for name in names):
        return f"refused without its name: {type(error).__name__}: {text[:200]}".replace("\n", " ")
    return "" if "\n" not in text and len(text) < LONGEST_REFUSAL else f"refused in {text[:200]!r}, expected one line"


def _nothing(kept: Kept) -> str:
    return replace(kept, opened=lambda folder: iter([None])).content(Path())


@cache
def _written(folder: Path) -> Path:
    """One file of each kind, in a folder of their own."""
    forks.import_everything()
    shutil.rmtree(folder, ignore_errors=True)
    write_recordings(folder)
    steps = {name: COMMANDS[name].run for name in ("preparation", "packing", "run")} | {"files": _write_others}
    for name, step in steps.items():
        child = forks.Child(partial(step, folder), folder.with_suffix(".log"))
        if code := child.code():
            raise ValueError(f"{folder}: {name} ends with exit code {code}, expected 0\n{child.said()}")
    return folder


def _write_others(folder: Path) -> int:
    from ser_acrnn import files
    from ser_acrnn.training.checkpoint import TrainingState

    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(40, 30)).astype(np.float32) for _ in range(3)]
    state = TrainingState(arrays, arrays[::-1], arrays, [{"epoch": 1, "loss": 1.5}], 2.0)
    state.save(folder / "checkpoint.npz", IDENTITY)
    shutil.copy(folder / CORPUS / "speaker-03.json", folder / "entry.json")
    posteriors = rng.dirichlet([1, 1, 1], 30).round(3)
    emotions = ("angry", "happy", "sad")
    rows = [",".join(["path", "truth", *emotions])]
    rows += [f"{number:02d}.wav,{emotions[number % 3]},{a},{b},{round(1 - a - b, 3)}" for number, (a, b, _) in enumerate(posteriors)]
    files.write_text(folder / "predictions.csv", "\n".join(rows) + "\n")
    sums = {path.name: files.sha256(path) for path in sorted((folder / "source" / "wav").iterdir())}
    files.write_text(folder / "sums.txt", "".join(f"{checksum}  {name}\n" for name, checksum in sums.items()))
    return 0


PARTS = tuple(Part(kept.name, CASES, 1_800, partial(_tried, kept)) for kept in KEPT)
