"""Intervals, tests and Holm's correction against figures of textbooks, theory and scipy."""

import math

import numpy as np
import pytest
from scipy import stats

from ser_acrnn.evaluation import intervals
from ser_acrnn.evaluation.intervals import Difference

FIVE = np.array([3.0, 5.0, 4.0, 8.0, 5.0])  # mean 5, standard deviation 1.8708


def test_the_interval_is_students():
    low, high = intervals.t_interval(FIVE)
    half = 2.7764 * 1.8708 / math.sqrt(5)  # the table's t for four degrees of freedom
    assert (low, high) == (pytest.approx(5 - half, abs=1e-3), pytest.approx(5 + half, abs=1e-3))
    assert intervals.t_interval(FIVE, 0.5)[0] == pytest.approx(5 - 0.7407 * 1.8708 / math.sqrt(5), abs=1e-3)


def test_many_samples_have_an_interval_each():
    samples = np.random.default_rng(0).normal(size=(2, 7, 4))
    found = intervals.t_interval(samples)
    assert found.shape == (2, 7, 2)
    np.testing.assert_allclose(found[1, 3], stats.ttest_1samp(samples[1, 3], 0).confidence_interval(), rtol=1e-9)


def test_the_interval_of_a_rate_holds_nothing_that_is_no_rate():
    for means, whole in (([0.5, 1.0, 1.0], 1.0), ([50.0, 100.0, 90.0], 100.0), ([0.0, 0.1, 0.0], 1.0)):
        low, high = intervals.t_interval(means)
        assert low < 0 or high > whole
        assert intervals.rate_interval(means, whole).tolist() == [max(low, 0), min(high, whole)]
    inside = [0.4, 0.5, 0.6, 0.5]
    np.testing.assert_array_equal(intervals.rate_interval(inside), intervals.t_interval(inside))
    assert np.isnan(intervals.rate_interval([0.5, 0.6])).all()


@pytest.mark.parametrize("folds", [0, 1, 2])
def test_fewer_than_three_folds_have_no_interval_no_p_and_no_verdict(folds):
    values = FIVE[:folds]
    assert np.isnan(intervals.t_interval(values)).all() and intervals.t_interval(values).shape == (2,)
    assert math.isnan(intervals.t_test(values))
    if folds:
        (difference,) = intervals.family([Difference.over(values)])
        assert difference.mean == values.mean()
        assert intervals.compared(difference) == [f"{values.mean():+.1f}", "", "", ""]


def test_the_test_is_the_paired_t_test_and_agrees_with_the_interval():
    rng = np.random.default_rng(1)
    found = set()
    for folds in (3, 5, 10):
        for _ in range(50):
            one, other = rng.normal(1, 1, folds), rng.normal(size=folds)
            p = intervals.t_test(one - other)
            assert p == pytest.approx(stats.ttest_rel(one, other).pvalue)
            low, high = intervals.t_interval(one - other)
            assert (p < 0.05) is bool(low > 0 or high < 0)
            found.add(p < 0.05)
    assert found == {True, False}


def test_what_does_not_vary_is_certain():
    assert intervals.t_test([0, 0, 0]) == 1 and intervals.t_test([2, 2, 2]) == 0


def test_holm_as_in_a_worked_example():
    # Of 0.01, 0.04, 0.03, 0.005 the sorted ones times 4, 3, 2, 1 are 0.02, 0.03, 0.06, 0.04; the last may not be below the one before.
    np.testing.assert_allclose(intervals.holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(intervals.holm([0.6, 0.02, 0.7]), [1, 0.06, 1])
    np.testing.assert_allclose(intervals.holm([0.04]), [0.04])


def test_what_was_not_tested_does_not_count_in_its_family():
    np.testing.assert_allclose(intervals.holm([math.nan, 0.02, 0.03]), [math.nan, 0.04, 0.04])
    assert np.isnan(intervals.holm([math.nan])).all() and len(intervals.holm([])) == 0


def test_only_what_survives_holm_is_a_gain_or_a_loss():
    gain, loss, chance = FIVE, -FIVE, FIVE - 3.5
    alone = Difference.over(chance)
    assert alone.p_value < 0.5 and alone.verdict == ""
    assert [one.verdict for one in intervals.family([Difference.over(values) for values in (gain, loss, chance)])] == [
        "gain",
        "loss",
        "within chance",
    ]
    weak = Difference.over(FIVE - 2.5)
    assert weak.p_value == pytest.approx(0.0404, abs=1e-3)
    assert intervals.family([weak])[0].verdict == "gain"
    assert intervals.family([weak, alone])[0].verdict == "within chance"


def test_intervals_as_text():
    assert intervals.ends(75.24, 85.86) == "75.2 to 85.9" and intervals.ends(-1, 2, "+") == "-1.0 to +2.0"
    assert intervals.ends(math.nan, math.nan) == ""
    assert intervals.around(80.56, 75.2, 85.9) == "80.6 (75.2 to 85.9)"
    assert intervals.around(1.234, -0.5, 3, "+", 2) == "+1.23 (-0.5 to +3.0)"
    assert intervals.around(80.56, math.nan, math.nan) == "80.6"
    difference = Difference(mean=2, low=1, high=3, p_value=0.00004, p_holm=0.0123)
    assert intervals.compared(difference) == ["+2.0 (+1.0 to +3.0)", "< 0.001", "0.012", "gain"]
    assert intervals.compared(None) == ["", "", "", ""] and len(intervals.TESTED) == 3
