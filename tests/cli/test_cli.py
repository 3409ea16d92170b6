"""The `ser-acrnn` command, as it is typed."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile
from networks import trained_on_other_voices

import ser_acrnn
from ser_acrnn import cli
from ser_acrnn.audio.files import AudioError
from ser_acrnn.cli import inputs
from ser_acrnn.config import FEATURE_RECIPES, FIVE_TEMPOS, ModelConfig
from ser_acrnn.inference.predictions import WindowPrediction
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.models.networks import acrnn

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]

EMOTIONS = ("angry", "sad", "happy")
SMALL = {"emotions": EMOTIONS, "conv": ((4, 4, 4),), "linear_units": 8, "blstm_units": 4, "embedding_units": 8}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two networks and a few recordings, in a folder of their own."""
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


def run(capsys, *words):
    code = cli.main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def json_lines(printed):
    return [json.loads(line) for line in printed.splitlines()]


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


def test_a_folder_is_judged_in_order_and_bad_files_are_listed_at_the_end(capsys, folder):
    model = folder / "training.keras"
    code, printed, error = run(
        capsys, "predict", "--model", model, folder / "audio", folder / "missing.wav", folder / "audio" / "notes.txt"
    )
    assert code == 1
    assert [line.split(": ")[0] for line in printed.splitlines()] == [
        str(folder / "audio" / name) for name in ("a.flac", "b.wav", "deep/c.ogg")
    ]
    assert error.splitlines()[0] == "2 of 5 recordings could not be used:"
    assert "missing.wav: no such file" in error and "notes.txt: cannot be read as audio" in error
    assert run(capsys, "predict", "--model", model, folder / "audio")[0] == 0
    code, _, error = run(capsys, "predict", "--model", folder / "none.keras", folder / "audio")
    assert code == 1 and "none.keras: no such file" in error


def test_json_and_csv_hold_the_same(capsys, folder):
    words = ("predict", "--model", folder / "training.keras", folder / "audio")
    _, as_json, _ = run(capsys, *words, "--json")
    _, as_csv, _ = run(capsys, *words, "--csv")
    entries, rows = json_lines(as_json), list(csv.DictReader(io.StringIO(as_csv)))
    assert len(entries) == len(rows) == 3
    for entry, row in zip(entries, rows, strict=True):
        posteriors = entry.pop("posteriors")
        assert {name: str(value) for name, value in (entry | posteriors).items()} == row
        assert entry["emotion"] in EMOTIONS == tuple(posteriors) and sum(posteriors.values()) == pytest.approx(1, abs=1e-3)
    assert [entry["seconds"] for entry in entries] == [5, 1.5, 2]


def test_errors_have_lines_of_their_own_in_json_and_none_in_csv(capsys, folder, tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"")
    words = ("predict", "--model", folder / "training.keras", tmp_path / "bad.wav", folder / "audio" / "b.wav")
    for timeline in ((), ("--timeline",)):
        code, printed, error = run(capsys, *words, "--json", *timeline)
        bad, good = json_lines(printed)
        assert code == 1 and bad == {"path": str(tmp_path / "bad.wav"), "error": bad["error"]}
        assert good["path"].endswith("b.wav") and set(good["posteriors"]) == set(EMOTIONS) and "error" not in good
        assert bad["error"].startswith(f"{tmp_path / 'bad.wav'}: the file is empty") and bad["error"] in error
        _, printed, _ = run(capsys, *words, "--csv", *timeline)
        assert printed.splitlines()[0].startswith("path,s") and len(printed.splitlines()) == 2


def test_a_timeline_has_a_row_a_window(capsys, folder):
    path = folder / "audio" / "a.flac"
    _, printed, _ = run(capsys, "predict", "--model", folder / "training.keras", "--timeline", "--json", path)
    assert [(entry["start"], entry["end"]) for entry in json_lines(printed)] == [(0, 3.015), (1, 4.015), (1.985, 5)]
    code, printed, _ = run(capsys, "predict", "--model", folder / "training.keras", "--timeline", path)
    assert code == 0 and printed.startswith(f"{path} 0.0-3.0 s: ")


def test_the_windows_of_a_timeline_appear_as_they_are_judged(monkeypatch, capsys, folder):
    heard = []

    def timeline(self, recording, *, hop_seconds):
        for number in range(3):
            heard.append(capsys.readouterr().out)
            yield WindowPrediction(number, number + 3, {"angry": 0.5, "sad": 0.25, "happy": 0.25})
        raise AudioError(f"{recording}: is cut off, expected more")

    monkeypatch.setattr(Predictor, "timeline", timeline)
    for option, lines in (
        ("--json", ["", '{"path": "x.wav"', '{"path": "x.wav"']),
        ("--csv", ["", "path,start,", "x.wav,1,4,0.0,0.0,0.0,angry"]),
    ):
        heard.clear()
        code, printed, error = run(capsys, "predict", "--model", folder / "training.keras", "--timeline", option, "x.wav", "y.wav")
        assert code == 1 and error.splitlines()[1:] == ["  x.wav: is cut off, expected more", "  y.wav: is cut off, expected more"]
        assert all(text.startswith(line) for text, line in zip(heard, lines, strict=False))
        assert all(heard[1:3]) and printed
    code, printed, _ = run(capsys, "predict", "--model", folder / "training.keras", "--timeline", "--json", "x.wav")
    *windows, failed = json_lines("".join(heard[-2:]) + printed)
    assert [window["start"] for window in windows] == [0, 1, 2] and failed["error"] == "x.wav: is cut off, expected more"


def test_five_tempos_are_those_of_the_python_interface(capsys, folder):
    path = folder / "audio" / "a.flac"
    _, printed, _ = run(capsys, "predict", "--model", folder / "training.keras", "--json", "--tempos", path)
    expected = Predictor(folder / "training.keras", tempos=FIVE_TEMPOS).predict(path).posteriors
    (entry,) = json_lines(printed)
    assert [entry["posteriors"][emotion] for emotion in EMOTIONS] == pytest.approx(list(expected.values()), abs=1e-4)
    plain = Predictor(folder / "training.keras").predict(path).posteriors
    assert max(abs(plain[emotion] - expected[emotion]) for emotion in EMOTIONS) > 2e-4


def test_a_timeline_of_another_hop(capsys, folder):
    words = ("predict", "--model", folder / "training.keras", "--json", folder / "audio" / "a.flac", "--hop", "0.5")
    _, printed, _ = run(capsys, *words, "--timeline")
    assert [entry["start"] for entry in json_lines(printed)] == [0, 0.5, 1, 1.5, 1.985]
    code, _, error = run(capsys, *words)
    assert code == 2 and "--hop is of --timeline" in error
    assert run(capsys, *words, "--timeline", "--hop", "0")[0] == 2


def test_windows_of_a_long_recording_that_are_not_judged_are_named(capsys, folder, tmp_path):
    samples = 0.1 * np.random.default_rng(1).normal(size=16_000 * 62)
    samples[16_000 * 30] = np.nan
    soundfile.write(tmp_path / "long.wav", samples, 16_000, subtype="FLOAT")
    code, printed, error = run(capsys, "predict", "--model", folder / "training.keras", tmp_path / "long.wav")
    assert code == 0 and printed.startswith(f"{tmp_path / 'long.wav'}: ")
    place = "4 of 60 windows are not judged, the first at 27.0 s because it holds 1 NaN or infinite samples"
    assert error.startswith(f"{tmp_path / 'long.wav'}: {place}")


def test_a_bad_recording_of_the_speaker_stops_none_of_the_others(capsys, folder, tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"")
    words = ("predict", "--same-speaker", "--model", folder / "speaker.keras")
    _, expected, _ = run(capsys, *words, folder / "audio")
    code, printed, error = run(capsys, *words, tmp_path / "bad.wav", folder / "audio")
    assert code == 1 and printed == expected and error.splitlines()[0] == "1 of 4 recordings could not be used:"
    code, _, error = run(capsys, *words, tmp_path / "bad.wav")
    assert code == 1 and "no recording of the speaker can be used: " in error


def test_a_bad_recording_among_embedded_ones_is_listed(capsys, folder, tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"")
    code, printed, error = run(capsys, "embed", "--model", folder / "training.keras", tmp_path / "bad.wav", folder / "audio")
    assert code == 1 and len(printed.splitlines()) == 4 and "bad.wav: the file is empty" in error


def test_a_folder_named_as_a_recording_is_none(capsys, folder, tmp_path):
    (tmp_path / "x.wav").mkdir()
    soundfile.write(tmp_path / "x.wav" / "a.wav", 0.1 * np.random.default_rng(1).normal(size=16_000), 16_000)
    code, printed, _ = run(capsys, "predict", "--model", folder / "training.keras", tmp_path)
    assert code == 0 and len(printed.splitlines()) == 1


def test_a_plot_is_drawn(capsys, folder):
    figure = folder / "figure.png"
    code, _, error = run(capsys, "predict", "--model", folder / "training.keras", "--plot", figure, folder / "audio" / "a.flac")
    assert code == 0 and error == f"figure: {figure}\n"
    assert figure.read_bytes().startswith(b"\x89PNG")
    words = ("predict", "--model", folder / "training.keras", folder / "audio" / "a.flac")
    code, _, _ = run(capsys, *words, "--timeline", "--plot", folder / "figure.svg", "--width", "8.89cm")
    assert code == 0 and ' width="252pt"' in (folder / "figure.svg").read_text()  # 3.5 inches
    assert run(capsys, *words, "--width", "3.5in")[0] == run(capsys, *words, "--plot", figure, "--width", "3.5")[0] == 2


def test_a_network_of_speakers_asks_for_one(capsys, folder):
    code, _, error = run(capsys, "predict", "--model", folder / "speaker.keras", folder / "audio")
    assert code == 1 and "expected --same-speaker" in error
    assert run(capsys, "predict", "--same-speaker", "--model", folder / "speaker.keras", folder / "audio")[0] == 0


def test_a_network_adapts_to_one_speaker(capsys, folder):
    words = ("predict", "--json", "--model", folder / "training.keras", folder / "audio")
    plain, adapted = run(capsys, *words), run(capsys, *words, "--same-speaker")
    assert plain[0] == adapted[0] == 0 and plain[1] != adapted[1]


@pytest.fixture(scope="module")
def labels(folder):
    """Labels of the recordings, with a column of their own."""
    rows = ["path,speaker,emotion,room", "b.wav,s0,angry,small", "a.flac,s1,sad,large", "deep/c.ogg,s2,happy,large"]
    (folder / "audio" / "labels.csv").write_text("\n".join(rows))
    return folder / "audio" / "labels.csv"


def test_an_evaluation_is_broken_down_by_a_column_of_the_labels_and_is_that_of_the_predictions(capsys, folder, labels):
    words = ("--model", folder / "training.keras")
    code, direct, error = run(capsys, "evaluate", "--labels", labels, *words, "--by", "room", "--by", "speaker")
    assert code == 0 and error == "" and "of 3 utterances; mean over 3 speakers" in direct
    assert "\n| large | 2 " in direct and "\n| s2      | 1 " in direct
    _, as_csv, _ = run(capsys, "predict", *words, "--csv", folder / "audio")
    (folder / "predicted.csv").write_text(as_csv)
    code, printed, _ = run(
        capsys, "evaluate", "--labels", labels, "--predictions", folder / "predicted.csv", "--by", "room", "--by", "speaker"
    )
    uncalibrated = [re.sub("; expected calibration error.*", "", text) for text in (printed, direct)]  # printed posteriors are rounded
    assert code == 0 and uncalibrated[0] == uncalibrated[1] != direct
    assert printed == ser_acrnn.evaluate(folder / "predicted.csv", labels, by=["room", "speaker"]).to_markdown() + "\n"


def test_an_evaluation_is_json_and_csv_and_its_predictions_are_kept(capsys, folder, labels, tmp_path):
    words = ("evaluate", "--labels", labels, "--model", folder / "training.keras")
    code, printed, error = run(capsys, *words, "--json", "--save-predictions", tmp_path / "said.csv", "--plot", tmp_path / "confusion.svg")
    found = json.loads(printed)
    assert code == 0 and found["utterances"] == 3 and list(found["breakdowns"]) == ["speaker"] and found["chance"] == 1 / 3
    assert error == f"figure: {tmp_path / 'confusion.svg'}\n" and "<svg" in (tmp_path / "confusion.svg").read_text()
    again = run(capsys, "evaluate", "--labels", labels, "--predictions", tmp_path / "said.csv", "--json")
    assert json.loads(again[1]) == found
    _, printed, _ = run(capsys, *words, "--csv")
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [row["value"] for row in rows] == ["", "s0", "s1", "s2"] and float(rows[0]["uar"]) == found["uar"]
    assert run(capsys, *words, "--csv", "--json")[0] == 2


def test_an_evaluation_maps_names_and_keeps_to_those_of_the_labels(capsys, folder, labels):
    joyful = labels.with_name("joyful.csv")
    joyful.write_text(labels.read_text().replace("happy", "joy").replace("angry", "sad"))
    words = ("evaluate", "--labels", joyful, "--model", folder / "training.keras", "--map", "joy=happy", "--json")
    assert json.loads(run(capsys, *words)[1])["emotions"] == list(EMOTIONS)
    found = json.loads(run(capsys, *words, "--labels-only")[1])
    assert found["emotions"] == ["sad", "happy"] and sum(map(sum, found["confusion"])) == 3
    for wrong in ("joy", "joy=", "=happy"):
        assert run(capsys, *words, "--map", wrong)[0] == 2
    code, _, error = run(capsys, *words, "--map", "rage=angry")
    assert code == 1 and f"{joyful}: no emotion is 'rage'" in error


def test_two_networks_or_predictions_are_compared_speaker_by_speaker(capsys, folder, labels, tmp_path):
    keras.utils.set_random_seed(5)
    trained_on_other_voices(acrnn(ModelConfig(**SMALL), recipe_hash=FEATURE_RECIPES["paper"].recipe_hash)).save(tmp_path / "b.keras")
    words = ("evaluate", "--labels", labels, "--model", folder / "training.keras")
    code, printed, _ = run(capsys, *words, "--against", tmp_path / "b.keras", "--json")
    found = json.loads(printed)
    uars = [[part["uar"] for part in one["breakdowns"]["speaker"].values()] for one in (found, found["against"])]
    assert code == 0 and found["difference"]["groups"] == 3
    assert found["difference"]["mean"] == pytest.approx(100 * np.subtract(*uars).mean())
    for name, model in (("a.csv", folder / "training.keras"), ("b.csv", tmp_path / "b.keras")):
        run(capsys, "evaluate", "--labels", labels, "--model", model, "--save-predictions", tmp_path / name)
    of_predictions = ("evaluate", "--labels", labels, "--predictions", tmp_path / "a.csv", "--against", tmp_path / "b.csv")
    code, printed, _ = run(capsys, *of_predictions, "--json")
    assert code == 0 and json.loads(printed)["difference"] == found["difference"]
    text = run(capsys, *of_predictions)[1]
    assert f"{tmp_path / 'a.csv'} less {tmp_path / 'b.csv'}" in text and text.count("UAR ") > 2
    assert run(capsys, *words, "--against", folder / "training.keras")[0] == 2


def test_an_evaluation_names_what_is_wrong_before_it_begins(monkeypatch, capsys, folder, labels):
    monkeypatch.setattr(Predictor, "predict", None)
    words = ("evaluate", "--labels", labels, "--model", folder / "training.keras")
    code, _, error = run(capsys, *words, "--by", "age")
    assert code == 1 and f"{labels}: lacks the column 'age'" in error
    code, _, error = run(capsys, *words, "--predictions", folder / "predicted.csv")
    assert code == 2 and "neither --model nor --adapt nor --tempos" in " ".join(error.split())
    code, _, error = run(capsys, *words, "--against", folder / "none.keras")
    assert code == 1 and "none.keras: no such file" in error
    strange = labels.with_name("strange.csv")
    strange.write_text(labels.read_text().replace("happy", "calm"))
    code, _, error = run(capsys, "evaluate", "--labels", strange, "--model", folder / "training.keras")
    assert code == 1 and f"{strange}, line 4: emotion is 'calm', expected one of ['angry', 'sad', 'happy']" in error
    code, _, error = run(capsys, "evaluate", "--labels", labels, "--predictions", folder / "none.csv")
    assert code == 1 and "none.csv: cannot be read" in error


def test_embeddings_are_a_table(capsys, folder):
    code, printed, _ = run(capsys, "embed", "--model", folder / "training.keras", folder / "audio")
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert code == 0 and len(rows) == 3 and list(rows[0]) == ["path", *(f"embedding_{unit:02d}" for unit in range(8))]


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


@pytest.mark.parametrize("options", [("--hop", "nan"), ("--hop", "inf"), ("--hop", "-1"), ("--hop", "1e308"), ("--hop", "9" * 400)])
def test_numbers_that_no_option_can_mean_are_wrong_usage(capsys, options):
    code, _, error = run(capsys, "predict", "--timeline", *options, "x.wav")
    assert code == 2 and "hop" in error
    for command in (["record"], ["export", "acrnn3d-emodb", "x.tflite", "--waveform"]):
        code, _, error = run(capsys, *command, "--seconds", options[1])
        assert code == 2 and "seconds" in error


def test_a_name_that_is_not_utf_8_is_printed_and_ends_nothing(capfd, folder, tmp_path):
    strange = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.flac")
    shutil.copy(folder / "audio" / "a.flac", strange)
    words = ["--model", str(folder / "training.keras")]
    for command in (["predict", "--json"], ["predict", "--csv"], ["predict", "--timeline"], ["embed"]):
        for given in ([strange, str(folder / "audio" / "b.wav")], [str(tmp_path)]):
            assert cli.main([*command, *words, *given]) == 0
            found = capfd.readouterr()
            assert "\\udcff.flac" in found.out and found.err == "" and ("b.wav" in found.out) == (len(given) == 2)
    Path(strange).write_bytes(b"")
    assert cli.main(["predict", *words, strange]) == 1 and "\\udcff.flac: the file is empty" in capfd.readouterr().err


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


def test_a_plot_makes_its_folder_and_one_that_fails_leaves_the_row(monkeypatch, capsys, folder, tmp_path):
    words = ("predict", "--model", folder / "training.keras", folder / "audio" / "a.flac", "--plot")
    assert run(capsys, *words, tmp_path / "new" / "x.png")[0] == 0 and (tmp_path / "new" / "x.png").is_file()
    if Path("/dev/full").exists():
        code, printed, error = run(capsys, *words, "/dev/full")
        assert code == 1 and "a.flac: " in printed and error.startswith("/dev/full: cannot be written (No space left on device)")
        assert not Path("/dev/full").is_file()


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


def test_what_is_skipped_in_a_folder_is_said_in_a_line_and_links_do_not_loop(capsys, folder, tmp_path):
    source = folder / "audio" / "b.wav"
    for name in ("x.wav", "._x.wav", ".x.wav", "notes.txt", ".hidden/x.wav", "deep/y.wav"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, tmp_path / "in" / name)
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(source, tmp_path / "elsewhere" / "z.wav")
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "deep" / "loop").symlink_to(tmp_path / "in")
    code, printed, error = run(capsys, "predict", "--csv", "--model", folder / "training.keras", tmp_path / "in")
    found = [row["path"] for row in csv.DictReader(io.StringIO(printed))]
    assert code == 0 and found == [str(tmp_path / "in" / name) for name in ("deep/y.wav", "linked/z.wav", "x.wav")]
    said = (
        "3 hidden (such as ._x.wav), 1 of other kinds (such as notes.txt), 1 linked to a folder that is heard already (such as deep/loop)"
    )
    assert error == f"{tmp_path / 'in'}: skipped {said}\n"


def test_a_pipe_and_standard_input_are_read_and_named_as_given(monkeypatch, capsys, folder, tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(kept))
    recording, words = folder / "audio" / "a.flac", ("predict", "--csv", "--model", folder / "training.keras")
    _, expected, _ = run(capsys, *words, recording)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(recording.read_bytes())))
    assert run(capsys, *words, "-") == (0, expected.replace(str(recording), "-"), "")
    os.mkfifo(tmp_path / "pipe")
    writing = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(recording.read_bytes()), daemon=True)
    writing.start()
    assert run(capsys, *words, tmp_path / "pipe") == (0, expected.replace(str(recording), str(tmp_path / "pipe")), "")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    code, _, error = run(capsys, *words, "-")
    assert code == 1 and "  -: the file is empty" in error
    monkeypatch.setattr(inputs, "LARGEST_PIPE_BYTES", 100)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(bytes(101))))
    code, _, error = run(capsys, *words, "-")
    assert code == 1 and error == "-: holds more than 100 bytes, expected a recording of at most that\n"
    assert not list(kept.iterdir())
