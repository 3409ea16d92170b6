"""Configurations: their JSON, their hash, their complaints."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ser_acrnn.config import (
    EMODB_EMOTIONS,
    FEATURE_RECIPES,
    IEMOCAP_EMOTIONS,
    PRESETS,
    ConfigError,
    FeatureConfig,
    ModelConfig,
    Preset,
    TrainConfig,
    letter_conv,
    preset,
)

ROOT = Path(__file__).parents[1]

# Records, models and results in the world carry these: they change only together with what the recipe computes.
HASHES = {"paper": "d6348835ec436c29", "released-code": "792246eb1a46efe4"}

# Another valid value of every field.
OTHER = {
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
}


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_survives_json(name: str) -> None:
    original = preset(name)
    assert Preset.from_dict(json.loads(json.dumps(original.to_dict()))) == original


@pytest.mark.parametrize(
    "config", [FeatureConfig(mels=26), ModelConfig(conv=((8, 2, 4), (16, 1, 1)), batch_norm=()), TrainConfig(epochs=3)]
)
def test_a_configuration_survives_json_with_its_types(config: Any) -> None:
    read = type(config).from_dict(json.loads(json.dumps(config.to_dict())))
    assert read == config
    assert hash(read) == hash(config)  # tuples again, not lists


def test_the_recipes_are_the_letters_and_the_released_codes() -> None:
    paper, released = FEATURE_RECIPES["paper"], FEATURE_RECIPES["released-code"]
    assert paper == FeatureConfig()
    assert (paper.window, paper.preemphasis, paper.standardise_waveform) == ("hamming", 0.0, True)
    assert (released.window, released.preemphasis, released.standardise_waveform) == ("rectangular", 0.97, False)
    for recipe in (paper, released):
        assert (recipe.window_samples, recipe.shift_samples, recipe.fft_points) == (400, 160, 512)
        assert (recipe.mels, recipe.delta_frames, recipe.segment_frames) == (40, 2, 300)


def test_the_presets_are_the_letters() -> None:
    for name, emotions, layers in (("paper-emodb", EMODB_EMOTIONS, 5), ("paper-iemocap", IEMOCAP_EMOTIONS, 6)):
        chosen = preset(name)
        assert chosen.features == FEATURE_RECIPES["paper"]
        assert chosen.model.emotions == emotions
        assert chosen.model.conv == ((128, 2, 2), *[(256, 1, 1)] * (layers - 1)) == letter_conv(layers)
        assert (chosen.model.linear_units, chosen.model.blstm_units, chosen.model.embedding_units) == (768, 128, 64)
        assert (chosen.training.batch_size, chosen.training.learning_rate, chosen.training.momentum) == (40, 1e-4, 0.9)
    assert preset("released-code").features == FEATURE_RECIPES["released-code"]
    assert preset("released-code").model.conv == letter_conv(6, pool=(2, 4))


@pytest.mark.parametrize("name", sorted(HASHES))
def test_the_hash_of_a_recipe_is_fixed(name: str) -> None:
    assert FEATURE_RECIPES[name].recipe_hash == HASHES[name]
    assert FeatureConfig.from_dict(json.loads(json.dumps(FEATURE_RECIPES[name].to_dict()))).recipe_hash == HASHES[name]


def test_the_hash_is_the_same_in_another_process() -> None:
    code = "from ser_acrnn.config import FeatureConfig; print(FeatureConfig().recipe_hash)"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    assert result.stdout.strip() == HASHES["paper"]


def test_the_hash_changes_with_every_field() -> None:
    assert set(OTHER) == {field.name for field in dataclasses.fields(FeatureConfig)}, "a new field needs another value here"
    hashes = {dataclasses.replace(FeatureConfig(), **{name: value}).recipe_hash for name, value in OTHER.items()}
    assert len(hashes | {FeatureConfig().recipe_hash}) == len(OTHER) + 1


@pytest.mark.parametrize(
    ("build", "field", "value", "expectation"),
    [
        (FeatureConfig, "sampling_rate_hertz", 0, "a positive number of hertz"),
        (FeatureConfig, "window", "hann", "'hamming' or 'rectangular'"),
        (FeatureConfig, "lowest_hertz", -1.0, "0 or more"),
        (FeatureConfig, "lowest_hertz", 8_000.0, "below highest_hertz"),
        (FeatureConfig, "highest_hertz", 8_001.0, "at most half the sampling rate"),
        (FeatureConfig, "mels", 0, "a positive number of filters"),
        (FeatureConfig, "delta_frames", 0, "1 or more"),
        (FeatureConfig, "fft_points", 256, "at least the window's 400 samples"),
        (FeatureConfig, "segment_seconds", 0.0, "at least one frame shift"),
        (ModelConfig, "emotions", ("angry",), "two or more distinct names"),
        (ModelConfig, "emotions", ("angry", "sad", "angry"), "two or more distinct names"),
        (ModelConfig, "channels", 2, "3 (static, delta, delta-delta) or 1 (static)"),
        (ModelConfig, "conv", (), "1 to 7 rows (maps, time, frequency)"),
        (ModelConfig, "conv", ((8, 1, 1),) * 8, "1 to 7 rows (maps, time, frequency)"),
        (ModelConfig, "conv", ((8, 1),), "1 to 7 rows (maps, time, frequency)"),
        (ModelConfig, "attention", "mean", "'paper' or 'released-code'"),
        (ModelConfig, "batch_norm", ("blstm",), "some of 'conv', 'linear', 'embedding'"),
        (ModelConfig, "dropout", 1.0, "a rate from 0 to below 1"),
        (ModelConfig, "dropout", -0.1, "a rate from 0 to below 1"),
        (TrainConfig, "batch_size", 0, "1 or more"),
        (TrainConfig, "learning_rate", 0.0, "a positive rate"),
        (TrainConfig, "epochs", 0, "1 or more"),
        (TrainConfig, "patience", 0, "1 or more"),
        (TrainConfig, "training_hop_seconds", 0.0, "a positive number of seconds"),
        (TrainConfig, "precision", "float16", "'float32' or 'bfloat16'"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_field_value_and_expectation(build: Any, field: str, value: Any, expectation: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(**{field: value})
    message = str(caught.value)
    assert message.startswith(f"{build.__name__}.{field} is {value!r}, expected ")
    assert expectation in message


@pytest.mark.parametrize("build", [FeatureConfig, ModelConfig, TrainConfig])
def test_an_unknown_field_is_named_with_the_known_ones(build: Any) -> None:
    with pytest.raises(ConfigError, match=rf"{build.__name__} has no field \['colour'\], expected some of ") as caught:
        build.from_dict({"colour": 1})
    assert all(repr(field.name) in str(caught.value) for field in dataclasses.fields(build))


def test_an_unknown_preset_is_named_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="no preset is called 'paper'") as caught:
        preset("paper")
    assert all(repr(name) in str(caught.value) for name in PRESETS)


def test_configurations_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        FEATURE_RECIPES["paper"].mels = 26  # type: ignore[misc]


def test_whole_and_real_numbers_hash_alike():
    assert FeatureConfig(preemphasis=0).recipe_hash == FeatureConfig(preemphasis=0.0).recipe_hash


@pytest.mark.parametrize(
    "config, values",
    [
        (FeatureConfig, {"shift_seconds": 0}),
        (FeatureConfig, {"window_seconds": 0}),
        (FeatureConfig, {"log_floor": 0.0}),
        (TrainConfig, {"learning_rate": float("inf")}),
        (TrainConfig, {"momentum": 2}),
        (ModelConfig, {"linear_units": 0}),
        (ModelConfig, {"conv": ((0, 2, 2),)}),
        (ModelConfig, {"batch_norm_momentum": 2}),
        (ModelConfig, {"leaky_relu_slope": -0.1}),
    ],
)
def test_numbers_that_cannot_be_meant_are_refused_by_name(config, values):
    with pytest.raises(ConfigError, match=next(iter(values))):
        config(**values)
