"""Degraded training segments look like the log-Mels of degraded recordings, and stay segments."""

import numpy as np
import pytest
from scipy import signal

from ser_acrnn.augmentation import degradation
from ser_acrnn.config import AugmentConfig, ConfigError, TrainConfig
from ser_acrnn.config.features import FEATURE_RECIPES
from ser_acrnn.features.log_mels import log_mels_3d, mel_centres_hertz, segment, with_deltas

PAPER = FEATURE_RECIPES["paper"]
ALL = AugmentConfig(bands=1, rooms=1, noise=1)


@pytest.fixture(scope="module")
def speechlike():
    """Bursts of a harmonic sound over faint noise, 2 s at 16 kHz."""
    rng, time = np.random.default_rng(0), np.arange(32_000) / 16_000
    tones = sum(np.sin(2 * np.pi * 150 * number * time) / number for number in range(1, 40))
    return (tones * (np.sin(2 * np.pi * 3 * time) > 0) + 1e-3 * rng.standard_normal(len(time))).astype(np.float32)


def degraded(waveform, config, copies=20, seed=0):
    """Static log-Mels of degraded copies, `(copies, frames, mels)`."""
    values = log_mels_3d(waveform)
    batch = np.repeat(segment(values)[:1], copies, axis=0)
    degradation.degrade(batch, np.full(copies, len(values)), PAPER, config, np.random.default_rng(seed))
    return batch[:, : len(values), :, 0]


def test_noise_is_that_of_a_noisy_recording(speechlike, monkeypatch):
    monkeypatch.setattr(degradation, "NOISE_SLOPES", (0.0, 0.0))
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((20, len(speechlike))) * speechlike.std() * 10 ** (-20 / 20)
    recorded = np.stack([log_mels_3d(speechlike + row)[..., 0] for row in noise])
    found = degraded(speechlike, AugmentConfig(noise=1, noise_decibels=(20, 20)))
    clean = log_mels_3d(speechlike)[..., 0]
    away = np.abs(recorded.mean(axis=(0, 1)) - clean.mean(axis=0))
    assert away.mean() > 1.5  # the noise is heard
    assert np.abs(found.mean(axis=(0, 1)) - recorded.mean(axis=(0, 1))).max() < 0.5
    assert np.abs(found.std(axis=(0, 1)) - recorded.std(axis=(0, 1))).max() < 0.5


def test_a_room_is_that_of_a_reverberant_recording(speechlike, monkeypatch):
    monkeypatch.setattr(degradation, "DECAY_SECONDS", (0.5, 0.5))
    monkeypatch.setattr(degradation, "TAIL_DECIBELS", (0.0, 0.0))
    time = np.arange(8_000) / 16_000
    responses = np.random.default_rng(1).standard_normal((20, len(time))) * 10 ** (-3 * time / 0.5)
    responses /= np.sqrt((responses**2).sum(axis=1, keepdims=True))
    responses[:, 0] = 1
    recorded = np.stack([log_mels_3d(signal.fftconvolve(speechlike, row)[: len(speechlike)])[..., 0] for row in responses])
    found = degraded(speechlike, AugmentConfig(rooms=1))
    clean = log_mels_3d(speechlike)[..., 0]
    pauses = clean[:, 5:35].mean(axis=1) < np.median(clean[:, 5:35])
    sounding_on = recorded[:, pauses].mean(axis=(0, 1)) - clean[pauses].mean(axis=0)
    assert sounding_on[5:35].mean() > 2
    assert np.abs((found - recorded)[:, pauses].mean(axis=(0, 1)))[5:35].mean() < 0.25 * sounding_on[5:35].mean()


def test_a_band_takes_away_what_lies_outside_of_it(speechlike, monkeypatch):
    monkeypatch.setattr(degradation, "LOWEST_EDGES_HERTZ", (300.0, 300.0))
    monkeypatch.setattr(degradation, "HIGHEST_EDGES_HERTZ", (3_400.0, 3_400.0))
    monkeypatch.setattr(degradation, "STOP_BAND_DECIBELS", (30.0, 30.0))
    difference = degraded(speechlike, AugmentConfig(bands=1), copies=1)[0] - log_mels_3d(speechlike)[..., 0]
    centres = mel_centres_hertz(PAPER)
    inside = (centres > 300) & (centres < 3_400)
    louder = difference[:, inside].mean()  # the recording keeps its power
    assert louder > 0 and np.ptp(difference[:, inside]) < 1e-4
    np.testing.assert_allclose(difference[:, ~inside], louder - 30 * np.log(10) / 10, atol=1e-4)


@pytest.mark.parametrize("recipe", ["paper", "released-code"])
def test_a_degraded_segment_is_a_segment(speechlike, recipe):
    recipe = FEATURE_RECIPES[recipe]
    lengths = np.array([198, 120, 3])
    clean = np.zeros((3, 300, 40, 3), np.float32)
    for row, frames in enumerate(lengths):
        clean[row, :frames] = log_mels_3d(speechlike, recipe)[:frames]
    changed = clean.copy()
    degradation.degrade(changed, lengths, recipe, ALL, np.random.default_rng(0))
    assert np.isfinite(changed).all() and (changed != clean).any(axis=(1, 2, 3)).all()
    for row, frames in enumerate(lengths):
        assert not changed[row, frames:].any()
        np.testing.assert_allclose(changed[row, :frames], with_deltas(changed[row, :frames, :, 0], recipe), atol=1e-5)
        powers = [np.exp(values[row, :frames, :, 0].astype(float)).sum() for values in (clean, changed)]
        assert (abs(powers[1] / powers[0] - 1) < 1e-4) == recipe.standardise_waveform


def test_shares_decide_how_many_and_the_generator_which(speechlike):
    clean = np.repeat(segment(log_mels_3d(speechlike))[:1], 200, axis=0)

    def changed(config, seed=0):
        batch = clean.copy()
        degradation.degrade(batch, np.full(200, 199), PAPER, config, np.random.default_rng(seed))
        return batch

    for share in (0.0, 0.3):
        config = AugmentConfig(noise=share)
        assert abs((changed(config) != clean).any(axis=(1, 2, 3)).mean() - share) < 0.1
    np.testing.assert_array_equal(changed(ALL), changed(ALL))
    assert (changed(ALL) != changed(ALL, seed=1)).any()


@pytest.mark.parametrize(("field", "value"), [("bands", 1.5), ("rooms", -0.1), ("noise", 2.0), ("noise_decibels", (10.0, 0.0))])
def test_impossible_numbers_are_named(field, value):
    with pytest.raises(ConfigError, match=f"AugmentConfig.{field} is"):
        AugmentConfig(**{field: value})


def test_the_numbers_survive_json():
    training = TrainConfig(augmentation=AugmentConfig(noise=0.5, noise_decibels=(5, 30)))
    assert TrainConfig.from_dict(training.to_dict()) == training
