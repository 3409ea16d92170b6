"""What shared_graphs.py promises to the tests that use it: the same results to the last bit, and other graphs for what is not alike."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import shared_graphs
from short_corpus import BETWEEN, SMALL, ShortCorpus, changed, check_same_run, train

from ser_acrnn.models.networks import acrnn
from ser_acrnn.training import loop

pytestmark = pytest.mark.stochastic


def test_a_run_on_another_networks_graphs_is_its_own_run():
    preset = changed(epochs=2, mixup=0.4)
    with shared_graphs.shared():
        train(ShortCorpus(noise="c"), preset, seed=1, fold=BETWEEN)
        train(preset=preset, seed=2)
        known = len(shared_graphs._known)
        borrowed = train(preset=preset)
        assert len(shared_graphs._known) == known, "nothing was shared"
    check_same_run(borrowed, train(preset=preset))


def network(model=SMALL.model, precision="float32", **training):
    network = acrnn(model, precision=precision)
    loop.compile_model(network, changed(**training).training, steps=5)
    return network


def frozen(network):
    network.get_layer("conv_1").trainable = False


def attribute(network):
    network.get_layer("normalise").new = 3


def constant(network):
    network.get_layer("normalise").new = np.arange(3)


def test_networks_are_alike_where_seeds_and_names_alone_differ():
    keras.utils.set_random_seed(1)
    assert shared_graphs.description(network()) == shared_graphs.description(network())


@pytest.mark.parametrize(
    "other",
    [
        {"model": replace(SMALL.model, dropout=0.2)},
        {"model": replace(SMALL.model, mask_padding=True)},
        {"model": replace(SMALL.model, attention="released-code")},
        {"model": replace(SMALL.model, normalisation="utterance")},
        {"precision": "bfloat16"},
        {"momentum": 0.8},
        {"schedule": "cosine"},
        {"label_smoothing": 0.1},
    ],
)
def test_networks_of_another_configuration_are_not_alike(other):
    assert shared_graphs.description(network(**other)) != shared_graphs.description(network())


@pytest.mark.parametrize("change", [frozen, attribute, constant])
def test_a_network_that_was_changed_is_not_alike(change):
    other = network()
    change(other)
    assert shared_graphs.description(other) != shared_graphs.description(network())


@pytest.mark.parametrize("whose", [type, lambda layer: layer], ids=["its class", "itself"])
def test_a_network_whose_layer_computes_otherwise_is_not_alike(whose, monkeypatch):
    before = shared_graphs.description(plain := network())
    monkeypatch.setattr(whose(plain.get_layer("normalise")), "call", lambda *arguments, **named: arguments[-1])
    assert shared_graphs.description(plain) != before


def test_a_graph_that_depends_on_more_than_its_network_is_refused():
    other = network()
    elsewhere = keras.Variable(2.0)
    other.predict_step = lambda data: other(data[0]) * elsewhere
    with shared_graphs.shared(), pytest.raises(KeyError):
        other.predict_on_batch(np.zeros((1, *other.input_shape[1:]), np.float32))
