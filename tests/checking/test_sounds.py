"""Sounds that are no speech: each is what its name says."""

from __future__ import annotations

import numpy as np
import pytest

from ser_acrnn.checking.sounds import RATE_HERTZ, SOUNDS


@pytest.mark.parametrize("name", SOUNDS)
def test_a_sound_is_finite_and_another_one_each_time(name: str) -> None:
    one, same, other = (SOUNDS[name](np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert one.shape == (3 * RATE_HERTZ,) and np.isfinite(one).all() and one.std() > 0
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0


def test_sounds_have_the_spectra_of_their_names() -> None:
    def share_below(name: str, hertz: int) -> float:
        power = np.abs(np.fft.rfft(SOUNDS[name](np.random.default_rng(0)))) ** 2
        return float(power[: 3 * hertz].sum() / power.sum())

    assert share_below("white noise", 1_000) == pytest.approx(1 / 8, abs=0.02)
    assert share_below("white noise", 1_000) < share_below("pink noise", 1_000) < share_below("brown noise", 1_000)
    assert share_below("hum", 500) > 0.9 and share_below("siren", 250) < 0.05 < 0.9 < share_below("siren", 950)
