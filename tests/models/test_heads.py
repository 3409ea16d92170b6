"""A new head upon a trained network: what is kept, what is frozen, what learns."""

import keras
import numpy as np
import pytest

from ser_acrnn.config import ModelConfig
from ser_acrnn.evaluation import calibration
from ser_acrnn.models.heads import at_temperature, encoder, with_new_head
from ser_acrnn.models.networks import acrnn

pytestmark = pytest.mark.stochastic

SMALL = ModelConfig(conv=((4, 4, 4),), linear_units=8, blstm_units=4, embedding_units=8, segment_frames=40)


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return acrnn(SMALL, recipe_hash="feed")


@pytest.fixture(scope="module")
def segments():
    return np.random.default_rng(0).normal(size=(12, 40, 40, 3)).astype("f")


def test_the_encoder_is_kept_and_the_head_is_new(network, segments):
    adapted = with_new_head(network, ("calm", "tense", "elated"))
    assert adapted.output_shape == (None, 3) and adapted.get_layer("emotion").emotions == ("calm", "tense", "elated")
    assert adapted.get_layer("normalise").recipe_hash == "feed"
    np.testing.assert_array_equal(np.asarray(encoder(adapted)(segments)), np.asarray(encoder(network)(segments)))
    assert encoder(network).output_shape == (None, 8) and network.output_shape == (None, 7)


def test_emotions_that_the_network_knows_by_name_go_on_as_they_are(network, segments):
    adapted = with_new_head(network, ("sad", "calm", "happy"))
    known, new = network.get_layer("emotion"), adapted.get_layer("emotion")
    for mine, place in ((0, known.emotions.index("sad")), (2, known.emotions.index("happy"))):
        for ours, theirs in zip(new.get_weights(), known.get_weights(), strict=True):
            np.testing.assert_array_equal(ours[..., mine], theirs[..., place])
    kernel, bias = new.get_weights()
    assert bias[1] == 0 and not (kernel[:, 1:2] == known.get_weights()[0]).all(axis=0).any()
    before, after = np.asarray(network(segments)), np.asarray(adapted(segments))
    sad, happy = (before[:, known.emotions.index(name)] for name in ("sad", "happy"))
    np.testing.assert_allclose(after[:, 0] / after[:, 2], sad / happy, rtol=1e-4)


@pytest.mark.parametrize(
    ("freeze", "learns", "rests"),
    [("none", ("conv_1", "linear", "embedding"), ()), ("conv", ("linear", "blstm"), ("conv_1",)), ("encoder", (), ("conv_1", "embedding"))],
)
def test_what_is_frozen_does_not_learn(network, segments, freeze, learns, rests, tmp_path):
    adapted = with_new_head(network, ("calm", "tense"), freeze)
    adapted.compile("adam", "sparse_categorical_crossentropy", run_eagerly=True)  # three steps: a graph takes longer to trace
    before = {layer.name: [np.array(weight) for weight in layer.get_weights()] for layer in adapted.layers}
    adapted.fit(segments, np.arange(12) % 2, epochs=1, batch_size=4, verbose=0)

    def moved(name):
        return any((old != new).any() for old, new in zip(before[name], adapted.get_layer(name).get_weights(), strict=True))

    assert moved("emotion") and all(moved(name) for name in learns) and not any(moved(name) for name in rests)
    assert not moved("normalise") and moved("embedding_batch_norm") == (freeze != "encoder")
    adapted.save(tmp_path / "adapted.keras")
    loaded = keras.saving.load_model(tmp_path / "adapted.keras")
    np.testing.assert_allclose(np.asarray(loaded(segments)), np.asarray(adapted(segments)), atol=1e-6)
    assert [layer.trainable for layer in loaded.layers[1:]] == [layer.trainable for layer in adapted.layers[1:]]  # all but the input


def test_the_source_is_left_alone(network, segments):
    before = np.asarray(network(segments))
    adapted = with_new_head(network, ("calm", "tense"), "none")
    adapted.set_weights([weight + 1 for weight in adapted.get_weights()])
    np.testing.assert_array_equal(np.asarray(network(segments)), before)
    assert all(layer.trainable for layer in network.layers)


def test_a_temperature_divides_the_logits_and_leaves_the_network_alone(network, segments):
    before = np.asarray(network(segments))
    cooler = at_temperature(network, 2.5)
    np.testing.assert_allclose(np.asarray(cooler(segments)), calibration.scaled(before, 2.5), atol=1e-6)
    assert np.ptp(np.asarray(cooler(segments)), axis=1).max() < 0.7 * np.ptp(before, axis=1).max()
    np.testing.assert_array_equal(np.asarray(network(segments)), before)
    assert cooler.get_layer("emotion").emotions == network.get_layer("emotion").emotions
    for wrong in (0, -1, np.inf, np.nan):
        with pytest.raises(ValueError, match=r"temperature is .*, expected a positive number"):
            at_temperature(network, wrong)


def test_impossible_heads_are_refused(network):
    with pytest.raises(ValueError, match="expected two or more distinct names"):
        with_new_head(network, ("calm", "calm"))
    with pytest.raises(ValueError, match="emotions are 'sad', expected two or more distinct names"):
        with_new_head(network, "sad")
    with pytest.raises(ValueError, match="expected two or more distinct names of letters on a line, in order"):
        with_new_head(network, {"calm", "tense"})
    for names in ((0, 1), ("calm", ""), ("calm", "very\ntense"), ("calm", "path")):
        with pytest.raises(ValueError, match="expected two or more distinct names of letters on a line, in order, none of"):
            with_new_head(network, names)
    for make in (with_new_head, encoder):
        with pytest.raises(ValueError, match=r"the model is a str, expected a keras.Model, as ser_acrnn.load_pretrained gives"):
            make("acrnn3d-emodb", *([("calm", "tense")] if make is with_new_head else []))
    with pytest.raises(ValueError, match="freeze is 'all', expected one of"):
        with_new_head(network, ("calm", "tense"), "all")
