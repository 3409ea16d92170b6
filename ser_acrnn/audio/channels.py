"""Channels -> one: their mean, unless they cancel each other out because one of them has the opposite polarity."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

# Of the power that the mean of unrelated channels has. Two equal channels, one of them inverted, have none; what spaced microphones hear of
# one voice in a room stays above.
CANCELLED_SHARE = 0.1
CANCELLED_PIECES = 0.1  # of a block's power: where polarity changes on the way, only some of it cancels out
_PIECE = 4_096  # samples; in shorter ones a voice cancels itself out that reaches one microphone later
_QUIET = 0.01  # of the power heard before: what cancels out in a pause, such as hum, says nothing of the channels' polarity
_FIRST_SECONDS, _LATER_SECONDS = 60.0, 10.0  # that are looked at together: of an utterance everything, however it comes
_MOST_VALUES = 2**24  # samples of all channels, 64 MB, that are held for it

logger = logging.getLogger(__name__)


def mixed(blocks: Iterable[NDArray[np.float32]], rate_hertz: int, name: str) -> Iterator[NDArray[np.float32]]:
    """One recording's blocks, `(samples, channels)`, as mono, `(samples,)`: the same however long the blocks are in which it comes."""
    return map(Mixer(name), _gathered(blocks, rate_hertz))


def _gathered(blocks: Iterable[NDArray[np.float32]], rate_hertz: int) -> Iterator[NDArray[np.float32]]:
    held: list[NDArray[np.float32]] = []
    samples, seconds = 0, _FIRST_SECONDS
    for block in blocks:
        channels = block.shape[1]
        if channels == 1:
            yield block
            continue
        held.append(block)
        samples += len(block)
        if samples >= min(seconds * rate_hertz, _MOST_VALUES // channels):
            yield np.concatenate(held)
            held, samples, seconds = [], 0, _LATER_SECONDS
    if held:
        yield np.concatenate(held)


class Mixer:
    """Mixes one recording down, block by block; once channels cancel out, its loudest channel is taken from there on.

    Args:
        name: The recording's, for the note in the log.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._taken: int | None = None
        self._power = self._pieces = 0.0  # what has been heard: the sum of the pieces' power, and their number

    def __call__(self, block: NDArray[np.floating]) -> NDArray[np.float32]:
        """A block of samples, `(samples, channels)`, as mono, `(samples,)`."""
        with np.errstate(all="ignore"):  # what is not finite is named later
            if self._taken is None:
                mono = block.mean(axis=1, dtype=np.float32)
                if block.shape[1] == 1 or not len(block) or not self._cancels(block, mono):
                    return mono
            return block[:, self._taken].astype(np.float32)

    def _cancels(self, block: NDArray[np.floating], mono: NDArray[np.float32]) -> bool:
        pieces = range(0, max(1, len(block) - _PIECE + 1), _PIECE)  # the last one has what is left over
        stops = [*pieces[1:], len(block)]
        powers = np.array([block[start:stop].astype(np.float64).var(axis=0) for start, stop in zip(pieces, stops, strict=True)])
        left = np.array([mono[start:stop].astype(np.float64).var() for start, stop in zip(pieces, stops, strict=True)])
        unrelated = powers.mean(axis=1) / block.shape[1]
        before = self._power / max(self._pieces, 1.0) * len(pieces)
        self._power, self._pieces = self._power + unrelated.sum(), self._pieces + len(pieces)
        cancelled = unrelated[left < CANCELLED_SHARE * unrelated].sum()
        if not np.isfinite(powers).all() or not cancelled > CANCELLED_PIECES * max(unrelated.sum(), _QUIET * before):
            return False
        self._taken = int(powers.mean(axis=0).argmax())
        named = f"{self.name}: " if self.name else ""
        logger.warning("%sits channels cancel each other out, one has the opposite polarity: channel %d is judged", named, self._taken + 1)
        return True
