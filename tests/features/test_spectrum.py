"""Without SciPy: the same transform but for rounding, and python_speech_features' own filterbank."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from python_speech_features.base import get_filterbanks
from scipy import fftpack

from ser_acrnn.config import FEATURE_RECIPES
from ser_acrnn.features import log_mels, spectrum


@pytest.fixture
def without_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "scipy.fftpack")


@pytest.mark.parametrize("points", [512, 400, 511])
@pytest.mark.parametrize(("kind", "digit"), [(np.float32, 1e-6), (np.float64, 1e-14)])
def test_numpy_transforms_as_scipy(points: int, kind: type, digit: float, without_scipy: None) -> None:
    frames = np.random.default_rng(0).normal(size=(7, points)).astype(kind)
    expected = fftpack.rfft(frames, axis=1)
    found = spectrum.transformed(frames.copy())
    assert found.dtype == kind or np.lib.NumpyVersion(np.__version__) < "2.0.0"
    np.testing.assert_allclose(found, expected, atol=digit * np.abs(expected).max())


@pytest.mark.parametrize("recipe", sorted(FEATURE_RECIPES))
def test_log_mels_without_scipy_are_those_with_it(recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config, time = FEATURE_RECIPES[recipe], np.arange(40_000) / 16_000
    waveform = np.sin(2 * np.pi * 440 * time) * np.sin(2 * np.pi * time) + 1e-3 * np.random.default_rng(1).normal(size=len(time))
    expected = log_mels.log_mels_3d(waveform, config)
    monkeypatch.delitem(sys.modules, "scipy.fftpack")
    np.testing.assert_allclose(log_mels.log_mels_3d(waveform, config), expected, atol=1e-4)


@pytest.mark.parametrize("setting", [(40, 512, 16_000, 0, 8_000), (26, 511, 16_000, 0, 8_000), (64, 128, 8_000, 100.0, 3_900.0)])
def test_the_filterbank_is_python_speech_features(setting: tuple[int, int, int, float, float]) -> None:
    np.testing.assert_array_equal(spectrum.mel_filters(*setting), get_filterbanks(*setting))


def test_many_are_transformed_by_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "scipy.fftpack")
    some = spectrum.hastened(range(5), after=3)
    assert [next(some) for _ in range(3)] == [0, 1, 2] and "scipy.fftpack" not in sys.modules
    assert list(some) == [3, 4] and "scipy.fftpack" in sys.modules
