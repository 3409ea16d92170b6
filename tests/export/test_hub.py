"""A folder for the Hugging Face hub, loaded through Keras's own handler without a network."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras.src.saving import saving_lib

import ser_acrnn
from ser_acrnn.config import FEATURE_RECIPES, ModelConfig
from ser_acrnn.export.hub import save_to_hub_folder
from ser_acrnn.models.networks import acrnn

pytestmark = pytest.mark.stochastic

SMALL = ModelConfig(emotions=("angry", "sad"), conv=((4, 4, 4),), linear_units=8, blstm_units=4, embedding_units=8)


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return acrnn(SMALL, recipe_hash=FEATURE_RECIPES["paper"].recipe_hash)


def test_the_folder_is_loaded_by_the_hubs_address(network, tmp_path, monkeypatch):
    folder = save_to_hub_folder(network, tmp_path / "hub", card="# A card", language="de", datasets=("emodb",))
    asked = []

    def snapshot_download(repo_id, **_):
        asked.append(repo_id)
        return str(folder)

    monkeypatch.setattr(saving_lib, "huggingface_hub", SimpleNamespace(snapshot_download=snapshot_download))
    loaded = ser_acrnn.load_pretrained("hf://owner/network")
    assert asked == ["owner/network"]
    segments = np.random.default_rng(0).normal(size=(2, 300, 40, 3)).astype("f")
    np.testing.assert_allclose(np.asarray(loaded(segments)), np.asarray(network(segments)), atol=1e-6)
    assert ser_acrnn.Predictor("hf://owner/network").emotions == ("angry", "sad")


def test_the_card_has_the_hubs_metadata_and_the_labels_are_beside_it(network, tmp_path):
    folder = save_to_hub_folder(network, tmp_path, card="# A card", language="de", datasets=("emodb",))
    head, body = (folder / "README.md").read_text().removeprefix("---\n").split("\n---\n", 1)
    facts = dict(line.split(": ", 1) for line in head.splitlines())
    assert facts["library_name"] == "keras" and facts["language"] == "de" and facts["datasets"] == "[emodb]"
    assert facts["pipeline_tag"] == "audio-classification" and body.strip().startswith("# A card")
    assert json.loads((folder / "labels.json").read_text())["emotions"] == ["angry", "sad"]
    assert {"config.json", "metadata.json", "model.weights.h5"} <= {path.name for path in folder.iterdir()}


def test_other_networks_are_refused(tmp_path):
    with pytest.raises(ValueError, match="is not a network of ser_acrnn"):
        save_to_hub_folder(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]), tmp_path)
