"""Audio files of all kinds become the same waveform; unusable ones are named with what is wrong."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_acrnn.audio.files import AudioError, load, to_mono

RATE_HERTZ = 16_000
SINE_HERTZ, SINE_LEVEL = 440.0, 0.5


def sine(rate_hertz: int, seconds: float = 1.0) -> np.ndarray:
    return SINE_LEVEL * np.sin(2 * np.pi * SINE_HERTZ * np.arange(round(seconds * rate_hertz)) / rate_hertz)


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, 8_000).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "options", "tolerance"),
    [
        ("a.wav", {"subtype": "PCM_16"}, 2**-15),
        ("a.wav", {"subtype": "PCM_24"}, 2**-23),
        ("a.wav", {"subtype": "PCM_32"}, 2**-23),
        ("a.wav", {"subtype": "FLOAT"}, 0),
        ("a.wav", {"subtype": "DOUBLE"}, 0),
        ("a.wav", {"subtype": "PCM_U8"}, 2**-7),
        ("a.flac", {"subtype": "PCM_16"}, 2**-15),
        ("a.flac", {"subtype": "PCM_24"}, 2**-23),
        ("a.WAV", {"subtype": "PCM_16", "format": "WAV"}, 2**-15),
    ],
)
def test_every_lossless_encoding_gives_the_samples(tmp_path: Path, noise: np.ndarray, name: str, options: dict, tolerance: float) -> None:
    soundfile.write(tmp_path / name, noise, RATE_HERTZ, **options)
    waveform = load(tmp_path / name)
    assert waveform.dtype == np.float32
    assert waveform.flags.c_contiguous
    assert waveform.shape == noise.shape
    np.testing.assert_allclose(waveform, noise, rtol=0, atol=tolerance)


def test_ogg_is_read_and_resembles_the_original(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.ogg", sine(RATE_HERTZ), RATE_HERTZ)
    waveform = load(str(tmp_path / "a.ogg"))
    assert waveform.shape == (RATE_HERTZ,)
    assert np.corrcoef(waveform, sine(RATE_HERTZ))[0, 1] > 0.99


@pytest.mark.parametrize("channels", [2, 6])
def test_channels_are_averaged(tmp_path: Path, channels: int) -> None:
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, (4_000, channels)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, RATE_HERTZ, subtype="FLOAT")
    np.testing.assert_allclose(load(tmp_path / "a.wav"), samples.mean(axis=1), rtol=0, atol=1e-7)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hertz", [8_000, 22_050, 44_100, 48_000])
def test_resampling_keeps_frequency_level_and_length(tmp_path: Path, rate_hertz: int, channels: int) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([sine(rate_hertz)] * channels, axis=1), rate_hertz, subtype="FLOAT")
    waveform = load(tmp_path / "a.wav")
    assert waveform.dtype == np.float32
    assert waveform.shape == (RATE_HERTZ,)
    spectrum = np.abs(np.fft.rfft(waveform))  # a second long: a bin a hertz
    assert spectrum.argmax() == SINE_HERTZ
    middle = slice(2_000, -2_000)  # the resampler's filter rings at the ends
    np.testing.assert_allclose(waveform[middle], sine(RATE_HERTZ)[middle], rtol=0, atol=1e-3)


def test_what_16_khz_cannot_hold_is_filtered_out_not_folded_back(tmp_path: Path) -> None:
    high = 0.5 * np.sin(2 * np.pi * 12_000 * np.arange(48_000) / 48_000)
    soundfile.write(tmp_path / "a.wav", high + sine(48_000), 48_000, subtype="FLOAT")
    spectrum = np.abs(np.fft.rfft(load(tmp_path / "a.wav") * np.hanning(RATE_HERTZ)))
    assert spectrum[4_000 - 50 : 4_000 + 50].max() < 1e-3 * spectrum.max()


def test_another_rate_can_be_asked_for(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", sine(RATE_HERTZ), RATE_HERTZ)
    assert load(tmp_path / "a.wav", 8_000).shape == (8_000,)


def complaint(path: Path) -> str:
    """The error's text without the file's name, which must come first."""
    with pytest.raises(AudioError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "expected " in message
    return message.removeprefix(f"{path}: ")


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    assert complaint(tmp_path / "none.wav").startswith("no such file")
    assert complaint(tmp_path).startswith("is a folder")
    os.mkfifo(tmp_path / "pipe")
    assert complaint(tmp_path / "pipe").startswith("is no regular file")
    with pytest.raises(AudioError, match=r"^'': "):
        load("")


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"")
    assert complaint(tmp_path / "a.wav") == "the file is empty (0 bytes), expected audio"


def test_a_header_without_samples_is_named(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(0), RATE_HERTZ)
    assert (tmp_path / "a.wav").stat().st_size > 0
    assert complaint(tmp_path / "a.wav") == "holds 0 samples, expected at least one"


def test_half_a_header_is_named(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", sine(RATE_HERTZ), RATE_HERTZ)
    (tmp_path / "a.wav").write_bytes((tmp_path / "a.wav").read_bytes()[:30])
    assert complaint(tmp_path / "a.wav").startswith("cannot be read as audio (")


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3", ""])
def test_a_text_under_any_name_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text("<html>404 Not Found</html>\n" * 20)
    assert complaint(path).startswith("cannot be read as audio (")


@pytest.mark.parametrize(
    "name",
    [
        "a.wav",
        "a.aiff",
        "a.mp3",
        "a.flac",
        "a.ogg",
    ],
)
@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, name: str, share: float) -> None:
    path = tmp_path / name
    soundfile.write(path, sine(RATE_HERTZ), RATE_HERTZ)
    load(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    complaint(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_counted_and_the_first_is_named(tmp_path: Path, noise: np.ndarray, value: float) -> None:
    broken = noise.copy()
    broken[[100, 200]] = value
    soundfile.write(tmp_path / "a.wav", broken, RATE_HERTZ, subtype="FLOAT")
    assert complaint(tmp_path / "a.wav") == "holds 2 NaN or infinite samples, the first at sample 100, expected finite samples"


def test_a_broken_second_channel_is_noticed_before_resampling(tmp_path: Path, noise: np.ndarray) -> None:
    stereo = np.stack([noise, noise], axis=1)
    stereo[7, 1] = np.nan
    soundfile.write(tmp_path / "a.wav", stereo, 44_100, subtype="FLOAT")
    assert "the first at sample 7" in complaint(tmp_path / "a.wav")


@pytest.mark.parametrize("level", [0.0, 0.25])
def test_digital_silence_is_refused_at_any_level(tmp_path: Path, level: float) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(1_000, level), RATE_HERTZ)
    assert complaint(tmp_path / "a.wav") == f"is silent: all 1000 samples equal {level:g}, expected a signal"


def test_a_very_quiet_recording_is_not_silence(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.array([0, 1, 0, -1] * 100, np.int16), RATE_HERTZ)
    assert load(tmp_path / "a.wav").max() == np.float32(2**-15)


def test_arrays_are_held_to_the_same_rules(noise: np.ndarray) -> None:
    np.testing.assert_array_equal(to_mono(noise, RATE_HERTZ), noise)
    np.testing.assert_array_equal(to_mono(np.stack([noise, -noise, noise], axis=1), RATE_HERTZ), np.mean([noise, -noise, noise], axis=0))
    assert to_mono(noise.astype(np.float64), RATE_HERTZ).dtype == np.float32
    assert to_mono(noise, 8_000).shape == (2 * len(noise),)
    for samples, words in ((noise[:0], "0 samples"), (noise * np.nan, "8000 NaN"), (noise * 0, "is silent")):
        with pytest.raises(AudioError, match=re.escape(words)):
            to_mono(samples, RATE_HERTZ)


@pytest.fixture(scope="module")
def resample() -> Iterator[Callable[..., np.ndarray]]:
    """librosa's, without the half minute in which Numba compiles, where it has not yet, what stands beside it and is not called."""
    numba, before = pytest.importorskip("numba"), set(sys.modules)

    def uncompiled(*arguments: object, **named: object) -> object:
        return arguments[0] if arguments and callable(arguments[0]) else lambda function: function

    with pytest.MonkeyPatch.context() as patch:
        for name in ("jit", "vectorize", "guvectorize", "stencil"):
            patch.setattr(numba, name, uncompiled)
        yield pytest.importorskip("librosa").resample
    for name in {name for name in sys.modules if name.partition(".")[0] == "librosa"} - before:
        del sys.modules[name]  # whoever imports it next has it whole


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000])
@pytest.mark.parametrize("samples", [7, 1_000, 30_001])
def test_resampling_is_that_of_librosa(resample, rate, samples):
    waveform = np.random.default_rng(0).normal(size=samples).astype(np.float32) + np.arange(samples, dtype=np.float32)
    np.testing.assert_array_equal(to_mono(waveform, rate), resample(waveform, orig_sr=rate, target_sr=16_000))
