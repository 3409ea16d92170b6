"""What a set of decisions is worth: UAR, WA, F1, confusion, the absent-class rule. NumPy only."""

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
        ValueError: No utterances, shapes that differ, numbers on one side and names on the other, or a label that is missing.
    """
    right, true, _ = _counts(*_checked(y_true, y_pred))
    return float(np.mean(right / true))


def weighted_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """WA: the share of right decisions, 0 to 1; arguments as in `unweighted_average_recall`."""
    truth, decisions = _checked(y_true, y_pred)
    return float(np.mean(truth == decisions))


def macro_f1(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """F1 averaged over the classes that occur in the truth, 0 to 1; arguments as in `unweighted_average_recall`."""
    right, true, decided = _counts(*_checked(y_true, y_pred))
    return float(np.mean(2 * right / (true + decided)))


def confusion(y_true: ArrayLike, y_pred: ArrayLike, classes: Sequence) -> NDArray[np.int64]:
    """Counts, rows = truth, columns = decision, in the order of `classes`; shape `(classes, classes)`."""
    truth, decisions = _checked(y_true, y_pred)
    named = np.asarray(classes)
    return (truth[:, None] == named).T.astype(np.int64) @ (decisions[:, None] == named)


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
    if np.issubdtype(truth.dtype, np.number) != np.issubdtype(decisions.dtype, np.number):
        raise ValueError(f"labels have the types {truth.dtype} and {decisions.dtype}, expected numbers or names on both sides")
    for labels in (truth, decisions):
        if labels.dtype.kind in "fO" and len(missing := np.flatnonzero(_missing(labels))):
            raise ValueError(f"{len(missing)} of {len(labels)} labels are missing, the first is that of utterance {missing[0]}")
    return truth, decisions


def _missing(labels: NDArray) -> NDArray[np.bool_]:
    """None and NaN, which alone differs from itself."""
    return np.array([label is None or label != label for label in labels.tolist()])


def _counts(truth: NDArray, decisions: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Of each class of the truth: how many are decided rightly, how many there are, and how often it is decided.

    A report asks thousands of times, and scikit-learn takes a hundred times as long to check its arguments as this to count.
    """
    present, classes = np.unique(truth, return_inverse=True)
    right = np.bincount(classes[truth == decisions], minlength=len(present))
    return right, np.bincount(classes), (decisions[:, None] == present).sum(axis=0)
