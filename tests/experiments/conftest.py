"""A prepared corpus of three speakers and a few short sounds, small enough to train on in seconds."""

import numpy as np
import pytest
import soundfile

from data_prep import emodb, prepare


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory):
    """The folder of a corpus called `synthetic`, whose emotions differ in pitch."""
    root = tmp_path_factory.mktemp("small_corpus")
    (root / "wav").mkdir()
    rng = np.random.default_rng(0)
    for speaker in ("03", "08", "09"):
        for number, letter in enumerate("WTFWTF"):
            seconds = 1.0 + 0.5 * number
            time = np.arange(int(seconds * 16_000)) / 16_000
            tone = np.sin(2 * np.pi * 150 * 2 ** "WTF".index(letter) * time)
            soundfile.write(root / "wav" / f"{speaker}a0{number + 1}{letter}a.wav", 0.3 * tone + 0.05 * rng.normal(size=len(time)), 16_000)
    return prepare.prepare("synthetic", emodb.utterances(root), root / "data", source=root, jobs=1)
