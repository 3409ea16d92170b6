"""Tables that predictions are taken from, and what is refused of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sample_results import RESULTS, sample_result

import ser_acrnn
from ser_acrnn.evaluation import predictions_table
from ser_acrnn.evaluation.predictions_table import read
from ser_acrnn.evaluation.rows import PredictionsError

DECIDED = "truth,decision,speaker\nangry,sad,a\nsad,sad,b\n"
POSTERIORS = "truth,angry,sad\nangry,0.9,0.1\nsad,0.25,0.75\n"
LABELS = "path,speaker,emotion,sex\nb.wav,s1,sad,m\nfolder/a.wav,s0,angry,f\n"
PREDICTED = "path,seconds,emotion,angry,neutral,sad\nfolder/a.wav,2.0,angry,0.6,0.1,0.3\nb.wav,1.5,neutral,0.1,0.5,0.4\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with labels and predictions, which is the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "labels.csv").write_text(LABELS)
    (tmp_path / "predicted.csv").write_text(PREDICTED)
    return tmp_path


def test_a_csv_says_what_a_data_frame_says(tmp_path):
    (tmp_path / "p.csv").write_text("﻿truth, angry ,sad,age\n\nangry,0.9,0.1,30\n sad ,0.25,0.75,9\n", encoding="utf-8")
    frame = pd.DataFrame({"truth": ["angry", "sad"], "angry": [0.9, 0.25], "sad": [0.1, 0.75], "age": [30, 9]})
    for table in (tmp_path / "p.csv", str(tmp_path / "p.csv"), frame, frame.set_index(pd.Index(["x", "y"]))):
        found = read(table)
        assert found.emotions == ("angry", "sad") and found.truth.tolist() == found.decisions.tolist() == ["angry", "sad"]
        np.testing.assert_allclose(found.posteriors, [[0.9, 0.1], [0.25, 0.75]])


def test_names_of_emotions_and_columns_may_be_numbers():
    found = read(pd.DataFrame({"truth": [0, 1, 1], "decision": [0, 1, 2]}))
    assert found.emotions == ("0", "1", "2") and found.decisions.tolist() == ["0", "1", "2"]
    found = read(pd.DataFrame({"truth": [0, 1], 0: [0.5, 0.5], 1: [0.4, 0.5], 2: [0.1, 0.0]}), emotions=[0, 1, 2])
    assert found.decisions.tolist() == ["0", "0"] and found.posteriors.shape == (2, 3)


def test_rounded_posteriors_are_scaled_to_one():
    found = read(pd.DataFrame({"truth": ["a", "b"], "a": [0.333, 0.3], "b": [0.666, 0.7]}))
    np.testing.assert_allclose(found.posteriors.sum(axis=1), 1)


def test_columns_may_have_other_names():
    frame = pd.DataFrame({"emotion": ["angry", "sad"], "said": ["sad", "sad"]})
    found = read(frame, truth="emotion", decision="said")
    assert (found.truth.tolist(), found.decisions.tolist()) == (["angry", "sad"], ["sad", "sad"])


def test_what_the_command_predicts_is_put_beside_its_labels(folder):
    found = read("predicted.csv", "labels.csv")
    assert found.emotions == ("angry", "neutral", "sad")  # also what nobody truly is
    assert (found.truth.tolist(), found.decisions.tolist()) == (["angry", "sad"], ["angry", "neutral"])
    frame = found.rows.frame
    assert frame[["speaker", "sex", "seconds"]].to_numpy().tolist() == [["s0", "f", "2.0"], ["s1", "m", "1.5"]]
    found = ser_acrnn.evaluate("predicted.csv", "labels.csv", by="sex")
    assert found.uar == 0.5 and found.breakdowns["sex"]["f"].uar == 1 and found.groups.column == "speaker"


def test_paths_of_labels_start_from_their_folder_and_others_from_the_current_one(folder):
    (folder / "corpus").mkdir()
    (folder / "labels.csv").rename(folder / "corpus" / "labels.csv")
    (folder / "predicted.csv").write_text(PREDICTED.replace("folder/a", "corpus/folder/a").replace("b.wav", f"{folder}/corpus/b.wav"))
    assert read("predicted.csv", "corpus/labels.csv").truth.tolist() == ["angry", "sad"]


def test_a_decision_without_posteriors_stands_beside_labels_too(folder):
    said = pd.DataFrame({"path": ["b.wav", "folder/a.wav"], "emotion": ["sad", "sad"]})
    found = read(said, pd.read_csv("labels.csv"))
    assert found.posteriors is None and found.truth.tolist() == ["sad", "angry"] and found.emotions == ("angry", "sad")


TABLES = {
    "truth is lacking": (
        DECIDED.replace("truth", "emotion"),
        {},
        r"p\.csv: lacks the column 'truth', expected the true emotion there; found",
    ),
    "truth is empty": (DECIDED.replace("\nsad", "\n "), {}, r"p\.csv, line 3: truth is missing, expected the true emotion$"),
    "decision is empty": (DECIDED.replace("sad,a", ",a"), {}, r"p\.csv, line 2: decision is missing, expected the decided emotion$"),
    "speaker is empty": (DECIDED.replace(",b", ","), {}, r"p\.csv, line 3: speaker is missing, expected"),
    "column to break down by": (DECIDED, {"by": "sex"}, r"p\.csv: lacks the column 'sex', expected what to tell utterances apart by there"),
    "column of groups": (DECIDED, {"group": "actor"}, r"p\.csv: lacks the column 'actor', expected what to tell utterances apart by there"),
    "unknown truth": (DECIDED, {"emotions": ["sad", "calm"]}, r"p\.csv, line 2: truth is 'angry', expected one of \['sad', 'calm'\]$"),
    "unknown decision": (
        DECIDED.replace("angry,sad", "angry,Sad"),
        {"emotions": ["angry", "sad"]},
        r"p\.csv, line 2: decision is 'Sad', expected one of \['angry', 'sad'\]$",
    ),
    "neither decision nor posteriors": ("truth,speaker\nsad,a\n", {}, r"lacks the column 'decision' and those of posteriors, expected"),
    "one posterior is lacking": (
        POSTERIORS.replace("angry,sad\n", "anger,sad\n"),
        {},
        r"p\.csv: lacks the column 'angry', expected posteriors",
    ),
    "posterior is no number": (POSTERIORS.replace("0.25", "x"), {}, r"p\.csv, line 3: angry is 'x', expected a posterior, 0 to 1$"),
    "posterior is empty": (POSTERIORS.replace("0.9", ""), {}, r"p\.csv, line 2: angry is '', expected a posterior"),
    "posterior is NaN": (POSTERIORS.replace("0.75", "nan"), {}, r"p\.csv, line 3: sad is 'nan', expected a posterior"),
    "posterior is infinite": (POSTERIORS.replace("0.75", "inf"), {}, r"p\.csv, line 3: sad is 'inf', expected a posterior"),
    "posterior is negative": (POSTERIORS.replace("0.25", "-0.2"), {}, r"p\.csv, line 3: angry is '-0.2', expected a posterior, 0 to 1$"),
    "posteriors do not sum to one": (
        POSTERIORS.replace("0.9", "0.7").replace("0.25", "0.2"),
        {},
        r"p\.csv, line 2 \(and 1 more\): sum of the posteriors of angry, sad is 0\.8, expected 1; `emotions` names",
    ),
    "decision is not of the highest posterior": (
        "truth,decision,angry,sad\nangry,sad,0.9,0.1\n",
        {"emotions": ["angry", "sad"]},
        r"p\.csv, line 2: decision is 'sad', expected the emotion with the highest posterior",
    ),
    "no row": ("truth,decision\n", {}, r"p\.csv: holds no row, expected an utterance in each$"),
    "nothing": ("", {}, r"p\.csv: is empty, expected a CSV file with a head of columns$"),
    "a short line": ("truth,decision\nsad\n", {}, r"p\.csv, line 2: has 1 fields, expected 2: truth, decision$"),
    "a column twice": ("truth,decision,truth\nsad,sad,sad\n", {}, r"p\.csv: has the column 'truth' twice, expected each once$"),
    "an open quote": (
        'truth,decision\n"sad,sad\nsad,"sad\n',
        {},
        r"p\.csv, line 2: cannot be read \(.*\), expected quotes to stand around",
    ),
    "a value too many": ("truth,decision\nsad,sad, or so\n", {}, r"p\.csv, line 2: has 3 fields, expected 2: .*; 'or so' is in no column"),
    "a column in capitals": ("Truth,decision\nsad,sad\n", {}, r"lacks the column 'truth', .*; 'Truth' is there, expected it to be written"),
}


@pytest.mark.parametrize("text, arguments, message", TABLES.values(), ids=TABLES.keys())
def test_a_table_that_cannot_be_evaluated_is_refused_by_file_line_column_and_value(tmp_path, text, arguments, message):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(PredictionsError, match=message):
        ser_acrnn.evaluate(tmp_path / "p.csv", **arguments)


def test_rows_of_a_data_frame_are_called_by_its_index(tmp_path):
    frame = pd.DataFrame({"truth": ["sad", None, "sad"], "decision": "sad"}, index=[10, 20, 30])
    with pytest.raises(PredictionsError, match=r"^predictions, row 20: truth is missing, expected the true emotion$"):
        ser_acrnn.evaluate(frame)
    frame = pd.DataFrame({"truth": ["sad", "sad"], "sad": [1.0, np.nan]}, index=["x", "y"])
    with pytest.raises(PredictionsError, match=r"^predictions, row y: sad is nan, expected a posterior, 0 to 1$"):
        ser_acrnn.evaluate(frame)
    with pytest.raises(PredictionsError, match=r"^predictions: holds no row"):
        ser_acrnn.evaluate(frame[:0])


@pytest.mark.parametrize(
    "name, before, after, message",
    [
        ("predicted", "b.wav", "c.wav", r"predicted\.csv, line 3: path is 'c.wav', expected a recording that labels\.csv has$"),
        ("predicted", "b.wav", "folder/../folder/a.wav", r"predicted\.csv, line 3: path is .*, expected each recording once$"),
        (
            "predicted",
            "\nb.wav,1.5,neutral,0.1,0.5,0.4",
            "",
            r"labels\.csv, line 2: path is '.*b\.wav', expected a prediction of it in pred",
        ),
        (
            "predicted",
            "neutral,0.1",
            "calm,0.1",
            r"predicted\.csv, line 3: emotion is 'calm', expected one of \['angry', 'neutral', 'sad'\]",
        ),
        ("predicted", "path,", "file,", r"predicted\.csv: lacks the column 'path', expected the path of a recording there"),
        ("labels", "sad", "bored", r"labels\.csv, line 2: emotion is 'bored', expected one of \['angry', 'neutral', 'sad'\]$"),
        ("labels", "emotion", "label", r"labels\.csv: lacks the column 'emotion', expected the true emotion there; found"),
        ("labels", ",m", ",", r"labels\.csv, line 2: sex is missing, expected what to tell utterances apart by$"),
    ],
)
def test_predictions_and_labels_that_do_not_belong_together_are_refused(folder, name, before, after, message):
    path = folder / f"{name}.csv"
    path.write_text(path.read_text().replace(before, after, 1))
    with pytest.raises(PredictionsError, match=message):
        ser_acrnn.evaluate("predicted.csv", "labels.csv", by="sex")


def test_labels_are_checked_before_anything_is_predicted(folder):
    with pytest.raises(PredictionsError, match=r"labels\.csv: lacks the column 'age'"):
        predictions_table.read_labels("labels.csv", columns=["age"])
    with pytest.raises(PredictionsError, match=r"labels\.csv, line 2: emotion is 'sad', expected one of \['angry'\]"):
        predictions_table.read_labels("labels.csv", emotions=["angry"])
    rows = predictions_table.read_labels("labels.csv", columns=["sex"])
    assert rows.frame["path"].tolist() == [str(folder / "b.wav"), str(folder / "folder" / "a.wav")]


@pytest.mark.parametrize(
    "predictions, arguments, message",
    [
        ({"truth": ["sad"]}, {}, r"predictions are dict, expected a DataFrame or the path of a CSV file"),
        ("missing.csv", {}, r"missing\.csv: cannot be read"),
        ([], {}, r"hold no result"),
        ([1], {}, r"hold a int, expected results, or the paths of their files"),
        ([RESULTS[0], sample_result("03", system="other")], {}, r"'other', .* and .*'tiny', .* expected one corpus, protocol, system and"),
        (RESULTS, {"labels": "labels.csv"}, r"results hold their labels and emotions"),
        ([replace(RESULTS[0], emotions=["sad", "angry"]), RESULTS[1]], {}, r"expected one corpus, protocol, system and list of emotions"),
    ],
)
def test_what_is_neither_a_table_nor_results_of_one_system_is_refused(predictions, arguments, message):
    with pytest.raises(PredictionsError, match=message):
        ser_acrnn.evaluate(predictions, **arguments)


def test_a_column_that_is_taken_for_an_emotion_is_said_to_be(tmp_path):
    (tmp_path / "labels.csv").write_text("path,emotion\na.wav,sad\n")
    predicted = pd.DataFrame({"path": [str(tmp_path / "a.wav")], "emotion": ["sad"], "unsure": [False], "sad": [1.0], "note": ["hi"]})
    with pytest.raises(PredictionsError, match=r"note is 'hi', expected a posterior, 0 to 1; each column but path, .* for an emotion's$"):
        ser_acrnn.evaluate(predicted, tmp_path / "labels.csv")
    assert ser_acrnn.evaluate(predicted.drop(columns="note"), tmp_path / "labels.csv").uar == 1
