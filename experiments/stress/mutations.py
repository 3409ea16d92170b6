"""Bytes -> malformed bytes: the mutator that draws every damaged file, by a generator alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

HEAD_BYTES = 256  # where most formats have their header; half of all changes fall here
LONGEST = 4_096  # bytes that are overwritten, cut out or added at a time
NUMBERS = (0, -1, 2**31 - 1, 2**32 - 1)  # which programs write that do not know better
MOST = 3  # changes of one file
_IDENTIFIER = re.compile(rb"[A-Za-z][A-Za-z0-9 ]{3}")


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """A file with one to three changes; it differs from the file unless changes cancel out."""
    for _ in range(rng.integers(1, MOST + 1)):
        data = MUTATIONS[rng.integers(len(MUTATIONS))](data, rng)
    return data


def with_bit_flipped(data: bytes, rng: np.random.Generator) -> bytes:
    """A file with a single bit turned, anywhere."""
    return _flipped(data, [int(rng.integers(8 * len(data)))])


def _flip_bits(data: bytes, rng: np.random.Generator) -> bytes:
    return _flipped(data, [8 * _place(data, rng) + int(rng.integers(8)) for _ in range(rng.integers(1, 9))])


def _overwrite(data: bytes, rng: np.random.Generator) -> bytes:
    place, length = _place(data, rng), _length(rng)
    return data[:place] + rng.bytes(min(length, len(data) - place)) + data[place + length :]


def _cut_off(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: _place(data, rng)]


def _cut_out(data: bytes, rng: np.random.Generator) -> bytes:
    place = _place(data, rng)
    return data[:place] + data[place + _length(rng) :]


def _extend(data: bytes, rng: np.random.Generator) -> bytes:
    more = (rng.bytes(_length(rng)), bytes(_length(rng)), data)
    return data + more[rng.integers(len(more))]


def _double_chunk(data: bytes, rng: np.random.Generator) -> bytes:
    """A stretch that begins with what looks like a chunk's identifier, and ends where another one begins, comes twice."""
    starts = [found.start() for found in _IDENTIFIER.finditer(data[:LONGEST])] or [0]
    first = int(rng.integers(len(starts)))
    start, end = starts[first], [*starts, len(data)][int(rng.integers(first + 1, len(starts) + 1))]
    return data[:end] + data[start:end] + data[end:]


def _replace_number(data: bytes, rng: np.random.Generator) -> bytes:
    size, order = (2, 4, 8)[rng.integers(3)], ("little", "big")[rng.integers(2)]
    value = NUMBERS[rng.integers(len(NUMBERS))] % 2 ** (8 * size)
    place = 2 * (_place(data, rng) // 2)  # headers are aligned
    return data[:place] + value.to_bytes(size, "little" if order == "little" else "big") + data[place + size :]


MUTATIONS: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = (
    _flip_bits,
    _overwrite,
    _cut_off,
    _cut_out,
    _extend,
    _double_chunk,
    _replace_number,
    _replace_number,
)


def _flipped(data: bytes, bits: list[int]) -> bytes:
    changed = bytearray(data)
    for bit in bits:
        if bit < 8 * len(changed):
            changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _place(data: bytes, rng: np.random.Generator) -> int:
    end = min(len(data), HEAD_BYTES) if rng.random() < 0.5 else len(data)
    return int(rng.integers(max(1, end)))


def _length(rng: np.random.Generator) -> int:
    """Short ones as often as long ones."""
    return int(2 ** rng.uniform(0, np.log2(LONGEST)))
