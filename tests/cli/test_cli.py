"""The `ser-acrnn` command as such: how it starts, wrong usage, and output that cannot be written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typed_command import run

from ser_acrnn.inference.predictor import Predictor

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]


def test_help_and_version_import_nothing_heavy():
    code = "import sys; from ser_acrnn import cli; cli.main([{!r}]); print(sorted(sys.modules))"
    for option in ("--help", "--version"):
        printed = subprocess.run([sys.executable, "-c", code.format(option)], capture_output=True, text=True, check=True).stdout
        assert "ser-acrnn" in printed
        assert not {"numpy", "keras", "tensorflow", "pandas", "librosa"} & set(printed.splitlines()[-1].replace("'", "").split(", "))


def test_the_module_is_the_command():
    shown = subprocess.run([sys.executable, "-m", "ser_acrnn.cli", "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("ser-acrnn 0.") and shown.stderr == ""


def test_wrong_arguments_end_with_two(capsys, folder):
    assert run(capsys, "predict")[0] == 2
    assert run(capsys, "nothing")[0] == 2
    code, _, error = run(capsys, "predict", "--json", "--csv", folder / "audio")
    assert code == 2 and "exclude each other" in error
    code, _, error = run(capsys, "predict", "--plot", folder / "x.png", folder / "audio")
    assert code == 2 and "one recording" in error
    (folder / "empty").mkdir(exist_ok=True)
    code, _, error = run(capsys, "predict", folder / "empty")
    assert code == 2 and "holds no audio" in error


@pytest.mark.parametrize("options", [("--hop", "nan"), ("--hop", "inf"), ("--hop", "-1"), ("--hop", "1e308"), ("--hop", "9" * 400)])
def test_numbers_that_no_option_can_mean_are_wrong_usage(capsys, options):
    code, _, error = run(capsys, "predict", "--timeline", *options, "x.wav")
    assert code == 2 and "hop" in error
    for command in (["record"], ["export", "acrnn3d-emodb", "x.tflite", "--waveform"]):
        code, _, error = run(capsys, *command, "--seconds", options[1])
        assert code == 2 and "seconds" in error


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a Linux device")
def test_output_that_cannot_be_written_is_a_line_and_a_reader_that_goes_away_none(folder):
    words = [sys.executable, "-m", "ser_acrnn.cli", "models"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1 and done.stderr == "the output: No space left on device\n"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(words, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert done.returncode == 1 and done.stderr == ""


def test_a_place_that_cannot_be_written_is_named_before_the_work(monkeypatch, capsys, folder, tmp_path, labels):
    monkeypatch.setattr(Predictor, "__init__", None)
    (tmp_path / "file").touch()
    recording, network = folder / "audio" / "a.flac", folder / "training.keras"
    for place in (tmp_path, tmp_path / "file" / "x.png", tmp_path / ("x" * 300 + ".png"), tmp_path / "figure.what"):
        code, _, error = run(capsys, "predict", "--plot", place, recording)
        assert code == 1 and error.startswith(f"{place}: ") and error.count("\n") == 1
    for place in (tmp_path / "file" / "x.tflite", tmp_path / ("x" * 300 + ".tflite")):
        code, _, error = run(capsys, "export", network, place)
        assert code == 1 and error.startswith(f"{place}: ") and error.count("\n") == 1
    code, _, error = run(capsys, "train", "--labels", labels, "--out", tmp_path / "file")
    assert code == 1 and "is no folder" in error and error.count("\n") == 1
