"""What a network hears of a recording: a file or samples -> the segments that it takes, normalised as it was trained."""

from __future__ import annotations

import math
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ser_acrnn import audio, features
from ser_acrnn.audio.sources import Recorded, complaint_about, is_encoded, unwrapped
from ser_acrnn.audio.waveforms import is_number, samples_and_rate
from ser_acrnn.audio.windows import windows
from ser_acrnn.config import FeatureConfig, Normalisation
from ser_acrnn.features import speech_activity
from ser_acrnn.features.normalisation import Statistics, normalise, statistics_of
from ser_acrnn.features.spectrum import hastened
from ser_acrnn.features.speech_activity import LEAST_SPEECH_SECONDS, Activity
from ser_acrnn.inference.turns import turn

# A recording up to this length is one utterance; a longer one is heard window by window, in memory that does not grow with it.
LONGEST_UTTERANCE_SECONDS = 60.0


@dataclass(frozen=True)
class Utterance:
    """A recording that can be judged as one.

    Attributes:
        waveform: Its samples, `(samples,)`.
        heard: What of them is speech.
        log_mels: See `Preprocessor.log_mels`.
    """

    waveform: NDArray[np.float32]
    heard: Activity
    log_mels: NDArray[np.float32]


@dataclass
class Preprocessor:
    """Prepares recordings for one network.

    Its methods take a recording as a file, its bytes or an open one; or as samples of shape `(samples,)` or `(samples, channels)` with
    their rate, beside them or with them (see `ser_acrnn.audio.waveforms.samples_and_rate`); without one, the network's is taken, with a
    `FutureWarning`.
    They raise an `AudioError` that says why where a recording cannot be used, and a `ValueError` where the network normalises by the
    speaker and nobody has been enrolled.

    Attributes:
        name: The network's name, for errors.
        features: The recipe of the network's log-Mels.
        channels: How many of log-Mels, deltas and delta-deltas it takes.
        scope: What it is normalised by, see `ser_acrnn.config.ModelConfig`.
        speaker: Mean and variance of the log-Mels of the speaker, where the scope is `speaker`.
        longest_seconds: A recording that is longer is refused.
    """

    name: str
    features: FeatureConfig
    channels: int
    scope: Normalisation
    speaker: Statistics | None = None
    longest_seconds: float = math.inf

    def waveform(self, recording: Recorded, sampling_rate_hertz: int | None = None) -> NDArray[np.float32]:
        """A recording as mono samples at the network's rate, shape `(samples,)`."""
        rate, recording = self.features.sampling_rate_hertz, unwrapped(recording)
        if is_encoded(recording):
            with audio.opened(recording) as file:
                return file.waveform(list(self._short_enough(file.blocks, file.rate_hertz, recording)), rate)
        samples, own = samples_and_rate(recording, sampling_rate_hertz)
        if own is None:
            warnings.warn(
                f"samples without a rate are taken for {rate} Hz, expected sampling_rate_hertz={rate} or (samples, {rate}), which a later "
                "version will require",
                FutureWarning,
                stacklevel=2,
            )
        waveform = audio.to_mono(samples, rate if own is None else own, rate)
        return next(self._short_enough([waveform], rate, recording))

    @contextmanager
    def opened(self, recording: Recorded, sampling_rate_hertz: int | None = None) -> Iterator[Utterance | Iterator[NDArray[np.float32]]]:
        """Opens a recording once: an utterance; or, of one that is longer, its samples as `pieces` gives them."""
        rate, recording = self.features.sampling_rate_hertz, unwrapped(recording)
        if not is_encoded(recording):
            waveform = self.waveform(recording, sampling_rate_hertz)
            yield self._utterance(waveform, recording) if len(waveform) <= LONGEST_UTTERANCE_SECONDS * rate else iter([waveform])
            return
        with audio.opened(recording) as file:
            blocks, samples, rest = [], 0, self._short_enough(file.blocks, file.rate_hertz, recording)
            for block in rest:
                blocks.append(block)
                samples += len(block)
                if samples > LONGEST_UTTERANCE_SECONDS * file.rate_hertz:
                    yield audio.resampled(chain(blocks, rest), file.rate_hertz, rate)
                    return
            yield self._utterance(file.waveform(blocks, rate), recording)

    def _short_enough(self, blocks: Iterable[NDArray[np.float32]], rate_hertz: int, recording: Recorded) -> Iterator[NDArray[np.float32]]:
        """Samples, as long as there are not too many of them."""
        samples = 0
        for block in blocks:
            samples += len(block)
            if samples > self.longest_seconds * rate_hertz:
                flaw = f"is longer than {self.longest_seconds:g} s, expected at most as much"
                raise audio.AudioError(complaint_about(recording, flaw))
            yield block

    def _utterance(self, waveform: NDArray[np.float32], recording: Recorded) -> Utterance:
        with turn:
            heard = self.heard(waveform)
            if isinstance(heard, str):
                raise audio.AudioError(complaint_about(recording, heard))
            return Utterance(waveform, heard, self.log_mels(waveform, heard))

    def pieces(self, recording: Recorded, sampling_rate_hertz: int | None = None) -> Iterator[NDArray[np.float32]]:
        """The same samples piece by piece, `(samples,)` each; what is silent or not finite in a file is not refused."""
        if is_encoded(recording := unwrapped(recording)):
            pieces = audio.stream(recording, self.features.sampling_rate_hertz)
            return self._short_enough(pieces, self.features.sampling_rate_hertz, recording)
        return iter([self.waveform(recording, sampling_rate_hertz)])

    def segments(self, recording: Recorded, sampling_rate_hertz: int | None = None) -> NDArray[np.float32]:
        """An utterance as the network takes it, `(segments, 300, 40, 3)`."""
        return self.cut_up(self._utterance(self.waveform(recording, sampling_rate_hertz), recording).log_mels)

    def windows(self, pieces: Iterable[NDArray[np.float32]], hop_seconds: float) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """The first sample and the samples of each window as long as a segment; see `ser_acrnn.audio.windows`."""
        self.check_speaker()
        return hastened(windows(pieces, self.features.segment_samples, self.hop_samples(hop_seconds)))

    def hop_samples(self, hop_seconds: float) -> int:
        """Samples between the starts of windows.

        Raises:
            ValueError: Not a sample, or no number.
        """
        rate = self.features.sampling_rate_hertz
        if not is_number(hop_seconds) or not 0.5 < hop_seconds * rate < math.inf:
            raise ValueError(f"hop_seconds is {hop_seconds!r}, expected at least a sample, {1 / rate:g} s")
        return round(hop_seconds * rate)

    def window_segments(self, pieces: Iterable[NDArray[np.float32]], hop_seconds: float = 1.0) -> Iterator[NDArray[np.float32]]:
        """The windows of a recording of any length as the network takes them, `(300, 40, 3)` each, without those that are flawed."""
        for _, samples in self.windows(pieces, hop_seconds):
            if not isinstance(heard := self.heard(samples), str):
                yield self.segment(samples, heard)

    def segment(self, window: NDArray[np.float32], heard: Activity | None = None) -> NDArray[np.float32]:
        """A window's samples as the network takes them, `(300, 40, 3)`; `heard` as of `log_mels`."""
        return self.cut_up(self.log_mels(window, heard))[0]

    def heard(self, samples: NDArray[np.float32]) -> Activity | str:
        """What of an utterance or a window is speech; or why it cannot be judged."""
        seconds, found = len(samples) / self.features.sampling_rate_hertz, None
        if seconds >= LEAST_SPEECH_SECONDS:
            try:
                audio.to_mono(samples, self.features.sampling_rate_hertz, self.features.sampling_rate_hertz)
                found = speech_activity.checked_activity(samples, self.features)
                seconds = found.seconds
            except ValueError as error:
                return str(error)
        if found is None or seconds < LEAST_SPEECH_SECONDS:
            return f"holds {seconds:.2f} s of speech, expected {LEAST_SPEECH_SECONDS} s or more"
        return found

    def flaw(self, samples: NDArray[np.float32]) -> str:
        """Why an utterance or a window cannot be judged; empty where it can."""
        found = self.heard(samples)
        return found if isinstance(found, str) else ""

    def log_mels(self, waveform: NDArray[np.float32], heard: Activity | None = None) -> NDArray[np.float32]:
        """Log-Mels of a waveform as the network takes them, `(frames, mels, channels)`, but for what `scope` names.

        Args:
            waveform: Shape `(samples,)`.
            heard: What of it is speech, where that is known: finding it takes as long as the log-Mels.
        """
        if heard is not None and self.features.speech_gate:
            found = features.log_mels_3d(speech_activity.kept(waveform, heard), self._ungated)
        else:
            found = features.log_mels_3d(waveform, self.features)
        return found[..., : self.channels]

    @cached_property
    def _ungated(self) -> FeatureConfig:
        return replace(self.features, speech_gate=None)

    def cut_up(self, log_mels: NDArray[np.float32]) -> NDArray[np.float32]:
        """An utterance's log-Mels as the network takes them, `(segments, 300, 40, 3)`."""
        self.check_speaker()
        if self.scope in ("speaker", "utterance"):
            log_mels = normalise(log_mels, self.speaker or statistics_of([log_mels]))
        return features.segment(log_mels, self.features)

    def voices(
        self,
        recordings: Iterable[Recorded],
        sampling_rate_hertz: int | None = None,
        *,
        leave_out: Callable[[audio.AudioError], object],
    ) -> Iterator[NDArray[np.float32]]:
        """Log-Mels of each recording, of a long one those of its windows, `(frames, mels, channels)` each.

        Instead of raising, `leave_out` is called with the error of each recording that cannot be used.
        """
        for recording in recordings:
            try:
                with self.opened(recording, sampling_rate_hertz) as found:
                    if not isinstance(found, Utterance):
                        deque(found, maxlen=0)  # a recording that fails at its end has no part
            except audio.AudioError as error:
                leave_out(error)
                continue
            if isinstance(found, Utterance):
                yield found.log_mels
                continue
            length = self.features.segment_samples
            for _, samples in windows(self.pieces(recording, sampling_rate_hertz), length, length):
                if not isinstance(heard := self.heard(samples), str):
                    yield self.log_mels(samples, heard)

    def check_speaker(self) -> None:
        """Raises the `ValueError` where the speaker's statistics are needed and not there."""
        if self.scope == "speaker" and self.speaker is None:
            raise ValueError(f"{self.name}: normalises by the speaker's own audio, expected `enrol` with recordings of the speaker before")
