"""Paired comparisons against figures worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from sample_results import sample_result
from scipy import stats

from ser_acrnn.comparison import paired_difference, selection, uar_on_validation

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
    assert found.chosen == pytest.approx((20 + 5 * 60) / 6)
    assert found.chosen_std == pytest.approx(np.std([20, 60, 60, 60, 60, 60], ddof=1))
    assert found.tested == pytest.approx((100 + 50 + 75) / 3)
    gains = [40 - 75, 60 - 100, 60 - 50]
    assert found.difference == pytest.approx(np.mean(gains))
    assert found.low == pytest.approx(min(gains)) and found.high == pytest.approx(max(gains))


def test_where_nobody_validates_there_is_nothing_to_choose_by():
    runs = [sample_result(speaker, system=system) for speaker in ("03", "08") for system in "ab"]
    everyone = [replace(run, fold={"train": ["x", "y", "z"], "validation": None, "test": run.fold["test"]}) for run in runs]
    assert selection(everyone[::2]) is None
    assert paired_difference(everyone, "a", "b").runs == 2
    with pytest.raises(ValueError, match="a, test part 03: nobody validated, expected a validation part"):
        paired_difference(everyone, "a", "b", uar_on_validation)


def test_the_validation_part_is_judged_as_the_test_part_where_its_decisions_were_kept():
    run = sample_result("03")
    assert uar_on_validation(run) == pytest.approx(60)  # of the curve
    assert uar_on_validation(replace(run, validation_utterances=sample_result(right=THREE).utterances)) == pytest.approx(75)


def test_without_speakers_who_are_both_nothing_is_compared():
    assert selection([sample_result(speaker) for speaker in ("03", "08")]) is None
