"""Reports from results whose figures are known."""

import csv
import math
from dataclasses import replace

import numpy as np
import pytest
from sample_results import sample_result

from ser_acrnn import report

# UAR 100 and 50 for speaker 03, 75 and 75 for speaker 08.
RESULTS = [
    sample_result("03", 0),
    sample_result("03", 1, right=(1, 1, 0, 0)),
    sample_result("08", 0, right=(1, 1, 1, 0)),
    sample_result("08", 1, right=(0, 1, 1, 1)),
]
PAPER = {"tiny": report.Published(80.0, 5.0, "Table I")}


def test_summary_tells_runs_from_folds():
    (row,) = report.summary(RESULTS, PAPER)
    assert (row.runs, row.folds, row.seeds) == (4, 2, 2)
    assert row.uar == pytest.approx(75)
    assert row.std_runs == pytest.approx(np.std([100, 50, 75, 75], ddof=1))
    assert row.std_folds == pytest.approx(0)
    assert (row.low, row.high) == (pytest.approx(75), pytest.approx(75))
    assert row.difference == pytest.approx(-5)


def test_pooled_uar_differs_from_the_mean_over_runs_when_classes_are_uneven():
    lopsided = [sample_result("03", right=(1, 1)), sample_result("08", right=(0, 0, 1, 0))]
    (row,) = report.summary(lopsided)
    assert row.uar == pytest.approx((100 + 25) / 2)  # speaker 03 has angry only: the absent class does not count
    assert row.pooled_uar == pytest.approx((50 + 50) / 2)
    assert math.isnan(row.paper) and math.isnan(row.difference)


def test_one_speaker_has_no_interval():
    (row,) = report.summary(RESULTS[:2])
    assert math.isnan(row.low) and math.isnan(row.std_folds)


def test_confusion_is_in_percent_of_the_truth():
    np.testing.assert_allclose(report.confusion_percent(RESULTS), [[87.5, 12.5], [37.5, 62.5]])


def test_markdown_table_pads_its_columns():
    assert report.markdown_table(["a", "bb"], [["ccc", "d"]]) == "| a   | bb |\n| --- | -- |\n| ccc | d  |"


def test_the_report_has_tables_figures_and_csv(tmp_path):
    path = report.write(RESULTS, tmp_path, "A corpus", published=PAPER, names={"tiny": "small"}, caveat="Only a test.", expected_runs=50)
    text = path.read_text()
    assert "Only a test." in text
    assert "| small  | 2 x 2         | 75.00 ± 20.41" in text
    assert "80.00 ± 5.00" in text and "-5.00" in text
    assert "| 03           | 100.00 | 50.00  | 75.00 | 3, 3          |" in text
    assert "fewer than 50 runs: small (4)" in text
    for name in ("folds.png", "tiny-confusion.png", "tiny-curves.png"):
        assert f"({name})" in text
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    with (tmp_path / "runs.csv").open() as stream:
        runs = list(csv.DictReader(stream))
    assert [(run["speaker"], run["seed"], float(run["uar"])) for run in runs] == [
        ("03", "0", 1.0),
        ("03", "1", 0.5),
        ("08", "0", 0.75),
        ("08", "1", 0.75),
    ]
    with (tmp_path / "summary.csv").open() as stream:
        assert float(next(csv.DictReader(stream))["uar"]) == 75


def test_the_same_results_give_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        report.write(RESULTS, tmp_path / name, "A corpus")
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_the_confusion_figure_shows_each_row_of_the_truth():
    axes = report.confusion_figure(RESULTS, "title").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["angry (8)", "sad (8)"]
    assert [text.get_text() for text in axes.texts] == ["87.5", "12.5", "37.5", "62.5"]


def test_a_curve_without_its_training_loss_is_still_drawn():
    curve = [{**entry, "loss": None} for entry in RESULTS[0].validation_curve]
    figure = report.curves_figure([replace(RESULTS[0], validation_curve=curve), RESULTS[1]], "title")
    loss, _, uar = figure.axes
    assert loss.lines[-1].get_ydata().tolist() == pytest.approx([1, 1 / 2, 1 / 3])
    assert len(uar.lines[0].get_ydata()) == 3
