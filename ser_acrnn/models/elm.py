"""Segment posteriors -> utterance statistics -> extreme learning machine: the second half of the DNN-ELM baseline.

K. Han, D. Yu, I. Tashev, "Speech Emotion Recognition Using Deep Neural Network and Extreme Learning Machine", Interspeech 2014.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ser_acrnn.evaluation.metrics import unweighted_average_recall, utterance_posteriors

# Han et al.: a segment speaks for a class when its posterior exceeds this.
SPEAKING_POSTERIOR = 0.2


class ExtremeLearningMachine(ClassifierMixin, BaseEstimator):
    """One random hidden layer, and output weights by regularised least squares.

    The inputs are standardised by the training data's mean and standard deviation. Hidden weights are normal with the variance
    1 / features and biases normal with the variance 1, so that the sigmoid is neither linear nor saturated, whatever the inputs'
    number and scale; they are drawn in `fit` and never trained. The targets are +1 for an utterance's class and -1 for the others.

    G.-B. Huang, H. Zhou, X. Ding, R. Zhang, "Extreme Learning Machine for Regression and Multiclass Classification", IEEE Trans.
    Systems, Man, and Cybernetics B 42(2), 2012; with class weights: W. Zong, G.-B. Huang, Y. Chen, "Weighted Extreme Learning Machine
    for Imbalance Learning", Neurocomputing 101, 2013.

    Args:
        width: Hidden units.
        ridge: Weight of the squared output weights beside the sum of the squared errors, above 0.
        class_weight: `"balanced"` weights the errors so that all classes count the same; a dict gives each class's weight; None: 1.
        random_state: Seed of the hidden layer.

    Attributes:
        classes_: Labels in the order of the scores.
        n_features_in_: Inputs.
        mean_, scale_: Of the standardisation, `(features,)`.
        hidden_weights_: `(features, width)`.
        hidden_biases_: `(width,)`.
        output_weights_: `(width, classes)`.

    Example:
        >>> import numpy as np
        >>> corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        >>> machine = ExtremeLearningMachine(width=20, ridge=0.01, random_state=0).fit(corners, [0, 1, 1, 0])
        >>> machine.predict(corners).tolist()
        [0, 1, 1, 0]
    """

    classes_: NDArray
    mean_: NDArray[np.float64]
    scale_: NDArray[np.float64]
    hidden_weights_: NDArray[np.float64]
    hidden_biases_: NDArray[np.float64]
    output_weights_: NDArray[np.float64]

    def __init__(
        self,
        width: int = 120,
        ridge: float = 1.0,
        class_weight: str | Mapping[Any, float] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.width = width
        self.ridge = ridge
        self.class_weight = class_weight
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Draws the hidden layer and solves for the output weights.

        Args:
            X: Shape `(utterances, features)`.
            y: Labels, numbers or names, shape `(utterances,)`.

        Raises:
            ValueError: A width or ridge that is not positive, inputs that are not finite, or fewer than two classes.
        """
        if not isinstance(self.width, Integral) or self.width < 1:
            raise ValueError(f"width is {self.width!r}, expected a whole number of 1 or more")
        if not 0 < self.ridge < np.inf:
            raise ValueError(f"ridge is {self.ridge!r}, expected a positive number")
        inputs, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y holds 1 class, {self.classes_[0]!r}, expected two or more")
        self.mean_ = inputs.mean(axis=0)
        deviation = inputs.std(axis=0)
        # A constant column's deviation is rounding, not spread.
        constant = deviation <= 10 * np.finfo(np.float64).eps * np.abs(inputs).max(axis=0)
        self.scale_ = np.where(constant, 1.0, deviation)
        random = check_random_state(self.random_state)
        self.hidden_weights_ = random.standard_normal((inputs.shape[1], self.width)) / np.sqrt(inputs.shape[1])
        self.hidden_biases_ = random.standard_normal(self.width)
        targets = np.where(numbers[:, None] == np.arange(len(self.classes_)), 1.0, -1.0)
        weights = compute_sample_weight(self.class_weight, labels)
        self.output_weights_ = _least_squares(self._hidden(inputs), targets, weights, self.ridge)
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Scores: near +1 for the class, near -1 for the others.

        Args:
            X: Shape `(utterances, features)`.

        Returns:
            Shape `(utterances, classes)`; for two classes `(utterances,)`, above 0 for the second one.
        """
        check_is_fitted(self)
        scores = self._hidden(validate_data(self, X, dtype=np.float64, reset=False)) @ self.output_weights_
        return scores[:, 1] if len(self.classes_) == 2 else scores

    def predict(self, X: ArrayLike) -> NDArray:
        """The class with the highest score of each row; `X` as in `decision_function`."""
        scores = self.decision_function(X)
        return self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)]

    def _hidden(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        return expit((inputs - self.mean_) / self.scale_ @ self.hidden_weights_ + self.hidden_biases_)


def utterance_statistics(segment_posteriors: ArrayLike, utterance: ArrayLike, threshold: float = SPEAKING_POSTERIOR) -> NDArray[np.float32]:
    """What an utterance's segments say together (Han et al.): four statistics a class.

    Args:
        segment_posteriors: Shape `(segments, classes)`.
        utterance: Number of the utterance that each segment belongs to, 0 to n - 1 without gaps, shape `(segments,)`.
        threshold: A segment counts for a class when its posterior is above this, not when it equals it.

    Returns:
        Shape `(n, 4 * classes)`: the maxima of all classes, then their minima, their means, and their shares of segments above the
        threshold.

    Raises:
        ValueError: Shapes that differ, or an utterance without a segment.
    """
    maximum = utterance_posteriors(segment_posteriors, utterance)
    posteriors, owner = np.asarray(segment_posteriors, dtype=np.float32), np.asarray(utterance)
    minimum = -utterance_posteriors(-posteriors, owner)
    sums = np.zeros((2, *maximum.shape))
    np.add.at(sums[0], owner, posteriors)
    np.add.at(sums[1], owner, posteriors > np.float32(threshold))
    mean, share = sums / np.bincount(owner)[:, None]
    return np.concatenate([maximum, minimum, mean, share], axis=1).astype(np.float32)


def choose_elm(
    train_x: ArrayLike,
    train_y: ArrayLike,
    validation_x: ArrayLike,
    validation_y: ArrayLike,
    widths: Iterable[int],
    ridges: Iterable[float],
    seed: int,
    *,
    class_weight: str | Mapping[Any, float] | None = None,
) -> ExtremeLearningMachine:
    """Trains a machine of each width and ridge, and keeps the one with the best UAR on the validation speaker.

    Of equals the narrower, then the more strongly regularised one is kept.

    Args:
        train_x: Statistics of the training speakers' utterances, shape `(utterances, features)`.
        train_y: Their labels, shape `(utterances,)`.
        validation_x: The validation speaker's statistics.
        validation_y: The validation speaker's labels.
        widths: Hidden units to try.
        ridges: Ridges to try.
        seed: What every hidden layer is drawn by.
        class_weight: See `ExtremeLearningMachine`.

    Returns:
        The fitted machine.

    Raises:
        ValueError: Nothing to try, or see `ExtremeLearningMachine.fit`.
    """
    candidates = [(width, ridge) for width in sorted(set(widths)) for ridge in sorted(set(ridges), reverse=True)]
    if not candidates:
        raise ValueError("widths or ridges are empty, expected at least one of each")
    machines = [ExtremeLearningMachine(width, ridge, class_weight, seed).fit(train_x, train_y) for width, ridge in candidates]
    # max keeps the first of equals.
    return max(machines, key=lambda machine: unweighted_average_recall(validation_y, machine.predict(validation_x)))


def _least_squares(
    hidden: NDArray[np.float64], targets: NDArray[np.float64], weights: NDArray[np.float64], ridge: float
) -> NDArray[np.float64]:
    """Minimises `sum_i weights_i |hidden_i b - targets_i|^2 + ridge |b|^2`; solved with the smaller of the two Gram matrices."""
    utterances, width = hidden.shape
    root = np.sqrt(weights)[:, None]
    hidden, targets = root * hidden, root * targets
    if width <= utterances:
        return linalg.solve(hidden.T @ hidden + ridge * np.eye(width), hidden.T @ targets, assume_a="pos")
    return hidden.T @ linalg.solve(hidden @ hidden.T + ridge * np.eye(utterances), targets, assume_a="pos")
