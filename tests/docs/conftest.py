"""The files that the pages' code names: recordings, CSVs and networks, small and generated."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

# Name in the pages -> the generated recording, see `tests/conftest.py`.
RECORDINGS = {
    "recording.wav": "03a01Aa",
    "a.wav": "03a01Wa",
    "b.flac": "03a01Ta",
    "talk.mp3": "03a01Aa",
    "recordings/1.wav": "03a01Wa",
    "recordings/2.wav": "03a01Ta",
}


@pytest.fixture(scope="session")
def pages_files(tmp_path_factory: pytest.TempPathFactory, write_corpus: Callable[..., list[Path]]) -> Path:
    """A folder with them; it is copied before a page's code runs there."""
    import keras

    import ser_acrnn
    from ser_acrnn.pretrained import pretrained_path

    folder = tmp_path_factory.mktemp("pages")
    written = {path.stem: path for path in write_corpus(folder / "corpus", "WTA", ("03", "08"))}
    (folder / "recordings").mkdir()
    for name, stem in RECORDINGS.items():
        soundfile.write(folder / name, *soundfile.read(written[stem]))
    emotions = {"W": "angry", "T": "sad"}
    rows = [f"corpus/wav/{stem}.wav,{stem[:2]},{emotions[stem[5]]}\n" for stem in written if stem[5] in emotions]
    for name in ("mine.csv", "others.csv"):
        (folder / name).write_text("path,speaker,emotion\n" + "".join(rows), encoding="utf-8")
    labels = "path,speaker,emotion,sex\nrecordings/1.wav,03,angry,m\nrecordings/2.wav,08,sad,f\n"
    (folder / "labels.csv").write_text(labels, encoding="utf-8")
    (folder / "joyful.csv").write_text(labels.replace("angry", "joy").replace("sad", "excited"), encoding="utf-8")
    for name, shares in (("ours.csv", ("angry,0.9,0.1", "sad,0.2,0.8")), ("theirs.csv", ("angry,0.6,0.4", "angry,0.7,0.3"))):
        said = "".join(f"recordings/{number}.wav,{share}\n" for number, share in enumerate(shares, start=1))
        (folder / name).write_text(f"path,emotion,angry,sad\n{said}", encoding="utf-8")
    for name in ("mine", "build"):
        (folder / name).mkdir()
    shutil.copy(pretrained_path("acrnn3d-emodb"), folder / "mine" / "model.keras")
    keras.utils.set_random_seed(0)
    preset = ser_acrnn.preset("tiny")
    ser_acrnn.acrnn(preset.model, recipe_hash=preset.features.recipe_hash).save(folder / "build" / "emodb.keras")
    return folder


@pytest.fixture
def waveform(pages_files: Path) -> np.ndarray:
    """Samples, for pages that take some as given."""
    return soundfile.read(pages_files / "recording.wav")[0]
