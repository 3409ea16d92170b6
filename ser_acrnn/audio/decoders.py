"""Formats that libsndfile does not read, such as AAC in MP4 and Opus in WebM, by FFmpeg's libraries, which PyAV brings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.audio import endings, lengths
from ser_acrnn.audio.containers import HeaderError
from ser_acrnn.audio.excerpts import SeekableBytes

# Containers and streams of audio; no playlists, which would have FFmpeg open what they name.
_FORMATS = "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,matroska,mov,mp3,mpeg,mpegts,ogg,tta,w64,wav,wv"
_MOST_CHANNELS = 64
_LEAST_GAP_SECONDS, _MOST_GAP_SECONDS = 0.2, 60.0
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
        notes: What is to be said of the file.
        gaps_seconds: What the times in the file have left out so far, see `_gap`.
    """

    rate_hertz: int
    blocks: Iterator[NDArray[np.float32]]
    notes: Sequence[str]
    gaps_seconds: list[float]


@contextmanager
def opened(file: SeekableBytes) -> Iterator[Decoded]:
    """Opens the audio stream of a file; of several the first in which there is sound.

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
    told = endings.announced_bytes(file) > 0, endings.announces_time(file)
    try:
        with _container(file) as container:
            count = len(container.streams.audio)
            number = 0 if count < 2 else _first_with_sound(file, count)
            notes = [f"has {count} audio tracks, track {number + 1} is judged"] if count > 1 else []
            stream = _stream(container, number)
            if not lengths.is_told(container.format.name, *told, stream.duration):
                notes.append(f"is {container.format.long_name}, in which nothing tells whether it is whole")
            gaps: list[float] = []
            yield Decoded(stream.rate, _samples(container, stream, told[1], gaps), notes, gaps)
    except av.FFmpegError as error:
        raise DecoderError(f"FFmpeg: {error.strerror}") from error


def _container(file: SeekableBytes) -> Any:
    import av

    file.seek(0)
    return av.open(file, metadata_errors="ignore", options={"format_whitelist": _FORMATS, "protocol_whitelist": ""})


def _stream(container: Any, number: int) -> Any:
    """One of the streams of audio, with its decoder's options."""
    if not container.streams.audio:
        raise DecoderError("FFmpeg: no audio stream")
    stream = container.streams.audio[number]
    if stream.codec_context is None:
        raise DecoderError("FFmpeg: audio of an unknown coding")
    if not stream.rate or not 1 <= stream.channels <= _MOST_CHANNELS:
        raise DecoderError(f"FFmpeg: {stream.channels} channels at {stream.rate} Hz")
    if stream.codec_context.name in _CHECKSUMMED:
        stream.codec_context.options = {"err_detect": "crccheck+explode"}
    return stream


def _first_with_sound(file: SeekableBytes, count: int) -> int:
    """The first of several streams that is neither empty nor silent, or else the first; the file's position stays."""
    place = file.tell()
    try:
        return next((number for number in range(count) if _has_sound(file, number)), 0)
    finally:
        file.seek(place)


def _has_sound(file: SeekableBytes, number: int) -> bool:
    with _container(file) as container:
        try:
            stream = _stream(container, number)
            return any(np.ptp(frame.to_ndarray()) > 0 for frame in container.decode(stream))
        except DecoderError:
            return False
        except (OSError, ValueError):  # FFmpeg's are of these kinds; what is damaged is named when it is read
            return True


def _gap(frame: Any, before: Any) -> float:
    """Seconds between two frames in which the file says that there was nothing: whoever recorded was muted, or packets got lost.

    Times that differ by less are rounded, and those that differ by more are of something else.
    """
    if before is None or None in (frame.pts, before.pts):
        return 0.0
    seconds = float((frame.pts - before.pts) * frame.time_base) - before.samples / before.sample_rate
    return seconds if _LEAST_GAP_SECONDS <= seconds <= _MOST_GAP_SECONDS else 0.0


def _samples(container: Any, stream: Any, announces_time: bool, gaps: list[float]) -> Iterator[NDArray[np.float32]]:
    """The samples, with silence in the gaps, which are added to a list."""
    import av

    rate = stream.rate  # it is another one after a change on the way
    convert = av.AudioResampler("flt", stream.layout, rate)  # one plane: PyAV reads more than eight beyond their end
    heard, reach, before = 0, lengths.Reach(container, stream, announces_time), None
    try:
        for packet in container.demux():
            reach.add(packet)
            for frame in packet.decode() if packet.stream is stream else ():
                if gap := _gap(frame, before):
                    gaps.append(gap)
                    yield np.zeros((round(gap * rate), stream.channels), np.float32)
                before = frame
                for converted in convert.resample(frame):
                    heard += converted.samples
                    yield cast(NDArray[np.float32], converted.to_ndarray().reshape(-1, converted.layout.nb_channels))
    except av.FFmpegError as error:
        raise HeaderError(f"is cut off or damaged: FFmpeg reads {heard / rate:.2f} s of audio and no more, expected the end") from error
    except ValueError as error:  # PyAV's own, of frames that the first ones' resampler does not take
        raise HeaderError(f"changes its rate or its channels after {heard / rate:.2f} s of audio, expected the same throughout") from error
    except IndexError as error:  # PyAV's own, of a packet whose track it does not know
        raise HeaderError(
            f"has a track that begins after {heard / rate:.2f} s of audio and that its header does not name, expected all from the start"
        ) from error
    reach.compare(heard / rate + sum(gaps))
