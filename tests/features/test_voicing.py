"""How much of a recording is voiced: sounds whose voice is known, at any level and rate."""

from __future__ import annotations

import numpy as np
import pytest

from ser_acrnn.checking.sounds import RATE_HERTZ, drawn
from ser_acrnn.features.voicing import LEAST_SHARE, unlike_speech, voiced_share

RNG = np.random.default_rng(0)


def voice(hertz: float, rate: int = 16_000, seconds: float = 2.0) -> np.ndarray:
    """Thirty harmonics, as far as the rate has them."""
    phase = 2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate
    return sum(np.sin(number * phase) / number for number in range(1, 31) if number * hertz < rate / 2) * 0.1


@pytest.mark.parametrize("hertz", [80, 120, 220, 400, 550])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_a_voice_of_any_height_is_voiced_throughout(hertz: float, rate: int) -> None:
    assert voiced_share(voice(hertz, rate), rate) == 1


def test_half_a_voice_is_half_voiced_in_noise_and_on_the_telephone() -> None:
    half = np.concatenate([voice(150), 0.05 * RNG.standard_normal(32_000)])
    assert voiced_share(half, 16_000) == pytest.approx(0.5, abs=0.1)
    noisy = half + half.std() * RNG.standard_normal(len(half))
    assert voiced_share(noisy, 16_000) == pytest.approx(0.5, abs=0.1)
    spectrum, hertz = np.fft.rfft(half), np.fft.rfftfreq(len(half), 1 / 16_000)
    spectrum[(hertz < 300) | (hertz > 3_400)] = 0
    assert voiced_share(np.fft.irfft(spectrum), 16_000) == pytest.approx(0.5, abs=0.1)


def test_level_and_offset_do_not_matter() -> None:
    half = np.concatenate([voice(150), 0.05 * RNG.standard_normal(32_000)])
    shares = [voiced_share(gain * half + offset, 16_000) for gain in (1e-4, 1, 1e3) for offset in (0, gain)]
    assert max(shares) - min(shares) < 0.02


@pytest.mark.parametrize("sound", ["breathing", "wind", "white noise", "pink noise", "brown noise"])
def test_what_is_no_voice_is_unlike_speech(sound: str) -> None:
    for number in range(10):
        samples = drawn(sound, number)
        assert voiced_share(samples, RATE_HERTZ) < LEAST_SHARE and 1 < unlike_speech(samples, RATE_HERTZ) <= 2


def test_silence_and_what_is_shorter_than_a_frame_hold_no_voice() -> None:
    assert voiced_share(np.zeros(16_000), 16_000) == voiced_share(voice(150)[:600], 16_000) == 0
    assert unlike_speech(np.zeros(16_000), 16_000) == 2
    assert unlike_speech(voice(150), 16_000) == LEAST_SHARE


def test_loud_samples_are_voiced_as_quiet_ones_are():
    waveform = np.sin(2 * np.pi * 150 * np.arange(16_000) / 16_000).astype(np.float32)
    with np.errstate(over="raise", invalid="raise"):
        assert voiced_share(waveform * 2**31, 16_000) == voiced_share(waveform, 16_000) > 0.5
