"""How many samples the header of a PCM file in WAV, AIFF or AU announces, read by other code than the package's."""

from __future__ import annotations

import struct
from collections.abc import Iterator

# Upper halves of the lengths that are none, as programs write them that cannot know, see `ser_acrnn.audio.containers`.
PLACEHOLDERS = (0x7FFF, 0x8000, 0xFFFF)
PCM, EXTENSIBLE = 1, 0xFFFE
AU_BYTES = {2: 1, 3: 2, 4: 3, 5: 4}  # encoding -> bytes a sample


def announced(data: bytes) -> tuple[int, int] | None:
    """Samples a channel, and their rate.

    Returns:
        None where the header announces no length, contradicts itself, or is that of another format: then anything may be right.
    """
    kinds = {b"RIFF": _wav, b"FORM": _aiff, b".snd": _au}
    reader = kinds.get(data[:4])
    try:
        found = reader(data) if reader else None
    except (struct.error, OverflowError):
        return None
    return found if found and found[0] > 0 and found[1] > 0 else None


def _wav(data: bytes) -> tuple[int, int] | None:
    chunks = _chunks(data, "<I")
    if data[8:12] != b"WAVE" or chunks is None or "fmt " not in chunks or "data" not in chunks:
        return None
    tag, channels, rate, _, frame, bits = struct.unpack_from("<HHIIHH", data, chunks["fmt "][0])
    start, size = chunks["data"]
    if tag not in (PCM, EXTENSIBLE) or bits % 8 or frame != channels * bits // 8 or frame == 0 or _is_none(size, start, data):
        return None
    return size // frame, rate


def _aiff(data: bytes) -> tuple[int, int] | None:
    chunks = _chunks(data, ">I")
    if data[8:12] != b"AIFF" or chunks is None or "COMM" not in chunks or "SSND" not in chunks:
        return None
    channels, frames, bits, exponent, mantissa = struct.unpack_from(">hIhHI", data, chunks["COMM"][0])
    start, size = chunks["SSND"]
    offset, _ = struct.unpack_from(">II", data, start)
    agrees = bits % 8 == 0 and channels > 0 and offset == 0 and size - 8 == frames * channels * bits // 8
    return (frames, round(mantissa * 2.0 ** (exponent - 16_383 - 31))) if agrees and not _is_none(size - 8, start + 8, data) else None


def _au(data: bytes) -> tuple[int, int] | None:
    start, size, encoding, rate, channels = struct.unpack_from(">IIIII", data, 4)
    if encoding not in AU_BYTES or channels == 0 or start < 24 or _is_none(size, start, data):
        return None
    return size // (channels * AU_BYTES[encoding]), rate


def _chunks(data: bytes, code: str) -> dict[str, tuple[int, int]] | None:
    """Content's place and size of each chunk, by identifier; None where one comes twice."""
    found: dict[str, tuple[int, int]] = {}
    for name, place, size in _walk(data, code):
        if name in found:
            return None
        found[name] = place, size
    return found


def _walk(data: bytes, code: str) -> Iterator[tuple[str, int, int]]:
    place = 12
    while place + 8 <= len(data):
        (size,) = struct.unpack_from(code, data, place + 4)
        yield data[place : place + 4].decode("latin-1"), place + 8, size
        place += 8 + size + size % 2


def _is_none(size: int, start: int, data: bytes) -> bool:
    """Whether a number of bytes is that of a program that could not know it, or counted its header."""
    return size == 0 or size >> 16 in PLACEHOLDERS or size - (len(data) - start) in (44, start, start - 8)
