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
from ser_acrnn.audio.lengths import Reach

# Containers and streams of audio; no playlists, which would have FFmpeg open what they name.
_FORMATS = "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,matroska,mov,mp3,mpeg,mpegts,ogg,tta,w64,wav,wv"
_MOST_CHANNELS = 64
# Codecs whose frames have a checksum, which FFmpeg compares when it is asked to; not MP2 and MP3, where old encoders wrote wrong ones.
_CHECKSUMMED = ("ac3", "eac3", "flac", "tta", "wavpack")


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
            if stream.codec_context.name in _CHECKSUMMED:
                stream.codec_context.options = {"err_detect": "crccheck+explode"}
            yield Decoded(stream.rate, _samples(container, stream))
    except av.FFmpegError as error:
        raise DecoderError(f"FFmpeg: {error.strerror}") from error


def _samples(container: Any, stream: Any) -> Iterator[NDArray[np.float32]]:
    import av

    convert = av.AudioResampler("flt", stream.layout, stream.rate)  # one plane: PyAV reads more than eight beyond their end
    heard, reach = 0, Reach(container, stream)
    try:
        for packet in container.demux():
            reach.add(packet)
            for frame in packet.decode() if packet.stream is stream else ():
                for converted in convert.resample(frame):
                    heard += converted.samples
                    yield cast(NDArray[np.float32], converted.to_ndarray().reshape(-1, converted.layout.nb_channels))
    except (av.FFmpegError, ValueError) as error:  # PyAV's own of a layout that changes on the way
        raise HeaderError(
            f"is cut off or damaged: FFmpeg reads {heard / stream.rate:.2f} s of audio and no more, expected the end"
        ) from error
    reach.compare(heard / stream.rate)
