"""The length of an MPEG audio frame by its head is that of the frames that an encoder writes."""

from __future__ import annotations

import io
from typing import Any

import av
import numpy as np
import pytest

from ser_acrnn import audio
from ser_acrnn.audio.mpeg import frame_bytes, is_frame


def encoded(codec: str, rate_hertz: int, bit_rate: int) -> bytes:
    """A second and a half of noise, without a table."""
    buffer = io.BytesIO()
    noise = (0.2 * np.random.default_rng(0).uniform(-1, 1, rate_hertz * 3 // 2)).astype(np.float32)
    with av.open(buffer, "w", format="mp3" if codec != "mp2" else "mp2", options={"write_xing": "0"} if codec != "mp2" else {}) as output:
        stream: Any = output.add_stream(codec, rate=rate_hertz, layout="mono")
        stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(noise[np.newaxis], format="fltp", layout="mono")
        frame.sample_rate = rate_hertz
        for resampled in av.AudioResampler(stream.format, "mono", rate_hertz, 1_152 if codec == "mp2" else 0).resample(frame):
            output.mux(stream.encode(resampled))
        output.mux(stream.encode(None))
    data = buffer.getvalue()
    return data[10 + int.from_bytes(data[6:10], "big") :] if data.startswith(b"ID3") else data


@pytest.mark.parametrize(
    ("codec", "rate_hertz", "bit_rate"),
    [
        ("mp2", 44_100, 64_000),
        ("mp2", 22_050, 32_000),
        ("libmp3lame", 44_100, 64_000),
        ("libmp3lame", 16_000, 24_000),
        ("libmp3lame", 8_000, 8_000),
    ],
)
def test_frames_fill_the_file_and_a_broken_one_is_cut_off(codec: str, rate_hertz: int, bit_rate: int) -> None:
    data, position, frames = encoded(codec, rate_hertz, bit_rate), 0, 0
    while position < len(data):
        assert is_frame(data[position : position + 4])
        position, frames = position + frame_bytes(data[position : position + 4]), frames + 1
    assert position == len(data) and frames > 10
    for following in (b"", b"TAG" + bytes(125)):
        assert len(audio.load(data + following)) == pytest.approx(24_000, abs=4_000)
    with pytest.raises(audio.AudioError, match=r"is cut off: its last frame holds \d+ bytes, expected \d+"):
        audio.load(data[:-20])


def test_what_is_no_frame_has_no_length() -> None:
    for head in (b"", b"\xff\xfb", b"RIFF", b"\xff\xfb\x0c\0", b"\xff\xfb\0\0", b"\xff\xfb\xf0\0", b"\xff\xeb\x90\0"):
        assert frame_bytes(head) == 0
    assert frame_bytes(b"\xff\xff\x90\0") == 312  # layer 1
