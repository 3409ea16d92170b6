"""3-D log-Mels against golden values (tests/golden/make.py) and against eq. (2) and (3) of the letter, written out."""

from __future__ import annotations

import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import python_speech_features

from ser_acrnn.config import FEATURE_RECIPES, FeatureConfig
from ser_acrnn.features.log_mels import deltas, log_mels, log_mels_3d, segment, segment_starts, with_deltas

GOLDEN = Path(__file__).parents[1] / "golden" / "features.npz"
SIGNALS = ("zeros", "sine", "noise", "speech")


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(0).standard_normal(16_000).astype(np.float32)


# The gate, before the same features, has tests of its own.
WHOLE = sorted(name for name, recipe in FEATURE_RECIPES.items() if recipe.speech_gate is None)


def frames_of(count: int) -> np.ndarray:
    """3-D log-Mels `(count, 40, 3)` in which no frame equals another and none is zero."""
    return np.random.default_rng(count).uniform(1, 2, (count, 40, 3)).astype(np.float32)


def equation_2(values: np.ndarray, reach: int) -> np.ndarray:
    """Eq. (2) in loops, in float64; beyond the edges the first and the last frame go on."""
    values, last = values.astype(np.float64), len(values) - 1
    result = np.zeros_like(values)
    for t in range(len(values)):
        for n in range(1, reach + 1):
            result[t] += n * (values[min(t + n, last)] - values[max(t - n, 0)])
    return result / (2 * sum(n**2 for n in range(1, reach + 1)))


@pytest.mark.parametrize("recipe", WHOLE)
@pytest.mark.parametrize("signal", SIGNALS)
def test_golden_values(golden: dict[str, np.ndarray], signal: str, recipe: str) -> None:
    values = log_mels_3d(golden[f"waveform/{signal}"] / np.float32(32768), FEATURE_RECIPES[recipe])
    assert values.dtype == np.float32
    assert values.shape == (40, 40, 3)
    np.testing.assert_allclose(values, golden[f"{recipe}/{signal}"], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("points", [400, 401, 513, 1024])  # as long as the window, odd, and longer
def test_any_number_of_points_is_transformed(noise: np.ndarray, points: int) -> None:
    signal = (noise - noise.mean()) / noise.std()
    power, _ = python_speech_features.fbank(signal, nfilt=40, nfft=points, preemph=0, winfunc=np.hamming)
    np.testing.assert_allclose(log_mels(noise, FeatureConfig(fft_points=points)), np.log(power), atol=1e-4)


def test_golden_values_tell_the_recipes_and_the_signals_apart(golden: dict[str, np.ndarray]) -> None:
    """Guards the tolerance above."""
    for signal in SIGNALS[1:]:
        for first, second in combinations(WHOLE, 2):
            assert np.abs(golden[f"{first}/{signal}"] - golden[f"{second}/{signal}"]).max() > 0.5
    for recipe in WHOLE:
        assert np.abs(golden[f"{recipe}/noise"] - golden[f"{recipe}/speech"]).max() > 1


def test_silence_is_the_floor(golden: dict[str, np.ndarray]) -> None:
    values = log_mels_3d(np.zeros(16_000))
    np.testing.assert_allclose(values[..., 0], math.log(np.finfo(np.float64).eps), rtol=1e-6)
    np.testing.assert_array_equal(values[..., 1:], 0)


def test_the_level_and_the_offset_of_a_recording_do_not_matter_to_the_letters_recipe(noise: np.ndarray) -> None:
    np.testing.assert_allclose(log_mels_3d(0.01 * noise + 0.2), log_mels_3d(noise), rtol=0, atol=1e-3)
    released = FEATURE_RECIPES["released-code"]
    difference = log_mels_3d(0.01 * noise, released) - log_mels_3d(noise, released)
    np.testing.assert_allclose(difference[..., 0], 2 * math.log(0.01), rtol=0, atol=1e-3)
    np.testing.assert_allclose(difference[..., 1:], 0, rtol=0, atol=1e-3)


def test_a_tone_is_loudest_in_its_band() -> None:
    mel = 2595 * np.log10(1 + 2_000 / 700)
    top = 2595 * np.log10(1 + 8_000 / 700)
    tone = np.sin(2 * np.pi * 2_000 * np.arange(16_000) / 16_000)
    loudest = log_mels(tone)[5:-5].argmax(axis=1)
    assert set(loudest) == {round(41 * mel / top) - 1}


@pytest.mark.parametrize(
    ("samples", "frames"),
    [(1, 1), (160, 1), (399, 1), (400, 1), (401, 2), (560, 2), (561, 3), (16_000, 99), (48_240, 300), (48_241, 301), (100_000, 624)],
)
def test_frame_count(samples: int, frames: int) -> None:
    """A frame of 400 samples each 160, the last one completed with zeros."""
    assert frames == 1 + max(0, math.ceil((samples - 400) / 160))
    waveform = np.random.default_rng(0).standard_normal(samples)
    assert log_mels(waveform).shape == (frames, 40)
    assert log_mels_3d(waveform).shape == (frames, 40, 3)


def test_the_number_of_mels_is_the_recipes(noise: np.ndarray) -> None:
    assert log_mels_3d(noise, FeatureConfig(mels=26)).shape == (99, 26, 3)


@pytest.mark.parametrize("reach", [1, 2, 3])
@pytest.mark.parametrize("frames", [1, 2, 3, 50])
def test_deltas_are_equation_2(frames: int, reach: int) -> None:
    static = np.random.default_rng(frames).standard_normal((frames, 40)).astype(np.float32)
    values = deltas(static, reach)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, equation_2(static, reach), rtol=0, atol=1e-6)
    np.testing.assert_allclose(values, python_speech_features.delta(static.astype(np.float64), reach), rtol=0, atol=1e-6)


def test_deltas_of_a_ramp_are_its_slope_and_less_at_the_repeated_edges() -> None:
    ramp = 3 * np.arange(10, dtype=np.float32)[:, None]
    np.testing.assert_allclose(deltas(ramp)[:, 0], np.array([1.5, 2.4] + [3] * 6 + [2.4, 1.5]), rtol=1e-6)


def test_the_channels_are_static_deltas_and_the_same_operator_on_the_deltas(noise: np.ndarray) -> None:
    static = log_mels(noise)
    values = log_mels_3d(noise)
    np.testing.assert_array_equal(values[..., 0], static)
    np.testing.assert_allclose(values[..., 1], equation_2(static, 2), rtol=0, atol=1e-5)
    np.testing.assert_allclose(values[..., 2], equation_2(equation_2(static, 2), 2), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(with_deltas(static), values)
    np.testing.assert_array_equal(log_mels_3d(noise, FeatureConfig(delta_frames=3))[..., 1], deltas(static, 3))


def test_a_segment_of_an_utterance_has_the_utterances_deltas() -> None:
    """The frames beside a cut see beyond it."""
    waveform = np.random.default_rng(0).standard_normal(4 * 16_000)
    first, last = segment(log_mels_3d(waveform))
    whole = equation_2(log_mels(waveform), 2)
    np.testing.assert_allclose(first[..., 1], whole[:300], rtol=0, atol=1e-5)
    np.testing.assert_allclose(last[..., 1], whole[-300:], rtol=0, atol=1e-5)
    assert np.abs(first[298:, :, 1] - equation_2(first[..., 0], 2)[298:]).max() > 0.1


@pytest.mark.parametrize("frames", [1, 79, 299])
def test_a_short_utterance_is_completed_with_zeros(frames: int) -> None:
    values = frames_of(frames)
    cut = segment(values)
    assert cut.shape == (1, 300, 40, 3)
    assert cut.dtype == np.float32
    np.testing.assert_array_equal(cut[0, :frames], values)
    np.testing.assert_array_equal(cut[0, frames:], 0)


@pytest.mark.parametrize(
    ("frames", "hop_seconds", "starts"),
    [
        (1, None, [0]),
        (299, None, [0]),
        (300, None, [0]),
        (301, None, [0, 1]),
        (599, None, [0, 299]),
        (600, None, [0, 300]),
        (601, None, [0, 300, 301]),
        (610, None, [0, 300, 310]),
        (900, None, [0, 300, 600]),
        (300, 1.5, [0]),
        (301, 1.5, [0, 1]),
        (450, 1.5, [0, 150]),
        (600, 1.5, [0, 150, 300]),
        (610, 1.5, [0, 150, 300, 310]),
        (610, 3.0, [0, 300, 310]),
        (610, 0.1, [*range(0, 310, 10), 310]),
        (302, 0.001, [0, 1, 2]),
    ],
)
def test_a_segment_each_hop_and_the_last_at_the_utterances_end(frames: int, hop_seconds: float | None, starts: list[int]) -> None:
    assert segment_starts(frames, hop_seconds=hop_seconds) == starts
    values = frames_of(frames)
    cut = segment(values, hop_seconds=hop_seconds)
    assert cut.shape == (len(starts), 300, 40, 3)
    for piece, start in zip(cut, starts, strict=True):
        np.testing.assert_array_equal(piece[: frames - start], values[start : start + 300])
    if frames >= 300:
        np.testing.assert_array_equal(cut[-1], values[-300:])


def test_every_frame_is_in_some_segment() -> None:
    for frames in range(300, 1_300, 37):
        for hop_seconds in (None, 1.5, 2.99):
            covered = {start + offset for start in segment_starts(frames, hop_seconds=hop_seconds) for offset in range(300)}
            assert covered == set(range(frames))


def test_segments_keep_whatever_stands_behind_the_frames() -> None:
    assert segment(np.ones((310, 40, 1))).shape == (2, 300, 40, 1)
    assert segment(np.ones((10, 7))).shape == (1, 300, 7)
    assert segment(np.ones((310, 40, 3)), FeatureConfig(segment_seconds=2.0)).shape == (2, 200, 40, 3)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("compute", [log_mels, log_mels_3d])
@pytest.mark.parametrize(
    ("waveform", "message"),
    [
        (np.zeros(0), r"waveform has the shape \(0,\), expected \(samples,\) with at least one sample"),
        (np.ones((100, 2)), r"waveform has the shape \(100, 2\), expected \(samples,\)"),
        (np.float32(1.0), r"waveform has the shape \(\), expected \(samples,\)"),
        (np.array([0.0, np.nan]), "holds NaN or infinite samples, expected finite samples"),
        (np.array([0.0, -np.inf]), "holds NaN or infinite samples, expected finite samples"),
    ],
)
def test_what_is_no_waveform_is_refused(compute: object, waveform: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compute(waveform)  # type: ignore[operator]


def test_no_frames_are_no_utterance() -> None:
    with pytest.raises(ValueError, match=r"features have the shape \(0, 40, 3\), expected at least one frame"):
        segment(np.zeros((0, 40, 3)))


def test_the_input_is_left_as_it_is(noise: np.ndarray) -> None:
    before = noise.copy()
    segment(log_mels_3d(noise))
    np.testing.assert_array_equal(noise, before)
