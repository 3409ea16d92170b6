"""Means and variances of features: from sums over many utterances, of an utterance's own frames, and applied. NumPy only."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

SMALLEST_VARIANCE = 1e-10  # where a coefficient never changes, it becomes zero
Statistics = tuple[NDArray[np.float32], NDArray[np.float32]]  # mean and variance, each of shape (coefficients, channels)


def moments(frames: int, total: NDArray, squares: NDArray) -> Statistics:
    """Mean and variance from the number of frames, and each coefficient's sum and sum of squares over them."""
    mean = total / frames
    return mean.astype(np.float32), np.maximum(squares / frames - mean**2, SMALLEST_VARIANCE).astype(np.float32)


def statistics_of(utterances: Iterable[NDArray[np.float32]]) -> Statistics:
    """Mean and variance of each coefficient over all frames of some utterances.

    Args:
        utterances: Features, `(frames, coefficients, channels)` each.

    Raises:
        ValueError: No utterance.
    """
    frames, total, squares = 0, np.zeros(()), np.zeros(())
    for values in utterances:
        wide = values.astype(np.float64)
        frames, total, squares = frames + len(wide), total + wide.sum(axis=0), squares + (wide**2).sum(axis=0)
    if not frames:
        raise ValueError("there is no utterance, expected at least one")
    return moments(frames, total, squares)


def normalise(features: NDArray[np.float32], statistics: Statistics) -> NDArray[np.float32]:
    """Features `(frames, coefficients, channels)` with mean 0 and variance 1, where the statistics are their own."""
    mean, variance = statistics
    return np.asarray((features - mean) / np.sqrt(variance), np.float32)
