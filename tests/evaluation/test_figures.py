"""Figures show what the results hold."""

from dataclasses import replace

import numpy as np
import pytest
from sample_results import RESULTS, sample_result

from ser_acrnn.evaluation import figures
from ser_acrnn.evaluation.summary import Published, Summary


def test_the_confusion_figure_shows_each_row_of_the_truth():
    axes = figures.confusion_figure(RESULTS, "title").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["angry (8)", "sad (8)"]
    assert [text.get_text() for text in axes.texts] == ["87.5", "12.5", "37.5", "62.5"]


def test_the_folds_figure_has_a_row_a_system_and_a_column_a_test_speaker():
    results = [*RESULTS, sample_result("03", system="other", right=(1, 1, 1, 0))]
    axes = figures.folds_figure(Summary.of(results, {"tiny": Published(81.5, 7.0, "Table I")}), {"other": "the other"}).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["tiny", "the other"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["03", "08", "", "mean", "paper"]
    # tiny: 100 and 50, 75 and 75; the other has no run on 08 and no published number.
    assert [(text.get_position(), text.get_text()) for text in axes.texts] == [
        ((0, 0), "75"),
        ((1, 0), "75"),
        ((3, 0), "75"),
        ((4, 0), "82"),
        ((0, 1), "75"),
        ((3, 1), "75"),
    ]
    alone = figures.folds_figure(Summary.of(RESULTS), {}).axes[0]
    assert [label.get_text() for label in alone.get_xticklabels()] == ["03", "08", "", "mean"]


def test_a_curve_without_its_training_loss_is_still_drawn():
    curve = [{**entry, "loss": None} for entry in RESULTS[0].validation_curve]
    figure = figures.curves_figure([replace(RESULTS[0], validation_curve=curve), RESULTS[1]], "title")
    loss, _, uar = figure.axes
    assert loss.lines[-1].get_ydata().tolist() == pytest.approx([1, 1 / 2, 1 / 3])
    assert len(uar.lines[0].get_ydata()) == 3


def test_curves_of_runs_in_which_nobody_validates_have_their_training_loss_alone(recwarn):
    curve = [{"epoch": entry["epoch"], "loss": entry["loss"]} for entry in RESULTS[0].validation_curve]
    figure = figures.curves_figure([replace(result, validation_curve=curve) for result in RESULTS], "title")
    (axes,) = figure.axes
    assert axes.get_ylabel() == "training cross-entropy"
    assert axes.lines[len(RESULTS)].get_ydata().tolist() == pytest.approx([1, 1 / 2, 1 / 3])
    assert not recwarn.list


def test_confusions_stand_side_by_side_with_their_own_rows():
    panels = [("one", ["a", "b"], np.eye(2) * 100), ("two", ["c", "d"], np.array([[25.0, 75.0], [0.0, 100.0]]))]
    figure = figures.confusions_figure(panels, ["a", "b"])
    left, right = figure.axes[:2]
    assert (left.get_title(), right.get_title()) == ("one", "two")
    assert [text.get_text() for text in right.texts] == ["25.0", "75.0", "0.0", "100.0"]
    assert [label.get_text() for label in right.get_yticklabels()] == ["c", "d"]
