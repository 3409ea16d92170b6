"""Calibration of posteriors whose probabilities are known."""

from dataclasses import replace

import numpy as np
import pytest
from sample_results import sample_result

from ser_acrnn.evaluation import drawing, figures
from ser_acrnn.evaluation.calibration import ScoredUtterances, calibration, fitted_temperature, reliability, scaled, scored_utterances


def drawn(utterances, sharpness=1.0, seed=0):
    """Truths drawn from posteriors, which are then sharpened."""
    rng = np.random.default_rng(seed)
    posteriors = rng.dirichlet(np.ones(4), utterances)
    truth = np.array([rng.choice(4, p=row) for row in posteriors])
    powers = posteriors**sharpness
    return ScoredUtterances(powers / powers.sum(axis=1, keepdims=True), truth)


def test_honest_posteriors_need_no_temperature_and_sharpened_ones_get_theirs_back():
    assert fitted_temperature(drawn(5_000)) == pytest.approx(1, abs=0.08)
    for sharpness in (0.5, 3.0):
        judged = drawn(5_000, sharpness)
        temperature = fitted_temperature(judged)
        assert temperature == pytest.approx(sharpness, rel=0.1)
        after = ScoredUtterances(scaled(judged.posteriors, temperature), judged.truth)
        assert reliability(after).error < 0.5 * reliability(judged).error and after.log_loss < judged.log_loss
        np.testing.assert_array_equal(after.right, judged.right)


def test_scaling_is_a_power_and_keeps_the_sum():
    np.testing.assert_allclose(scaled([[0.8, 0.2]], 0.5), [[16 / 17, 1 / 17]])
    np.testing.assert_allclose(scaled([[0.8, 0.2]], 1), [[0.8, 0.2]])
    np.testing.assert_allclose(scaled([[1.0, 0.0]], 20).sum(axis=1), 1)


def test_reliability_and_its_error_by_hand():
    posteriors = np.array([[0.95, 0.05], [0.95, 0.05], [0.45, 0.55], [0.0, 1.0]])
    found = reliability(ScoredUtterances(posteriors, np.array([0, 1, 1, 1])))
    np.testing.assert_allclose(found.share[[5, 9]], [0.25, 0.75])
    np.testing.assert_allclose(found.accuracy[[5, 9]], [1, 2 / 3])
    np.testing.assert_allclose(found.confidence[9], 2.9 / 3)
    assert np.isnan(found.accuracy[0])
    assert found.error == pytest.approx(0.25 * 0.45 + 0.75 * (2.9 / 3 - 2 / 3))


def test_a_run_is_calibrated_on_its_validation_speaker_alone():
    result = sample_result(right=(1, 1, 1, 0))
    sure = replace(result, validation_utterances=sample_result("z", right=(1, 1, 1, 1)).utterances)
    unsure = replace(result, validation_utterances=sample_result("z", right=(1, 0, 1, 0)).utterances)
    low, high = (calibration([one]).temperatures[0] for one in (sure, unsure))
    assert low < 1 < high
    assert calibration([sure]).before.posteriors.tolist() == scored_utterances(result.utterances, result.emotions).posteriors.tolist()
    np.testing.assert_allclose(calibration([sure]).before.posteriors[0], [0.75, 0.25])


def test_without_validation_speakers_a_run_is_calibrated_on_the_other_speakers_of_its_seed():
    sure, unsure = (1, 1, 1, 1), (1, 0, 1, 0)
    runs = [sample_result("a", right=sure), sample_result("b", right=unsure), sample_result("c", right=unsure)]
    found = calibration(runs)
    assert not found.on_validation
    expected = [[runs[1], runs[2]], [runs[0], runs[2]], [runs[0], runs[1]]]
    for temperature, others in zip(found.temperatures, expected, strict=True):
        known = scored_utterances([one for run in others for one in run.utterances], runs[0].emotions)
        assert temperature == pytest.approx(fitted_temperature(known))
    assert len(found.before.truth) == 12
    other_seed = [replace(run, seed=1, utterances=sample_result("z", right=sure).utterances) for run in runs]
    assert calibration([*runs, *other_seed]).temperatures[:3] == found.temperatures
    known = [replace(run, validation_utterances=run.utterances) for run in runs]
    assert calibration(known).on_validation and not calibration([runs[0], *known[1:]]).on_validation


def test_a_single_speaker_and_scores_are_not_calibrated():
    result = sample_result()
    assert calibration([result]) is None
    scores = [{**utterance, "posteriors": [0.9, -1.1]} for utterance in result.utterances]
    assert calibration([replace(result, utterances=scores, validation_utterances=scores)]) is None


def test_the_figure_has_a_panel_a_system(tmp_path):
    known = replace(sample_result(right=(1, 1, 1, 0)), validation_utterances=sample_result("z").utterances)
    found = [calibration([known]), calibration([replace(known, system="lite")])]
    figure = figures.reliability_figure(found, {"lite": "light"})
    assert [axes.get_title() for axes in figure.axes] == ["tiny", "light"]
    assert len(figures.reliability_figure(7 * found[:1], {}).axes) == 7
    drawing.save(figure, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
