"""Results by sex, age and intensity."""

from dataclasses import replace

import pytest

from data_prep.corpora import crema_d, synthetic
from experiments.reporting import by_details
from ser_acrnn.evaluation.results import RunResult


def result(utterances):
    return RunResult("crema_d", "lite", {"test": "group0"}, 0, ["angry", "sad"], utterances, 1, [], "", {}, "", "b", "d", "float32", 1.0)


def said(name, emotion, angry):
    return {"id": name, "emotion": emotion, "posteriors": [angry, 1 - angry]}


RESULT = result(
    [
        said("1001_DFA_ANG_HI", "angry", 0.9),  # a man of 51
        said("1001_DFA_SAD_LO", "sad", 0.9),
        said("1002_DFA_ANG_XX", "angry", 0.9),  # a woman of 21
        said("1002_DFA_SAD_XX", "sad", 0.1),
    ]
)


def test_each_part_is_judged_over_the_emotions_that_it_has():
    found = {part: (number, uar) for _, part, number, uar in by_details.rows([RESULT], crema_d.details_of)}
    assert found == {
        "all": ("4", "75.0"),
        "age 45 to 59": ("2", "50.0"),
        "age below 30": ("2", "100.0"),
        "intensity high": ("1", "100.0"),
        "intensity low": ("1", "0.0"),
        "intensity unspecified": ("2", "100.0"),
        "sex female": ("2", "100.0"),
        "sex male": ("2", "50.0"),
    }


@pytest.mark.parametrize(("age", "words"), [("29", "below 30"), ("30", "30 to 44"), ("60", "60 and above")])
def test_ages_are_grouped(age, words):
    assert by_details.parts_of("u", lambda name: {"age": age}) == [f"age {words}"]


def test_a_corpus_of_which_nothing_else_was_published_is_refused():
    assert "| `lite` | all" in by_details.page(crema_d.CORPUS, [RESULT])
    with pytest.raises(ValueError, match="synthetic: nothing else was published"):
        by_details.page(replace(synthetic.CORPUS, details=None), [RESULT])
