"""A prepared corpus of three speakers and a few short sounds, small enough to train on in seconds."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from command_words import places

from data_prep import prepare
from data_prep.corpora import emodb
from experiments import catalogue
from experiments.grid import run_one
from ser_acrnn.config import Preset
from ser_acrnn.config.features import RECIPES
from ser_acrnn.data.prepared import open_corpus, pack


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory):
    """The folder of a corpus called `synthetic`, whose emotions differ in pitch; the baseline's frames are prepared beside it."""
    root = tmp_path_factory.mktemp("small_corpus")
    (root / "wav").mkdir()
    rng = np.random.default_rng(0)
    for speaker in ("03", "08", "09"):
        for number, letter in enumerate("WTFWTF"):
            seconds = 1.0 + 0.5 * number
            time = np.arange(int(seconds * 16_000)) / 16_000
            tone = np.sin(2 * np.pi * 150 * 2 ** "WTF".index(letter) * time)
            soundfile.write(root / "wav" / f"{speaker}a0{number + 1}{letter}a.wav", 0.3 * tone + 0.05 * rng.normal(size=len(time)), 16_000)
    utterances = emodb.utterances(root)
    prepare.prepare("synthetic", utterances, root / "data", RECIPES["mfcc-pitch"], source=root, jobs=1)
    return prepare.prepare("synthetic", utterances, root / "data", source=root, jobs=1)


@pytest.fixture(scope="session")
def kept_once(small_corpus, tmp_path_factory, sharing):
    """A folder with `results` and `models` of one-epoch runs of `tiny` on the corpus's three folds, seed 0; nobody writes there."""
    folder = tmp_path_factory.mktemp("kept")
    with sharing():
        for fold in range(3):
            assert run_one.main([*places(small_corpus, folder), "--system=tiny", f"--fold={fold}", "--seed=0"]) == 0
    return folder


@pytest.fixture(scope="module")
def kept(kept_once, tmp_path_factory):
    """The same in a folder of the module's own, which its tests add to."""
    return shutil.copytree(kept_once, tmp_path_factory.mktemp("kept") / "copy")


@pytest.fixture(scope="module")
def smaller_networks():
    """Makes the catalogue's networks so small that they train in little more than it takes to compile them; all else is theirs."""
    small = {"conv": ((4, 4, 4),), "linear_units": 8, "blstm_units": 4, "embedding_units": 8}
    with pytest.MonkeyPatch.context() as patch:
        for name, system in catalogue.SYSTEMS.items():
            if isinstance(system.preset, Preset):
                preset = replace(system.preset, model=replace(system.preset.model, **small))
                patch.setitem(catalogue.SYSTEMS, name, replace(system, preset=preset))
        yield


@pytest.fixture(scope="session")
def small_packed(small_corpus, tmp_path_factory):
    """The same corpus, packed: `synthetic.npz`, and the baseline's frames beside it."""
    folder = tmp_path_factory.mktemp("small_packed")
    for name in ("synthetic", "synthetic.mfcc-pitch"):
        pack(open_corpus(small_corpus.with_name(name)), folder / f"{name}.npz")
    return folder / "synthetic.npz"
