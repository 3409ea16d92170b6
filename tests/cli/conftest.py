"""Small networks, and recordings for them."""

import shutil

import keras
import numpy as np
import pytest
import soundfile
from networks import trained_on_other_voices
from typed_command import SMALL

from ser_acrnn.config import FEATURE_RECIPES, ModelConfig
from ser_acrnn.models.networks import acrnn


@pytest.fixture(scope="session")
def networks_and_audio(tmp_path_factory):
    """Two networks and a few recordings; nobody writes there."""
    folder = tmp_path_factory.mktemp("cli")
    keras.utils.set_random_seed(0)
    for scope in ("training", "speaker"):
        network = acrnn(ModelConfig(**SMALL, normalisation=scope), recipe_hash=FEATURE_RECIPES["paper"].recipe_hash)
        trained_on_other_voices(network).save(folder / f"{scope}.keras")
    (folder / "audio" / "deep").mkdir(parents=True)
    rng = np.random.default_rng(1)
    for name, seconds in (("b.wav", 1.5), ("a.flac", 5), ("deep/c.ogg", 2)):
        soundfile.write(folder / "audio" / name, 0.1 * rng.normal(size=int(16_000 * seconds)), 16_000)
    (folder / "audio" / "notes.txt").write_text("not audio")
    return folder


@pytest.fixture(scope="module")
def folder(networks_and_audio, tmp_path_factory):
    """The same in a folder of the module's own, which its tests add to."""
    return shutil.copytree(networks_and_audio, tmp_path_factory.mktemp("cli") / "copy")


@pytest.fixture(scope="module")
def labels(folder):
    """Labels of the recordings, with a column of their own."""
    rows = ["path,speaker,emotion,room", "b.wav,s0,angry,small", "a.flac,s1,sad,large", "deep/c.ogg,s2,happy,large"]
    (folder / "audio" / "labels.csv").write_text("\n".join(rows))
    return folder / "audio" / "labels.csv"
