"""What a network says of a recording, and of each piece of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class WindowPrediction:
    """What the network says of one piece of a recording, of 3 s unless the recording is shorter.

    Attributes:
        start_seconds: Where the piece begins.
        end_seconds: Where it ends.
        posteriors: Share of each emotion, summing to one; empty where `flaw` says why.
        attention: Weight of each time step, summing to one, the steps dividing 3 s evenly from the start on.
        flaw: Why nothing is said of the piece, such as silence; "" where something is.
    """

    start_seconds: float
    end_seconds: float
    posteriors: dict[str, float]
    attention: tuple[float, ...] = ()
    flaw: str = ""

    @property
    def emotion(self) -> str | None:
        """The decision; None where there is a flaw."""
        return max(self.posteriors, key=self.posteriors.__getitem__) if self.posteriors else None


@dataclass(frozen=True)
class Prediction:
    """What the network says of one recording.

    Attributes:
        emotion: The decision.
        posteriors: Share of each emotion: the maximum over segments (paper, section III), scaled to sum to one; of a recording of more
            than a minute the mean over its windows.
        segments: What it says of each piece.
        step_seconds: Length of a time step of the attention.
    """

    emotion: str
    posteriors: dict[str, float]
    segments: tuple[WindowPrediction, ...]
    step_seconds: float

    def attention(self) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Attention over the recording.

        Returns:
            Seconds of the steps' middles and their weights, both of shape `(steps,)`; where segments overlap, the mean of theirs.
        """
        steps = np.concatenate(
            [round(piece.start_seconds / self.step_seconds) + np.arange(len(piece.attention)) for piece in self.segments if piece.attention]
        )
        weights = np.concatenate([piece.attention for piece in self.segments])
        inside = steps < np.ceil(round(self.segments[-1].end_seconds / self.step_seconds, 6))
        steps, weights = steps[inside].astype(int), weights[inside]
        counts = np.bincount(steps)
        heard = counts > 0
        seconds = np.asarray((np.flatnonzero(heard) + 0.5) * self.step_seconds)
        return seconds, np.bincount(steps, weights)[heard] / counts[heard]


def later(attention: NDArray[np.floating], steps: int) -> NDArray[np.floating]:
    """Attention that begins so many steps later in a piece of the same length; it sums to one again."""
    moved = np.concatenate([np.zeros(steps, attention.dtype), attention[: len(attention) - steps]])
    return moved / moved.sum() if steps else attention
