"""Silence, room noise, level and offset around a recording: it is still in there."""

import numpy as np
import pytest

from ser_acrnn.checking.surroundings import RATE_HERTZ, SURROUNDINGS, room


@pytest.fixture(scope="module")
def wave():
    """A second of faint noise, with a tone after its first fifth."""
    time = np.arange(RATE_HERTZ) / RATE_HERTZ
    noise = 1e-3 * np.random.default_rng(0).standard_normal(RATE_HERTZ)
    return ((time > 0.2) * np.sin(2 * np.pi * 300 * time) + noise).astype(np.float32)


@pytest.mark.parametrize("condition", SURROUNDINGS)
def test_the_recording_itself_is_in_what_surrounds_it(condition, wave):
    changed = SURROUNDINGS[condition](wave, np.random.default_rng(1))
    assert changed.dtype == np.float32 and np.isfinite(changed).all()
    words = condition.split()
    seconds = float(words[0]) if words[1] == "s" else 0
    if words[-1] == "inside":
        place = int(np.argmax(changed[: len(wave)] != wave))
        length = round(seconds * RATE_HERTZ)
        assert len(wave) // 4 <= place + 800 and len(changed) == len(wave) + length
        assert np.abs(changed).sum() - np.abs(wave).sum() < 0.01 * length
        return
    seconds = int(seconds)
    before = 0 if "after" in words else seconds
    after = 9 if condition == "zeros to 10 s" else 0 if "before" in words else seconds
    assert len(changed) == len(wave) + (before + after) * RATE_HERTZ
    inside = changed[before * RATE_HERTZ :][: len(wave)]
    assert np.corrcoef(inside, wave)[0, 1] == pytest.approx(1)
    around = np.concatenate([changed[: before * RATE_HERTZ], changed[before * RATE_HERTZ + len(wave) :]])
    if "zeros" in words:
        assert not around.any()
    elif "noise" in words:
        assert 0.5e-3 < around.std() < 5e-3  # as loud as the recording where it is faintest


def test_digital_silence_inside_a_recording_is_its_room(wave):
    silent = wave.copy()
    silent[:2_000] = 0
    assert not room(1, 1)(silent, np.random.default_rng(0))[:RATE_HERTZ].any()
