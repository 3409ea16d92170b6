"""What a network says of a recording, and of each piece of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.features.speech_activity import Activity


@dataclass(frozen=True)
class WindowPrediction:
    """What the network says of one piece of a recording: 3 s, more where long pauses were cut out of it, or less if there is no more.

    Attributes:
        start_seconds: Where the piece begins.
        end_seconds: Where it ends.
        posteriors: Share of each emotion, summing to one; empty where `flaw` says why.
        attention: Weight of each time step from the start on, summing to one.
        flaw: Why nothing is said of the piece, such as silence; "" where something is.
        speech_seconds: How much of the piece the network heard: from the first moment of speech to the last one, or all of it where the
            network has no speech gate.
        signal_to_noise_decibels: An estimate, see `ser_acrnn.features.speech_activity.signal_to_noise_decibels`.
        unfamiliarity: How far the piece is from what the network was trained on, where it knows that (see
            `ser_acrnn.models.layers.Familiarity`), or how little voice there is (see `ser_acrnn.features.voicing`), whichever is more; 1
            is the limit, from which on the answer means nothing.
    """

    start_seconds: float
    end_seconds: float
    posteriors: dict[str, float]
    attention: tuple[float, ...] = ()
    flaw: str = ""
    speech_seconds: float = 0.0
    signal_to_noise_decibels: float = 0.0
    unfamiliarity: float = 0.0

    @property
    def unsure(self) -> bool:
        """Whether the piece is like nothing that the network was trained on, such as music, or holds no voice, as wind does."""
        return self.unfamiliarity > 1

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
        speech_seconds: See `WindowPrediction`; of a recording of more than a minute its length times the share in its windows.
        signal_to_noise_decibels: See `WindowPrediction`; of a recording of more than a minute the median over the windows that are judged.
        unfamiliarity: The mean over the segments, or over the windows that are judged, see `WindowPrediction`.
        seconds: Length of the recording, with what is no speech.
    """

    emotion: str
    posteriors: dict[str, float]
    segments: tuple[WindowPrediction, ...]
    step_seconds: float
    speech_seconds: float = 0.0
    signal_to_noise_decibels: float = 0.0
    unfamiliarity: float = 0.0
    seconds: float = 0.0

    @property
    def unsure(self) -> bool:
        """Whether the recording is like nothing that the network was trained on or holds no voice, so that its decision means nothing."""
        return self.unfamiliarity > 1

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


def heard_in(windows: Sequence[WindowPrediction]) -> tuple[float, float, float]:
    """Seconds of speech of a recording that was judged window by window, ratio of speech to noise, and unfamiliarity, see `Prediction`."""
    share = sum(window.speech_seconds for window in windows) / sum(window.end_seconds - window.start_seconds for window in windows)
    judged = [window for window in windows if window.posteriors]
    noise = np.median([window.signal_to_noise_decibels for window in judged])
    return windows[-1].end_seconds * share, float(noise), float(np.mean([window.unfamiliarity for window in judged]))


def placed(attention: NDArray[np.floating], heard: Activity, first: int, origin: int, step_samples: float) -> NDArray[np.floating]:
    """Attention over steps of what was heard -> over steps of the recording; 0 in what was cut out.

    Args:
        attention: Weights of steps that begin with the sample `first` of what was heard.
        heard: What that was.
        first: See `attention`.
        origin: Sample of the recording with which the steps of the outcome begin.
        step_samples: Length of a step.
    """
    middles = first + (np.arange(len(attention)) + 0.5) * step_samples
    steps = ((heard.place(middles.astype(int)) - origin) // step_samples).astype(int)
    moved = np.zeros(steps[-1] + 1, attention.dtype)
    moved[steps] = attention
    return moved
