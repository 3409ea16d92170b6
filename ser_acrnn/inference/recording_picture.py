"""A recording of any length -> what a figure shows of it: the range of its waveform and its log-Mels, in a bounded number of columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.config import FeatureConfig
from ser_acrnn.features.log_mels import log_mels

MOST_COLUMNS = 2000  # some for each dot that is printed
BLOCK_FRAMES = 1000  # that are held at a time
DECIBELS = 10 / np.log(10)  # in one of natural logarithm of power


@dataclass(frozen=True)
class Picture:
    """What a figure shows of a recording.

    Attributes:
        low: Least sample of each column, shape `(columns,)`.
        high: Greatest one, same shape.
        column_seconds: What the columns of the waveform stand for.
        mels: Mean log-Mels in decibels, without what the recipe does to the waveform before, shape `(columns, mels)`.
        mel_column_seconds: What their columns stand for.
    """

    low: NDArray[np.float32]
    high: NDArray[np.float32]
    column_seconds: float
    mels: NDArray[np.float32]
    mel_column_seconds: float


def picture(pieces: Iterable[NDArray[np.float32]], seconds: float, recipe: FeatureConfig, most: int = MOST_COLUMNS) -> Picture:
    """Reduces a recording, of which it holds some seconds at a time.

    Args:
        pieces: Samples at the recipe's rate, `(samples,)` each; those that are not finite are drawn as zeros.
        seconds: How long they are together.
        recipe: How the log-Mels are computed; without its speech gate, which would move them in time, and its standardisation.
        most: Number of columns.
    """
    recipe = replace(recipe, speech_gate=None, standardise_waveform=False)
    shift, samples = recipe.shift_samples, max(1, round(seconds * recipe.sampling_rate_hertz))
    frames = -(-samples // shift)
    each, each_frame = -(-samples // most), -(-frames // most)
    low, high = np.full(-(-samples // each), np.inf, np.float32), np.full(-(-samples // each), -np.inf, np.float32)
    sums, counts = np.zeros((-(-frames // each_frame), recipe.mels)), np.zeros(-(-frames // each_frame), int)
    for number, block in enumerate(_blocks(pieces, BLOCK_FRAMES * shift, recipe.window_samples - shift)):
        own = block[: max(0, min(BLOCK_FRAMES * shift, samples - number * BLOCK_FRAMES * shift))]
        if not len(own):
            break
        columns, starts = _columns(number * BLOCK_FRAMES * shift, len(own), each)
        low[columns] = np.minimum(low[columns], np.minimum.reduceat(own, starts))
        high[columns] = np.maximum(high[columns], np.maximum.reduceat(own, starts))
        heard = log_mels(block, recipe)[: -(-len(own) // shift)]
        columns, starts = _columns(number * BLOCK_FRAMES, len(heard), each_frame)
        sums[columns] += np.add.reduceat(heard, starts)
        counts[columns] += np.diff([*starts, len(heard)])
    there, heard_there = np.isfinite(low), counts > 0
    mels = (DECIBELS * sums[heard_there] / counts[heard_there, None]).astype(np.float32)
    return Picture(low[there], high[there], each / recipe.sampling_rate_hertz, mels, each_frame * recipe.shift_seconds)


def _blocks(pieces: Iterable[NDArray[np.float32]], length: int, overlap: int) -> Iterator[NDArray[np.float32]]:
    """Samples in blocks that begin `length` apart and reach into the next one; the last one is what is left."""
    kept = np.zeros(0, np.float32)
    for piece in pieces:
        kept = np.concatenate([kept, piece]) if len(kept) else piece
        while len(kept) >= length + overlap:
            yield np.nan_to_num(kept[: length + overlap], posinf=0, neginf=0)
            kept = kept[length:]
    if len(kept):
        yield np.nan_to_num(kept, posinf=0, neginf=0)


def _columns(first: int, count: int, each: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The columns that `count` values from the number `first` on belong to, and at which of these values each begins."""
    columns = np.arange(first // each, (first + count - 1) // each + 1)
    return columns, np.maximum(columns * each - first, 0)
