"""Paired comparisons against figures worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from sample_results import sample_result
from scipy import stats

from ser_acrnn.evaluation.comparison import paired_differences, selection

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
    (pair,) = paired_differences(results, [("a", "b")])
    assert (pair.runs, pair.folds) == (2, 2)
    assert pair.mean == pytest.approx((50 + 0) / 2)
    assert np.isnan([pair.low, pair.high, pair.p_value]).all()  # of two folds
    assert paired_differences(results, [("b", "a")])[0].mean == pytest.approx(-25)


def test_seeds_of_a_fold_are_averaged_before_the_test():
    rights = {"03": (ALL, HALF), "08": (ALL, THREE), "09": (THREE, HALF), "10": (ALL, HALF)}
    results = []
    for speaker, (first, second) in rights.items():
        for seed in range(5):
            results += [sample_result(speaker, seed, "a", right=first), sample_result(speaker, seed, "b", right=second)]
    (pair,) = paired_differences(results, [("a", "b")])
    assert (pair.runs, pair.folds) == (20, 4)
    assert pair.p_value == pytest.approx(stats.ttest_1samp([50, 25, 25, 50], 0).pvalue)
    assert (pair.low, pair.high) == pytest.approx(stats.ttest_1samp([50, 25, 25, 50], 0).confidence_interval())


def test_a_fold_with_more_seeds_counts_no_more_and_the_interval_stands_around_the_mean():
    results = [sample_result(speaker, 0, "a", right=ALL) for speaker in ("03", "08", "09")]
    results += [sample_result("03", 0, "b", right=HALF), sample_result("08", 0, "b", right=THREE), sample_result("09", 0, "b", right=ALL)]
    results += [sample_result("03", seed, system, right=right) for seed in (1, 2, 3) for system, right in (("a", ALL), ("b", HALF))]
    (pair,) = paired_differences(results, [("a", "b")])
    assert (pair.runs, pair.folds) == (6, 3)
    assert pair.mean == pytest.approx((50 + 25 + 0) / 3)  # over runs it would be 37.5
    assert (pair.low + pair.high) / 2 == pytest.approx(pair.mean)


def test_the_pairs_of_a_table_are_corrected_together():
    rights = {"a": (ALL,) * 4, "b": (HALF, THREE, HALF, THREE), "c": (THREE, HALF, HALF, HALF)}
    results = [
        sample_result(speaker, 0, system, right=right)
        for system, each in rights.items()
        for speaker, right in zip(("03", "08", "09", "10"), each, strict=True)
    ]
    found = paired_differences(results, [("a", "b"), ("a", "c"), ("b", "c"), ("a", "missing")])
    assert [(pair.first, pair.second) for pair in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    p = [pair.p_value for pair in found]
    assert p[1] < p[0] < 0.05 < p[2]
    assert [pair.p_holm for pair in found] == pytest.approx([2 * p[0], 3 * p[1], p[2]])
    assert [pair.verdict for pair in found] == ["gain", "gain", "within chance"]
    assert paired_differences(results, [("b", "a")])[0].verdict == "loss"


def test_equal_systems_do_not_differ_and_one_speaker_is_too_few():
    results = [sample_result(speaker, 0, system) for speaker in ("03", "08", "09") for system in "ab"]
    assert paired_differences(results, [("a", "b")])[0].p_value == 1
    assert paired_differences(results[:2], [("a", "b")]) == []
    assert paired_differences(results, [("a", "missing")]) == []


def test_the_speaker_who_chose_is_compared_with_the_same_speaker_tested():
    folds = [("03", "08"), ("08", "09"), ("09", "03")]  # validation, test
    rights = {"08": ALL, "09": HALF, "03": THREE}
    results = [
        replace(sample_result(test, seed, right=rights[test]), fold={"train": ["x"], "validation": validation, "test": test})
        for validation, test in folds
        for seed in (0, 1)
    ]
    results[0] = replace(results[0], chosen_epoch=1)  # 20 % on speaker 03, the other runs 60 %
    found = selection(results)
    assert (found.system, found.runs) == ("tiny", 6)
    assert found.chosen == pytest.approx((40 + 60 + 60) / 3)
    assert found.chosen_std == pytest.approx(np.std([20, 60, 60, 60, 60, 60], ddof=1))
    assert found.tested == pytest.approx((100 + 50 + 75) / 3)
    gains = [40 - 75, 60 - 100, 60 - 50]
    assert found.mean == pytest.approx(np.mean(gains)) == pytest.approx(found.chosen - found.tested)
    assert (found.low, found.high) == pytest.approx(stats.ttest_1samp(gains, 0).confidence_interval())
    assert selection(results[:2]) is None  # nobody was both
    fourth = replace(results[0], fold={"train": ["x"], "validation": "09", "test": "10"})
    two = selection([*results[:4], fourth])  # 08 and 09 were both
    assert two.runs == 5 and np.isnan([two.low, two.high, two.p_value]).all()


def test_where_nobody_validates_there_is_nothing_to_choose_by():
    runs = [sample_result(speaker, system=system) for speaker in ("03", "08") for system in "ab"]
    everyone = [replace(run, fold={"train": ["x", "y", "z"], "validation": None, "test": run.fold["test"]}) for run in runs]
    assert selection(everyone[::2]) is None
    assert paired_differences(everyone, [("a", "b")])[0].runs == 2
    with pytest.raises(ValueError, match="a, test part 03: nobody validated, expected a validation part"):
        paired_differences(everyone, [("a", "b")], "validation_uar")


def test_the_validation_part_is_judged_as_the_test_part_where_its_decisions_were_kept():
    run = sample_result("03")
    assert run.validation_uar == pytest.approx(0.6)  # of the curve
    assert replace(run, validation_utterances=sample_result(right=THREE).utterances).validation_uar == pytest.approx(0.75)


def test_without_speakers_who_are_both_nothing_is_compared():
    assert selection([sample_result(speaker) for speaker in ("03", "08")]) is None
