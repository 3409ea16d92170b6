"""Paired comparisons against figures worked out by hand."""

import pytest
from sample_results import sample_result
from scipy import stats

from ser_acrnn.comparison import paired_difference

ALL, HALF, THREE = (1, 1, 1, 1), (1, 1, 0, 0), (1, 1, 1, 0)


def test_the_difference_is_taken_run_by_run():
    results = [
        sample_result("03", 0, "a", right=ALL),
        sample_result("03", 0, "b", right=HALF),
        sample_result("08", 0, "a", right=THREE),
        sample_result("08", 0, "b", right=THREE),
        sample_result("08", 1, "a", right=ALL),  # b has no such run: it counts for neither
        sample_result("09", 0, "c", right=ALL),
    ]
    pair = paired_difference(results, "a", "b")
    assert (pair.runs, pair.folds) == (2, 2)
    assert pair.mean == pytest.approx((50 + 0) / 2)
    assert (pair.low, pair.high) == (pytest.approx(0), pytest.approx(50))
    assert paired_difference(results, "b", "a").mean == pytest.approx(-25)


def test_seeds_of_a_fold_are_averaged_before_the_test():
    rights = {"03": (ALL, HALF), "08": (ALL, THREE), "09": (THREE, HALF), "10": (ALL, HALF)}
    results = []
    for speaker, (first, second) in rights.items():
        for seed in range(5):
            results += [sample_result(speaker, seed, "a", right=first), sample_result(speaker, seed, "b", right=second)]
    pair = paired_difference(results, "a", "b")
    assert (pair.runs, pair.folds) == (20, 4)
    assert pair.p_value == pytest.approx(stats.wilcoxon([50, 25, 25, 50]).pvalue)


def test_equal_systems_do_not_differ_and_one_speaker_is_too_few():
    results = [sample_result(speaker, 0, system) for speaker in ("03", "08") for system in "ab"]
    assert paired_difference(results, "a", "b").p_value == 1
    assert paired_difference(results[:2], "a", "b") is None
    assert paired_difference(results, "a", "missing") is None
