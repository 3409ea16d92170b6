"""Formats that libsndfile does not read, such as AAC in MP4, through the decoders that audioread finds: ffmpeg, GStreamer, Core Audio."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# First bytes, from the offset on, of containers that announce their length; that of a bare stream, such as ADTS, is an estimate.
_CONTAINERS = ((4, b"ftyp"), (0, b"\x1a\x45\xdf\xa3"), (0, b"\x30\x26\xb2\x75"))  # MP4, Matroska, ASF
_LONGEST_QUEUE = 64  # blocks of some KB that ffmpeg may be ahead
_GATHERED_BYTES = 2**19
_SAMPLE = np.dtype("<i2")  # what audioread gives, whatever the file holds


class DecoderError(ValueError):
    """What no decoder reads; the message names those that were tried."""


@dataclass(frozen=True)
class Decoded:
    """An open file.

    Attributes:
        rate_hertz: The rate of the samples.
        seconds: Length that its container announces; None where none does.
        blocks: float32 samples of 16 bits precision, in -1..1, `(samples, channels)` each.
    """

    rate_hertz: int
    seconds: float | None
    blocks: Iterator[NDArray[np.float32]]


@contextmanager
def opened(path: Path) -> Iterator[Decoded]:
    """Opens a file with the first decoder that reads it.

    Raises:
        DecoderError: There is no decoder, none reads the file, or it fails on the way.
    """
    reader, tried = _reader(path)
    if reader is None:
        raise DecoderError("; ".join(tried) or "no other decoder: ffmpeg is not installed")
    ahead = getattr(getattr(reader, "stdout_reader", None), "queue", None)
    if ahead is not None:  # audioread lets ffmpeg decode hours into memory while nobody reads
        ahead.maxsize = _LONGEST_QUEUE
    try:
        seconds = reader.duration if reader.duration > 0 and _is_container(path) else None
        yield Decoded(reader.samplerate, seconds, _samples(reader))
    finally:
        if ahead is not None:  # a thread that waits for room would never end
            with ahead.mutex:
                ahead.maxsize = sys.maxsize
                ahead.not_full.notify_all()
        reader.close()


def _reader(path: Path) -> tuple[Any, list[str]]:
    """The open file, or None, and what the decoders said."""
    import audioread

    with warnings.catch_warnings():  # of the standard library's WAV and AIFF readers, which are not used: libsndfile knows more
        warnings.simplefilter("ignore", DeprecationWarning)
        decoders = [decoder for decoder in audioread.available_backends() if decoder.__name__ != "RawAudioFile"]
    tried = []
    for decoder in decoders:
        name = decoder.__name__.removesuffix("AudioFile")
        try:
            reader = decoder(str(path.absolute()))  # a name that begins with a dash is no option then
        except (audioread.DecodeError, OSError, EOFError, ValueError) as error:
            tried.append(f"{name}: {str(error) or type(error).__name__}")
            continue
        if reader.samplerate > 0 and reader.channels > 0:
            return reader, tried
        reader.close()
        tried.append(f"{name}: {reader.channels} channels at {reader.samplerate} Hz")
    return None, tried


def _samples(reader: Any) -> Iterator[NDArray[np.float32]]:
    import audioread

    gathered, frame = bytearray(), reader.channels * _SAMPLE.itemsize
    size = frame * max(1, _GATHERED_BYTES // frame)
    try:
        for block in reader:  # of some KB: too small to be resampled one by one
            gathered += block
            while len(gathered) >= size:
                yield _floats(gathered[:size], reader.channels)
                del gathered[:size]
        if whole := len(gathered) // frame * frame:
            yield _floats(gathered[:whole], reader.channels)
    except audioread.DecodeError as error:
        raise DecoderError(f"{type(reader).__name__.removesuffix('AudioFile')}: {str(error) or type(error).__name__}") from error


def _floats(values: bytearray, channels: int) -> NDArray[np.float32]:
    samples = np.frombuffer(values, _SAMPLE).reshape(-1, channels).astype(np.float32)
    samples /= 32_768
    return samples


def _is_container(path: Path) -> bool:
    with path.open("rb") as stream:
        head = stream.read(16)
    return any(head.startswith(magic, offset) for offset, magic in _CONTAINERS)
