"""Whatever judges a recording, behind one call, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.checking.outcomes import CheckError

RATE_HERTZ = 16_000


@dataclass(frozen=True)
class Answers:
    """What a judge says of some recordings.

    Attributes:
        posteriors: Shape `(recordings, emotions)`, each row summing to one; NaN of a recording that the judge refuses.
        unsure: Whether it says that its decision means nothing, shape `(recordings,)`.
        problems: Why it refuses, by the number of the recording.
    """

    posteriors: NDArray[np.float64]
    unsure: NDArray[np.bool_]
    problems: Mapping[int, str]

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Whether it says something, shape `(recordings,)`."""
        return np.asarray(~np.isnan(self.posteriors).any(axis=1))

    @property
    def decisions(self) -> NDArray[np.int64]:
        """Number of the emotion; -1 of what is refused, shape `(recordings,)`."""
        return np.where(self.judged, np.nan_to_num(self.posteriors).argmax(axis=1), -1)


class Judge(Protocol):
    """What is checked."""

    @property
    def name(self) -> str:
        """For the report."""

    @property
    def emotions(self) -> tuple[str, ...]:
        """In the order of the posteriors."""

    def __call__(self, waveforms: Sequence[NDArray[np.float32]], speakers: Sequence[str] = ()) -> Answers:
        """Judges recordings.

        Args:
            waveforms: Mono at 16 kHz, shape `(samples,)` each.
            speakers: Who speaks in each, for judges that adapt to a speaker.
        """


class FunctionJudge:
    """A function of somebody's: float32 samples at 16 kHz, shape `(samples,)`, -> emotion -> posterior; a ValueError refuses."""

    def __init__(self, name: str, function: Callable[[NDArray[np.float32]], Mapping[str, float]], emotions: Sequence[str] = ()) -> None:
        self.name, self._function = name, function
        self.emotions = tuple(emotions) or self._named()

    def __call__(self, waveforms: Sequence[NDArray[np.float32]], speakers: Sequence[str] = ()) -> Answers:
        """Judges recordings."""
        posteriors, refused = np.full((len(waveforms), len(self.emotions)), np.nan), {}
        for place, waveform in enumerate(waveforms):
            try:
                posteriors[place] = self._posteriors(waveform.copy())  # which the function may change
            except CheckError as error:
                error.place = place
                raise
            except ValueError as error:
                refused[place] = str(error)
        return Answers(posteriors, np.zeros(len(waveforms), bool), refused)

    def _named(self) -> tuple[str, ...]:
        try:
            said = self._function(np.zeros(RATE_HERTZ, np.float32) + np.float32(1e-3))
        except Exception as error:
            raise self._failed(error, "on a second of next to nothing, by which it is asked for its emotions") from error
        if not isinstance(said, Mapping):
            raise CheckError(f"{self.name}: says a {type(said).__name__}, expected emotions with their posteriors: a dict")
        return tuple(said)

    def _posteriors(self, waveform: NDArray[np.float32]) -> NDArray[np.float64]:
        try:
            said = self._function(waveform)
        except ValueError:
            raise
        except Exception as error:
            raise self._failed(error) from error
        try:
            return _summing_to_one([said[emotion] for emotion in self.emotions], self.name)
        except KeyError as error:
            raise CheckError(f"{self.name}: says nothing of {error}, expected a posterior of each of {list(self.emotions)}") from error
        except TypeError as error:
            raise CheckError(f"{self.name}: says {type(said).__name__}, expected emotions with their posteriors") from error

    def _failed(self, error: Exception, where: str = "") -> CheckError:
        raised = f"{type(error).__name__} ({error})" if str(error) else type(error).__name__
        return CheckError(f"{self.name}: raises {raised}{where and ' ' + where}, expected emotions with their posteriors, or a ValueError")


def _summing_to_one(values: Sequence[float], name: str) -> NDArray[np.float64]:
    found = np.asarray(values, float)
    if not np.isfinite(found).all() or found.min() < 0 or abs(found.sum() - 1) > 0.01:
        raise CheckError(f"{name}: says {np.round(found, 3).tolist()}, expected posteriors, 0 to 1, that sum to one")
    return found / found.sum()


def answered(
    judge: Judge, waveforms: Sequence[NDArray[np.float32]], names: Sequence[str], speakers: Sequence[str] = (), change: str = ""
) -> Answers:
    """What a judge says; arguments as of a judge's.

    Args:
        judge: The model.
        waveforms: Recordings.
        names: Of the recordings.
        speakers: Who speaks in each.
        change: What was done to all of them.

    Raises:
        CheckError: The judge fails on one, which is named, with what was done to it.
    """
    try:
        return judge(waveforms, speakers)
    except CheckError as error:
        if error.place is None:
            raise
        raise CheckError(f"{names[error.place]}{change and f', {change}'}: {error}") from error
