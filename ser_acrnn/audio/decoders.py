"""Formats that libsndfile does not read, such as AAC in MP4 and Opus in WebM, by FFmpeg's libraries, which PyAV brings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.audio.containers import HeaderError
from ser_acrnn.audio.excerpts import SeekableBytes

# Containers and streams of audio; no playlists, which would have FFmpeg open what they name.
_FORMATS = "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,matroska,mov,mp3,mpeg,mpegts,ogg,tta,w64,wav,wv"
_ANNOUNCING = ("asf", "matroska", "mov")  # containers whose length is no estimate
_MOST_CHANNELS = 64
_PADDING_SAMPLES = 4_096  # that a codec adds or leaves out at both ends


class DecoderError(ValueError):
    """What FFmpeg does not read; the message says what it says."""


@dataclass(frozen=True)
class Decoded:
    """An open file.

    Attributes:
        rate_hertz: The rate of the samples.
        blocks: float32 samples, full scale 1, `(samples, channels)` each.
    """

    rate_hertz: int
    blocks: Iterator[NDArray[np.float32]]


@contextmanager
def opened(file: SeekableBytes) -> Iterator[Decoded]:
    """Opens the first audio stream of a file.

    Args:
        file: The file.

    Raises:
        DecoderError: PyAV is not installed, or FFmpeg does not read the file.
        HeaderError: On the way: the file is shorter than it announces, or damaged.
    """
    try:
        import av
    except ImportError as error:
        raise DecoderError("FFmpeg: not there, expected the package av") from error
    file.seek(0)
    try:
        with av.open(file, metadata_errors="ignore", options={"format_whitelist": _FORMATS, "protocol_whitelist": ""}) as container:
            if not container.streams.audio:
                raise DecoderError("FFmpeg: no audio stream")
            stream = container.streams.audio[0]
            if stream.codec_context is None:
                raise DecoderError("FFmpeg: audio of an unknown coding")
            if not stream.rate or not 1 <= stream.channels <= _MOST_CHANNELS:
                raise DecoderError(f"FFmpeg: {stream.channels} channels at {stream.rate} Hz")
            yield Decoded(stream.rate, _samples(container, stream))
    except av.FFmpegError as error:
        raise DecoderError(f"FFmpeg: {error.strerror}") from error


def _samples(container: Any, stream: Any) -> Iterator[NDArray[np.float32]]:
    import av

    convert = av.AudioResampler("flt", stream.layout, stream.rate)  # one plane: PyAV reads more than eight beyond their end
    heard = 0
    try:
        for frame in container.decode(stream):
            for converted in convert.resample(frame):
                heard += converted.samples
                yield cast(NDArray[np.float32], converted.to_ndarray().reshape(-1, converted.layout.nb_channels))
    except (av.FFmpegError, ValueError) as error:  # PyAV's own of a layout that changes on the way
        raise HeaderError(
            f"is cut off or damaged: FFmpeg reads {heard / stream.rate:.2f} s of audio and no more, expected the end"
        ) from error
    announced = _announced_seconds(container, stream)
    missing = announced - heard / stream.rate
    if missing > _PADDING_SAMPLES / stream.rate + 0.005 * announced:
        raise HeaderError(f"is cut off: holds {heard / stream.rate:.2f} s of audio, expected the {announced:.2f} s that it announces")


def _announced_seconds(container: Any, stream: Any) -> float:
    """The length of the audio by the container; 0 where it announces none, or that of a picture."""
    if not any(name in container.format.name.split(",") for name in _ANNOUNCING):
        return 0.0
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    return 0.0 if container.duration is None or container.streams.video else container.duration / 1e6
