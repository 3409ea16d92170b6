"""`ser-acrnn evaluate`: tables, breakdowns, kept predictions and comparisons of two."""

import csv
import io
import json
import os
import re
import threading

import keras
import numpy as np
import pytest
from networks import trained_on_other_voices
from typed_command import EMOTIONS, SMALL, run

import ser_acrnn
from ser_acrnn.config import FEATURE_RECIPES, ModelConfig
from ser_acrnn.evaluation import drawing
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.models.networks import acrnn

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]


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


def test_what_a_name_holds_does_nothing_to_a_terminal(capsys, folder, labels):
    odd = labels.with_name("odd.csv")
    odd.write_text(labels.read_text().replace("s1", "s1\x1b[31m"))
    words = ("evaluate", "--labels", odd, "--model", folder / "training.keras")
    code, printed, error = run(capsys, *words)
    assert code == 0 and "\n| s1\\x1b[31m | " in printed and "\x1b" not in printed + error
    assert json.loads(run(capsys, *words, "--json")[1])["breakdowns"]["speaker"].keys() == {"s0", "s1\x1b[31m", "s2"}


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


def test_an_evaluation_names_what_is_wrong_before_it_begins(monkeypatch, capsys, folder, labels, tmp_path):
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
    acrnn(ModelConfig(**SMALL | {"emotions": ("angry", "calm")}), recipe_hash=FEATURE_RECIPES["paper"].recipe_hash).save(
        tmp_path / "b.keras"
    )
    code, _, error = run(capsys, *words, "--against", tmp_path / "b.keras")
    assert code == 1 and f"{labels}, line 3 (and 1 more): emotion is 'sad', expected one of ['angry', 'calm']" in error
    code, _, error = run(capsys, "evaluate", "--labels", labels, "--predictions", folder / "none.csv")
    assert code == 1 and "none.csv: cannot be read" in error


def piped(path, text):
    """A pipe with a text in it, which can be read once."""
    os.mkfifo(path)
    threading.Thread(target=lambda: path.write_text(text), daemon=True).start()
    return path


def test_labels_and_predictions_that_come_through_a_pipe_are_read_once(capsys, folder, labels, tmp_path):
    _, predicted, _ = run(capsys, "predict", "--model", folder / "training.keras", "--csv", folder / "audio")
    (tmp_path / "p.csv").write_text(predicted)
    absolute = "".join(f"{labels.parent}/{row}\n" if number else f"{row}\n" for number, row in enumerate(labels.read_text().splitlines()))
    _, expected, _ = run(capsys, "evaluate", "--labels", labels, "--predictions", tmp_path / "p.csv")
    found = run(capsys, "evaluate", "--labels", piped(tmp_path / "one", absolute), "--predictions", tmp_path / "p.csv")
    assert found == (0, expected, "")
    found = run(capsys, "evaluate", "--labels", piped(tmp_path / "two", absolute), "--model", folder / "training.keras", "--by", "room")
    assert found[0] == 0 and "| large | 2 " in found[1]
    words = ("--labels", piped(tmp_path / "three", absolute), "--predictions", piped(tmp_path / "four", predicted))
    _, printed, error = run(capsys, "check", *words)
    assert f"{tmp_path / 'four'} on 3 recordings of {tmp_path / 'three'}: " in printed and error == ""
    code, _, error = run(capsys, "evaluate", "--labels", piped(tmp_path / "five", labels.read_text()), "--model", folder / "training.keras")
    assert code == 1 and error.startswith(f"{tmp_path / 'five'}: ") and f"{tmp_path / 'b.wav'} (line 2)" in error


def test_nothing_is_written_over_labels_recordings_or_networks(monkeypatch, capsys, folder, labels, tmp_path):
    monkeypatch.setattr(Predictor, "predict", None)
    network, recording, predicted = folder / "training.keras", labels.parent / "b.wav", tmp_path / "said.csv"
    predicted.write_text("path,emotion\n")
    of_network, of_predictions = ("evaluate", "--model", network), ("evaluate", "--predictions", predicted)
    cases = [
        *[(of_network, option, over) for option in ("--save-predictions",) for over in (labels, recording, network)],
        (of_predictions, "--plot", predicted),
        *[(("check", "--predictions", predicted), option, over) for option in ("--html", "--markdown") for over in (labels, predicted)],
        (("check", network), "--html", recording),
    ]
    monkeypatch.setattr(drawing, "check_path", lambda path: None)  # its end is that of no figure
    for words, option, over in cases:
        before = over.read_bytes()
        code, printed, error = run(capsys, *words, "--labels", labels, option, over)
        assert (code, printed) == (1, "") and error == f"{over}: would be written over {over}, which is read; expected another name\n"
        assert over.read_bytes() == before
    both = ("--save-predictions", tmp_path / "x.svg", "--plot", tmp_path / "x.svg")
    code, _, error = run(capsys, *of_network, "--labels", labels, *both)
    assert code == 1 and "x.svg, which is written too" in error
