"""Seeds that judge together."""

from dataclasses import replace

import numpy as np
import pytest
from sample_results import RESULTS, sample_result

from ser_acrnn.evaluation.ensembles import ensemble, with_seed_ensembles
from ser_acrnn.evaluation.metrics import unweighted_average_recall
from ser_acrnn.evaluation.results import ResultError


def three_seeds(speaker, system="tiny"):
    return [sample_result(speaker, seed, system, right=(1, seed == 0, 1, seed > 0)) for seed in range(3)]


def test_a_row_of_its_own_behind_the_system_with_the_mean_of_scaled_posteriors():
    results = [*three_seeds("03"), *three_seeds("08"), sample_result(system="lite")]
    found = with_seed_ensembles(results)
    assert [result.system for result in found] == ["tiny"] * 6 + ["tiny+seeds"] * 2 + ["lite"]
    together = found[6]
    assert (together.fold["test"], together.seed, together.wall_seconds) == ("03", 0, 108)
    np.testing.assert_allclose(together.utterances[1]["posteriors"], [(0.75 + 0.25 + 0.25) / 3, (0.25 + 0.75 + 0.75) / 3], atol=1e-6)
    assert together.truth == results[0].truth
    assert together.decisions == ["angry", "sad", "sad", "sad"]
    assert unweighted_average_recall(together.truth, together.decisions) == pytest.approx(0.75)


def test_fewer_than_three_seeds_or_seeds_that_differ_are_left_alone():
    assert with_seed_ensembles(RESULTS) == RESULTS
    uneven = [*three_seeds("03"), *three_seeds("08")[:2], replace(three_seeds("08")[2], seed=7)]
    assert with_seed_ensembles(uneven) == uneven


def test_scores_are_averaged_as_they_are():
    runs = [
        replace(result, utterances=[{**utterance, "posteriors": [0.5, -1.0 - result.seed]} for utterance in result.utterances])
        for result in three_seeds("03")
    ]
    assert with_seed_ensembles(runs)[3].utterances[0]["posteriors"] == [0.5, -2.0]


def test_validation_posteriors_are_averaged_where_they_are():
    runs = [replace(result, validation_utterances=sample_result("z").utterances) for result in three_seeds("03")]
    ensemble = with_seed_ensembles(runs)[3]
    assert [utterance["id"] for utterance in ensemble.validation_utterances] == ["zu0", "zu1", "zu2", "zu3"]
    assert ensemble.fold == runs[0].fold
    unknown = with_seed_ensembles([*runs[:2], replace(runs[2], validation_utterances=[])])[3]  # what two say is not what three say
    assert unknown.validation_utterances == [] and unknown.fold == {**runs[0].fold, "validation": None}


def test_systems_judge_together_where_all_of_them_have_a_run():
    one = [sample_result("03", seed, "a", right=(1, 0, 1, 1)) for seed in (0, 1)]
    other = [sample_result("03", 1, "b", right=(0, 0, 1, 1)), sample_result("08", 1, "b")]
    (found,) = ensemble("both", ["a", "b"], [*other, *one])
    assert (found.system, found.fold["test"], found.seed, found.wall_seconds) == ("both", "03", 1, 72)
    parts = [np.array([utterance["posteriors"] for utterance in run.utterances]) for run in (one[1], other[0])]
    expected = np.mean([part / part.sum(axis=1, keepdims=True) for part in parts], axis=0)
    np.testing.assert_allclose([utterance["posteriors"] for utterance in found.utterances], expected, atol=1e-6)
    assert found.truth == one[1].truth and found.config == one[1].config


def first_member_changed(change):
    """Two systems' runs, of which the second has other utterances."""
    one, other = sample_result("03", 1, "a"), sample_result("03", 1, "b")
    return [one, replace(other, utterances=change(other.utterances))]


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda them: [them[1], them[0], *them[2:]], r"03u0 \(angry\) and 03u1 \(angry\)"),
        (lambda them: [*them[:3], {**them[3], "emotion": "angry"}], r"03u3 \(sad\) and 03u3 \(angry\)"),
        (lambda them: them[:3], r"03u3 \(sad\) and none"),
    ],
)
def test_members_that_judged_other_utterances_are_refused_by_their_names(change, words):
    message = rf"a \(seed 1\) and b \(seed 1\), test '03': differ first in {words}"
    with pytest.raises(ResultError, match=message):
        ensemble("both", ["a", "b"], first_member_changed(change))


def test_seeds_that_judged_other_utterances_or_validation_speakers_or_emotions_are_refused():
    runs = three_seeds("03")
    with pytest.raises(ResultError, match=r"tiny \(seed 0\) and tiny \(seed 2\), test '03': differ first in 03u0 \(angry\) and 08u0"):
        with_seed_ensembles([*runs[:2], replace(runs[2], utterances=sample_result("08").utterances)])
    validated = [replace(run, validation_utterances=sample_result("yz"[run.seed == 0]).utterances) for run in runs]
    with pytest.raises(ResultError, match=r"\(seed 0\) and tiny \(seed 1\), test '03': differ first in zu0 \(angry\) and yu0"):
        with_seed_ensembles(validated)
    with pytest.raises(ResultError, match=r"have the emotions \['angry', 'sad'\] and \['sad', 'angry'\]"):
        with_seed_ensembles([*runs[:2], replace(runs[2], emotions=["sad", "angry"])])
