"""What libsndfile does not read goes through audioread's decoders: a registered stand-in everywhere, and ffmpeg where it is installed."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import audioread
import numpy as np
import pytest
import soundfile

from ser_acrnn import audio
from ser_acrnn.audio import decoders
from ser_acrnn.audio.files import AudioError

RATE_HERTZ = 16_000
MP4 = b"\0\0\0\x18ftypM4A " + bytes(100)


class Standin:
    """A decoder as audioread registers them: it gives the same samples for any file that begins as MP4 does."""

    samples = np.zeros((0, 2), np.int16)
    samplerate, channels, duration = 32_000, 2, 0.0
    block_bytes, fails, closed = 4_001, False, 0  # blocks that end within a sample

    def __init__(self, path: str) -> None:
        if not Path(path).read_bytes().startswith(MP4[:12]):
            raise audioread.DecodeError("no MP4")
        self.duration = self.duration or len(self.samples) / self.samplerate

    def __iter__(self) -> Iterator[bytes]:
        data = self.samples.astype("<i2").tobytes()
        for start in range(0, len(data), self.block_bytes):
            yield data[start : start + self.block_bytes]
        if self.fails:
            raise audioread.DecodeError("hangs")

    def close(self) -> None:
        type(self).closed += 1


@pytest.fixture
def standin(monkeypatch: pytest.MonkeyPatch) -> type[Standin]:
    """The only decoder that there is."""

    class MyAudioFile(Standin):
        samples = np.round(10_000 * np.random.default_rng(0).normal(size=(64_000, 2)).clip(-3, 3)).astype(np.int16)

    monkeypatch.setattr(audioread, "BACKENDS", [MyAudioFile])
    return MyAudioFile


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    (tmp_path / "a.m4a").write_bytes(MP4)
    return tmp_path / "a.m4a"


def test_what_a_decoder_gives_is_mixed_down_resampled_and_of_full_scale(standin: type[Standin], recording: Path) -> None:
    waveform = audio.load(recording)
    assert waveform.dtype == np.float32 and waveform.shape == (RATE_HERTZ * 2,)
    np.testing.assert_array_equal(waveform, audio.to_mono(standin.samples / 32_768, 32_000))
    with audio.opened(recording) as opened:
        assert opened.seconds == 2
    assert standin.closed == 2
    pieces = list(audio.stream(recording, 32_000))
    np.testing.assert_allclose(np.concatenate(pieces), standin.samples.mean(axis=1) / 32_768, atol=1e-7)


def test_the_length_of_a_bare_stream_is_counted(standin: type[Standin], recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoders, "_is_container", lambda path: False)
    monkeypatch.setattr(standin, "duration", 9.0)  # an estimate, of which nothing depends
    with audio.opened(recording) as opened:
        assert opened.seconds is None
    assert len(audio.load(recording)) == RATE_HERTZ * 2


def test_a_container_that_announces_more_is_cut_off(standin: type[Standin], recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standin, "duration", 9.0)
    for read in (audio.load, lambda path: list(audio.stream(path))):
        with pytest.raises(AudioError, match=r"a\.m4a: is cut off or damaged: holds 2\.0 s of audio, expected the 9\.0 s"):
            read(recording)


def test_a_decoder_that_fails_on_the_way_is_named(standin: type[Standin], recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standin, "fails", True)
    with pytest.raises(AudioError, match=r"a\.m4a: cannot be read as audio \(libsndfile: .* My: hangs\), expected a format"):
        audio.load(recording)
    assert standin.closed == 1


def test_what_nothing_reads_names_both(standin: type[Standin], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.m4a").write_bytes(b"no audio" * 100)
    with pytest.raises(
        AudioError, match=r"\(libsndfile: Format not recognised\. My: no MP4\), expected a format that libsndfile or ffmpeg"
    ):
        audio.load(tmp_path / "a.m4a")
    (tmp_path / "b.m4a").write_bytes(MP4)
    monkeypatch.setattr(standin, "channels", 0)
    with pytest.raises(AudioError, match=r"b\.m4a: .* My: 0 channels at 32000 Hz\), expected"):
        audio.load(tmp_path / "b.m4a")
    monkeypatch.setattr(audioread, "available_backends", lambda: [])
    with pytest.raises(AudioError, match=r"no other decoder: ffmpeg is not installed\), expected a format that libsndfile or ffmpeg reads"):
        audio.load(tmp_path / "a.m4a")


def test_no_decoder_is_asked_for_what_libsndfile_opens(standin: type[Standin], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(standin, "__init__", never)
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).uniform(-0.5, 0.5, 8_000), RATE_HERTZ)
    assert len(audio.load(tmp_path / "a.wav")) == 8_000


@pytest.fixture(scope="module")
def ffmpeg() -> str:
    path = shutil.which("ffmpeg")
    if path is None:
        pytest.skip("ffmpeg is not installed")
    return path


def convert(ffmpeg: str, source: Path, target: Path, *options: str) -> Path:
    subprocess.run([ffmpeg, "-v", "error", "-y", "-i", source, *options, target], check=True)
    return target


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tones") / "a.wav"
    time = np.arange(4 * 44_100) / 44_100
    soundfile.write(path, np.stack([0.4 * np.sin(2 * np.pi * 440 * time), 0.4 * np.sin(2 * np.pi * 440 * time)], axis=1), 44_100)
    return path


@pytest.mark.parametrize("suffix", [".m4a", ".aac", ".mka", ".wma", ".mp4"])
def test_ffmpeg_reads_what_libsndfile_does_not(ffmpeg: str, tones: Path, tmp_path: Path, suffix: str) -> None:
    path = convert(ffmpeg, tones, tmp_path / f"-a{suffix}")  # a name that could be an option
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.SoundFile(path)
    waveform = audio.load(path)
    assert len(waveform) == pytest.approx(4 * RATE_HERTZ, abs=2_500)  # a codec pads
    spectrum = np.abs(np.fft.rfft(waveform[RATE_HERTZ : 2 * RATE_HERTZ]))
    assert spectrum.argmax() == 440 and np.abs(waveform).max() == pytest.approx(0.4, abs=0.05)


def test_ffmpeg_refuses_what_is_cut_off(ffmpeg: str, tones: Path, tmp_path: Path) -> None:
    path = convert(ffmpeg, tones, tmp_path / "a.m4a", "-movflags", "faststart")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(AudioError, match=r"a\.m4a: is cut off or damaged: holds [12]\.\d s of audio, expected the 4\.\d s"):
        audio.load(path)


def test_ffmpeg_does_not_run_ahead_of_a_slow_listener(ffmpeg: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "long.m4a"
    tone = ("-f", "lavfi", "-i", "sine=frequency=300:duration=1200:sample_rate=8000")
    subprocess.run([ffmpeg, "-v", "error", *tone, "-c:a", "aac", "-b:a", "16k", path], check=True)
    readers, reader_of = [], decoders._reader
    monkeypatch.setattr(decoders, "_reader", lambda path: readers.append(reader_of(path)) or readers[0])
    with decoders.opened(path) as decoded:
        next(decoded.blocks)
        reader = readers[0][0]
        waits = reader.stdout_reader.queue
        until = time.monotonic() + 30
        while waits.qsize() < decoders._LONGEST_QUEUE and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(1)
        blocks = 1200 * 8_000 * 2 / reader.stdout_reader.blocksize
        assert decoders._LONGEST_QUEUE <= waits.qsize() < 0.2 * blocks
        assert reader.proc.poll() is None
    assert not reader.stdout_reader.is_alive() and reader.proc.poll() is not None
