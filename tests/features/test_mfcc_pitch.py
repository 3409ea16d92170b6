"""Frames of the DNN-ELM baseline: pitch of synthetic voices, alignment of the streams, stacks against a loop."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import python_speech_features

from ser_acrnn.config import DnnElmConfig
from ser_acrnn.config.features import FrameConfig
from ser_acrnn.features.log_mels import deltas, log_mels
from ser_acrnn.features.mfcc_pitch import loudest, mfcc_pitch, pitch, segments, stack_context

RATE_HERTZ = 16_000
COLUMNS = FrameConfig().columns
LOG_ENERGY, LOG_F0, VOICING = (COLUMNS.index(name) for name in ("log_energy", "log_f0", "voicing"))


def pulses(f0_hertz: np.ndarray | float, samples: int = RATE_HERTZ) -> np.ndarray:
    """A pulse at each period, through two formants: a vowel with all its harmonics."""
    phase = np.cumsum(np.broadcast_to(np.asarray(f0_hertz, dtype=float), samples)) / RATE_HERTZ
    wave = np.diff(np.floor(phase), prepend=0.0)
    for formant_hertz, bandwidth_hertz in ((700.0, 130.0), (1_200.0, 150.0)):
        radius = math.exp(-math.pi * bandwidth_hertz / RATE_HERTZ)
        twice_cosine = 2 * radius * math.cos(2 * math.pi * formant_hertz / RATE_HERTZ)
        before, last = 0.0, 0.0
        for number, value in enumerate(wave):
            before, last = last, value + twice_cosine * last - radius**2 * before
            wave[number] = last
    return wave


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(0).standard_normal(RATE_HERTZ)


@pytest.mark.parametrize("f0_hertz", [80.0, 120.0, 200.0, 330.0, 500.0])
def test_the_pitch_of_a_vowel_is_its_pulses(f0_hertz: float) -> None:
    found, voicing = pitch(pulses(f0_hertz))
    np.testing.assert_allclose(found[5:-5], f0_hertz, rtol=0.02)
    assert voicing[5:-5].min() > 0.8


@pytest.mark.parametrize("f0_hertz", [80.0, 200.0, 330.0, 470.0])  # 330 Hz: a period of 48.5 samples
def test_the_pitch_of_a_pure_tone_is_its_frequency_and_no_fraction_of_it(f0_hertz: float) -> None:
    found, voicing = pitch(np.sin(2 * np.pi * f0_hertz * np.arange(RATE_HERTZ) / RATE_HERTZ))
    np.testing.assert_allclose(found[5:-5], f0_hertz, rtol=0.003)
    np.testing.assert_allclose(voicing[5:-5], 1, rtol=0, atol=0.01)


def test_a_missing_fundamental_is_heard() -> None:
    time = np.arange(RATE_HERTZ) / RATE_HERTZ
    found, _ = pitch(np.sum([np.sin(2 * np.pi * 150 * k * time) for k in (3, 4, 5)], axis=0))
    np.testing.assert_allclose(found[5:-5], 150, rtol=0.01)


def test_pitch_knows_no_level_and_no_offset() -> None:
    wave = pulses(200.0)
    for config in (FrameConfig(), FrameConfig(standardise_waveform=False)):
        np.testing.assert_allclose(pitch(1e-3 * wave + 0.5, config), pitch(wave, config), rtol=1e-6)


def test_noise_and_silence_have_little_voicing(noise: np.ndarray) -> None:
    _, voicing = pitch(noise)
    assert np.median(voicing) < 0.2
    assert voicing.max() < FrameConfig().voiced_above
    for silence in (np.zeros(8_000), np.full(8_000, 0.1)):
        found, voicing = pitch(silence)
        np.testing.assert_array_equal(voicing, 0)
        assert np.isfinite(found).all()


def test_f0_stays_within_its_range(noise: np.ndarray) -> None:
    found, _ = pitch(noise, FrameConfig(lowest_pitch_hertz=100, highest_pitch_hertz=300))
    assert found.min() > 98
    assert found.max() < 310


def test_log_f0_runs_straight_through_what_is_unvoiced_and_level_at_the_ends(noise: np.ndarray) -> None:
    quiet = 0.3 * noise[:6_400]
    wave = np.concatenate([quiet, pulses(150.0, 9_600), quiet, pulses(300.0, 9_600), quiet])
    frames = mfcc_pitch(wave)
    log_f0, voiced = frames[:, LOG_F0], frames[:, VOICING] > FrameConfig().voiced_above
    assert 0.3 < voiced.mean() < 0.7
    np.testing.assert_allclose(np.exp(log_f0[:42]), 150, rtol=0.05)
    np.testing.assert_allclose(np.exp(log_f0[-38:]), 300, rtol=0.05)
    gap = np.arange(104, 136)
    assert not voiced[gap].any()
    np.testing.assert_allclose(np.diff(log_f0[gap], n=2), 0, atol=1e-5)
    steps = np.diff(log_f0[gap])
    assert (steps > 0.01).all()
    np.testing.assert_allclose(frames[gap[2:-2], COLUMNS.index("delta_log_f0")], steps[0], rtol=1e-3)


def test_without_a_voiced_frame_log_f0_is_the_middle_of_the_range(noise: np.ndarray) -> None:
    np.testing.assert_allclose(np.exp(mfcc_pitch(noise)[:, LOG_F0]), math.sqrt(65 * 600), rtol=1e-5)


def test_the_columns_are_energy_cepstra_pitch_and_their_deltas(noise: np.ndarray) -> None:
    wave = pulses(200.0) + 0.1 * noise
    frames = mfcc_pitch(wave)
    assert frames.dtype == np.float32
    assert frames.shape == (99, 30) == (99, len(COLUMNS))
    assert COLUMNS[:15] == ("log_energy", *(f"mfcc_{n}" for n in range(1, 13)), "log_f0", "voicing")
    assert COLUMNS[15:] == tuple(f"delta_{name}" for name in COLUMNS[:15])
    standard = (wave - wave.mean()) / wave.std()
    energy = [np.log(np.mean(standard[start : start + 400] ** 2)) for start in range(0, 98 * 160, 160)]
    np.testing.assert_allclose(frames[:98, LOG_ENERGY], energy, rtol=0, atol=1e-5)
    cepstra = python_speech_features.mfcc(standard, numcep=13, winfunc=np.hamming)
    np.testing.assert_allclose(frames[:, 1:13], cepstra[:, 1:], rtol=0, atol=1e-3)
    found, voicing = pitch(wave)
    np.testing.assert_allclose(np.exp(frames[5:-5, LOG_F0]), found[5:-5], rtol=1e-5)
    np.testing.assert_allclose(frames[:, VOICING], voicing, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(frames[:, 15:], deltas(frames[:, :15], 2))


def test_more_cepstra_are_more_columns(noise: np.ndarray) -> None:
    config = FrameConfig(mels=40, cepstra=20, delta_frames=3)
    frames = mfcc_pitch(noise, config)
    assert frames.shape == (99, 46) == (99, len(config.columns))
    np.testing.assert_array_equal(frames[:, 23:], deltas(frames[:, :23], 3))


@pytest.mark.parametrize("samples", [1, 160, 399, 400, 401, 560, 561, 16_000, 48_240, 48_241])
def test_all_streams_have_the_log_mels_frames(samples: int) -> None:
    waveform = np.random.default_rng(samples).standard_normal(samples)
    frames = mfcc_pitch(waveform)
    assert len(frames) == len(log_mels(waveform)) == len(pitch(waveform)[0]) == 1 + max(0, math.ceil((samples - 400) / 160))
    assert np.isfinite(frames).all()


def test_the_streams_begin_in_the_same_frame(noise: np.ndarray) -> None:
    """A vowel from 0.5 s on: every stream notices it where its windows reach it, and none a frame before or after."""
    vowel = pulses(200.0, 8_100)
    vowel = vowel[np.flatnonzero(vowel)[0] :]
    onset = 8_000
    wave = np.concatenate([1e-3 * noise[:onset], vowel])
    frames = mfcc_pitch(wave)
    first = (onset - 400) // 160 + 1  # the first frame with a sample of the vowel: its last one is at 160 t + 399
    assert np.flatnonzero(frames[:, LOG_ENERGY] > frames[: first - 2, LOG_ENERGY].max() + 3)[0] == first
    change = np.abs(np.diff(frames[:, 1], prepend=frames[0, 1]))
    assert abs(int(change.argmax()) - first) <= 1
    # The longer pitch window is centred: half of it is vowel when half of the frame is.
    half = (onset - 200) / 160
    assert abs(np.flatnonzero(frames[:, VOICING] > 0.8)[0] - half) <= 2
    # 98 frames and no remainder: backwards, frame t is 97 - t, in the streams that know no direction.
    wave = wave[: 97 * 160 + 400]
    forwards, backwards = mfcc_pitch(wave), mfcc_pitch(wave[::-1])[::-1]
    for column in (LOG_ENERGY, VOICING):
        np.testing.assert_allclose(forwards[:, column], backwards[:, column], rtol=0, atol=1e-4)


def test_level_counts_only_without_standardisation(noise: np.ndarray) -> None:
    np.testing.assert_allclose(mfcc_pitch(0.01 * noise + 0.2), mfcc_pitch(noise), rtol=0, atol=1e-3)
    raw = FrameConfig(standardise_waveform=False)
    difference = mfcc_pitch(0.01 * noise, raw) - mfcc_pitch(noise, raw)
    np.testing.assert_allclose(difference[:, LOG_ENERGY], 2 * math.log(0.01), rtol=0, atol=1e-4)
    np.testing.assert_allclose(np.delete(difference, LOG_ENERGY, axis=1), 0, rtol=0, atol=1e-3)


@pytest.mark.parametrize("compute", [mfcc_pitch, pitch])
@pytest.mark.parametrize(
    ("waveform", "message"),
    [
        (np.zeros(0), r"waveform has the shape \(0,\), expected \(samples,\) with at least one sample"),
        (np.ones((100, 2)), r"waveform has the shape \(100, 2\), expected \(samples,\)"),
        (np.array([0.0, np.nan]), "holds NaN or infinite samples, expected finite samples"),
    ],
)
def test_what_is_no_waveform_is_refused(compute: Callable, waveform: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compute(waveform)


def test_the_input_is_left_as_it_is(noise: np.ndarray) -> None:
    before = noise.copy()
    segments(mfcc_pitch(noise))
    np.testing.assert_array_equal(noise, before)


@pytest.mark.parametrize("frames", [1, 2, 12, 13, 40])
@pytest.mark.parametrize("context", [1, 3, 25])
def test_a_stack_is_a_frame_and_its_neighbours(frames: int, context: int) -> None:
    values = np.random.default_rng(frames).standard_normal((frames, 4)).astype(np.float32)
    stacked = stack_context(values, context)
    assert stacked.dtype == np.float32
    assert stacked.shape == (frames, 4 * context)
    for now in range(frames):
        neighbours = [values[min(max(now + step, 0), frames - 1)] for step in range(-(context // 2), context // 2 + 1)]
        np.testing.assert_array_equal(stacked[now], np.concatenate(neighbours))


def test_a_stack_has_25_frames_unless_told() -> None:
    assert stack_context(np.zeros((5, 30))).shape == (5, 750)


@pytest.mark.parametrize("context", [0, 2, 24, -1])
def test_a_stack_needs_a_middle(context: int) -> None:
    with pytest.raises(ValueError, match=f"context is {context}, expected an odd number of frames"):
        stack_context(np.zeros((5, 3)), context)


@pytest.mark.parametrize("shape", [(0, 30), (30,), (2, 3, 4)])
def test_what_is_no_utterance_is_not_stacked(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \(frames, D\) with at least one frame"):
        stack_context(np.zeros(shape))


@pytest.mark.parametrize(
    ("energy", "share", "chosen"),
    [
        ([3.0, 9.0, 1.0, 8.0, 2.0], 0.4, [1, 3]),
        ([3.0, 8.0, 1.0, 9.0, 2.0], 0.4, [1, 3]),  # in time order, not in the order of loudness
        ([3.0, 8.0, 1.0, 9.0, 2.0], 0.2, [3]),
        ([-5.0, -4.0, -6.0], 0.1, [1]),  # at least one
        ([1.0, 2.0, 2.0, 2.0, 0.0], 0.4, [1, 2]),  # of equals the earlier
        ([0.0, 1.0] * 500, 0.003, [1, 3, 5]),
        ([-np.inf, 1.0, -np.inf, 0.0], 0.5, [1, 3]),
        ([3.0, 1.0, 2.0], 1.0, [0, 1, 2]),
    ],
)
def test_the_loudest_segments_in_time_order(energy: list[float], share: float, chosen: list[int]) -> None:
    assert loudest(energy, share).tolist() == chosen


def test_the_loudest_tenth_unless_told() -> None:
    energy = np.random.default_rng(0).standard_normal(250)
    chosen = loudest(energy)
    assert len(chosen) == 25
    assert energy[chosen].min() > np.delete(energy, chosen).max()


@pytest.mark.parametrize(
    ("energy", "share", "message"),
    [
        ([], 0.1, "at least one"),
        ([[1.0]], 0.1, r"shape \(1, 1\)"),
        ([1.0, np.nan], 0.1, "none of them NaN"),
        ([1.0], 0.0, "share is 0.0, expected a share above 0, at most 1"),
        ([1.0], 1.1, "share is 1.1"),
    ],
)
def test_energies_and_shares_that_cannot_be_meant_are_refused(energy: list, share: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loudest(energy, share)


def test_segments_are_the_stacks_with_the_highest_mean_energy() -> None:
    """One loud frame in a quiet place does not outweigh a loud passage in energy, though it does in no other order."""
    features = np.random.default_rng(0).standard_normal((60, 3)).astype(np.float32)
    features[:, 0] = np.log(1.0)
    features[30:34, 0] = np.log(10.0)
    features[50, 0] = np.log(20.0)
    config = DnnElmConfig(context_frames=5, loudest_share=2 / 60)
    np.testing.assert_array_equal(segments(features, config), stack_context(features, 5)[[31, 32]])
    # The mean of the logarithms would weigh 19 quiet frames and a shout otherwise: e^20 once beats e^2 everywhere.
    shout = np.full((40, 1), 2.0)
    shout[:20], shout[5] = -30.0, 20.0
    np.testing.assert_array_equal(segments(shout, DnnElmConfig(context_frames=3, loudest_share=3 / 40)), stack_context(shout, 3)[4:7])


def test_segments_of_the_systems() -> None:
    features = np.random.default_rng(0).standard_normal((203, 30)).astype(np.float32)
    stacked = stack_context(features, 25)
    energy = np.exp(stacked.reshape(203, 25, 30)[..., 0]).sum(axis=1)
    np.testing.assert_array_equal(segments(features), stacked[np.sort(np.argsort(energy)[-20:])])
    np.testing.assert_array_equal(segments(features, DnnElmConfig(segment_hop_frames=5, loudest_share=1.0)), stacked[::5])
    assert segments(features[:1]).shape == (1, 750)
