"""Augmentation: each change does what it is named for, leaves the training set and the padding alone, and is decided by the seed."""

from dataclasses import replace

import numpy as np
import pytest

from ser_acrnn.augmentation import log_mels as augmentation
from ser_acrnn.augmentation.log_mels import Augmenter, Voices
from ser_acrnn.config import AugmentConfig, ConfigError, DnnElmConfig, DnnElmPreset, TrainConfig
from ser_acrnn.config.features import FEATURE_RECIPES, FRAME_RECIPES
from ser_acrnn.features.log_mels import log_mels_3d, segment, with_deltas
from ser_acrnn.features.tempo import at_tempo
from ser_acrnn.training.systems import DnnElm

PAPER = FEATURE_RECIPES["paper"]
MEAN = np.full((40, 3), 0.5, np.float32)
LENGTHS = (300, 211, 20)
EVERYTHING = AugmentConfig(
    tempo=0.2, vocal_tract=0.1, gain=1, tilt=0.5, time_masks=2, time_mask_frames=30, mel_masks=2, mel_mask_mels=6, speaker_exchange=0.5
)


@pytest.fixture
def segments():
    """Three segments of smooth features, of 300, 211 and 20 real frames."""
    rng = np.random.default_rng(0)
    result = np.zeros((3, 300, 40, 3), np.float32)
    for row, frames in enumerate(LENGTHS):
        speed, place = rng.uniform(0.02, 0.06), rng.uniform(0, 6)
        static = 3 * np.sin(speed * np.arange(frames)[:, None] + np.linspace(place, place + 4, 40))
        result[row, :frames] = with_deltas(static.astype(np.float32), PAPER)
    return result


def voices(speakers=(0, 1, 1)):
    rng = np.random.default_rng(1)
    return Voices(np.array(speakers), rng.normal(size=(2, 40, 3)).astype("f"), rng.uniform(0.5, 2, (2, 40, 3)).astype("f"))


def test_the_training_set_stays_and_padding_stays_padding(segments):
    before = segments.copy()
    changed = Augmenter(EVERYTHING, MEAN, PAPER, voices())(segments, np.arange(3), np.random.default_rng(0))
    np.testing.assert_array_equal(segments, before)
    assert changed.shape == segments.shape and changed.dtype == np.float32
    assert np.isfinite(changed).all() and (changed != segments).any(axis=(1, 2, 3)).all()
    real = (changed != 0).any(axis=(2, 3))
    for row, frames in zip(real, augmentation.real_frames(changed), strict=True):
        assert row[:frames].all() and not row[frames:].any()


def test_the_generator_decides_everything(segments):
    augmenter = Augmenter(EVERYTHING, MEAN, PAPER, voices())
    one, same, other = (augmenter(segments, np.arange(3), np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_nothing_is_changed_by_default(segments):
    np.testing.assert_array_equal(Augmenter(AugmentConfig(), MEAN, PAPER)(segments, np.array([2, 0]), None), segments[[2, 0]])


def test_real_frames_are_counted_up_to_the_padding(segments):
    assert tuple(augmentation.real_frames(segments)) == LENGTHS


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_another_tempo_is_what_the_features_of_faster_speech_are(segments, factor):
    changed, lengths = augmentation.change_tempo(segments, np.array(LENGTHS), np.full(3, factor))
    speed = 0.05
    static = np.sin(speed * np.arange(300))[:, None].repeat(40, axis=1)
    faster = np.sin(speed * factor * np.arange(300))[:, None].repeat(40, axis=1)
    source, expected = (with_deltas(values.astype("f"), PAPER)[None] for values in (static, faster))
    found, _ = augmentation.change_tempo(source, np.array([300]), np.array([factor]))
    inner = slice(5, int(300 / max(factor, 1)) - 5)
    np.testing.assert_allclose(found[0, inner, :, 0], expected[0, inner, :, 0], atol=1e-3)
    np.testing.assert_allclose(found[0, inner, :, 1], expected[0, inner, :, 1], atol=2e-3)
    assert list(lengths) == [min(int((frames - 1) / factor) + 1, 300) for frames in LENGTHS]
    assert list(augmentation.real_frames(changed)) == list(lengths)


def test_all_segments_are_heard_at_one_tempo(segments):
    assert at_tempo(segments, 1.0) is segments
    expected, _ = augmentation.change_tempo(segments, np.array(LENGTHS), np.full(3, 0.9))
    np.testing.assert_array_equal(at_tempo(segments, 0.9), expected)


def test_a_shorter_vocal_tract_moves_a_tone_upwards_by_its_factor():
    def tone(hertz):
        noise = 1e-3 * np.random.default_rng(0).standard_normal(16_000)
        return log_mels_3d(np.sin(2 * np.pi * hertz * np.arange(16_000) / 16_000) + noise)[None]

    warped = augmentation.warp_frequency(tone(2000), np.array([1.5]), PAPER)
    peaks = [int(values[0, 50, :, 0].argmax()) for values in (tone(2000), warped, tone(3000))]
    assert peaks[0] + 2 < peaks[1] and abs(peaks[1] - peaks[2]) <= 1
    np.testing.assert_array_equal(augmentation.warp_frequency(tone(500), np.ones(1), PAPER), tone(500))


def test_a_changed_level_is_a_line_over_the_filters_and_leaves_the_derivatives(segments):
    changed = segments.copy()
    augmentation.change_level(changed, 1.0, 0.5, np.random.default_rng(0))
    np.testing.assert_array_equal(changed[..., 1:], segments[..., 1:])
    difference = (changed - segments)[..., 0]
    np.testing.assert_allclose(difference, difference[:, :1].repeat(300, axis=1), atol=1e-5)
    np.testing.assert_allclose(np.diff(difference[:, 0], n=2), 0, atol=1e-5)
    assert (np.abs(difference).max(axis=(1, 2)) <= 1.5).all() and (np.abs(difference).max(axis=(1, 2)) > 0).all()


def test_an_exchanged_speaker_has_the_others_mean_and_deviation():
    known = voices((0, 0))
    rng = np.random.default_rng(2)
    standard = rng.normal(size=(2, 300, 40, 3)).astype("f")
    segments = standard * known.deviation[0] + known.mean[0]
    augmentation.exchange_speakers(segments, known, known.speaker, 1.0, np.random.default_rng(3))
    expected = [np.allclose(segments, standard * known.deviation[other] + known.mean[other], atol=1e-4, rtol=0) for other in (0, 1)]
    drawn = np.random.default_rng(3).integers(0, 2, 2)
    for row, other in enumerate(drawn):
        np.testing.assert_allclose(segments[row], standard[row] * known.deviation[other] + known.mean[other], atol=1e-4)
    assert 1 in drawn and not all(expected)


def test_no_speaker_is_exchanged_at_share_zero(segments):
    changed = segments.copy()
    augmentation.exchange_speakers(changed, voices(), voices().speaker, 0.0, np.random.default_rng(0))
    np.testing.assert_allclose(changed, segments, atol=1e-5)


def test_masks_hold_the_mean_are_as_wide_as_allowed_and_are_not_padding(segments):
    config = AugmentConfig(time_masks=1, time_mask_frames=10, mel_masks=1, mel_mask_mels=4)
    zero_mean = np.zeros((40, 3), np.float32)
    widths = []
    for seed in range(30):
        changed = Augmenter(config, zero_mean, PAPER)(segments, np.arange(3), np.random.default_rng(seed))
        assert tuple(augmentation.real_frames(changed)) == LENGTHS
        masked = np.abs(changed[0]) < 1e-5
        widths.append((masked.all(axis=(1, 2)).sum(), masked.all(axis=(0, 2)).sum()))
    assert max(time for time, _ in widths) == 10 and max(mel for _, mel in widths) == 4
    assert min(time for time, _ in widths) == 0 == min(mel for _, mel in widths)


def test_masks_can_hold_the_mean_of_their_own_segment(segments):
    config = AugmentConfig(time_masks=2, time_mask_frames=30, mask_mean="segment")
    changed = Augmenter(config, MEAN, PAPER)(segments, np.arange(3), np.random.default_rng(0))
    for before, after, frames in zip(segments, changed, LENGTHS, strict=True):
        assert (before != after).any()
        masked = (before[:frames] != after[:frames]).all(axis=(1, 2))
        np.testing.assert_allclose(
            after[:frames][masked], np.broadcast_to(before[:frames].mean(axis=0), after[:frames][masked].shape), atol=1e-4
        )
    other = Augmenter(config, MEAN + 7, PAPER)(segments, np.arange(3), np.random.default_rng(0))
    np.testing.assert_array_equal(other, changed)  # whoever else is in the training


@pytest.mark.parametrize(
    ("field", "value"), [("tempo", -0.1), ("gain", float("inf")), ("time_masks", -1), ("mel_mask_mels", -2), ("speaker_exchange", 1.5)]
)
def test_an_impossible_number_is_refused_by_name(field, value):
    with pytest.raises(ConfigError, match=rf"AugmentConfig.{field} is {value}"):
        replace(AugmentConfig(), **{field: value})


def test_it_survives_json_inside_the_training_and_is_refused_for_the_baseline():
    training = TrainConfig(augmentation=EVERYTHING)
    assert TrainConfig.from_dict(training.to_dict()) == training
    preset = DnnElmPreset(FRAME_RECIPES["mfcc-pitch"], DnnElmConfig(), training)
    with pytest.raises(ConfigError, match="augmentation"):
        DnnElm(preset)


def test_real_segments_stay_plausible(emodb_directory):
    from ser_acrnn import audio

    values = segment(log_mels_3d(audio.load(emodb_directory / "wav" / "03a01Fa.wav", 16_000)))
    mean = values[0].mean(axis=0)
    for seed in range(20):
        config = replace(EVERYTHING, speaker_exchange=0, gain=0, tilt=0)
        changed = Augmenter(config, mean, PAPER)(values, np.arange(len(values)), np.random.default_rng(seed))
        assert changed[..., 0].min() >= values[..., 0].min() - 1e-3 and changed[..., 0].max() <= max(values[..., 0].max(), 0) + 1e-3


def test_mixed_segments_and_targets_are_means_with_the_same_weights(segments):
    targets = np.eye(3, dtype=np.float32)
    mixed, wanted = segments.copy(), targets.copy()
    augmentation.mix(mixed, wanted, 0.4, np.random.default_rng(3))
    np.testing.assert_allclose(wanted.sum(axis=1), 1, rtol=1e-6)
    assert ((wanted > 0.01) & (wanted < 0.99)).any()
    for row, weights in enumerate(wanted):  # all of a row is its own where it was paired with itself
        other = int(np.argmax(np.where(np.arange(3) == row, -1, weights)))
        both, longer = sorted((LENGTHS[row], LENGTHS[other]))
        expected = weights[row] * segments[row] + weights[other] * segments[other]
        np.testing.assert_allclose(mixed[row, :both], expected[:both], atol=1e-5)
        if weights[other] > 0:
            alone = row if LENGTHS[row] == longer else other
            np.testing.assert_allclose(mixed[row, both:], segments[alone, both:], atol=1e-6)


@pytest.mark.parametrize(("parameter", "share"), [(1e6, 0.5), (1e-6, 1.0)])
def test_a_large_parameter_mixes_evenly_and_a_small_one_hardly(parameter, share):
    targets = np.eye(200, dtype=np.float32)
    augmentation.mix(np.ones((200, 1, 1, 1), np.float32), targets, parameter, np.random.default_rng(4))
    assert np.median(targets.max(axis=1)) == pytest.approx(share, abs=0.01)
