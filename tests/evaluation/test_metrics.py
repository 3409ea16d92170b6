"""Metrics against figures worked out by hand."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score

from ser_acrnn.evaluation import metrics

TRUTH = ["a", "a", "a", "a", "b", "b"]
DECISIONS = ["a", "a", "a", "b", "b", "c"]


def test_uar_is_the_mean_recall_and_not_the_accuracy():
    assert metrics.unweighted_average_recall(TRUTH, DECISIONS) == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert metrics.weighted_accuracy(TRUTH, DECISIONS) == pytest.approx(4 / 6)


def test_a_class_that_the_truth_lacks_does_not_count_even_when_predicted():
    with_wrong_class = metrics.unweighted_average_recall(TRUTH, DECISIONS)
    assert with_wrong_class == pytest.approx(0.625)  # over a, b and c it would be 0.4167
    assert metrics.unweighted_average_recall(["a", "a"], ["a", "c"]) == pytest.approx(0.5)


def test_macro_f1_averages_over_the_classes_of_the_truth():
    # a: precision 3/3, recall 3/4; b: precision 1/2, recall 1/2.
    assert metrics.macro_f1(TRUTH, DECISIONS) == pytest.approx((6 / 7 + 1 / 2) / 2)


def test_confusion_has_the_truth_in_rows_and_the_given_order():
    assert metrics.confusion(TRUTH, DECISIONS, ["b", "a", "c"]).tolist() == [[1, 0, 1], [1, 3, 0], [0, 0, 0]]


def test_metrics_take_numbers_as_well():
    assert metrics.unweighted_average_recall(np.array([0, 0, 1]), np.array([0, 1, 1])) == pytest.approx(0.75)


@pytest.mark.parametrize("seed", range(5))
def test_they_are_scikit_learns_over_the_classes_of_the_truth(seed):
    rng = np.random.default_rng(seed)
    truth, decisions = rng.choice(list("abcd"), 40), rng.choice(list("bcdef"), 40)
    over = {"labels": np.unique(truth), "average": "macro", "zero_division": 0}
    assert metrics.unweighted_average_recall(truth, decisions) == pytest.approx(recall_score(truth, decisions, **over), abs=1e-12)
    assert metrics.macro_f1(truth, decisions) == pytest.approx(f1_score(truth, decisions, **over), abs=1e-12)
    assert metrics.weighted_accuracy(truth, decisions) == pytest.approx(accuracy_score(truth, decisions), abs=1e-12)
    for classes in ("abcdef", "dcb"):
        expected = confusion_matrix(truth, decisions, labels=list(classes))
        np.testing.assert_array_equal(metrics.confusion(truth, decisions, list(classes)), expected, strict=True)


def test_numbers_and_names_are_not_compared():
    with pytest.raises(ValueError, match="labels have the types int64 and <U1, expected numbers or names on both sides"):
        metrics.weighted_accuracy([0, 1], ["a", "b"])


@pytest.mark.parametrize("missing", [None, np.nan])
@pytest.mark.parametrize("measure", [metrics.unweighted_average_recall, metrics.weighted_accuracy, metrics.macro_f1])
def test_labels_that_are_missing_are_no_class(measure, missing):
    for truth, decisions in ((["a", missing], ["a", missing]), (["a", "b"], ["a", missing])):
        with pytest.raises(ValueError, match="1 of 2 labels are missing, the first is that of utterance 1"):
            measure(np.array(truth, object), np.array(decisions, object))
    with pytest.raises(ValueError, match="2 of 3 labels are missing, the first is that of utterance 1"):
        measure([0, np.nan, np.nan], [0, 1, 2])


@pytest.mark.parametrize("truth, decisions", [([], []), (["a"], ["a", "b"]), ([["a"]], [["a"]])])
def test_shapes_that_cannot_be_meant_are_refused(truth, decisions):
    with pytest.raises(ValueError, match="expected the same"):
        metrics.unweighted_average_recall(truth, decisions)


def test_an_utterance_takes_the_maximum_of_its_segments_and_not_their_mean():
    segments = [[0.9, 0.1, 0.0], [0.0, 0.5, 0.5], [0.0, 0.6, 0.4], [0.2, 0.3, 0.5]]
    result = metrics.utterance_posteriors(segments, [0, 0, 0, 1])
    np.testing.assert_allclose(result, [[0.9, 0.6, 0.5], [0.2, 0.3, 0.5]], rtol=1e-6)
    assert result[0].argmax() == 0  # the mean would decide for the second class


def test_segments_may_come_in_any_order():
    np.testing.assert_allclose(metrics.utterance_posteriors([[0.1], [0.2], [0.3]], [1, 0, 1]), [[0.2], [0.3]], rtol=1e-6)


@pytest.mark.parametrize("owner", [[0, 2], [1, 1], [0]])
def test_utterances_without_a_segment_are_refused(owner):
    with pytest.raises(ValueError, match="expected"):
        metrics.utterance_posteriors([[0.5], [0.5]], owner)
