"""A folder for the Hugging Face hub, loaded as one of its repositories without a connection."""

import json

import keras
import numpy as np
import pytest

import ser_acrnn
from ser_acrnn.config import FEATURE_RECIPES, ModelConfig
from ser_acrnn.export.hub import save_to_hub_folder
from ser_acrnn.models.loading import NetworkError
from ser_acrnn.models.networks import acrnn

pytestmark = pytest.mark.stochastic

SMALL = ModelConfig(emotions=("angry", "sad"), conv=((4, 4, 4),), linear_units=8, blstm_units=4, embedding_units=8)


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return acrnn(SMALL, recipe_hash=FEATURE_RECIPES["paper"].recipe_hash)


@pytest.fixture
def on_the_hub(monkeypatch):
    """Puts a folder under an address, without a connection."""

    def put(folder):
        monkeypatch.setattr("huggingface_hub.snapshot_download", lambda repo_id, **_: str(folder))
        return "hf://owner/network"

    return put


def test_the_folder_is_loaded_by_the_hubs_address(network, tmp_path, on_the_hub):
    address = on_the_hub(save_to_hub_folder(network, tmp_path / "hub", card="# A card", language="de", datasets=("emodb",)))
    loaded = ser_acrnn.load_pretrained(address)
    segments = np.random.default_rng(0).normal(size=(2, 300, 40, 3)).astype("f")
    np.testing.assert_allclose(np.asarray(loaded(segments)), np.asarray(network(segments)), atol=1e-6)
    assert ser_acrnn.Predictor(address).emotions == ("angry", "sad")


def test_a_strangers_network_on_the_hub_is_looked_at_as_one_on_disk(network, tmp_path, on_the_hub):
    folder = save_to_hub_folder(network, tmp_path / "hub")
    config = (folder / "config.json").read_text(encoding="utf-8")
    (folder / "config.json").write_text(config.replace('"class_name": "Dense"', '"class_name": "Lambda"'), encoding="utf-8")
    with pytest.raises(NetworkError, match=r"^hf://owner/network: .* is a Lambda, which runs code from the file"):
        ser_acrnn.load_pretrained(on_the_hub(folder))


def test_the_card_has_the_hubs_metadata_and_the_labels_are_beside_it(network, tmp_path):
    folder = save_to_hub_folder(network, tmp_path, card="# A card", language="de", datasets=("emodb",))
    head, body = (folder / "README.md").read_text().removeprefix("---\n").split("\n---\n", 1)
    facts = dict(line.split(": ", 1) for line in head.splitlines())
    assert facts["library_name"] == "keras" and facts["language"] == "de" and facts["datasets"] == "[emodb]"
    assert facts["pipeline_tag"] == "audio-classification" and body.strip().startswith("# A card")
    assert json.loads((folder / "labels.json").read_text())["emotions"] == ["angry", "sad"]
    assert {"config.json", "metadata.json", "model.weights.h5"} <= {path.name for path in folder.iterdir()}


def test_a_card_that_is_there_stays_unless_another_is_given(network, tmp_path):
    (tmp_path / "README.md").write_text("mine")
    save_to_hub_folder(network, tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine" and (tmp_path / "labels.json").is_file()
    save_to_hub_folder(network, tmp_path, card="# Another")
    assert "# Another" in (tmp_path / "README.md").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {
        "README.md",
        "assets",
        "config.json",
        "labels.json",
        "metadata.json",
        "model.weights.h5",
    }
    with pytest.raises(ValueError, match=r"labels.json: is a file, expected a folder, or a name for a new one"):
        save_to_hub_folder(network, tmp_path / "labels.json")


def test_other_networks_are_refused(tmp_path):
    with pytest.raises(ValueError, match="is not a network of ser_acrnn"):
        save_to_hub_folder(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]), tmp_path)
