"""One door to both kinds of recipes: what comes out is what the recipe's own module computes, and can be completed from its static part."""

from __future__ import annotations

import numpy as np
import pytest

from ser_acrnn.config.features import RECIPES, FeatureConfig, FrameConfig, Recipe
from ser_acrnn.features.extraction import extract, segments_of, static_part, with_dynamics
from ser_acrnn.features.log_mels import log_mels, log_mels_3d
from ser_acrnn.features.mfcc_pitch import mfcc_pitch

CONFIGS = [
    *(recipe for name, recipe in RECIPES.items() if name != "paper-by-speaker" and "speech" not in name),  # these need a speaker, or speech
    FeatureConfig(mels=26, delta_frames=3),
    FrameConfig(cepstra=20, delta_frames=1),
]


@pytest.fixture(scope="module")
def waveform() -> np.ndarray:
    """4 s of noise that swells and fades: 399 frames."""
    rng = np.random.default_rng(0)
    return rng.standard_normal(64_000) * (1.1 + np.sin(np.arange(64_000) / 3_000))


@pytest.mark.parametrize("config", CONFIGS)
def test_the_features_are_those_of_the_recipes_own_module(config: Recipe, waveform: np.ndarray) -> None:
    values = extract(waveform, config)
    assert values.dtype == np.float32
    assert values.shape == (399, *config.shape)
    own = mfcc_pitch(waveform, config)[..., None] if isinstance(config, FrameConfig) else log_mels_3d(waveform, config)
    assert values.tobytes() == own.tobytes()


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("samples", [1, 700, 64_000])
def test_the_static_part_completes_to_the_same_bits(config: Recipe, samples: int, waveform: np.ndarray) -> None:
    values = extract(waveform[:samples], config)
    static = static_part(values, config)
    assert with_dynamics(static, config).tobytes() == values.tobytes()
    assert with_dynamics(static, config).shape == values.shape


def test_the_static_part_holds_no_delta(waveform: np.ndarray) -> None:
    log_mel, frames = RECIPES["paper"], RECIPES["mfcc-pitch"]
    np.testing.assert_array_equal(static_part(extract(waveform, log_mel), log_mel), log_mels(waveform))
    assert static_part(extract(waveform, frames), frames).shape == (399, 15)
    np.testing.assert_array_equal(static_part(extract(waveform, frames), frames), mfcc_pitch(waveform)[:, :15])
    assert not any(name.startswith("delta") for name in FrameConfig().columns[:15])


@pytest.mark.parametrize(("frames", "pieces"), [(1, 1), (300, 1), (301, 2), (900, 3), (901, 4)])
def test_segments_are_pieces_of_log_mels_or_frames(frames: int, pieces: int) -> None:
    for config, expected in ((RECIPES["paper"], pieces), (RECIPES["mfcc-pitch"], frames)):
        assert segments_of(np.zeros((frames, *config.shape), np.float32), config) == expected


@pytest.mark.parametrize("config", [RECIPES["paper"], RECIPES["mfcc-pitch"]])
def test_what_is_no_waveform_is_refused(config: Recipe) -> None:
    with pytest.raises(ValueError, match=r"expected \(samples,\) with at least one sample"):
        extract(np.zeros(0), config)
