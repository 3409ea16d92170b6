"""What a figure shows of a recording, against what is computed of it as a whole."""

from dataclasses import replace

import numpy as np
import pytest

from ser_acrnn.config import FEATURE_RECIPES, FeatureConfig
from ser_acrnn.features.log_mels import log_mels, mel_centres_hertz
from ser_acrnn.inference import attention_figure, recording_picture
from ser_acrnn.inference.recording_picture import DECIBELS, picture

RATE = 16_000


@pytest.fixture(scope="module")
def samples():
    """25 s, so that the third block is not full."""
    rng = np.random.default_rng(0)
    return (0.1 * rng.normal(size=25 * RATE + 77) * np.sin(np.arange(25 * RATE + 77) / RATE) ** 2).astype(np.float32)


@pytest.mark.parametrize("pieces", [1, 7, 4000])
def test_the_picture_is_that_of_the_whole_whatever_pieces_it_comes_in(samples, pieces):
    seen = picture(iter(np.array_split(samples, pieces)), len(samples) / RATE, FEATURE_RECIPES["speech-short-pauses"])
    each = -(-len(samples) // recording_picture.MOST_COLUMNS)
    columns = [samples[start : start + each] for start in range(0, len(samples), each)]
    np.testing.assert_array_equal(seen.low, [column.min() for column in columns])
    np.testing.assert_array_equal(seen.high, [column.max() for column in columns])
    assert seen.column_seconds == each / RATE
    whole = DECIBELS * log_mels(samples, FEATURE_RECIPES["paper-unstandardised"])
    whole = [whole[start : start + 2].mean(axis=0) for start in range(0, len(whole), 2)]  # 2501 frames in at most 2000 columns
    assert seen.mel_column_seconds == pytest.approx(0.02) and len(seen.mels) == len(whole)
    np.testing.assert_allclose(seen.mels, whole, atol=0.2)  # where two blocks meet, sums are rounded otherwise


def test_a_short_recording_has_a_column_a_sample_and_a_frame():
    samples = np.linspace(-1, 1, 900, dtype=np.float32)
    seen = picture([samples], 900 / RATE, FeatureConfig())
    np.testing.assert_array_equal(seen.low, samples)
    assert len(seen.mels) == len(log_mels(samples)) and seen.mel_column_seconds == 0.01


def test_what_is_not_finite_is_drawn_as_silence_and_a_length_that_is_wrong_loses_nothing_else():
    samples = np.full(RATE, 0.5, np.float32)
    samples[100], samples[200] = np.nan, np.inf
    for seconds in (0.5, 1, 2):
        seen = picture([samples], seconds, FeatureConfig())
        assert np.isfinite(seen.mels).all() and seen.low.min() == 0 and seen.high.max() == 0.5
        assert len(seen.low) * seen.column_seconds == pytest.approx(min(seconds, 1), abs=0.001)


def test_filters_lie_at_their_centres_in_hertz():
    recipe = replace(FeatureConfig(), lowest_hertz=100.0, highest_hertz=7000.0)
    for number, hertz in enumerate(mel_centres_hertz(recipe), start=1):
        assert attention_figure.filter_at(hertz, recipe) == pytest.approx(number)
