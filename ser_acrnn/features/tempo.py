"""Segments of log-Mels played faster or slower: a speaker's rate changed without the waveform. NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def real_frames(segments: NDArray[np.float32]) -> NDArray[np.int64]:
    """Frames before the padding of each segment, `(segments,)`."""
    real = (segments != 0).any(axis=(2, 3))
    return segments.shape[1] - real[:, ::-1].argmax(axis=1)


def change_tempo(
    segments: NDArray[np.float32], lengths: NDArray[np.int64], factors: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Plays each segment `factor` times as fast from its beginning: what gets too long is cut, what gets shorter is padded.

    Returns:
        The segments, and their real frames.
    """
    frames = segments.shape[1]
    position = np.arange(frames) * factors[:, None]
    faster = np.minimum(np.floor((lengths - 1) / factors).astype(int) + 1, frames)
    before = np.minimum(position.astype(int), (lengths - 1)[:, None])
    after = np.minimum(before + 1, (lengths - 1)[:, None])
    row, weight = np.arange(len(segments))[:, None], (position - before).astype(np.float32)[..., None, None]
    changed = segments[row, before]
    changed += weight * (segments[row, after] - changed)
    for order in range(1, segments.shape[3]):  # what runs faster changes faster
        changed[..., order] *= (factors**order).astype(np.float32)[:, None, None]
    changed[np.arange(frames) >= faster[:, None]] = 0
    return changed, faster


def at_tempo(segments: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """All segments played `factor` times as fast, see `change_tempo`; at 1 they are returned as they are."""
    return segments if factor == 1 else change_tempo(segments, real_frames(segments), np.full(len(segments), factor))[0]
