"""Each degradation does what its name says, measured on a signal whose spectrum is known."""

import numpy as np
import pytest
from scipy import signal

from ser_acrnn.checking.degradations import DEGRADATIONS, RATE_HERTZ

SAMPLES = 2 * RATE_HERTZ


@pytest.fixture
def waveform():
    """White noise with a syllable's rhythm."""
    time = np.arange(SAMPLES) / RATE_HERTZ
    return (0.1 * np.random.default_rng(0).standard_normal(SAMPLES) * np.sin(2 * np.pi * 2 * time) ** 2).astype("f")


def degraded(name, waveform, seed=0):
    return DEGRADATIONS[name](waveform, np.random.default_rng(seed))


def power(waveform, low_hertz, high_hertz):
    frequency, density = signal.welch(waveform, RATE_HERTZ, nperseg=1024)
    return density[(frequency >= low_hertz) & (frequency < high_hertz)].sum()


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_it_is_decided_by_the_seed_and_stays_a_waveform(name, waveform):
    before = waveform.copy()
    one, same = degraded(name, waveform), degraded(name, waveform)
    np.testing.assert_array_equal(one, same)
    np.testing.assert_array_equal(waveform, before)
    assert one.dtype == np.float32 and abs(len(one) - SAMPLES) < 0.2 * RATE_HERTZ and np.isfinite(one).all()
    assert (one.shape == waveform.shape and np.array_equal(one, waveform)) == (name == "as recorded")


@pytest.mark.parametrize("decibel", [20, 10, 0])
def test_noise_has_its_ratio_and_equal_power_an_octave(decibel, waveform):
    added = degraded(f"noise, {decibel} dB", waveform) - waveform
    assert 10 * np.log10(np.mean(waveform**2) / np.mean(added**2)) == pytest.approx(decibel, abs=0.1)
    assert power(added, 500, 1000) == pytest.approx(power(added, 1000, 2000), rel=0.25)


def test_the_telephone_keeps_its_band(waveform):
    heard = degraded("telephone", waveform)
    inside, below, above = power(heard, 500, 3000), power(heard, 0, 150), power(heard, 4200, 8000)
    assert below < 0.01 * inside and above < 0.01 * inside


def test_mp3_cuts_the_treble_and_keeps_the_rest(waveform):
    heard = degraded("MP3", waveform)
    assert power(heard, 6500, 8000) < 0.05 * power(heard, 500, 2000)
    lag = int(np.argmax(signal.correlate(heard, waveform))) - (len(waveform) - 1)
    assert 0.05 < lag / RATE_HERTZ < 0.1


def test_the_room_decays_in_its_time():
    impulse = np.zeros(SAMPLES, np.float32)
    impulse[0] = 1
    response = degraded("reverberation, 0.5 s", impulse).astype(float)
    tail = response[round(0.002 * RATE_HERTZ) :]
    assert np.sum(tail**2) == pytest.approx(response[0] ** 2, rel=0.01)
    first, later = (np.mean(tail[start : start + 800] ** 2) for start in (0, 4000))
    assert 10 * np.log10(first / later) == pytest.approx(30, abs=1.5)  # 0.25 s, half of 60 dB
