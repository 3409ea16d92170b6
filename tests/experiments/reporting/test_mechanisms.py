"""What each mechanism reports of a run, worked out by hand, and how far it is from a published matrix."""

import dataclasses
import math

import numpy as np
import pytest
from sample_results import EMOTIONS, sample_result

from experiments.catalogue.published import CONFUSIONS, Confusion
from experiments.reporting import mechanisms, reported
from ser_acrnn.evaluation.results import ResultError

# Decisions on the test speaker after three epochs: UAR 50, 100, 75; the validation speaker chooses the third.
CURVE = [
    {"epoch": 1, "test_uar": 0.5, "decisions": [0, 0, 0, 0]},
    {"epoch": 2, "test_uar": 1.0, "decisions": [0, 0, 1, 1]},
    {"epoch": 3, "test_uar": 0.75, "decisions": [0, 0, 0, 1]},
]


def run(speaker="03", seed=0, system="acrnn3d-1conv", **more):
    result = sample_result(speaker, seed, system, right=(1, 1, 0, 1), **more)
    other = sample_result("z", right=(1, 0, 0, 0))
    return dataclasses.replace(result, validation_utterances=other.utterances, test_curve=CURVE)


def test_the_same_run_is_reported_in_four_ways():
    assert reported.tested(run()).uar == 75
    assert reported.best_on_test(run()).uar == 100
    assert reported.last_epochs(run()).uar == 75
    said = reported.validated(run())
    assert (said.part, said.uar) == ("z", 25)
    assert said.ids == ("zu0", "zu1", "zu2", "zu3")


def test_no_more_than_the_last_ten_epochs_are_averaged():
    long = dataclasses.replace(run(), test_curve=[CURVE[1]] * 4 + [CURVE[0]] * 10)
    assert reported.last_epochs(long).uar == 50 and len(reported.last_epochs(long).decisions) == 10


def test_the_distance_is_the_share_of_decisions_that_would_have_to_be_others():
    published = Confusion("a figure", "a system", tuple(EMOTIONS), ((75, 25), (0, 100)), 80, ("03", "08"))
    said = [reported.tested(run(speaker)) for speaker in ("03", "08", "09")]  # (100, 0), (50, 50); the third is not shown
    assert reported.confusion(said, published).tolist() == [[100, 0], [50, 50]]
    assert reported.distance(said, published) == pytest.approx((25 + 50) / 2)
    averaged = [reported.last_epochs(run("03"))]
    np.testing.assert_allclose(reported.confusion(averaged, published), [[100, 0], [50, 50]])
    assert math.isnan(reported.distance([reported.tested(run("09"))], published))


def test_a_deviation_has_the_interval_of_normal_values():
    low, high = reported.deviation_interval(6.96, 10)
    assert (low, high) == (pytest.approx(4.787, abs=1e-3), pytest.approx(12.706, abs=1e-3))  # chi-square of 9: 19.023 and 2.700
    assert all(map(math.isnan, reported.deviation_interval(6.96, 2)))


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Three speakers of Fig. 4's and one more, and batch norm of what is judged, which decides all rightly."""
    monkeypatch.setitem(CONFUSIONS, "emodb", Confusion("Fig. 4", "a system", tuple(EMOTIONS), ((90, 10), (20, 80)), 80, ("13", "14", "15")))
    runs = {}
    for speaker in ("03", "13", "14", "15"):
        runs["emodb", "acrnn3d-1conv", speaker] = run(speaker)
        judged = sample_result(speaker, system="acrnn3d-1conv.batch-norm-judged")
        runs["emodb", judged.system, speaker] = dataclasses.replace(judged, test_curve=CURVE)
    monkeypatch.setattr(reported, "results_of", lambda *_: [made for (name, _, _), made in runs.items()])
    (tmp_path / "emodb").mkdir()
    return tmp_path


def test_a_row_compares_the_same_networks_with_the_paper_and_with_the_wording(results):
    rows = {row.mechanism.name: row for row in reported.rows(results)}
    worded, judged = rows[reported.WORDED.name], rows["batch norm of the judged speaker"]
    assert (worded.uar, worded.folds, worded.difference) == (75, 4, None)
    assert worded.distance == pytest.approx((10 + 30) / 2)
    assert judged.uar == 100 and judged.difference.mean == 25 and judged.four == 100
    assert judged.distance == pytest.approx((10 + 20) / 2)
    assert rows["the test speaker chooses the epoch"].uar == 100
    assert "utterances split at random" not in rows


def test_runs_without_a_test_curve_stand_aside_where_others_have_one(results, monkeypatch):
    before = reported.rows(results)
    plain, made = dataclasses.replace(run("09"), test_curve=[]), reported.results_of()
    monkeypatch.setattr(reported, "results_of", lambda *_: [*made, plain])
    assert [row.folds for row in reported.rows(results)] == [row.folds for row in before]


def test_the_page_says_whether_mean_and_deviation_are_inside(results):
    text = mechanisms.write(results).read_text(encoding="utf-8")
    assert text.count("81.53 ± 6.96") == 1
    line = next(line for line in text.splitlines() if line.startswith(f"| {reported.WORDED.name}"))
    assert "no / no" in line and "75.00" in line
    assert (results / "emodb" / "mechanisms.png").stat().st_size > 10_000
    again = (results / "emodb" / "mechanisms.png").read_bytes()
    mechanisms.write(results)
    assert (results / "emodb" / "mechanisms.png").read_bytes() == again


def test_a_folder_without_such_runs_is_named(tmp_path, capsys):
    with pytest.raises(ResultError, match="holds no result of acrnn3d-1conv"):
        mechanisms.write(tmp_path)
    assert mechanisms.main([f"--results={tmp_path}"]) == 1
    assert "expected runs of some of them" in capsys.readouterr().err
