"""The baseline's network: Han et al.'s layers, in the order in which a segment's frames are stacked."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from layer_check import evaluate

from ser_acrnn.config import DnnElmConfig
from ser_acrnn.features.mfcc_pitch import segments
from ser_acrnn.models.networks import dnn

pytestmark = pytest.mark.stochastic

SMALL = DnnElmConfig(emotions=("angry", "sad", "happy"), context_frames=5, loudest_share=1.0, hidden_units=(7, 6))
SHAPE = (16, 1)


def build(config=SMALL, shape=SHAPE, **arguments):
    """A network whose every weight differs from its neutral value."""
    keras.utils.set_random_seed(0)
    model = dnn(config, shape, **arguments)
    rng = np.random.default_rng(0)
    model.set_weights([value + 0.3 * np.abs(rng.normal(size=value.shape)) for value in model.get_weights()])
    return model


def stacked(frames=9):
    """Segments of an utterance, as the network takes them and as they are stacked."""
    flat = segments(np.random.default_rng(1).normal(size=(frames, SHAPE[0])), SMALL)
    return flat.reshape(-1, SMALL.context_frames, *SHAPE), flat


def test_the_network_is_han_et_als():
    model = dnn()
    assert (model.input_shape, model.output_shape) == ((None, 25, 30, 1), (None, 7))
    hidden = 750 * 256 + 256 + 2 * (256 * 256 + 256)
    assert model.count_params() == 2 * 30 + hidden + 256 * 7 + 7
    assert [layer.name for layer in model.layers] == ["segments", "normalise", "stack", "hidden_1", "hidden_2", "hidden_3", "emotion"]
    assert model.get_layer("emotion").emotions == DnnElmConfig().emotions


def test_the_network_is_its_layers_written_out_in_numpy():
    model, (inputs, flat) = build(), stacked()
    mean, variance = np.linspace(-1, 1, 16)[:, None], np.linspace(0.5, 2, 16)[:, None]
    model.get_layer("normalise").set_statistics(mean, variance)
    x = (flat - np.tile(mean[:, 0], 5)) / np.sqrt(np.tile(variance[:, 0], 5))  # the earliest frame's features first
    for name in ("hidden_1", "hidden_2"):
        kernel, bias = model.get_layer(name).get_weights()
        x = np.maximum(x @ (kernel - 0.2) + bias, 0)
        model.get_layer(name).set_weights([kernel - 0.2, bias])
    kernel, bias = model.get_layer("emotion").get_weights()
    scores = np.exp(x @ kernel + bias)
    expected = scores / scores.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model(inputs), expected, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 1e-2, "the example's segments are too much alike to tell networks apart"


def test_dropout_follows_each_hidden_layer_and_is_left_out_at_rate_0():
    names = [layer.name for layer in dnn(replace(SMALL, dropout=0.2), SHAPE).layers]
    assert names[3:7] == ["hidden_1", "hidden_1_dropout", "hidden_2", "hidden_2_dropout"]
    assert not any("dropout" in layer.name for layer in dnn(SMALL, SHAPE).layers)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_posteriors_are_float32_and_sum_to_one(precision):
    model, (inputs, _) = build(precision=precision), stacked()
    (posteriors,) = evaluate(model, [inputs])
    assert posteriors.dtype == np.float32 and posteriors.shape == (9, 3)
    np.testing.assert_allclose(posteriors.sum(axis=1), 1, atol=1e-6)
    computed = {layer.name: layer.compute_dtype for layer in model.layers}
    assert computed["hidden_1"] == ("bfloat16" if precision == "bfloat16" else "float32")
    assert computed["normalise"] == computed["emotion"] == "float32"
    assert {weight.dtype for weight in model.trainable_weights} == {"float32"}


def test_the_network_survives_its_file_with_its_recipe(tmp_path):
    model, (inputs, _) = build(recipe_hash="0123456789abcdef"), stacked()
    model.save(tmp_path / "dnn.keras")
    loaded = keras.saving.load_model(tmp_path / "dnn.keras")
    np.testing.assert_allclose(loaded(inputs), model(inputs), atol=1e-6)
    assert loaded.get_layer("normalise").recipe_hash == "0123456789abcdef"
    assert loaded.get_layer("emotion").emotions == SMALL.emotions
