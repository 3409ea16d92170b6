"""What a set of decisions is worth: UAR, WA, F1, confusion, the absent-class rule. NumPy and scikit-learn only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def unweighted_average_recall(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """UAR: the mean recall over the classes that occur in the truth.

    A class that the truth lacks (a speaker who never acts it) has no recall and does not count, also when it is predicted.

    Args:
        y_true: Labels, shape `(utterances,)`, numbers or names.
        y_pred: Decisions, same shape.

    Returns:
        0 to 1.

    Raises:
        ValueError: No utterances, or shapes that differ.
    """
    from sklearn import metrics  # heavy, here and below, and not needed to judge recordings

    truth, decisions = _checked(y_true, y_pred)
    present = np.unique(truth)
    return float(metrics.recall_score(truth, decisions, labels=present, average="macro", zero_division=0))


def weighted_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """WA: the share of right decisions, 0 to 1; arguments as in `unweighted_average_recall`."""
    from sklearn import metrics

    return float(metrics.accuracy_score(*_checked(y_true, y_pred)))


def macro_f1(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """F1 averaged over the classes that occur in the truth, 0 to 1; arguments as in `unweighted_average_recall`."""
    from sklearn import metrics

    truth, decisions = _checked(y_true, y_pred)
    return float(metrics.f1_score(truth, decisions, labels=np.unique(truth), average="macro", zero_division=0))


def confusion(y_true: ArrayLike, y_pred: ArrayLike, classes: Sequence) -> NDArray[np.int64]:
    """Counts, rows = truth, columns = decision, in the order of `classes`; shape `(classes, classes)`."""
    from sklearn import metrics

    truth, decisions = _checked(y_true, y_pred)
    return metrics.confusion_matrix(truth, decisions, labels=list(classes))


def utterance_posteriors(segment_posteriors: ArrayLike, utterance: ArrayLike) -> NDArray[np.float32]:
    """The paper's test unit: each class's maximum over an utterance's segments (section III).

    The maxima do not sum to one; the decision is their argmax.

    Args:
        segment_posteriors: Shape `(segments, classes)`.
        utterance: Number of the utterance that each segment belongs to, 0 to n - 1 without gaps, shape `(segments,)`.

    Returns:
        Shape `(n, classes)`.

    Raises:
        ValueError: Shapes that differ, or an utterance without a segment.
    """
    posteriors, owner = np.asarray(segment_posteriors, dtype=np.float32), np.asarray(utterance)
    if posteriors.ndim != 2 or owner.shape != posteriors.shape[:1]:
        raise ValueError(f"segments have the shapes {posteriors.shape} and {owner.shape}, expected (segments, classes) and (segments,)")
    if not np.array_equal(np.unique(owner), np.arange(owner.max(initial=-1) + 1)):
        raise ValueError("an utterance has no segment, expected the numbers 0 to n - 1 without gaps")
    result = np.full((int(owner.max(initial=-1)) + 1, posteriors.shape[1]), -np.inf, dtype=np.float32)
    np.maximum.at(result, owner, posteriors)
    return result


def _checked(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[NDArray, NDArray]:
    truth, decisions = np.asarray(y_true), np.asarray(y_pred)
    if truth.ndim != 1 or truth.shape != decisions.shape or truth.size == 0:
        raise ValueError(f"labels have the shapes {truth.shape} and {decisions.shape}, expected the same (utterances,), at least one")
    return truth, decisions
