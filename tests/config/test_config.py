"""Configurations of networks and training: their JSON, their arithmetic, their complaints."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from ser_acrnn.config import (
    EMODB_EMOTIONS,
    FEATURE_RECIPES,
    IEMOCAP_EMOTIONS,
    PRESETS,
    AugmentConfig,
    ConfigError,
    DnnElmConfig,
    DnnElmPreset,
    ModelConfig,
    Preset,
    TrainConfig,
    lite_augmented,
    paper_conv,
    preset,
)
from ser_acrnn.config.features import FRAME_RECIPES, FrameConfig
from ser_acrnn.models.networks import acrnn, dnn

BASELINE = DnnElmPreset(FRAME_RECIPES["mfcc-pitch"], DnnElmConfig(), TrainConfig(batch_size=128))


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_survives_json(name: str) -> None:
    original = preset(name)
    assert Preset.from_dict(json.loads(json.dumps(original.to_dict()))) == original


def test_a_preset_of_the_baseline_survives_json_and_is_no_preset_of_a_network() -> None:
    read = DnnElmPreset.from_dict(json.loads(json.dumps(BASELINE.to_dict())))
    assert read == BASELINE
    assert hash(read) == hash(BASELINE)
    with pytest.raises(ConfigError, match="FeatureConfig has no field"):
        Preset.from_dict(BASELINE.to_dict())
    with pytest.raises(ConfigError, match="FrameConfig has no field"):
        DnnElmPreset.from_dict(preset("tiny").to_dict())


@pytest.mark.parametrize("kind", [Preset, DnnElmPreset])
@pytest.mark.parametrize("parts", [(), ("features", "model"), ("features", "model", "training", "colour")])
def test_a_preset_has_three_parts(kind: Any, parts: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        kind.from_dict({part: {} for part in parts})
    assert str(caught.value) == f"{kind.__name__} has the parts {sorted(parts)}, expected ['features', 'model', 'training']"


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(conv=((8, 2, 4), (16, 1, 1)), batch_norm=()),
        DnnElmConfig(hidden_units=(8,), elm_widths=(4, 5), elm_ridges=(1, 2)),
        TrainConfig(epochs=3),
    ],
)
def test_a_configuration_survives_json_with_its_types(config: Any) -> None:
    read = type(config).from_dict(json.loads(json.dumps(config.to_dict())))
    assert read == config
    assert hash(read) == hash(config)  # tuples again, not lists


def test_the_presets_are_the_letters() -> None:
    for name, emotions, layers in (("paper-emodb", EMODB_EMOTIONS, 5), ("paper-iemocap", IEMOCAP_EMOTIONS, 6)):
        chosen = preset(name)
        assert chosen.features == FEATURE_RECIPES["paper"]
        assert chosen.model.emotions == emotions
        assert chosen.model.conv == ((128, 2, 2), *[(256, 1, 1)] * (layers - 1)) == paper_conv(layers)
        assert (chosen.model.linear_units, chosen.model.blstm_units, chosen.model.embedding_units) == (768, 128, 64)
        assert (chosen.training.batch_size, chosen.training.learning_rate, chosen.training.momentum) == (40, 1e-4, 0.9)
    assert preset("released-code").features == FEATURE_RECIPES["released-code"]
    assert preset("released-code").model.conv == paper_conv(6, pool=(2, 4))


def test_the_processor_decides_on_the_precision_of_the_letters_networks_and_not_of_the_smallest() -> None:
    assert {preset(name).training.precision for name in ("paper-emodb", "paper-iemocap", "released-code")} == {"auto"}
    assert preset("tiny").training.precision == "float32"


def test_the_baseline_is_han_et_als() -> None:
    config = DnnElmConfig()
    assert (config.context_frames, config.loudest_share, config.hidden_units) == (25, 0.1, (256, 256, 256))
    assert 120 in config.elm_widths


def counted(model: keras.Model) -> int:
    """Multiply-adds of a forward pass: each position of a layer's output takes each of its matrices once, whatever the layer."""
    total = 0
    for layer in model.layers:
        outputs = model.get_layer("blstm").output if layer.name == "attention" else layer.output
        positions = math.prod(outputs.shape[1:-1])
        total += positions * sum(math.prod(weight.shape) for weight in layer.trainable_weights if len(weight.shape) > 1)
        total += math.prod(outputs.shape[1:]) if layer.name == "attention" else 0  # the weighted sum
    return total


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(),
        ModelConfig(conv=paper_conv(1), channels=1, emotions=IEMOCAP_EMOTIONS),
        PRESETS["released-code"].model,
        PRESETS["tiny"].model,
        ModelConfig(conv=((4, 2, 2), (6, 3, 1)), kernel=(3, 7), segment_frames=101, mels=13, linear_units=5, blstm_units=3),
    ],
)
def test_the_multiply_adds_of_a_network_are_those_of_its_layers(config: ModelConfig) -> None:
    assert config.multiply_adds() == counted(acrnn(config))


def test_the_letters_networks_cost_what_was_reckoned_before() -> None:
    figures = [ModelConfig(conv=paper_conv(layers)).multiply_adds() / 1e9 for layers in (1, 5)]
    assert figures == pytest.approx([0.50, 11.12], abs=0.005)


@pytest.mark.parametrize("config, shape", [(DnnElmConfig(), (30, 1)), (DnnElmConfig(context_frames=5, hidden_units=(7,)), (46, 1))])
def test_the_multiply_adds_of_the_baseline_are_those_of_its_layers(config: DnnElmConfig, shape: tuple[int, int]) -> None:
    assert config.multiply_adds(shape[0]) == counted(dnn(config, shape))
    assert config.multiply_adds(FrameConfig().shape[0]) == config.multiply_adds()


@pytest.mark.parametrize(
    ("build", "field", "value", "expectation"),
    [
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
        (DnnElmConfig, "emotions", ("angry",), "two or more distinct names"),
        (DnnElmConfig, "emotions", ("angry", "angry"), "two or more distinct names"),
        (DnnElmConfig, "context_frames", 24, "an odd number"),
        (DnnElmConfig, "context_frames", -1, "an odd number"),
        (DnnElmConfig, "segment_hop_frames", 0, "1 or more"),
        (DnnElmConfig, "loudest_share", 0.0, "above 0, at most 1"),
        (DnnElmConfig, "loudest_share", 1.5, "above 0, at most 1"),
        (DnnElmConfig, "hidden_units", (), "one or more layers"),
        (DnnElmConfig, "hidden_units", (8, 0), "1 or more units"),
        (DnnElmConfig, "dropout", 1.0, "a rate from 0 to below 1"),
        (DnnElmConfig, "elm_widths", (), "one or more widths"),
        (DnnElmConfig, "elm_widths", (8, 0), "1 or more"),
        (DnnElmConfig, "elm_ridges", (), "one or more positive ridges"),
        (DnnElmConfig, "elm_ridges", (1.0, 0.0), "one or more positive ridges"),
        (DnnElmConfig, "elm_class_weight", "rare", "'balanced' or 'none'"),
        (TrainConfig, "batch_size", 0, "1 or more"),
        (TrainConfig, "learning_rate", 0.0, "a positive rate"),
        (TrainConfig, "epochs", 0, "1 or more"),
        (TrainConfig, "patience", 0, "1 or more"),
        (TrainConfig, "training_hop_seconds", 0.0, "a positive number of seconds"),
        (TrainConfig, "precision", "float16", "'auto', 'float32' or 'bfloat16'"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_field_value_and_expectation(build: Any, field: str, value: Any, expectation: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(**{field: value})
    message = str(caught.value)
    assert message.startswith(f"{build.__name__}.{field} is {value!r}, expected ")
    assert expectation in message


@pytest.mark.parametrize("build", [ModelConfig, DnnElmConfig, TrainConfig])
def test_an_unknown_field_is_named_with_the_known_ones(build: Any) -> None:
    with pytest.raises(ConfigError, match=rf"{build.__name__} has no field \['colour'\], expected some of ") as caught:
        build.from_dict({"colour": 1})
    assert all(repr(field.name) in str(caught.value) for field in dataclasses.fields(build))


def test_an_unknown_preset_is_named_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="no preset is called 'paper'") as caught:
        preset("paper")
    assert all(repr(name) in str(caught.value) for name in PRESETS)


@pytest.mark.parametrize(
    "config, values",
    [
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


def test_what_a_normalisation_undoes_is_not_in_its_training() -> None:
    base = lite_augmented("training").training.augmentation
    assert base.gain and base.tilt and base.speaker_exchange and base.time_masks
    worse = dataclasses.replace(base, noise=0.3, rooms=0.2, bands=0.1)
    assert worse.under("training") == worse
    segment, speaker = worse.under("segment"), worse.under("speaker")
    assert (segment.gain, segment.tilt, segment.speaker_exchange) == (0, 0, 0) == (speaker.gain, speaker.tilt, speaker.speaker_exchange)
    assert (segment.noise, segment.rooms, segment.bands) == (0.3, 0.2, 0.1)
    assert (speaker.noise, speaker.rooms, speaker.bands) == (0, 0, 0)  # log-Mels that are standardised have no power to add up
    assert segment.tempo == speaker.tempo == base.tempo and worse.under("utterance") == speaker
    assert PRESETS["lite-by-utterance"] == lite_augmented("utterance") and PRESETS["lite-by-speaker"] == lite_augmented("speaker")


def test_whole_and_real_numbers_are_equal_and_hash_alike() -> None:
    assert hash(DnnElmConfig(loudest_share=1)) == hash(DnnElmConfig(loudest_share=1.0))
    assert json.dumps(DnnElmConfig(loudest_share=1).to_dict()) == json.dumps(DnnElmConfig(loudest_share=1.0).to_dict())
    assert json.dumps(TrainConfig(training_hop_seconds=3).to_dict()) == json.dumps(TrainConfig().to_dict())


def test_configurations_cannot_be_changed() -> None:
    for config in (ModelConfig(), DnnElmConfig(), TrainConfig()):
        with pytest.raises(dataclasses.FrozenInstanceError):
            config.emotions = ()
    with pytest.raises(dataclasses.FrozenInstanceError):
        BASELINE.training = TrainConfig()  # type: ignore[misc]


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: TrainConfig(epochs=2.5), "TrainConfig.epochs is 2.5, expected a whole number"),
        (lambda: TrainConfig(epochs="3"), "TrainConfig.epochs is '3', expected a whole number"),
        (lambda: TrainConfig(batch_size=True), "TrainConfig.batch_size is True, expected a whole number"),
        (lambda: TrainConfig(copies=1.5), "TrainConfig.copies is 1.5, expected a whole number"),
        (lambda: TrainConfig(learning_rate=None), "TrainConfig.learning_rate is None, expected a number"),
        (lambda: TrainConfig(judging_tempos=1.0), "TrainConfig.judging_tempos is 1.0, expected several values"),
        (lambda: TrainConfig.from_dict({"epochs": "3"}), "TrainConfig.epochs is '3', expected a whole number"),
        (lambda: ModelConfig(emotions="abc"), "ModelConfig.emotions is 'abc', expected several values"),
        (lambda: AugmentConfig(tempo="0.1"), "AugmentConfig.tempo is '0.1', expected a number"),
    ],
)
def test_a_value_of_another_kind_is_named(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        make()


def test_numbers_of_numpy_and_lists_are_those_of_python() -> None:
    config = TrainConfig(epochs=np.int64(3), learning_rate=np.float32(0.5), judging_tempos=[1.0])
    assert config == TrainConfig(epochs=3, learning_rate=0.5, judging_tempos=(1.0,)) and hash(config)
    assert json.loads(json.dumps(config.to_dict()))["epochs"] == 3
