"""Figures a system from results whose figures are known."""

import math

import numpy as np
import pytest
from sample_results import RESULTS, sample_result

from ser_acrnn.evaluation import summary
from ser_acrnn.evaluation.ensembles import with_seed_ensembles
from ser_acrnn.evaluation.summary import Summary

PAPER = {"tiny": summary.Published(80.0, 5.0, "Table I")}


def test_summary_tells_runs_from_folds():
    (row,) = Summary.of(RESULTS, PAPER).rows.values()
    assert (row.runs, row.folds, row.seeds) == (4, 2, 2)
    assert row.uar == pytest.approx(75)
    assert row.std_runs == pytest.approx(np.std([100, 50, 75, 75], ddof=1))
    assert row.std_folds == pytest.approx(0)
    assert row.difference == pytest.approx(-5)


def test_pooled_uar_differs_from_the_mean_over_runs_when_classes_are_uneven():
    lopsided = [sample_result("03", right=(1, 1)), sample_result("08", right=(0, 0, 1, 0))]
    (row,) = Summary.of(lopsided).rows.values()
    assert row.uar == pytest.approx((100 + 25) / 2)  # speaker 03 has angry only: the absent class does not count
    assert row.pooled_uar == pytest.approx((50 + 50) / 2)
    assert math.isnan(row.paper) and math.isnan(row.difference)


def test_one_speaker_has_no_deviation_and_fewer_than_three_no_interval():
    (row,) = Summary.of(RESULTS[:2]).rows.values()
    assert math.isnan(row.std_folds) and math.isnan(row.low) and math.isnan(row.high)
    (row,) = Summary.of(RESULTS).rows.values()
    assert row.folds == 2 and math.isnan(row.low) and math.isnan(row.high)


def test_where_folds_have_unequal_seeds_all_figures_are_of_the_folds_means():
    (row,) = Summary.of([*RESULTS, sample_result("09", 0, right=(0, 1, 1, 0))]).rows.values()
    folds = np.array([75, 75, 50])  # the mean over runs is 70
    assert (row.runs, row.folds) == (5, 3)
    assert row.uar == pytest.approx(folds.mean()) and row.wa == pytest.approx(folds.mean())
    assert row.uar - row.low == pytest.approx(4.3027 * folds.std(ddof=1) / np.sqrt(3), rel=1e-4)
    assert row.high == 100  # more is no rate


def test_confusion_is_in_percent_of_the_truth():
    np.testing.assert_allclose(summary.confusion_percent(RESULTS), [[87.5, 12.5], [37.5, 62.5]])


def test_scores_name_the_protocol():
    leaky = sample_result(protocol="leaky-random")
    assert summary.scores([*RESULTS, leaky])["protocol"].tolist().count("leaky-random") == 1


def test_a_part_and_the_seeds_together_take_over_what_is_computed():
    results = [sample_result(speaker, seed, system) for system in "ba" for speaker in ("03", "08") for seed in range(3)]
    whole = Summary.of(results, {"a": summary.Published(80.0, 5.0, "Table I")})
    part = whole.part(["a", "missing", "b"])
    assert list(part.rows) == ["a", "b"] and [run.system for run in part.results] == ["a"] * 6 + ["b"] * 6
    assert all(part.rows[name] is whole.rows[name] for name in "ab") and not whole.part([]).rows
    seeds = whole.with_seeds
    assert list(seeds.rows) == list(seeds.by_system) == ["b", "b+seeds", "a", "a+seeds"]
    assert seeds is whole.with_seeds and seeds.rows["a"] is whole.rows["a"] and seeds.rows["a+seeds"].runs == 2
    assert seeds.results == with_seed_ensembles(results) and len(whole.scores) == 12
