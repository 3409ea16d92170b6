"""Channels -> one: their mean, unless they cancel each other out because one of them has the opposite polarity."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

# Of the power that the mean of unrelated channels has. Two equal channels, one of them inverted, have none; what spaced microphones hear of
# one voice in a room stays above.
CANCELLED_SHARE = 0.1
CANCELLED_PIECES = 0.1  # of a block's power: where polarity changes on the way, only some of it cancels out
_PIECE = 4_096  # samples; in shorter ones a voice cancels itself out that reaches one microphone later

logger = logging.getLogger(__name__)


class Mixer:
    """Mixes one recording down, block by block; once channels cancel out, its loudest channel is taken from there on.

    Args:
        name: The recording's, for the note in the log.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._taken: int | None = None

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
        if not np.isfinite(powers).all() or not unrelated[left < CANCELLED_SHARE * unrelated].sum() > CANCELLED_PIECES * unrelated.sum():
            return False
        self._taken = int(powers.mean(axis=0).argmax())
        named = f"{self.name}: " if self.name else ""
        logger.warning("%sits channels cancel each other out, one has the opposite polarity: channel %d is judged", named, self._taken + 1)
        return True
