"""What a container announces of its length is that of its longest track; what is damaged or missing is refused."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest

from ser_acrnn import audio

RATE_HERTZ, SECONDS = 48_000, 2
NOISE = (0.3 * np.random.default_rng(0).uniform(-1, 1, RATE_HERTZ * SECONDS)).astype(np.float32)


def encoded(
    container: str,
    codec: str,
    *,
    rate_hertz: int = RATE_HERTZ,
    picture: str = "",
    picture_seconds: int = 6,
    start_seconds: int = 0,
    subtitle: bool = False,
    tracks: tuple[np.ndarray, ...] = (NOISE,),
    **options: str,
) -> bytes:
    """Tracks of audio, and a picture or a subtitle of another length."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container, options=options) as output:
        streams = [output.add_stream(codec, rate=rate_hertz, layout="mono") for _ in tracks]
        for stream in streams:
            stream.bit_rate = 64_000
        shown: Any = output.add_stream(picture, rate=10, width=64, height=48) if picture else None
        text: Any = output.add_mux_stream("subrip", time_base=Fraction(1, 1_000)) if subtitle else None
        if text is not None:
            output.start_encoding()
            written = av.Packet(b"hello")
            written.stream, written.pts, written.dts, written.duration = text, 0, 0, 30_000
            output.mux(written)
        packets = [
            packet for stream, samples in zip(streams, tracks, strict=True) for packet in sound_packets(stream, samples, start_seconds)
        ]
        packets += picture_packets(shown, picture_seconds) if picture else []
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            output.mux(packet)
    return buffer.getvalue()


def sound_packets(stream: Any, samples: np.ndarray, start_seconds: int) -> Iterator[Any]:
    frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="fltp", layout="mono")
    frame.sample_rate, frame.pts = stream.rate, start_seconds * stream.rate
    resampler = av.AudioResampler(stream.format, "mono", stream.rate, 1_152)
    for resampled in [*resampler.resample(frame), *resampler.resample(None)]:
        yield from stream.encode(resampled)
    yield from stream.encode(None)


def picture_packets(stream: Any, seconds: int) -> Iterator[Any]:
    for number in range(10 * seconds):
        shade = np.random.default_rng(number).integers(0, 255, (48, 64, 3), np.uint8)
        yield from stream.encode(av.VideoFrame.from_ndarray(shade, format="rgb24").reformat(format="yuv420p"))
    yield from stream.encode(None)


def zeroed(data: bytes, count: int = 400) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(count) + data[middle + count :]


@pytest.mark.parametrize(("container", "codec"), [("wv", "wavpack"), ("mp4", "flac"), ("ac3", "ac3"), ("eac3", "eac3"), ("tta", "tta")])
def test_a_frame_whose_checksum_is_wrong_is_damaged(container: str, codec: str) -> None:
    data = encoded(container, codec)
    assert len(audio.load(data, RATE_HERTZ)) == pytest.approx(len(NOISE), abs=3_000)
    flipped = bytearray(data)
    flipped[len(data) // 2 + 50] ^= 8
    for damaged in (zeroed(data), bytes(flipped)):
        with pytest.raises(audio.AudioError, match="is cut off or damaged: FFmpeg reads"):
            audio.load(damaged)


@pytest.mark.parametrize(("container", "codec"), [("wv", "wavpack"), ("tta", "tta")])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_lossless_files_that_break_off_are_cut_off(container: str, codec: str, share: float) -> None:
    data = encoded(container, codec)
    with pytest.raises(audio.AudioError, match="is cut off"):
        audio.load(data[: int(share * len(data))])


@pytest.mark.parametrize(
    ("container", "codec", "picture"), [("asf", "wmav2", "wmv2"), ("matroska", "pcm_s16le", "mpeg4"), ("flv", "aac", "flv")]
)
@pytest.mark.parametrize("picture_seconds", [1, 6, 30])
def test_a_picture_may_last_longer_than_the_sound(container: str, codec: str, picture: str, picture_seconds: int) -> None:
    data = encoded(container, codec, picture=picture, picture_seconds=picture_seconds)
    assert len(audio.load(data, RATE_HERTZ)) == pytest.approx(len(NOISE), abs=5_000)


@pytest.mark.parametrize("start_seconds", [0, 5])
def test_a_sound_that_begins_late_is_whole(start_seconds: int) -> None:
    data = encoded("matroska", "pcm_s16le", start_seconds=start_seconds)
    assert len(audio.load(data, RATE_HERTZ)) == len(NOISE)


def test_a_subtitle_may_last_longer_than_the_sound() -> None:
    data = encoded("matroska", "pcm_s16le", subtitle=True)
    with av.open(io.BytesIO(data)) as opened:
        assert opened.duration == 30_000_000
    assert len(audio.load(data, RATE_HERTZ)) == len(NOISE)


@pytest.mark.parametrize(
    ("container", "codec", "picture"),
    [("matroska", "libopus", "mpeg4"), ("webm", "libopus", ""), ("flv", "aac", "flv"), ("flv", "aac", "")],
)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
def test_what_ends_before_the_announced_time_is_cut_off(container: str, codec: str, picture: str, share: float) -> None:
    data = encoded(container, codec, picture=picture)
    with pytest.raises(audio.AudioError, match="is cut off"):
        audio.load(data[: int(share * len(data))])
