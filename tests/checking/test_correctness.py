"""Tests on labelled recordings: a right and fair model passes each, and one that fails in one way fails that test."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ser_acrnn.checking.bounds import BOUNDS
from ser_acrnn.checking.correctness import gini
from ser_acrnn.checking.correctness import tests as correctness_tests
from ser_acrnn.evaluation.evaluating import evaluate


def table(wrong=lambda row: False, sure=0.95):
    """240 recordings of six speakers, of which some are judged wrongly."""
    rows = []
    for number in range(240):
        truth = ("angry", "sad")[number % 2]
        row = {
            "truth": truth,
            "speaker": "abcdef"[number // 2 % 6],
            "sex": "mf"[number // 2 % 2],
            "seconds": 1 + number / 100,
            "pitch_hertz": 340 - number,
        }
        row["decision"] = {"angry": "sad", "sad": "angry"}[truth] if wrong({**row, "number": number}) else truth
        rows.append({**row, **{name: sure if name == row["decision"] else 1 - sure for name in ("angry", "sad")}})
    return pd.DataFrame(rows)


def outcomes(judged, share=1.0):
    return {one.name: one for one in correctness_tests(judged, evaluate(judged), share, BOUNDS)}


def failed(judged, share=1.0):
    return {name for name, one in outcomes(judged, share).items() if one.verdict != "passed"}


def test_a_right_model_passes_all():
    assert not failed(table(lambda row: row["number"] % 20 == 0))
    assert len(outcomes(table())) == 9


def test_recordings_of_one_length_are_no_thirds_and_the_reason_is_said():
    assert outcomes(table().assign(seconds=1.5))["length"].reason == "the recordings have 1 such values, expected 3 or more to part them by"
    assert "without the recordings" in outcomes(table().drop(columns="seconds"))["length"].reason


@pytest.mark.parametrize(
    "wrong, sure, name",
    [
        (lambda row: row["truth"] == "sad" and row["number"] % 10 != 1, 0.6, "recall of each emotion"),
        (lambda row: row["sex"] == "f" and row["number"] // 2 % 5 == 0, 0.9, "sex"),
        (lambda row: row["speaker"] == "c" and row["number"] % 20 > 3, 0.9, "worst speaker"),
        (lambda row: row["speaker"] in "abc" and row["number"] // 12 % 2, 0.9, "speakers' spread"),
        (lambda row: row["seconds"] < 1.6 and row["number"] // 2 % 2, 0.9, "length"),
        (lambda row: row["pitch_hertz"] < 160 and row["number"] // 2 % 2, 0.9, "pitch"),
        (lambda row: row["number"] % 20 == 0, 0.6, "calibration"),
        (lambda row: row["number"] // 2 % 2 == 1, 0.6, "UAR above chance"),
        (lambda row: row["truth"] == "sad", 0.6, "UAR above chance"),
    ],
)
def test_a_model_that_fails_in_one_way_fails_that_test(wrong, sure, name):
    assert name in failed(table(wrong, sure))


def test_one_emotion_alone_is_no_choice():
    judged = table()
    alone = judged[judged["truth"] == "sad"].drop(columns=["angry", "sad"])
    assert outcomes(alone)["UAR above chance"].verdict == "not tested"


def test_recordings_that_are_refused_count():
    assert failed(table(), 0.9) == {"recordings are judged"}


def test_recall_has_wilsons_interval():
    found = outcomes(table(lambda row: row["truth"] == "sad" and row["number"] < 24))["recall of each emotion"].details
    assert found["sad"] == pytest.approx(0.9) and (found["sad, from"], found["sad, to"]) == (
        pytest.approx(0.8333, abs=1e-4),
        pytest.approx(0.9419, abs=1e-4),
    )


def test_what_is_not_known_is_not_tested():
    judged = table().drop(columns=["sex", "speaker", "seconds", "pitch_hertz", "angry", "sad"])
    assert {name: one.verdict for name, one in outcomes(judged).items() if name in failed(judged)} == dict.fromkeys(
        ["sex", "speakers' spread", "worst speaker", "length", "pitch", "calibration"], "not tested"
    )
    assert outcomes(judged)["UAR above chance"].about.startswith("lower end of the UAR's 95 % interval over recordings")


def test_gini_is_none_of_equals_and_nearly_one_where_one_has_all():
    assert gini(np.ones(5)) == 0 and gini(np.zeros(5)) == 0
    assert gini(np.array([0, 0, 0, 1.0])) == pytest.approx(0.75) and gini(np.array([0.5, 1])) == pytest.approx(1 / 6)
