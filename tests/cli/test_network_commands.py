"""`ser-acrnn embed`, `info` and `export`: what a network gives, takes and becomes."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec

import pytest
from typed_command import run

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]


def test_embeddings_are_a_table(capsys, folder):
    code, printed, _ = run(capsys, "embed", "--model", folder / "training.keras", folder / "audio")
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert code == 0 and len(rows) == 3 and list(rows[0]) == ["path", *(f"embedding_{unit:02d}" for unit in range(8))]


def test_a_bad_recording_among_embedded_ones_is_listed(capsys, folder, tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"")
    code, printed, error = run(capsys, "embed", "--model", folder / "training.keras", tmp_path / "bad.wav", folder / "audio")
    assert code == 1 and len(printed.splitlines()) == 4 and "bad.wav: the file is empty" in error


def test_info_names_what_the_network_takes_and_says(capsys, folder):
    code, printed, _ = run(capsys, "info", folder / "speaker.keras")
    assert code == 0 and "emotions: angry, sad, happy" in printed and "normalised by: speaker" in printed


def test_an_export_is_compared_on_speech(capsys, folder):
    target = folder / "copy.keras"
    words = ("export", folder / "training.keras", target, "--format", "keras", "--speech", folder / "audio")
    code, printed, _ = run(capsys, *words)
    assert code == 0 and "100.0 % of the decisions agree" in printed and "on 4 segments" in printed
    assert target.is_file() and json.loads((folder / "copy.keras.check.json").read_text())["max_difference"] < 1e-5
    assert run(capsys, "export", folder / "training.keras", target, "--format", "tape")[0] == 2


def test_a_backend_that_is_not_installed_is_named(folder):
    for backend in ("nonsense", *(name for name in ("torch", "jax") if find_spec(name) is None)):
        done = subprocess.run(
            [sys.executable, "-m", "ser_acrnn.cli", "info", folder / "training.keras"],
            env={**os.environ, "KERAS_BACKEND": backend},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1 and done.stderr.startswith(f"KERAS_BACKEND is {backend!r}, which is not installed here")
        assert done.stderr.count("\n") == 1


def test_no_network_is_written_over_what_is_read(capsys, folder, labels):
    network, recording = folder / "training.keras", folder / "audio" / "b.wav"
    before = network.read_bytes(), recording.read_bytes()
    for words in ((network, "--format", "keras"), (recording, "--speech", folder / "audio"), (recording, "--speaker", folder / "audio")):
        code, _, error = run(capsys, "export", network, *words)
        assert code == 1 and error.startswith(f"{words[0]}: would be written over {words[0]}, which is read")
    (folder / "out").mkdir()
    own = shutil.copy(network, folder / "out" / "model.keras")
    code, _, error = run(capsys, "train", "--labels", labels, "--init", own, "--out", folder / "out")
    assert code == 1 and error == f"{own}: would be written over {own}, which is read; expected another name\n"
    assert (network.read_bytes(), recording.read_bytes()) == before
