"""What libsndfile does not read goes through FFmpeg's libraries: the whole sound, all channels, and nothing of what is cut off."""

from __future__ import annotations

import builtins
import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from ser_acrnn import audio
from ser_acrnn.audio import decoders

RATE_HERTZ, SECONDS, LEVEL = 16_000, 4, 0.4
# Container, codec, rate, layout and options of the writer.
FORMATS: dict[str, tuple[str, str, int, str, dict[str, str]]] = {
    "m4a": ("ipod", "aac", 44_100, "stereo", {}),
    "narrow m4a": ("ipod", "aac", 8_000, "mono", {}),
    "3gp": ("3gp", "aac", 16_000, "mono", {}),
    "aac": ("adts", "aac", 44_100, "stereo", {}),
    "mka": ("matroska", "aac", 44_100, "stereo", {}),
    "webm": ("webm", "libopus", 48_000, "stereo", {}),
    "live webm": ("webm", "libopus", 48_000, "stereo", {"live": "1"}),
    "live webm of four channels": ("webm", "libopus", 48_000, "quad", {"live": "1"}),
    "mkv": ("matroska", "pcm_s16le", 16_000, "mono", {}),
    "wma": ("asf", "wmav2", 44_100, "stereo", {}),
    "ts": ("mpegts", "aac", 44_100, "stereo", {}),
}
ANNOUNCING = [name for name in FORMATS if not name.startswith(("live", "ts"))]


@cache
def encoded(name: str) -> bytes:
    """A tone of 440 Hz."""
    container, codec, rate, layout, options = FORMATS[name]
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container, options=options) as output:
        stream: Any = output.add_stream(codec, rate=rate, layout=layout)
        stream.bit_rate = 64_000
        tone = LEVEL * np.sin(2 * np.pi * 440 * np.arange(rate * SECONDS) / rate)
        samples = np.tile(tone.astype(np.float32), (stream.layout.nb_channels, 1))
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
        frame.sample_rate = rate
        for resampled in av.AudioResampler(stream.format, layout, rate).resample(frame):
            output.mux(stream.encode(resampled))
        output.mux(stream.encode(None))
    return buffer.getvalue()


def test_another_rate_on_the_way_is_no_damage() -> None:
    narrow = io.BytesIO()
    with av.open(narrow, "w", format="adts") as output:
        stream: Any = output.add_stream("aac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16_000
        for resampled in av.AudioResampler(stream.format, "mono", 16_000, frame_size=1_024).resample(frame):
            output.mux(stream.encode(resampled))
        output.mux(stream.encode(None))
    with pytest.raises(audio.AudioError, match=r"changes its rate or its channels after [\d.]+ s of audio"):
        audio.load(encoded("aac") + narrow.getvalue())


@pytest.mark.parametrize("name", FORMATS)
def test_what_libsndfile_does_not_read_is_read_whole(tmp_path: Path, name: str) -> None:
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.SoundFile(io.BytesIO(encoded(name)))
    path = tmp_path / "-a.bin"  # a name that could be an option
    path.write_bytes(encoded(name))
    waveform = audio.load(path)
    assert waveform.dtype == np.float32 and len(waveform) == pytest.approx(SECONDS * RATE_HERTZ, abs=4_000)  # a codec pads
    spectrum = np.abs(np.fft.rfft(waveform[RATE_HERTZ : 2 * RATE_HERTZ]))
    assert spectrum.argmax() == 440 and np.abs(waveform[RATE_HERTZ : 2 * RATE_HERTZ]).max() == pytest.approx(LEVEL, abs=0.05)
    np.testing.assert_array_equal(audio.load(encoded(name)), waveform)


@pytest.mark.parametrize("name", ANNOUNCING)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_what_is_cut_off_is_refused(name: str, share: float) -> None:
    data = encoded(name)
    with pytest.raises(audio.AudioError, match=r"^(is cut off|cannot be read as audio \(libsndfile: .* FFmpeg: )"):
        audio.load(data[: int(share * len(data))])


def test_every_sample_of_a_piecewise_reader_is_that_of_the_whole() -> None:
    with decoders.opened(io.BytesIO(encoded("m4a"))) as decoded:
        blocks = list(decoded.blocks)
    assert decoded.rate_hertz == 44_100 and {block.shape[1] for block in blocks} == {2}
    np.testing.assert_array_equal(audio.load(encoded("m4a"), 44_100), np.concatenate(blocks).mean(axis=1))


@pytest.mark.parametrize("data", [b"no audio" * 100, b"\0\0\0\x18ftypM4A " + bytes(500), b"\x1aE\xdf\xa3" + bytes(500)])
def test_what_nothing_reads_names_both(data: bytes) -> None:
    with pytest.raises(audio.AudioError, match=r"\(libsndfile: Format not recognised\. FFmpeg: [^)]+\), expected a format that libsndfile"):
        audio.load(data)


def test_pictures_have_no_sound() -> None:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as output:
        stream: Any = output.add_stream("mpeg4", rate=5, width=32, height=32)
        for _ in range(5):
            output.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        output.mux(stream.encode(None))
    with pytest.raises(audio.AudioError, match="FFmpeg: no audio stream"):
        audio.load(buffer.getvalue())


def test_a_playlist_opens_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "secret.ts").write_bytes(encoded("ts"))
    for name, text in (
        ("a.m3u8", f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{tmp_path}/secret.ts\n#EXT-X-ENDLIST\n"),
        ("a.txt", f"ffconcat version 1.0\nfile {tmp_path}/secret.ts\n"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(audio.AudioError, match="cannot be read as audio"):
            audio.load(tmp_path / name)


def test_libsndfile_is_asked_first_and_alone_where_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoders, "opened", None)
    buffer = io.BytesIO()
    soundfile.write(buffer, np.random.default_rng(0).uniform(-0.5, 0.5, 8_000), RATE_HERTZ, format="WAV")
    assert len(audio.load(buffer.getvalue())) == 8_000


def test_without_pyav_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found: Callable[..., Any] = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name == "av":
            raise ImportError(name)
        return found(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(audio.AudioError, match="FFmpeg: not there, expected the package av"):
        audio.load(encoded("m4a"))


def test_a_long_file_is_not_held_in_memory() -> None:
    with decoders.opened(io.BytesIO(encoded("webm"))) as decoded:
        assert max(len(block) for block in decoded.blocks) <= 5_760  # a packet of Opus


def test_a_coding_that_nobody_knows_is_refused() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros(8_000), RATE_HERTZ, format="WAV")
    data = buffer.getvalue()
    with pytest.raises(audio.AudioError, match="FFmpeg: audio of an unknown coding"):
        audio.load(data[:20] + b"\x34\x12" + data[22:])


def test_more_than_eight_channels_are_read_whole() -> None:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (8_000, 12)).astype(np.float32)
    soundfile.write(buffer, noise, RATE_HERTZ, format="W64", subtype="FLOAT")
    with decoders.opened(buffer) as decoded:
        np.testing.assert_allclose(np.concatenate(list(decoded.blocks)), noise, atol=1e-6)
