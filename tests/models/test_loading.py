"""Saved networks that are damaged, a stranger's, or too large: each is refused in one line, and nothing in it is run."""

import io
import json
import os
import stat
import zipfile

import h5py
import keras
import numpy as np
import pytest

from ser_acrnn.config import FEATURE_RECIPES, ModelConfig
from ser_acrnn.export.hub import save_to_hub_folder
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.models import loading
from ser_acrnn.models.heads import encoder, with_new_head
from ser_acrnn.models.loading import NetworkError
from ser_acrnn.models.networks import acrnn
from ser_acrnn.models.waveform import waveform_model

pytestmark = pytest.mark.stochastic

SMALL = ModelConfig(emotions=("angry", "sad"), conv=((4, 4, 4),), linear_units=8, blstm_units=4, embedding_units=8)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A saved network, which no test changes."""
    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("loading") / "network.keras"
    acrnn(SMALL, recipe_hash=FEATURE_RECIPES["paper"].recipe_hash).save(path)
    return path


@pytest.fixture
def parts(saved):
    """What its archive holds, by name."""
    with zipfile.ZipFile(saved) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path, parts, extra=()):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [*parts.items(), *extra]:
            archive.writestr(name, content)
    return path


def complaint(path):
    with pytest.raises(NetworkError) as found:
        Predictor(path)
    text = str(found.value)
    assert text.startswith(str(path)) and "\n" not in text and len(text) < len(str(path)) + 500
    return text


def configured(parts, change):
    """The parts with a configuration that a function has changed, called with the entries of its layers by name."""
    config = json.loads(parts["config.json"])
    change({layer["name"]: layer for layer in config["config"]["layers"]})
    return {**parts, "config.json": json.dumps(config)}


def test_a_whole_one_is_opened_from_a_file_and_from_a_folder(saved, tmp_path):
    model = loading.load(saved)
    folder = save_to_hub_folder(model, tmp_path / "hub")
    segments = np.random.default_rng(0).normal(size=(2, 300, 40, 3)).astype("f")
    np.testing.assert_allclose(np.asarray(loading.load(folder)(segments)), np.asarray(model(segments)), atol=1e-6)
    assert Predictor(folder).emotions == ("angry", "sad")


def test_a_damaged_file_is_called_so(saved, parts, tmp_path):
    content, path = saved.read_bytes(), tmp_path / "x.keras"
    for damaged, words in ((b"", "is empty"), (b"not a network", "begins with b'not '"), (content[:-200], "is damaged or cut off")):
        path.write_bytes(damaged)
        assert words in complaint(path)
    with zipfile.ZipFile(saved) as archive:
        flipped, place = bytearray(content), archive.getinfo("model.weights.h5").header_offset + 5_000
    flipped[place] ^= 1
    path.write_bytes(flipped)
    assert "model.weights.h5 has another checksum" in complaint(path)
    for lost in ("config.json", "model.weights.h5"):
        assert f"is an archive without {lost}" in complaint(written(path, {name: parts[name] for name in parts if name != lost}))
    assert "config.json is not JSON" in complaint(written(path, {**parts, "config.json": b"{"}))
    assert "model.weights.h5 cannot be read" in complaint(written(path, {**parts, "model.weights.h5": b"no weights"}))
    (tmp_path / "folder").mkdir()
    assert "is a folder without config.json" in complaint(tmp_path / "folder")
    assert "no such file" in complaint(tmp_path / ("long" * 1_000))
    os.rename(path, tmp_path / "x.h5")
    assert "its name ends in '.h5'" in complaint(tmp_path / "x.h5")


def test_what_is_not_known_is_named_with_its_layer_and_the_version_that_saved_it(parts, tmp_path):
    later = {"keras_version": "99.1"}
    for changed in (
        {"class_name": "LaterConv", "module": "keras.layers", "registered_name": None},
        {"class_name": "Mine", "module": "mine.layers", "registered_name": "mine>Mine"},
        {"class_name": "system", "module": "os", "registered_name": "system"},
    ):
        strange = configured(
            {**parts, "metadata.json": json.dumps(later)}, lambda layers, changed=changed: layers["conv_1"].update(changed)
        )
        said = complaint(written(tmp_path / "x.keras", strange))
        assert f"its layer 'conv_1' needs {changed['module']}.{changed['class_name']}, which" in said and "saved by 99.1" in said
    strange = configured(parts, lambda layers: layers["conv_1"]["config"].update(twisted=True))
    assert "cannot be opened by Keras" in complaint(written(tmp_path / "x.keras", strange))


def test_nothing_of_a_stranger_is_run(parts, tmp_path):
    there = tmp_path / "there"
    source = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x + 1, name="trap")])
    source.save(tmp_path / "lambda.keras")
    assert "its layer 'trap' is a Lambda, which runs code" in complaint(tmp_path / "lambda.keras")
    call = {"class_name": "function", "config": "system", "module": "os", "registered_name": "system"}
    for trap in (call, {**call, "module": "posix"}, {"class_name": "__lambda__", "config": {"value": ["", None, None]}}):
        strange = configured(parts, lambda layers, trap=trap: layers["conv_1"]["config"].update(activation=trap, name=f"touch {there}"))
        complaint(written(tmp_path / "x.keras", strange))
    assert not there.exists()


def test_members_that_lead_elsewhere_are_refused(parts, tmp_path):
    outside = tmp_path / "outside"
    link = zipfile.ZipInfo("config.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    for name in ("../outside", str(outside), "assets/x", "..\\outside"):
        assert "is not a part of a network" in complaint(written(tmp_path / "x.keras", parts, [(name, b"x")]))
    rest = {name: content for name, content in parts.items() if name != "config.json"}
    assert "is a link" in complaint(written(tmp_path / "x.keras", rest, [(link, b"/etc/passwd")]))
    assert not outside.exists()


def test_what_unpacks_to_more_than_a_network_is_refused_before_it_is_unpacked(parts, tmp_path):
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        file.create_dataset("bomb", shape=(2**29,), dtype="f4", chunks=(2**20,), compression="gzip")
    assert len(weights.getvalue()) < 1e6
    said = complaint(written(tmp_path / "x.keras", {**parts, "model.weights.h5": weights.getvalue()}))
    assert "its weights unpack to 2,147,483,648 bytes" in said
    wide = configured(parts, lambda layers: layers["linear"]["config"].update(units=10**9))
    assert "bytes, expected at most" in complaint(written(tmp_path / "x.keras", wide))
    with zipfile.ZipFile(tmp_path / "x.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("config.json", "w") as stream:
            for _ in range(20):
                stream.write(bytes(2**20))
        archive.writestr("model.weights.h5", parts["model.weights.h5"])
    assert (tmp_path / "x.keras").stat().st_size < 1e6 and "unpacks to 20,971,520 bytes" in complaint(tmp_path / "x.keras")


def test_weights_that_lie_elsewhere_or_are_no_numbers_are_refused(saved, parts, tmp_path):
    weights = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(weights, "a") as file:
        file["away"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/x")
    assert "the weights 'away' lie outside" in complaint(written(tmp_path / "x.keras", {**parts, "model.weights.h5": weights.getvalue()}))
    broken = keras.saving.load_model(saved)
    broken.get_layer("linear").bias.assign(np.full(8, np.nan))
    broken.save(tmp_path / "broken.keras")
    assert "linear/bias' hold NaN" in complaint(tmp_path / "broken.keras")


def test_a_network_without_a_needed_part_names_it_and_a_head_of_another_name_where_it_is_made(saved):
    source = keras.saving.load_model(saved)
    other = keras.Model(source.input, keras.layers.Dense(3, name="mine")(source.get_layer("emotion").input), name="other")
    plain = keras.Model(source.input, keras.layers.Dense(3, name="emotion")(source.get_layer("emotion").input), name="plain")
    for refused in (Predictor, encoder, lambda model: with_new_head(model, ("x", "y"))):
        with pytest.raises(NetworkError, match=r"other: is not a network of ser_acrnn .it has no layer 'emotion'.*with_new_head"):
            refused(other)
    with pytest.raises(NetworkError, match="its layer 'emotion' has no emotions"):
        Predictor(plain)
    for refused in (Predictor, lambda model: with_new_head(model, ("x", "y"))):
        with pytest.raises(NetworkError, match=r"waveform\.network_in gives the network in one that takes raw audio"):
            refused(waveform_model(source))
