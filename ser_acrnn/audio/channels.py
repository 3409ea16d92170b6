"""Channels -> one: their mean, unless they cancel each other out because one of them has the opposite polarity."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

# Of the power that the mean of unrelated channels has. Two equal channels, one of them inverted, have none; what spaced microphones hear of
# one voice in a room stays above.
CANCELLED_SHARE = 0.1

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
        powers = block.astype(np.float64).var(axis=0)
        unrelated = powers.mean() / len(powers)
        if not np.isfinite(powers).all() or mono.astype(np.float64).var() >= CANCELLED_SHARE * unrelated:
            return False
        self._taken = int(powers.argmax())
        named = f"{self.name}: " if self.name else ""
        logger.warning("%sits channels cancel each other out, one has the opposite polarity: channel %d is judged", named, self._taken + 1)
        return True
