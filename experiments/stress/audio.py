"""Malformed recordings: each is read, or refused in one line; none crashes, hangs, fills the memory or is read in part without a note."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.stress import worker
from experiments.stress.announced import announced
from experiments.stress.cases import Case, Part
from experiments.stress.mutations import mutated
from experiments.stress.sounds import FORMATS, encoded
from ser_acrnn import audio

RATE_HERTZ = 16_000
LONGEST_REFUSAL = 1_000  # letters


def format_of(number: int) -> str:
    """The format that a case's recording had."""
    return FORMATS[number % len(FORMATS)]


def malformed(number: int, seed: int) -> bytes:
    """The recording of a case."""
    return mutated(encoded(format_of(number)), np.random.default_rng([seed, number]))


def fault_of(data: bytes, waveform: NDArray[Any], *, noted: bool) -> str:
    """What is wrong with what a recording was read as; "" where nothing is.

    Args:
        data: The recording.
        waveform: What it was read as, at `RATE_HERTZ`.
        noted: Whether the reader noted anything, such as that only a part is judged.
    """
    if waveform.dtype != np.float32 or waveform.ndim != 1 or not np.isfinite(waveform).all():
        return f"read as {waveform.dtype} of shape {waveform.shape}, expected finite float32 samples"
    promised = announced(data)
    if promised is None or noted:
        return ""
    expected = -(-promised[0] * RATE_HERTZ // promised[1])
    return "" if len(waveform) == expected else f"read as {len(waveform)} samples without a note, expected the {expected} announced"


class _Notes(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.some = False

    def emit(self, record: logging.LogRecord) -> None:
        self.some = True


def _reader(seed: int) -> worker.Try:
    notes = _Notes()
    logging.getLogger("ser_acrnn").addHandler(notes)

    def read(number: int) -> Case:
        data, notes.some = malformed(number, seed), False
        try:
            waveform = audio.load(data)
        except audio.AudioError as error:
            one_line = "\n" not in str(error) and 0 < len(str(error)) < LONGEST_REFUSAL
            return Case(number, "refused", "" if one_line else f"refused in {str(error)[:200]!r}, expected one line")
        return Case(number, "read", fault_of(data, waveform, noted=notes.some))

    return read


def _tried(numbers: Sequence[int], seed: int, folder: Path) -> Iterator[Case]:
    for case in worker.tried(partial(_reader, seed), numbers):
        if case.fault:
            (folder / f"{case.number}").write_bytes(malformed(case.number, seed))
            case = replace(case, fault=f"{format_of(case.number)}: {case.fault}")
        yield case


PARTS = (Part("recordings", 20_000, 3_600, _tried),)
