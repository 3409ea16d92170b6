"""The extreme learning machine against closed forms, the statistics against figures worked out by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from ser_acrnn.evaluation.metrics import unweighted_average_recall
from ser_acrnn.models.elm import ExtremeLearningMachine, choose_elm, utterance_statistics


def blobs(seed: int, counts: tuple[int, ...] = (30, 20, 10), spread: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Points around the corners of a simplex, with the class's number as label."""
    labels = np.repeat(np.arange(len(counts)), counts)
    centres = np.eye(len(counts), 5)
    return centres[labels] + spread * np.random.default_rng(seed).standard_normal((len(labels), 5)), labels


def hidden(machine: ExtremeLearningMachine, inputs: np.ndarray) -> np.ndarray:
    return expit((inputs - machine.mean_) / machine.scale_ @ machine.hidden_weights_ + machine.hidden_biases_)


@parametrize_with_checks(
    [
        ExtremeLearningMachine(random_state=0),
        ExtremeLearningMachine(width=20, ridge=0.1, class_weight="balanced", random_state=1),
    ]
)
def test_it_is_a_scikit_learn_classifier(estimator: ExtremeLearningMachine, check) -> None:
    check(estimator)


def test_it_separates_what_no_line_can() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (400, 2))
    labels = np.where(points[:, 0] * points[:, 1] > 0, "same", "other")
    wide, narrow = (ExtremeLearningMachine(width, ridge=1e-3, random_state=0).fit(points[:200], labels[:200]) for width in (100, 1))
    assert (wide.predict(points[200:]) == labels[200:]).mean() > 0.9
    assert (narrow.predict(points[200:]) == labels[200:]).mean() < 0.7  # one unit is a line


def test_the_seed_is_the_hidden_layer() -> None:
    inputs, labels = blobs(0)
    first, again, other = (ExtremeLearningMachine(random_state=seed).fit(inputs, labels) for seed in (3, 3, 4))
    for name in ("hidden_weights_", "hidden_biases_", "output_weights_"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
        assert np.abs(getattr(first, name) - getattr(other, name)).max() > 0.01
    assert first.hidden_weights_.shape == (5, 120)
    assert first.output_weights_.shape == (120, 3)


def test_seed_zero_is_a_seed() -> None:
    inputs, labels = blobs(0)
    weights = [ExtremeLearningMachine(random_state=0).fit(inputs, labels).hidden_weights_ for _ in range(2)]
    np.testing.assert_array_equal(*weights)


def test_the_hidden_layer_does_not_depend_on_the_inputs_scale_or_origin() -> None:
    inputs, labels = blobs(0)
    moved = ExtremeLearningMachine(random_state=0).fit(1_000 * inputs + 5, labels)
    plain = ExtremeLearningMachine(random_state=0).fit(inputs, labels)
    np.testing.assert_allclose(moved.decision_function(1_000 * inputs + 5), plain.decision_function(inputs), atol=1e-8)
    activations = hidden(plain, inputs)
    assert 0.05 < activations.std(axis=0).mean() < 0.4  # neither constant nor saturated


def test_a_constant_input_is_harmless() -> None:
    inputs, labels = blobs(0)
    inputs[:, 2] = 0.1
    machine = ExtremeLearningMachine(random_state=0).fit(inputs, labels)
    assert machine.scale_[2] == 1
    assert (machine.predict(inputs) == labels).mean() > 0.8


def test_the_ridge_shrinks_the_output_weights() -> None:
    inputs, labels = blobs(0)
    machines = [ExtremeLearningMachine(ridge=ridge, random_state=0).fit(inputs, labels) for ridge in (0.01, 1, 100, 1e6)]
    norms = [np.linalg.norm(machine.output_weights_) for machine in machines]
    assert all(stronger < 0.9 * weaker for weaker, stronger in pairwise(norms))
    assert norms[-1] < 1e-3


@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("width", [7, 59, 60, 61, 200])  # fewer and more hidden units than the 60 utterances
def test_both_gram_matrices_give_the_minimum_of_the_weighted_squares(width: int, class_weight: str | None) -> None:
    inputs, labels = blobs(0)
    machine = ExtremeLearningMachine(width, ridge=0.3, class_weight=class_weight, random_state=0).fit(inputs, labels)
    layer, targets = hidden(machine, inputs), 2 * np.eye(3)[labels] - 1
    weights = np.ones(60) if class_weight is None else np.array([60 / 90, 60 / 60, 60 / 30])[labels]
    primal = np.linalg.solve(layer.T @ (weights[:, None] * layer) + 0.3 * np.eye(width), layer.T @ (weights[:, None] * targets))
    dual = layer.T @ np.linalg.solve(layer @ layer.T + 0.3 * np.diag(1 / weights), targets)
    np.testing.assert_allclose(machine.output_weights_, primal, atol=1e-7)
    np.testing.assert_allclose(machine.output_weights_, dual, atol=1e-7)


def test_balanced_weights_help_the_rare_class() -> None:
    train, labels = blobs(0, (200, 10), spread=1.0)
    test, truth = blobs(1, (200, 200), spread=1.0)
    plain, balanced = (ExtremeLearningMachine(class_weight=weight, random_state=0).fit(train, labels) for weight in (None, "balanced"))
    rare = [(machine.predict(test)[truth == 1] == 1).mean() for machine in (plain, balanced)]
    assert rare[1] > rare[0] + 0.2
    assert unweighted_average_recall(truth, balanced.predict(test)) > unweighted_average_recall(truth, plain.predict(test))


def test_scores_are_a_column_a_class_and_one_for_two_classes() -> None:
    inputs, labels = blobs(0)
    names = np.array(["sad", "angry", "happy"])[labels]
    machine = ExtremeLearningMachine(random_state=0).fit(inputs, names)
    scores = machine.decision_function(inputs)
    assert scores.shape == (60, 3)
    assert machine.classes_.tolist() == ["angry", "happy", "sad"]
    np.testing.assert_array_equal(machine.predict(inputs), machine.classes_[scores.argmax(axis=1)])
    two = ExtremeLearningMachine(random_state=0).fit(inputs, labels > 0)
    scores = two.decision_function(inputs)
    assert scores.shape == (60,)
    np.testing.assert_array_equal(two.predict(inputs), scores > 0)
    assert ((scores > 0) == (labels > 0)).mean() > 0.8


def test_parameters_are_the_arguments() -> None:
    machine = ExtremeLearningMachine(width=9, ridge=0.5, class_weight="balanced", random_state=4)
    assert machine.get_params() == {"width": 9, "ridge": 0.5, "class_weight": "balanced", "random_state": 4}
    assert clone(machine).get_params() == machine.get_params()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 0}, "width is 0, expected a whole number of 1 or more"),
        ({"width": 2.5}, "width is 2.5, expected a whole number"),
        ({"ridge": 0.0}, "ridge is 0.0, expected a positive number"),
        ({"ridge": -1.0}, "ridge is -1.0"),
        ({"ridge": float("nan")}, "ridge is nan"),
        ({"ridge": float("inf")}, "ridge is inf"),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ExtremeLearningMachine(**arguments).fit(*blobs(0))


def test_one_class_is_none() -> None:
    with pytest.raises(ValueError, match="y holds 1 class"):
        ExtremeLearningMachine().fit(np.zeros((4, 2)), [1, 1, 1, 1])


def test_statistics_worked_out_by_hand() -> None:
    segments = [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.5, 0.3], [0.3, 0.3, 0.4], [0.8, 0.2, 0.0]]
    result = utterance_statistics(segments, [0, 0, 0, 0, 1])
    assert result.dtype == np.float32
    assert result.shape == (2, 12)
    maximum, minimum, mean, share = result[0].reshape(4, 3)
    np.testing.assert_allclose(maximum, [0.7, 0.6, 0.4], rtol=1e-6)
    np.testing.assert_allclose(minimum, [0.1, 0.2, 0.1], rtol=1e-6)
    np.testing.assert_allclose(mean, [1.3 / 4, 1.6 / 4, 1.1 / 4], rtol=1e-6)
    np.testing.assert_allclose(share, [2 / 4, 3 / 4, 3 / 4], rtol=1e-6)  # 0.2 itself does not exceed 0.2
    np.testing.assert_allclose(result[1], [0.8, 0.2, 0.0, 0.8, 0.2, 0.0, 0.8, 0.2, 0.0, 1, 0, 0], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_threshold_itself_is_not_above_it(dtype: type) -> None:
    at_and_above = np.array([[0.2, 0.8], [np.nextafter(np.float32(0.2), np.float32(1)), 0.8]], dtype)
    assert utterance_statistics(at_and_above, [0, 1])[:, 6].tolist() == [0, 1]
    assert utterance_statistics(at_and_above, [0, 1], threshold=0.8)[:, 7].tolist() == [0, 0]
    assert utterance_statistics(at_and_above, [0, 1], threshold=0.1)[:, 6].tolist() == [1, 1]


def test_statistics_take_segments_in_any_order() -> None:
    posteriors = np.random.default_rng(0).dirichlet(np.ones(4), 50)
    owner = np.random.default_rng(1).permutation(np.arange(50) % 6)
    result = utterance_statistics(posteriors, owner)
    for number in range(6):
        mine = posteriors[owner == number]
        by_loop = np.concatenate([mine.max(axis=0), mine.min(axis=0), mine.mean(axis=0), (mine > 0.2).mean(axis=0)])
        np.testing.assert_allclose(result[number], by_loop, rtol=1e-6)


@pytest.mark.parametrize("owner", [[0, 2], [1, 1], [0]])
def test_utterances_without_a_segment_are_refused(owner: list[int]) -> None:
    with pytest.raises(ValueError, match="expected"):
        utterance_statistics([[0.5, 0.5], [0.5, 0.5]], owner)


def test_the_machine_is_chosen_on_the_validation_speaker_by_uar() -> None:
    train, labels = blobs(0, (100, 60, 20), spread=0.8)
    validation, truth = blobs(1, (100, 10, 5), spread=0.8)
    widths, ridges = (2, 5, 20, 100), (0.01, 1.0, 100.0)
    chosen = choose_elm(train, labels, validation, truth, widths, ridges, 0)
    grid = {(width, ridge): ExtremeLearningMachine(width, ridge, random_state=0).fit(train, labels) for width in widths for ridge in ridges}
    uar = {key: unweighted_average_recall(truth, machine.predict(validation)) for key, machine in grid.items()}
    on_train = {key: unweighted_average_recall(labels, machine.predict(train)) for key, machine in grid.items()}
    accuracy = {key: (machine.predict(validation) == truth).mean() for key, machine in grid.items()}
    best = max(uar, key=lambda key: uar[key])
    assert sorted(uar.values())[-2] < uar[best], "the case has to have one best machine"
    assert best not in (max(on_train, key=lambda key: on_train[key]), max(accuracy, key=lambda key: accuracy[key]))
    assert (chosen.width, chosen.ridge) == best
    np.testing.assert_array_equal(chosen.output_weights_, grid[best].output_weights_)


def test_the_machine_is_not_fitted_on_the_validation_speaker() -> None:
    train, labels = blobs(0)
    chosen = choose_elm(train, labels, *blobs(1), [10], [1.0], 5)
    alone = ExtremeLearningMachine(10, 1.0, random_state=5).fit(train, labels)
    np.testing.assert_array_equal(chosen.output_weights_, alone.output_weights_)


def test_of_equal_machines_the_narrower_then_the_more_regularised_is_chosen() -> None:
    train, labels = blobs(0, spread=0.01)
    validation, truth = blobs(1, spread=0.01)
    for widths in ([60, 30, 40], [30, 40, 60]):
        for ridges in ([1e-3, 1e-2], [1e-2, 1e-3]):
            chosen = choose_elm(train, labels, validation, truth, widths, ridges, 0)
            assert unweighted_average_recall(truth, chosen.predict(validation)) == 1
            assert (chosen.width, chosen.ridge) == (30, 1e-2)


def test_the_choice_passes_class_weights_on() -> None:
    train, labels = blobs(0)
    chosen = choose_elm(train, labels, *blobs(1), [10], [1.0], 0, class_weight="balanced")
    balanced = ExtremeLearningMachine(10, 1.0, "balanced", 0).fit(train, labels)
    np.testing.assert_array_equal(chosen.output_weights_, balanced.output_weights_)


@pytest.mark.parametrize(("widths", "ridges"), [([], [1.0]), ([10], [])])
def test_there_has_to_be_a_choice(widths: list[int], ridges: list[float]) -> None:
    with pytest.raises(ValueError, match="widths or ridges are empty"):
        choose_elm(*blobs(0), *blobs(1), widths, ridges, 0)
