"""Scores of segments or windows -> what is said of a recording: posteriors by name, places in time, attention, how much was heard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.audio.sources import Recorded, complaint_about
from ser_acrnn.audio.waveforms import AudioError
from ser_acrnn.config import FeatureConfig
from ser_acrnn.features.log_mels import segment_starts
from ser_acrnn.features.speech_activity import Activity, kept, signal_to_noise_decibels
from ser_acrnn.features.voicing import unlike_speech
from ser_acrnn.inference.predictions import Prediction, WindowPrediction, heard_in, placed


@dataclass(frozen=True)
class Cut:
    """An utterance whose segments wait for the network: its length, what is heard of it, in which samples of that they begin, its noise.

    How little of it is a voice stands beside.
    """

    seconds: float
    heard: Activity
    starts: list[int]
    signal_to_noise_decibels: float
    unlike_speech: float


@dataclass(frozen=True)
class Composer:
    """Says what the scores of a network mean.

    Attributes:
        emotions: The network's classes, in the order of its posteriors.
        step_seconds: How much of the recording each weight of the attention is about.
        features: The recipe of the network's log-Mels.
    """

    emotions: tuple[str, ...]
    step_seconds: float
    features: FeatureConfig

    def cut(self, waveform: NDArray[np.float32], heard: Activity, frames: int) -> Cut:
        """What has to be known of an utterance of that many frames of log-Mels when its segments have been scored."""
        starts = [frame * self.features.shift_samples for frame in segment_starts(frames, self.features)]
        rate, noise = self.features.sampling_rate_hertz, signal_to_noise_decibels(waveform, self.features)
        return Cut(len(waveform) / rate, heard, starts, noise, unlike_speech(kept(waveform, heard), rate))

    def utterance(self, cut: Cut, posteriors: NDArray, attention: NDArray, unfamiliarity: NDArray) -> Prediction:
        """Of an utterance, from the scores of its segments, a row each: the maximum over them, see `metrics.utterance_posteriors`."""
        heard, pieces, unfamiliarity = cut.heard, [], np.maximum(unfamiliarity, cut.unlike_speech)
        rate, total = self.features.sampling_rate_hertz, round(heard.seconds * self.features.sampling_rate_hertz)
        stops = [*(first + round(self.features.segment_seconds * rate) for first in cut.starts[:-1]), total]
        for first, stop, said, weights, strange in zip(cut.starts, stops, posteriors, attention, unfamiliarity, strict=True):
            start, end = heard.span(first, stop)
            facts = (stop - first) / rate, cut.signal_to_noise_decibels, strange
            inside = placed(weights, heard, first, start, self.step_seconds * rate)
            pieces.append(self._piece(start / rate, end / rate, said, inside, *facts))
        of_all = heard.seconds, cut.signal_to_noise_decibels, unfamiliarity.mean(), cut.seconds
        return self._whole(posteriors.max(axis=0), tuple(pieces), *of_all)

    def window(
        self, first: int, samples: NDArray[np.float32], heard: Activity, posteriors: NDArray, attention: NDArray, unfamiliarity: float
    ) -> WindowPrediction:
        """Of a window that begins with a sample, from what is heard of it and its scores."""
        rate = self.features.sampling_rate_hertz
        inside = placed(attention, heard, 0, 0, self.step_seconds * rate)[: len(attention)]
        strange = max(float(unfamiliarity), unlike_speech(kept(samples, heard), rate))
        facts = heard.seconds, signal_to_noise_decibels(samples, self.features), strange
        return self._piece(first / rate, (first + len(samples)) / rate, posteriors, inside / inside.sum(), *facts)

    def flawed(self, first: int, samples: NDArray[np.float32], flaw: str) -> WindowPrediction:
        """Of a window that cannot be judged."""
        rate = self.features.sampling_rate_hertz
        return WindowPrediction(first / rate, (first + len(samples)) / rate, {}, (), flaw)

    def long(self, pieces: tuple[WindowPrediction, ...], recording: Recorded) -> Prediction:
        """Of a recording of more than a minute, from what is said of its windows: the mean over them.

        Raises:
            AudioError: No window could be judged.
        """
        judged = [list(piece.posteriors.values()) for piece in pieces if piece.posteriors]
        if not judged:
            flaw = f"no window can be judged, the first because it {pieces[0].flaw}, expected speech"
            raise AudioError(complaint_about(recording, flaw))
        return self._whole(np.mean(judged, axis=0), pieces, *heard_in(pieces), pieces[-1].end_seconds)

    def _piece(self, start: float, end: float, posteriors: NDArray, attention: NDArray, *facts: float) -> WindowPrediction:
        return WindowPrediction(start, end, self._named(posteriors), tuple(attention.tolist()), "", *map(float, facts))

    def _whole(self, scores: NDArray, pieces: tuple[WindowPrediction, ...], *facts: float) -> Prediction:
        return Prediction(self.emotions[int(scores.argmax())], self._named(scores), pieces, self.step_seconds, *map(float, facts))

    def _named(self, scores: NDArray) -> dict[str, float]:
        return {emotion: float(value) for emotion, value in zip(self.emotions, scores / scores.sum(), strict=True)}
