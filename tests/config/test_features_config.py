"""The feature recipes: their JSON, their hash, their names, their complaints."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ser_acrnn.config.features import (
    FEATURE_RECIPES,
    FRAME_RECIPES,
    RECIPES,
    FeatureConfig,
    FrameConfig,
    SpeechGate,
    recipe_from_dict,
    recipe_name,
)
from ser_acrnn.config.json_config import ConfigError

ROOT = Path(__file__).parents[2]

# Records, models and results in the world carry these: they change only together with what the recipe computes.
HASHES = {
    "paper": "d6348835ec436c29",
    "paper-unstandardised": "dd2c78e0f7c756e5",
    "released-code": "792246eb1a46efe4",
    "speech": "5455f817d953b5e0",
    "speech-short-pauses": "d6323aa1694d984d",
    "paper-by-speaker": "70a97bcb4b2ade5f",
    "mfcc-pitch": "b13d0bba9ef15ea0",
}

# Another valid value of every field.
OTHER: dict[type, dict[str, Any]] = {
    FeatureConfig: {
        "sampling_rate_hertz": 20_000,
        "standardise_waveform": False,
        "preemphasis": 0.95,
        "window": "rectangular",
        "window_seconds": 0.02,
        "shift_seconds": 0.0125,
        "fft_points": 1024,
        "mels": 64,
        "lowest_hertz": 20.0,
        "highest_hertz": 7_600.0,
        "log_floor": 1e-10,
        "delta_frames": 3,
        "segment_seconds": 2.0,
        "speech_gate": SpeechGate(),
    },
    FrameConfig: {
        "sampling_rate_hertz": 15_000,
        "standardise_waveform": False,
        "preemphasis": 0.9,
        "window": "rectangular",
        "window_seconds": 0.02,
        "shift_seconds": 0.0125,
        "fft_points": 1024,
        "mels": 40,
        "cepstra": 13,
        "lifter": 0,
        "energy_floor": 1e-8,
        "pitch_window_seconds": 0.05,
        "lowest_pitch_hertz": 75.0,
        "highest_pitch_hertz": 500.0,
        "first_peak": 0.9,
        "voiced_above": 0.4,
        "delta_frames": 3,
    },
}


def test_the_recipes_are_the_letters_and_the_released_codes() -> None:
    paper, released = FEATURE_RECIPES["paper"], FEATURE_RECIPES["released-code"]
    assert paper == FeatureConfig()
    assert (paper.window, paper.preemphasis, paper.standardise_waveform) == ("hamming", 0.0, True)
    assert (released.window, released.preemphasis, released.standardise_waveform) == ("rectangular", 0.97, False)
    for recipe in (paper, released):
        assert (recipe.window_samples, recipe.shift_samples, recipe.fft_points) == (400, 160, 512)
        assert (recipe.mels, recipe.delta_frames, recipe.segment_frames) == (40, 2, 300)


def test_the_baseline_has_one_recipe_whose_frames_stand_beside_the_log_mels() -> None:
    assert {"mfcc-pitch": FrameConfig()} == FRAME_RECIPES
    assert set(RECIPES) == {
        "paper",
        "paper-unstandardised",
        "paper-by-speaker",
        "released-code",
        "speech",
        "speech-short-pauses",
        "mfcc-pitch",
    }
    paper, frames = RECIPES["paper"], RECIPES["mfcc-pitch"]
    for field in ("sampling_rate_hertz", "window_samples", "shift_samples", "delta_frames"):
        assert getattr(frames, field) == getattr(paper, field)


def test_the_shape_is_that_of_a_frames_features() -> None:
    assert (FeatureConfig().shape, FeatureConfig(mels=26).shape) == ((40, 3), (26, 3))
    assert (FrameConfig().shape, FrameConfig(cepstra=20).shape) == ((30, 1), (46, 1))


@pytest.mark.parametrize("name", sorted(HASHES))
def test_the_hash_of_a_recipe_is_fixed(name: str) -> None:
    assert RECIPES[name].recipe_hash == HASHES[name]
    assert recipe_from_dict(json.loads(json.dumps(RECIPES[name].to_dict()))).recipe_hash == HASHES[name]


def test_the_hash_is_the_same_in_another_process() -> None:
    code = "from ser_acrnn.config.features import RECIPES; print({name: recipe.recipe_hash for name, recipe in RECIPES.items()})"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    assert result.stdout.strip() == str(HASHES)


@pytest.mark.parametrize("kind", OTHER)
def test_the_hash_changes_with_every_field(kind: type) -> None:
    assert set(OTHER[kind]) == {field.name for field in dataclasses.fields(kind)}, "a new field needs another value here"
    hashes = {dataclasses.replace(kind(), **{name: value}).recipe_hash for name, value in OTHER[kind].items()}
    assert len(hashes | {kind().recipe_hash}) == len(OTHER[kind]) + 1


def test_whole_and_real_numbers_hash_alike() -> None:
    assert FeatureConfig(preemphasis=0).recipe_hash == FeatureConfig(preemphasis=0.0).recipe_hash
    assert FrameConfig(lowest_pitch_hertz=65).recipe_hash == FrameConfig().recipe_hash


def test_a_recipe_is_called_by_its_name_or_else_by_its_hash() -> None:
    assert {name: recipe_name(recipe) for name, recipe in RECIPES.items()} == {name: name for name in RECIPES}
    for other in (FeatureConfig(mels=26), FrameConfig(cepstra=10)):
        assert recipe_name(other) == other.recipe_hash
    assert recipe_name(FeatureConfig(preemphasis=0)) == "paper"


@pytest.mark.parametrize("recipe", [*RECIPES.values(), FeatureConfig(mels=26), FrameConfig(cepstra=10)])
def test_a_recipe_of_either_kind_survives_json(recipe: FeatureConfig | FrameConfig) -> None:
    read = recipe_from_dict(json.loads(json.dumps(recipe.to_dict())))
    assert type(read) is type(recipe)
    assert read == recipe
    assert hash(read) == hash(recipe)


def test_what_is_a_recipe_of_neither_kind_is_refused_by_its_fields() -> None:
    paper = FeatureConfig().to_dict()
    without = {name: value for name, value in paper.items() if name != "mels"}
    for values in ({}, without, {**paper, "colour": 1}, {**FrameConfig().to_dict(), **paper}):
        with pytest.raises(ConfigError, match="expected those of FeatureConfig or of FrameConfig") as caught:
            recipe_from_dict(values)
        assert str(sorted(values)) in str(caught.value)
    with pytest.raises(ConfigError, match=r"FeatureConfig\.mels is 0"):
        recipe_from_dict({**paper, "mels": 0})


@pytest.mark.parametrize(
    ("build", "field", "value", "expectation"),
    [
        (FeatureConfig, "sampling_rate_hertz", 0, "a positive number of hertz"),
        (FeatureConfig, "window", "hann", "'hamming' or 'rectangular'"),
        (FeatureConfig, "window_seconds", 0.0, "at least one sample"),
        (FeatureConfig, "shift_seconds", 0.0, "at least one sample"),
        (FeatureConfig, "log_floor", 0.0, "a positive number"),
        (FeatureConfig, "lowest_hertz", -1.0, "0 or more"),
        (FeatureConfig, "lowest_hertz", 8_000.0, "below highest_hertz"),
        (FeatureConfig, "highest_hertz", 8_001.0, "at most half the sampling rate"),
        (FeatureConfig, "mels", 0, "a positive number of filters"),
        (FeatureConfig, "delta_frames", 0, "1 or more"),
        (FeatureConfig, "fft_points", 256, "at least the window's 400 samples"),
        (FeatureConfig, "segment_seconds", 0.0, "at least one frame shift"),
        (FrameConfig, "sampling_rate_hertz", 0, "a positive number of hertz"),
        (FrameConfig, "preemphasis", 1.0, "0 to below 1"),
        (FrameConfig, "window", "hann", "'hamming' or 'rectangular'"),
        (FrameConfig, "window_seconds", 0.0, "at least one sample"),
        (FrameConfig, "shift_seconds", 0.0, "at least one sample"),
        (FrameConfig, "fft_points", 256, "at least the window's 400 samples"),
        (FrameConfig, "mels", 0, "a positive number of filters"),
        (FrameConfig, "cepstra", 0, "1 or more"),
        (FrameConfig, "cepstra", 26, "fewer than the 26 filters"),
        (FrameConfig, "lifter", -1, "0 (none) or more"),
        (FrameConfig, "energy_floor", 0.0, "a positive mean square"),
        (FrameConfig, "pitch_window_seconds", 0.02, "at least two periods"),
        (FrameConfig, "lowest_pitch_hertz", 0.0, "above 0"),
        (FrameConfig, "lowest_pitch_hertz", 600.0, "below highest_pitch_hertz"),
        (FrameConfig, "highest_pitch_hertz", 4_001.0, "at most a quarter of the sampling rate"),
        (FrameConfig, "first_peak", 0.0, "above 0, at most 1"),
        (FrameConfig, "voiced_above", 1.0, "between 0 and 1"),
        (FrameConfig, "delta_frames", 0, "1 or more"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_field_value_and_expectation(build: Any, field: str, value: Any, expectation: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(**{field: value})
    assert str(caught.value).startswith(f"{build.__name__}.{field} is {value!r}, expected ")
    assert expectation in str(caught.value)


@pytest.mark.parametrize("build", [FeatureConfig, FrameConfig])
def test_an_unknown_field_is_named_with_the_known_ones(build: Any) -> None:
    with pytest.raises(ConfigError, match=rf"{build.__name__} has no field \['colour'\], expected some of ") as caught:
        build.from_dict({"colour": 1})
    assert all(repr(field.name) in str(caught.value) for field in dataclasses.fields(build))


def test_recipes_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        FEATURE_RECIPES["paper"].mels = 26  # type: ignore[misc]
