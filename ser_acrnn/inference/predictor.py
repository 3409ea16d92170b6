"""A recording in, an emotion out: a saved network with the features that it was trained on, for files, samples and live audio."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ser_acrnn import audio
from ser_acrnn.audio.sources import Recorded, repeatable, several
from ser_acrnn.audio.waveforms import is_number
from ser_acrnn.audio.windows import mono_chunk
from ser_acrnn.config import AS_SPOKEN
from ser_acrnn.config.features import feature_recipe
from ser_acrnn.features.normalisation import statistics_of
from ser_acrnn.features.spectrum import hastened
from ser_acrnn.features.speech_activity import Activity
from ser_acrnn.inference.batching import ahead, in_batches
from ser_acrnn.inference.composing import Composer, Cut
from ser_acrnn.inference.predictions import Prediction, WindowPrediction
from ser_acrnn.inference.preprocessor import Preprocessor, Utterance
from ser_acrnn.inference.runtimes import Network, Runtime, is_network
from ser_acrnn.inference.scorer import SegmentScorer
from ser_acrnn.inference.turns import turn
from ser_acrnn.pretrained import DEFAULT_MODEL

if TYPE_CHECKING:
    import keras

# Segments at a time: on a processor, more are no faster, and take more memory.
BATCH_SEGMENTS = 8


class _Window(NamedTuple):
    """A window that begins with the sample `first`: what of it is speech, and its segment; or why it cannot be judged."""

    first: int
    samples: NDArray[np.float32]
    heard: Activity | str
    segment: NDArray[np.float32] | None


class Predictor:
    """Judges recordings with a network of this package.

    Args:
        model: Name of a network that ships with the package (`ser_acrnn.list_pretrained`), a `.keras` file, or a loaded network.
        runtime: What the network runs on, see `ser_acrnn.inference.runtimes.opened`; what is said is the same to 1e-5.
        batch_segments: Segments that the network judges at a time; an accelerator is faster with 40 or more.
        tempos: Rates at which each segment is played to the network, 1.0 among them, at which it shows its attention; its posteriors are
            the mean over all. `ser_acrnn.config.FIVE_TEMPOS` is five times the work.

    Attributes:
        name: The network's, for errors.
        emotions: The network's classes, in the order of its output.
        preprocessor: What it hears of a recording: waveform, log-Mels, segments as it takes them.
        step_seconds: How much of the recording each weight of the attention is about.

    Raises:
        ValueError: There is no such network, it is none of this package's, the runtime cannot judge it, its features are of no recipe of
            this version, a batch of no segment, or tempos that are not positive or lack 1.0.

    Example:
        >>> Predictor("acrnn3d-open").predict("recording.wav").emotion  # doctest: +SKIP
        'happy'
    """

    def __init__(
        self,
        model: str | Path | keras.Model = DEFAULT_MODEL,
        *,
        runtime: Runtime = "auto",
        batch_segments: int = BATCH_SEGMENTS,
        tempos: Sequence[float] = AS_SPOKEN,
    ) -> None:
        if not (is_number(batch_segments) and batch_segments >= 1 and float(batch_segments).is_integer()):
            raise ValueError(f"batch_segments is {batch_segments!r}, expected a whole number of 1 or more")
        rates = tuple(tempos) if isinstance(tempos, Iterable) else (tempos,)
        if 1 not in rates or not all(is_number(rate) and 0 < rate < math.inf for rate in rates):
            raise ValueError(f"tempos are {tempos!r}, expected positive rates, 1.0 among them")
        if not (isinstance(model, (str, os.PathLike)) or is_network(model)):
            raise ValueError(f"the model is a {type(model).__name__}, expected a name, a path or a keras.Model")
        self.batch_segments, self.tempos = int(batch_segments), rates
        self.name = model.name if is_network(model) else str(model)  # type: ignore[union-attr]
        self._scorer = SegmentScorer(model, self.batch_segments, self.tempos, runtime)
        network = self.network
        self.emotions = network.emotions
        features = feature_recipe(network.recipe_hash, self.name)
        self.preprocessor = Preprocessor(self.name, features, network.segment_shape[-1], network.scope)
        self.step_seconds = features.segment_seconds / network.steps
        self._composer = Composer(self.emotions, self.step_seconds, features)

    @property
    def network(self) -> Network:
        """The network on its runtime, `"onnx"` or `"keras"` by `network.runtime`."""
        return self._scorer.network

    @property
    def model(self) -> keras.Model:
        """The network in Keras; once a speaker has been enrolled, with that speaker's batch norm.

        Whoever asks for it may change it: from then on it is what judges.
        """
        return self._scorer.model

    def enrol(
        self,
        recordings: Iterable[Recorded],
        sampling_rate_hertz: int | None = None,
        *,
        adapt: bool = True,
        on_unusable: Callable[[audio.AudioError], object] | None = None,
    ) -> None:
        """Adapts to a speaker's audio, without labels: from now on that speaker is judged.

        Batch norm takes mean and variance of what the network hears of the speaker (`ser_acrnn.inference.speaker_adaptation`); a network
        that normalises by the speaker also takes those of the log-Mels. A network that was handed over loaded stays as it is: the
        predictor takes a copy. Where there is an error, whoever was enrolled before is judged on.

        Args:
            recordings: Of one speaker, in various moods, recorded as those that are to be judged; as `predict` takes them.
            sampling_rate_hertz: See `predict`.
            adapt: False leaves batch norm as it was trained.
            on_unusable: Called with the error of each recording that cannot be used, which is left out then.

        Raises:
            AudioError: A recording cannot be used, and there is no `on_unusable`; or none can be used.
            ValueError: No recording, or the network has nothing that adapts.
        """
        scope = self.preprocessor.scope
        if not adapt and scope != "speaker":
            raise ValueError(
                f"{self.name}: normalises by the {scope} statistics and adapt is False, expected one of both to hear a speaker"
            )
        adapt = adapt and self._scorer.adapts
        if not adapt and scope != "speaker":
            raise ValueError(f"{self.name}: normalises by the {scope} statistics, expected batch norm that adapts to a speaker")
        recordings = [repeatable(recording) for recording in several(recordings)]
        problems: list[str] = []

        def leave_out(error: audio.AudioError) -> None:
            if on_unusable is None:
                raise error
            if str(error) not in problems:  # a recording is heard more than once
                problems.append(str(error))
                on_unusable(error)

        def heard() -> Iterator[NDArray[np.float32]]:
            return self.preprocessor.voices(recordings, sampling_rate_hertz, leave_out=leave_out)

        before = self.preprocessor.speaker
        try:
            if scope == "speaker":
                self.preprocessor.speaker = statistics_of(heard())
            self._scorer.adapt((lambda: map(self.preprocessor.cut_up, heard())) if adapt else None)
        except BaseException as error:
            self.preprocessor.speaker = before
            if problems and isinstance(error, ValueError):
                raise audio.AudioError("no recording of the speaker can be used: " + "; ".join(problems)) from error
            raise

    def predict(self, recording: Recorded, sampling_rate_hertz: int | None = None) -> Prediction:
        """Judges one recording.

        Args:
            recording: A file, its bytes or an open one; or samples of shape `(samples,)` or `(samples, channels)`, alone, in a pair with
                their rate, or as `{"array": ..., "sampling_rate": ...}`. Up to a minute it is judged as an utterance, as in training;
                beyond, window by window, see `timeline`.
            sampling_rate_hertz: Of samples that come without it; a file knows its own. Without either there is a `FutureWarning`, and
                the network's is taken.

        Raises:
            AudioError: The recording cannot be used; the message says why.
            ValueError: The network normalises by the speaker, and nobody has been enrolled.
        """
        (found,) = self.predict_many([recording], sampling_rate_hertz)
        if isinstance(found, audio.AudioError):
            raise found
        return found

    def predict_many(
        self, recordings: Iterable[Recorded], sampling_rate_hertz: int | None = None
    ) -> Iterator[Prediction | audio.AudioError]:
        """Judges many recordings, whose segments share the network's batches: faster than one by one, and with the same results.

        Args:
            recordings: See `predict`.
            sampling_rate_hertz: See `predict`.

        Yields:
            For each recording, in order, what `predict` returns; or, in its place, the error that `predict` raises.

        Raises:
            ValueError: See `predict`.
        """
        self.preprocessor.check_speaker()
        cut = (self._cut(recording, sampling_rate_hertz) for recording in hastened(several(recordings)))
        for found, judged in in_batches(cut, self._scorer, self.batch_segments):
            yield self._composer.utterance(found, *judged) if isinstance(found, Cut) else found

    def timeline(
        self, recording: Recorded, sampling_rate_hertz: int | None = None, *, hop_seconds: float = 1.0
    ) -> Iterator[WindowPrediction]:
        """Judges a recording of any length window by window, in bounded memory.

        Each window of 3 s is treated as a recording of its own: standardised by itself, with deltas that end at its edges. The last one
        ends with the recording.

        Args:
            recording: See `predict`.
            sampling_rate_hertz: See `predict`.
            hop_seconds: Between the starts of windows.

        Yields:
            What the network says of each window, in order.

        Raises:
            AudioError: The file cannot be read.
            ValueError: See `predict`; or a hop that is not positive.
        """
        yield from self._timeline(self.preprocessor.pieces(recording, sampling_rate_hertz), hop_seconds)

    def _timeline(self, pieces: Iterable[NDArray[np.float32]], hop_seconds: float = 1.0) -> Iterator[WindowPrediction]:
        return self._judged(self.preprocessor.windows(pieces, hop_seconds))

    def predict_stream(self, chunks: Iterable[ArrayLike], *, hop_seconds: float = 1.0) -> Iterator[WindowPrediction]:
        """Judges live audio: each window of 3 s as soon as its last sample has come, then again every hop.

        The judgements are those of `timeline` on the same samples.

        Args:
            chunks: Mono samples at the network's rate, 16 kHz, in pieces of any length, shape `(samples,)` or `(samples, 1)`.
            hop_seconds: Between the starts of windows.

        Yields:
            See `timeline`; the first one after 3 s, a last one when the chunks end between two hops.

        Raises:
            ValueError: See `timeline`; or a chunk that is something else.
        """
        for window in self.preprocessor.windows(map(mono_chunk, chunks), hop_seconds):
            yield from self._predict_windows(self._hear([window]))

    def unfolding(
        self, recording: Recorded, sampling_rate_hertz: int | None = None, *, hop_seconds: float = 0.1
    ) -> Iterator[WindowPrediction]:
        """Judges what has been heard of a recording at each time: its last 3 s, or less at the beginning.

        Arguments and errors as of `timeline`, but the recording is held in memory.

        Yields:
            A judgement at each hop and one at the end, each of a piece treated as a recording of its own.
        """
        self.preprocessor.check_speaker()
        waveform = self.preprocessor.waveform(recording, sampling_rate_hertz)
        features = self.preprocessor.features
        hop, longest = self.preprocessor.hop_samples(hop_seconds), features.segment_samples
        ends = [*range(hop, len(waveform), hop), len(waveform)]
        cut = ((max(0, end - longest), waveform[max(0, end - longest) : end]) for end in ends)
        yield from self._judged(cut)

    def _cut(self, recording: Recorded, sampling_rate_hertz: int | None) -> tuple[Cut | Prediction | audio.AudioError, NDArray[np.float32]]:
        """What is known of a recording before its segments are judged, and these; none of one that cannot be used, or is long.

        One that is long is judged here, window by window, while it is open.
        """
        none = np.zeros((0, *self.network.segment_shape), np.float32)
        try:
            with self.preprocessor.opened(recording, sampling_rate_hertz) as found:
                if not isinstance(found, Utterance):
                    return self._composer.long(tuple(self._timeline(found)), recording), none
        except audio.AudioError as error:
            return error, none
        with turn:
            return self._composer.cut(found.waveform, found.heard, len(found.log_mels)), self.preprocessor.cut_up(found.log_mels)

    def _judged(self, cut: Iterator[tuple[int, NDArray[np.float32]]]) -> Iterator[WindowPrediction]:
        batches = iter(lambda: list(islice(cut, self.batch_segments)), [])
        for heard in ahead(map(self._hear, batches)):
            yield from self._predict_windows(heard)

    def _hear(self, batch: list[tuple[int, NDArray[np.float32]]]) -> list[_Window]:
        found = []
        for first, samples in batch:
            with turn:
                heard = self.preprocessor.heard(samples)
                segment = None if isinstance(heard, str) else self.preprocessor.segment(samples, heard)
            found.append(_Window(first, samples, heard, segment))
        return found

    def _predict_windows(self, windows: list[_Window]) -> Iterator[WindowPrediction]:
        segments = [window.segment for window in windows if window.segment is not None]
        judged = zip(*self._scorer(np.stack(segments)), strict=True) if segments else iter(())
        for window in windows:
            if isinstance(window.heard, str):
                yield self._composer.flawed(window.first, window.samples, window.heard)
            else:
                yield self._composer.window(window.first, window.samples, window.heard, *next(judged))
