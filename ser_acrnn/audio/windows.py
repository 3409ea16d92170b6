"""Audio that arrives piece by piece -> overlapping windows of one length, holding no more than a window and a piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ser_acrnn.audio.waveforms import in_full_scale


def windows(pieces: Iterable[NDArray[np.float32]], length: int, hop: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Cuts a stream of samples into windows, each as soon as its last sample is there.

    Args:
        pieces: Samples in order, of any lengths, shape `(samples,)` each.
        length: Samples of a window.
        hop: Samples between the starts of windows.

    Yields:
        First sample and samples of each window. What is left at the end is in a last window that ends with the stream, and is as long
        as the others unless the whole stream is shorter.

    Raises:
        ValueError: A length or hop below 1.
    """
    if length < 1 or hop < 1:
        raise ValueError(f"windows of {length} samples every {hop}, expected both to be 1 or more")
    kept, start, following, end = np.zeros(0, np.float32), 0, 0, 0  # `kept` begins at sample `start`
    for piece in pieces:
        kept = np.concatenate([kept, piece])
        end += len(piece)
        while following + length <= end:
            yield following, kept[following - start : following - start + length]
            following += hop
        oldest = max(min(following, end - length), start)  # the last window may reach back
        kept, start = kept[oldest - start :], oldest
    if (end > 0 and end > max(following - hop + length, 0)) or 0 < end < length:
        first = max(end - length, 0)
        yield first, kept[first - start :]


def mono_chunk(chunk: ArrayLike) -> NDArray[np.float32]:
    """A piece of live audio, `(samples,)` or `(samples, 1)`, as samples `(samples,)`; see `ser_acrnn.audio.waveforms.in_full_scale`.

    Raises:
        ValueError: It is something else, or holds no real numbers.
    """
    expected = "expected (samples,): mono at 16 kHz"
    if isinstance(chunk, (bytes, bytearray)) or (isinstance(chunk, memoryview) and chunk.itemsize == 1):
        raise ValueError(f"a chunk is {type(chunk).__name__}, {expected}; of 16 bits each they are numpy.frombuffer(chunk, 'int16')")
    try:
        samples = np.asarray(chunk)
    except ValueError as error:  # such as samples and their rate
        raise ValueError(f"a chunk is a {type(chunk).__name__} of unequal parts, {expected}") from error
    if samples.ndim == 2 and samples.shape[1] == 1:
        samples = samples[:, 0]
    if samples.ndim != 1:
        raise ValueError(f"a chunk has the shape {samples.shape}, {expected}")
    return in_full_scale(samples)
