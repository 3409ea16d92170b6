"""Segments' features that stay in a prepared corpus until they are asked for, and batches that are read ahead of their use."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.data.prepared import Readable

# An utterance's features (frames, coefficients, channels) -> its segments (segments, frames, coefficients, channels).
Cut = Callable[[NDArray[np.float32]], NDArray[np.float32]]
Item = TypeVar("Item")

BATCHES_AHEAD = 2  # one waits, another is being read; of 40 segments, each takes 6 MB


@dataclass(frozen=True)
class StreamedFeatures:
    """The features of segments, indexed like an array; each time they are read from the corpus, an utterance at a time, and none is kept.

    Attributes:
        corpus: Where they are read.
        cut: Cuts an utterance.
        names: Of the utterances.
        utterance: Number of the utterance of each segment, increasing, `(segments,)`.
        segment_shape: `(frames, coefficients, channels)`.
    """

    corpus: Readable
    cut: Cut
    names: tuple[str, ...]
    utterance: NDArray[np.int64]
    segment_shape: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.utterance)

    @property
    def shape(self) -> tuple[int, ...]:
        """`(segments, frames, coefficients, channels)`."""
        return len(self), *self.segment_shape

    @property
    def nbytes(self) -> int:
        """What they would take in memory."""
        return int(np.prod(self.shape)) * np.dtype(np.float32).itemsize

    def __getitem__(self, rows: slice | NDArray[np.int64] | NDArray[np.bool_]) -> NDArray[np.float32]:
        wanted = np.arange(len(self))[rows]
        owners = self.utterance[wanted]
        values = np.empty((len(wanted), *self.segment_shape), np.float32)
        for owner in np.unique(owners):
            places = np.flatnonzero(owners == owner)
            segments = self.cut(self.corpus.read(self.names[owner]))
            values[places] = segments[wanted[places] - np.searchsorted(self.utterance, owner)]
        return values


def read_ahead(items: Iterator[Item], number: int = BATCHES_AHEAD) -> Generator[Item, None, None]:
    """The same items, of which another thread makes so many before they are asked for; an error comes in its item's place."""
    end: Any = object()
    with ThreadPoolExecutor(1) as thread:
        made = deque(thread.submit(next, items, end) for _ in range(number))
        while (item := made.popleft().result()) is not end:
            made.append(thread.submit(next, items, end))
            yield item
