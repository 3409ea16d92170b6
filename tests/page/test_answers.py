"""What the page says in words is what the network says, and shows a name as it is, whatever is in it."""

import re

import numpy as np
import pytest

from ser_acrnn.inference.predictions import Prediction, WindowPrediction
from ser_acrnn.page import about, answers

SHARES = {"angry": 0.2, "happy": 0.7, "sad": 0.1}


def window(start, end, flaw="", unfamiliarity=0.4, posteriors=SHARES):
    attention = () if flaw else (0.25, 0.75)
    return WindowPrediction(start, end, {} if flaw else posteriors, attention, flaw, end - start, 30.0, unfamiliarity)


def said(*windows, unfamiliarity=0.4):
    windows = windows or (window(0.0, 2.0),)
    return Prediction("happy", SHARES, windows, 0.5, 1.5, 31.4, unfamiliarity, windows[-1].end_seconds)


def test_decision_and_facts_are_those_of_the_prediction():
    text = answers.told("a.wav", said())
    assert "<h2>happy</h2>" in text and "share of 0.70" in text and "1.50 s" in text and "31 dB" in text
    assert re.findall(r"<th scope='row'>(\w+)</th>.*?width:([\d.]+)%.*?<td>([\d.]+)</td>", text) == [
        ("happy", "70.0", "0.70"),
        ("angry", "20.0", "0.20"),
        ("sad", "10.0", "0.10"),
    ]
    assert "Adapted to" not in text and "Not judged" not in text
    assert "3 recordings" in answers.told("a.wav", said(), adapted_to=3)


def test_what_is_like_nothing_in_the_training_is_unsure():
    text = answers.told("a.wav", said(unfamiliarity=1.2))
    assert "<h2>unsure</h2>" in text and "leans to happy, which means nothing" in text and "1.20" in text


def test_a_recording_of_more_than_a_minute_has_its_windows():
    assert answers.timeline(said(window(0.0, 60.0))) == ""
    windows = window(58.0, 61.0), window(59.0, 62.0, unfamiliarity=1.1), window(60.0, 63.0, flaw="is <silent>")
    text = answers.timeline(said(*windows))
    assert re.findall(r"<tr><th scope='row'>(.*?)</th>(.*?)</tr>", text) == [
        ("0:58.0 to 1:01.0", "<td>happy</td><td>0.70</td>"),
        ("0:59.0 to 1:02.0", "<td>unsure</td><td>0.70</td>"),
        ("1:00.0 to 1:03.0", "<td colspan='2'>not judged: it is &lt;silent&gt;</td>"),
    ]
    assert "1 of 3 windows" in answers.told("a.wav", said(*windows))


def test_a_time_is_rounded_before_it_is_cut_into_minutes():
    assert "<th scope='row'>0:57.0 to 1:00.0</th>" in answers.timeline(said(window(57.0, 59.98), window(58.0, 61.0)))


def test_the_figure_says_where_the_attention_is():
    assert "greatest at 0.8 s" in answers.drawn("data:", "a.wav", said())
    assert np.argmax(said().attention()[1]) == 1


@pytest.mark.parametrize("name", ["<b>.wav", "a'b\".wav"])
def test_names_and_sentences_are_shown_as_they_are(name):
    shown = answers.told(name, said()) + answers.drawn("data:", name, said()) + answers.refused(name) + answers.left_out([name], 2)
    assert "<b>.wav" not in shown and "a'b\"" not in shown


def test_a_shipped_network_tells_its_limits_and_another_one_that_nothing_is_known():
    class Network:
        parameters, runtime = 1234, "keras"

    class Shipped:
        name, emotions, network = "acrnn3d-emodb", ("angry", "sad"), Network()

    text = about.limits(Shipped)
    assert "trained on Emo-DB" in text and "Acted speech of a few actors" in text and about.NOT_FOR_PEOPLE in " ".join(text.split())
    assert "What it is worth" in about.about(Shipped)

    class Own(Shipped):
        name, preprocessor = "mine.keras", type("Preprocessor", (), {"scope": "utterance"})

    assert "its owner" in about.limits(Own) and about.NOT_FOR_PEOPLE in about.limits(Own)
    assert "1,234 parameters on keras" in about.about(Own)
