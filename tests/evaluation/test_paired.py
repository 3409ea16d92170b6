"""Two evaluations of the same utterances against figures worked out by hand."""

import doctest
import json
import math

import pandas as pd
import pytest
from scipy import stats

import ser_acrnn
from ser_acrnn.evaluation import PredictionsError, paired

TRUTH = pd.DataFrame({"truth": ["angry", "sad"] * 8, "speaker": list("aaaabbbbccccdddd")})


def evaluated(wrong, by="speaker", table=TRUTH):
    """Decisions that are right but for some rows."""
    other = {"angry": "sad", "sad": "angry"}
    decision = [other[truth] if row in wrong else truth for row, truth in enumerate(table["truth"])]
    return ser_acrnn.evaluate(table.assign(decision=decision), by=by)


def test_the_difference_is_taken_speaker_by_speaker():
    found = paired.compare(evaluated([0]), evaluated([1, 4, 5, 8, 12]))
    points = [75 - 75, 100 - 50, 100 - 75, 100 - 75]
    expected = stats.ttest_1samp(points, 0)
    assert (found.column, found.groups, found.utterances) == ("speaker", 4, 16)
    assert found.mean == pytest.approx(25) and (found.low, found.high) == pytest.approx(expected.confidence_interval())
    assert found.p_value == found.p_holm == pytest.approx(expected.pvalue) and found.verdict == "within chance"
    assert paired.compare(evaluated([1, 4, 5, 8, 12]), evaluated([0])).mean == pytest.approx(-25)
    text = found.to_markdown("mine", "theirs")
    assert "mine less theirs" in text and "95 % interval over speakers" in text and "+25.00" in text


def test_of_two_speakers_there_is_no_interval_in_json_either():
    table = TRUTH[TRUTH["speaker"].isin(["a", "b"])]
    found = paired.compare(evaluated([], table=table), evaluated([0], table=table))
    assert found.mean == pytest.approx(12.5) and math.isnan(found.low)
    facts = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert facts["low"] is None and facts["p_value"] is None and facts["verdict"] == ""


def test_other_utterances_are_refused():
    first, fewer = evaluated([]), evaluated([], table=TRUTH.drop(index=15))
    with pytest.raises(PredictionsError, match=r"speaker 'd': one was judged on \{'angry': 2, 'sad': 2\}, the other"):
        paired.compare(first, fewer)
    with pytest.raises(PredictionsError, match="speaker: one has"):
        paired.compare(first, evaluated([], table=TRUTH[TRUTH["speaker"] != "d"]))
    with pytest.raises(PredictionsError, match=r"broken down by \[\], expected 'speaker'"):
        paired.compare(first, evaluated([], by=()))


def test_the_docstrings_example_is_right():
    found = doctest.testmod(paired)
    assert found.attempted and not found.failed
