"""Segments -> batches of one size for a network; those of several recordings share them, and what it says comes back in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.config import AS_SPOKEN
from ser_acrnn.features.tempo import at_tempo

if TYPE_CHECKING:  # what predicts needs no corpus, and not always Keras
    import keras

    from ser_acrnn.data.segments import Features

Tag = TypeVar("Tag")
Item = TypeVar("Item")


def filled(segments: Features, size: int) -> Iterator[tuple[NDArray[np.float32], int]]:
    """Cuts segments into batches of one size, so that a network is compiled once.

    Args:
        segments: Shape `(segments, ...)`.
        size: Segments of a batch.

    Yields:
        A batch, `(size, ...)`, the last one filled up with zeros, and how many of its rows are segments.
    """
    for start in range(0, len(segments), size):
        batch = segments[start : start + size]
        yield np.concatenate([batch, np.zeros((size - len(batch), *batch.shape[1:]), batch.dtype)]), len(batch)


def in_batches(
    recordings: Iterable[tuple[Tag, NDArray[np.float32]]],
    network: Callable[[NDArray[np.float32]], Sequence[NDArray[np.float32]]],
    size: int,
) -> Iterator[tuple[Tag, list[NDArray[np.float32]]]]:
    """Runs a network over recordings, whose segments share its batches.

    Args:
        recordings: A tag, and the segments, `(segments, ...)`; without segments, `(0, ...)`, the tag only waits for its turn.
        network: Takes up to `size` segments, and returns arrays with a row each.
        size: Segments of a batch; only the last batch may have fewer.

    Yields:
        Each tag with its rows of the network's arrays, in the order of the recordings, as soon as all its segments and those before are
        through; of a recording without segments the list is empty. No more than a batch and a recording are held.
    """
    owed: deque[tuple[Tag, int]] = deque()  # recordings that have not been yielded, and how many segments each has
    held: list[NDArray[np.float32]] = []  # segments that no batch has taken
    rows: list[Sequence[NDArray[np.float32]]] = []  # of the network, a segment each

    def score(number: int) -> None:
        batch = np.stack(held[:number])
        del held[:number]
        rows.extend(zip(*network(batch), strict=True))

    def finished() -> Iterator[tuple[Tag, list[NDArray[np.float32]]]]:
        while owed and owed[0][1] <= len(rows):
            tag, number = owed.popleft()
            yield tag, [np.stack(values) for values in zip(*rows[:number], strict=True)]
            del rows[:number]

    for tag, segments in recordings:
        owed.append((tag, len(segments)))
        held.extend(segments)
        while len(held) >= size:
            score(size)
        yield from finished()
    if held:
        score(len(held))
    yield from finished()


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """Passes items on, while a thread has the next one computed: what is done with one and what the next one takes use two processors."""
    from concurrent.futures import ThreadPoolExecutor  # not for a single recording, whose start it would delay

    source, end = iter(items), object()
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        following = pool.submit(next, source, end)
        while (item := following.result()) is not end:
            following = pool.submit(next, source, end)
            yield cast(Item, item)


def segment_posteriors(
    model: keras.Model, features: Features, batch_size: int = 40, tempos: Sequence[float] = AS_SPOKEN
) -> NDArray[np.float32]:
    """Posteriors of segments, in batches of one size, so that the network is compiled once.

    Args:
        model: A network of this module.
        features: Shape `(segments, 300, mels, channels)`.
        batch_size: Segments at a time.
        tempos: See `TrainConfig.judging_tempos`.

    Returns:
        Shape `(segments, emotions)`.
    """
    posteriors = []
    for batch, number in filled(features, batch_size):
        posteriors.append(np.mean([model.predict_on_batch(at_tempo(batch, tempo)) for tempo in tempos], axis=0)[:number])
    return np.concatenate(posteriors)
