"""A compact file is half the size, loads anywhere as float32, and says the same."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from layer_check import COMPUTE_OUTPUTS, NO_JAX, jax_python, run_on_jax

from ser_acrnn.config import ModelConfig
from ser_acrnn.models.networks import acrnn
from ser_acrnn.models.saving import save_compact, save_whole

pytestmark = pytest.mark.stochastic

SMALL = ModelConfig(emotions=("angry", "sad"), conv=((16, 4, 4),), linear_units=32, blstm_units=16, embedding_units=8, segment_frames=60)


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    model = acrnn(SMALL, recipe_hash="feed")
    model.get_layer("normalise").set_statistics(np.full((40, 3), -7.123456), np.full((40, 3), 9.0))
    return model


def test_it_is_small_and_loads_as_float32_with_the_same_posteriors(network, tmp_path):
    save_compact(network, tmp_path / "small.keras")
    network.save(tmp_path / "plain.keras")
    assert (tmp_path / "small.keras").stat().st_size < 0.65 * (tmp_path / "plain.keras").stat().st_size
    loaded = keras.saving.load_model(tmp_path / "small.keras")
    assert {str(variable.dtype) for variable in loaded.weights} <= {"float32", "int64", "uint32"}
    segments = np.random.default_rng(0).normal(-7, 3, (4, *network.input_shape[1:])).astype("f")
    np.testing.assert_allclose(loaded.predict_on_batch(segments), network.predict_on_batch(segments), atol=2e-3)
    for kept, weight in zip(loaded.get_weights(), network.get_weights(), strict=True):
        expected = weight if weight.size < 1_000 else weight.astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(kept, expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plain.keras", "small.keras"]


def test_a_network_is_saved_whole_or_not_at_all(network, tmp_path, monkeypatch):
    path = tmp_path / "new" / "network.keras"
    save_whole(network, path)
    segments = np.random.default_rng(0).normal(-7, 3, (2, *network.input_shape[1:])).astype("f")
    np.testing.assert_array_equal(keras.saving.load_model(path).predict_on_batch(segments), network.predict_on_batch(segments))
    before = path.read_bytes()

    def cut_off(self, named):
        named.write_bytes(b"half")
        raise OSError("full")

    monkeypatch.setattr(keras.Model, "save", cut_off)
    with pytest.raises(OSError, match="full"):
        save_whole(network, path)
    assert path.read_bytes() == before and [one.name for one in path.parent.iterdir()] == ["network.keras"]


def test_what_a_killed_process_was_saving_is_removed(network, tmp_path, monkeypatch):
    path, names, save = tmp_path / "network.keras", [], keras.Model.save
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass

    def saved(self, named):
        names.append(named.name)
        save(self, named)

    monkeypatch.setattr(keras.Model, "save", saved)
    save_whole(network, path)
    (tmp_path / names[0].replace(f"-{os.getpid()}-", f"-{gone.pid}-")).write_bytes(b"half")
    assert len(list(tmp_path.iterdir())) == 2
    save_whole(network, path)
    assert [one.name for one in tmp_path.iterdir()] == ["network.keras"]


@pytest.mark.skipif(jax_python() is None, reason=NO_JAX)
def test_a_fresh_process_loads_it_on_another_backend(network, tmp_path):
    save_compact(network, tmp_path / "small.keras")
    segments = np.random.default_rng(0).normal(-7, 3, (2, *network.input_shape[1:])).astype("f")
    np.savez(tmp_path / "small.npz", segments)
    run_on_jax(COMPUTE_OUTPUTS, tmp_path)
    with np.load(tmp_path / "small.out.npz") as arrays:
        np.testing.assert_allclose(arrays["arr_0"], network.predict_on_batch(segments), atol=2e-3)


def test_what_does_not_fit_is_refused_and_leaves_nothing(network, tmp_path):
    large = keras.models.clone_model(network)
    weights = [np.where(np.arange(weight.size).reshape(weight.shape) == 0, 1e6, weight) for weight in network.get_weights()]
    large.set_weights(weights)
    with pytest.raises(ValueError, match=r"has the largest weight 1000000\.0, expected at most 65504"):
        save_compact(large, tmp_path / "large.keras")
    with pytest.raises(ValueError, match=r"ends in \.keras"):
        save_compact(network, tmp_path / "network.h5")
    assert list(tmp_path.iterdir()) == []
