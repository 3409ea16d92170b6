"""The gate finds the same speech whatever stands around it, and keeps everything where it is not asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep.synthetic.emodb import generate_utterance
from ser_acrnn.config import FEATURE_RECIPES, FeatureConfig, SpeechGate
from ser_acrnn.features import log_mels_3d
from ser_acrnn.features.speech_activity import MOST_DECIBELS, Activity, activity, levels, signal_to_noise_decibels, speech

RATE_HERTZ = 16_000
SPEECH = FEATURE_RECIPES["speech"]
UTTERANCES = [(speaker, letter) for speaker in ("03", "08", "13") for letter in "FWTN"]


@cache
def spoken(speaker: str, letter: str) -> np.ndarray:
    return generate_utterance(speaker, letter, "b02").astype(np.float32)


def noise(seconds: float, decibels: float, seed: int = 0) -> np.ndarray:
    return (10 ** (decibels / 20) * np.random.default_rng(seed).standard_normal(round(seconds * RATE_HERTZ))).astype(np.float32)


AROUND: dict[str, Callable[[np.ndarray], tuple[np.ndarray, float]]] = {
    "1 s of zeros after": lambda wave: (np.concatenate([wave, noise(1, -np.inf)]), 0),
    "5 s of zeros before": lambda wave: (np.concatenate([noise(5, -np.inf), wave]), 5),
    "zeros to 10 s": lambda wave: (np.pad(wave, (0, max(0, 10 * RATE_HERTZ - len(wave)))), 0),
    "a quiet room at both sides": lambda wave: (np.concatenate([noise(2, -75), wave, noise(3, -75)]), 2),
    "hum throughout": lambda wave: (wave + 0.02 * np.sin(2 * np.pi * 50 * np.arange(len(wave)) / RATE_HERTZ).astype(np.float32), 0),
    "an offset": lambda wave: (wave + np.float32(0.3), 0),
    "a quarter as loud": lambda wave: (wave / 4, 0),
}


@pytest.mark.parametrize("around", AROUND)
def test_what_stands_around_the_speech_moves_its_bounds_little(around: str) -> None:
    for speaker, letter in UTTERANCES:
        wave = spoken(speaker, letter)
        changed, seconds = AROUND[around](wave)
        alone, found = activity(wave, SPEECH), activity(changed, SPEECH)
        moved = [(found.start - alone.start) / RATE_HERTZ - seconds, (found.end - alone.end) / RATE_HERTZ - seconds]
        assert np.abs(moved).max() < 0.2, (speaker, letter, moved)


def test_features_are_those_of_the_speech_and_of_nothing_else() -> None:
    wave = spoken("03", "F")
    padded = np.concatenate([noise(2, -np.inf), wave, noise(2, -np.inf)])
    kept = speech(padded, SPEECH)
    assert len(kept) < len(wave) + 0.2 * RATE_HERTZ
    np.testing.assert_array_equal(log_mels_3d(padded, SPEECH), log_mels_3d(kept, FEATURE_RECIPES["paper"]))
    assert len(log_mels_3d(padded)) > len(log_mels_3d(padded, SPEECH)) + 350


def test_a_pause_inside_stays() -> None:
    wave = speech(spoken("03", "F"), SPEECH)
    apart = np.concatenate([wave, noise(2, -np.inf), wave])
    found = activity(apart, SPEECH)
    assert found.end - found.start > 2 * len(wave) + 1.8 * RATE_HERTZ


@pytest.mark.parametrize("seconds", [0.5, 3, 20])
@pytest.mark.parametrize("decibels", [-80, -40, 0])
def test_noise_alone_is_no_speech(seconds: float, decibels: float) -> None:
    wave = noise(seconds, decibels)
    assert (activity(wave, SPEECH).seconds, activity(wave, SPEECH).end) == (0, len(wave))
    with pytest.raises(ValueError, match=r"holds no speech: its loudest moment is [0-5]\.\d dB above its noise floor, expected 6 dB"):
        log_mels_3d(wave, SPEECH)


def test_silence_is_no_speech() -> None:
    assert activity(np.zeros(8_000), SPEECH) == Activity(0, 8_000, 0.0, 0.0)
    with pytest.raises(ValueError, match=r"no speech: its loudest moment is 0\.0 dB"):
        log_mels_3d(np.zeros(8_000), SPEECH)


def test_a_recipe_without_a_gate_keeps_everything() -> None:
    wave = np.pad(spoken("03", "F"), 16_000)
    assert activity(wave, FeatureConfig()) == Activity(0, len(wave), len(wave) / RATE_HERTZ, np.inf)
    assert len(speech(wave, FeatureConfig())) == len(wave)


def test_the_seconds_of_speech_are_what_is_kept() -> None:
    wave = np.concatenate([noise(1, -np.inf), spoken("03", "F"), noise(1, -np.inf)])
    found = activity(wave, SPEECH)
    assert found.seconds == pytest.approx((found.end - found.start) / RATE_HERTZ)
    click = np.concatenate([noise(1, -np.inf), spoken("03", "F")[5_000:5_160], noise(1, -np.inf)])
    assert activity(click, SPEECH).seconds < 0.15


OTHER = {
    "difference_seconds": 0.0001,
    "smoothing_frames": 1,
    "below_peak_decibels": 20.0,
    "above_floor_decibels": 12.0,
    "nearest_peak_decibels": 15.0,
    "floor_percent": 40,
    "deepest_decibels": 20.0,
    "least_range_decibels": 50.0,
}


@pytest.mark.parametrize("field", OTHER)
def test_every_number_of_the_gate_counts(field: str) -> None:
    other = replace(SPEECH, speech_gate=SpeechGate(**{field: OTHER[field]}))  # type: ignore[arg-type]
    waves = [spoken(speaker, letter) for speaker, letter in UTTERANCES]
    noisy = [
        np.concatenate([noise(1, -35), wave, noise(1, -35)]) + noise(len(wave) / RATE_HERTZ + 2, level)[: len(wave) + 32_000]
        for wave in waves
        for level in (-60, -30, -20, -14)
    ]
    assert any(activity(wave, SPEECH) != activity(wave, other) for wave in waves + noisy)


def test_digital_silence_at_the_ends_changes_no_sample_that_is_kept() -> None:
    wave = np.concatenate([[0.1, -0.2], spoken("03", "F"), [0.2, -0.1]]).astype(np.float32)
    alone = speech(wave, SPEECH)
    for before, after in ((0, 2), (7, 0), (100, 12_345), (80_000, 3)):
        np.testing.assert_array_equal(speech(np.pad(wave, (before, after)), SPEECH), alone)
    inside = np.concatenate([wave, np.zeros(32_000, np.float32), wave])
    assert len(speech(inside, SPEECH)) > 2 * len(alone) + 30_000


@pytest.mark.parametrize("slope", [0.0, 0.5], ids=["white", "pink"])
@pytest.mark.parametrize("decibels", [5, 10, 20])
def test_the_ratio_of_speech_to_noise_is_estimated(decibels: int, slope: float) -> None:
    errors = []
    for number, (speaker, letter) in enumerate(UTTERANCES):
        wave = spoken(speaker, letter)
        spectrum = np.fft.rfft(noise(len(wave) / RATE_HERTZ, 0, number))
        coloured = np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 50 * len(wave) / RATE_HERTZ) ** slope, len(wave))
        level = np.sqrt(np.mean(wave**2) / np.mean(coloured**2)) * 10 ** (-decibels / 20)
        errors.append(signal_to_noise_decibels(wave + level * coloured, SPEECH) - decibels)
    assert abs(np.median(errors)) < 2
    assert np.abs(errors).max() < 4


PACED = FEATURE_RECIPES["speech-short-pauses"]


def with_pauses(wave: np.ndarray, seconds: float, decibels: float = -np.inf) -> np.ndarray:
    """Two pauses inside, and silence around."""
    third, pause = len(wave) // 3, noise(seconds, decibels)
    return np.concatenate([noise(0.5, -np.inf), wave[:third], pause, wave[third : 2 * third], pause, wave[2 * third :], noise(1, -np.inf)])


@pytest.mark.parametrize("decibels", [-np.inf, -70.0])
def test_long_pauses_are_shortened_to_one_length(decibels: float) -> None:
    for speaker, letter in UTTERANCES:
        wave = spoken(speaker, letter)
        two, four = (with_pauses(wave, seconds, decibels) for seconds in (2, 4))
        assert len(speech(four, SPEECH)) - len(speech(two, SPEECH)) == pytest.approx(4 * RATE_HERTZ, abs=0.1 * RATE_HERTZ)
        short = len(speech(two, PACED))
        assert short == pytest.approx(len(speech(four, PACED)), abs=0.1 * RATE_HERTZ)
        assert short < len(speech(wave, SPEECH)) + 0.6 * RATE_HERTZ  # twice 0.2 s, and what the smoothing adds


def test_what_is_kept_is_found_again_in_the_recording() -> None:
    recording = with_pauses(spoken("03", "F"), 2)
    found, kept = activity(recording, PACED), speech(recording, PACED)
    assert len(found.cuts) >= 2
    assert len(kept) == round(found.seconds * RATE_HERTZ)
    np.testing.assert_array_equal(recording[found.place(np.arange(len(kept)))], kept)
    assert found.span(0, len(kept)) == (found.start, found.end)
    (begin, stop), *_ = found.cuts
    assert (stop - begin) % SPEECH.shift_samples == 0
    assert found.span(0, begin - found.start) == (found.start, begin)
    assert found.place(begin - found.start) == stop


def test_pauses_that_are_short_enough_stay() -> None:
    wave = speech(spoken("03", "F"), SPEECH)
    long = replace(PACED, speech_gate=SpeechGate(longest_pause_seconds=9.0))
    np.testing.assert_array_equal(speech(with_pauses(wave, 1), long), speech(with_pauses(wave, 1), SPEECH))
    with pytest.raises(ValueError, match=r"longest_pause_seconds is 0\.05, expected 0\.1 s or more"):
        SpeechGate(longest_pause_seconds=0.05)


def test_recipes_of_before_keep_their_hashes() -> None:
    assert SPEECH.recipe_hash == "5455f817d953b5e0"
    assert "longest_pause_seconds" not in SpeechGate().to_dict()
    assert PACED.recipe_hash != SPEECH.recipe_hash


@pytest.mark.parametrize(("slope", "bound"), [(0.0, 1.5), (0.5, 1.5), (1.0, 4.0)], ids=["white", "pink", "brown"])
def test_the_ratio_is_estimated_on_real_speech(emodb_directory: Path, slope: float, bound: float) -> None:
    for decibels in (5, 10, 20):
        errors = []
        for number, path in enumerate(sorted((emodb_directory / "wav").glob("*.wav"))[::6]):
            wave = soundfile.read(path)[0]
            spectrum = np.fft.rfft(np.random.default_rng(number).standard_normal(len(wave)))
            coloured = np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 50 * len(wave) / RATE_HERTZ) ** slope, len(wave))
            level = np.sqrt(np.mean(wave**2) / np.mean(coloured**2)) * 10 ** (-decibels / 20)
            errors.append(signal_to_noise_decibels(wave + level * coloured, SPEECH) - decibels)
        assert abs(np.median(errors)) < bound, (decibels, np.median(errors))


def test_neither_level_nor_offset_nor_digital_silence_changes_the_ratio() -> None:
    wave = spoken("03", "F") + noise(len(spoken("03", "F")) / RATE_HERTZ, -60)
    expected = signal_to_noise_decibels(wave, SPEECH)
    assert 5 < expected < 50
    for changed in (wave / 10, wave + np.float32(0.2), np.pad(wave, 3 * RATE_HERTZ)):
        assert signal_to_noise_decibels(changed, SPEECH) == pytest.approx(expected, abs=0.3)


@pytest.mark.parametrize("samples", [1, 100, 400, 48_000])
def test_what_has_no_pause_or_no_sound_has_a_ratio_all_the_same(samples: int) -> None:
    assert signal_to_noise_decibels(np.zeros(samples, np.float32), SPEECH) == 0
    tone = np.sin(np.arange(samples) / 3).astype(np.float32)
    assert -MOST_DECIBELS <= signal_to_noise_decibels(tone, SPEECH) <= MOST_DECIBELS


@pytest.mark.parametrize("samples", [5, 399, 401, 16_001, 48_079])
def test_levels_and_noise_are_those_of_frames_taken_one_by_one(samples: int) -> None:
    wave = spoken("03", "F")[:samples] if samples < 30_000 else np.concatenate([spoken("03", "F"), noise(3, -40)])[:samples]
    gate, length, shift = SPEECH.speech_gate, SPEECH.window_samples, SPEECH.shift_samples
    assert gate is not None
    lag, half = round(gate.difference_seconds * RATE_HERTZ), gate.smoothing_frames // 2
    squares = np.concatenate([np.zeros(min(lag, samples)), np.square(np.float64(wave[lag:]) - wave[:-lag])])
    frames = 1 + max(0, -(-(samples - length) // shift))
    energies = np.array([squares[start : start + length].sum() for start in range(0, frames * shift, shift)])
    around = [energies[max(0, frame - half) : frame + half + 1].mean() / length for frame in range(frames)]
    np.testing.assert_allclose(levels(wave, SPEECH, gate), around, rtol=1e-9)
    padded = np.pad(np.float64(wave), (0, max(0, length - samples)))
    powers = np.sort([padded[start : start + length].var() for start in range(0, len(padded) - length + 1, shift)])
    expected = 10 * np.log10(np.clip(powers.mean() / powers[(len(powers) - 1) // 20] - 1, 1e-6, 1e6))
    assert signal_to_noise_decibels(wave, SPEECH) == pytest.approx(expected, abs=1e-6)
