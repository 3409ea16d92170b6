"""Where a recording has speech: an energy gate relative to the recording's own peak and noise floor -> the samples to keep. NumPy only.

`ser_acrnn.models.speech_gate` computes the same with `keras.ops`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ser_acrnn.config.features import FeatureConfig, SpeechGate

LEAST_SPEECH_SECONDS = 0.3  # from less, a network names an emotion as surely as from a sentence, whatever was said
MOST_DECIBELS, QUIETEST_PERCENT = 60.0, 5  # of an estimated ratio of speech to noise


@dataclass(frozen=True)
class Activity:
    """What the gate finds in a recording.

    Attributes:
        start: First sample that is kept.
        end: The sample after the last one that is kept.
        seconds: What is kept, from the first moment of speech to the last one; 0 where there is none.
        range_decibels: How far the loudest moment is above the noise floor; 0 of silence.
        cuts: First sample and the one after the last of what is cut out of each long pause.
    """

    start: int
    end: int
    seconds: float
    range_decibels: float
    cuts: tuple[tuple[int, int], ...] = ()

    def place(self, samples: ArrayLike) -> NDArray[np.int64]:
        """Where samples of what is kept, counted from its beginning, are in the recording; same shape."""
        place = np.asarray(self.start + np.asarray(samples, np.int64))
        for first, last in self.cuts:
            place = np.where(place >= first, place + (last - first), place)
        return place

    def span(self, first: int, stop: int) -> tuple[int, int]:
        """First sample, and the one after the last, of the recording that samples from `first` up to `stop` of what is kept come from."""
        return int(self.place(first)), int(self.place(stop - 1)) + 1


def levels(waveform: ArrayLike, config: FeatureConfig, gate: SpeechGate) -> NDArray[np.float64]:
    """Mean square of the differences in the frames around each frame, shape `(frames,)`; 0 where there is digital silence.

    Digital silence has no part in any mean: what was put before or after a recording changes no level inside it.
    """
    signal = np.asarray(waveform, np.float64)
    lag, length, shift = round(gate.difference_seconds * config.sampling_rate_hertz), config.window_samples, config.shift_samples
    squares = np.zeros(len(signal))
    squares[lag:] = np.square(signal[lag:] - signal[:-lag])
    frames = 1 + max(0, -(-(len(signal) - length) // shift))
    energies = _sums(squares, frames, config)
    sounding = energies > max(energies.max() * _ratio(-gate.deepest_decibels), np.finfo(np.float32).tiny)
    around = [np.convolve(values, np.ones(gate.smoothing_frames)) for values in (np.where(sounding, energies, 0), sounding)]
    half = gate.smoothing_frames // 2
    sums, counts = (values[half : half + frames] for values in around)
    return np.where(sounding, sums / np.maximum(counts, 1) / length, 0)


def _sums(values: NDArray[np.float64], frames: int, config: FeatureConfig) -> NDArray[np.float64]:
    """What the samples of each frame add up to, shape `(frames,)`; after the last sample nothing does."""
    length, shift = config.window_samples, config.shift_samples
    common = gcd(length, shift)  # of these, few sums are left to be added up frame by frame
    before = np.concatenate([[0.0], np.cumsum(np.add.reduceat(values, np.arange(0, len(values), common)))])
    starts = np.arange(frames) * (shift // common)
    return before[np.minimum(starts + length // common, len(before) - 1)] - before[starts]


def activity(waveform: ArrayLike, config: FeatureConfig) -> Activity:
    """Finds the speech of a recording: everything between its first and its last frame above a threshold.

    Frames are counted from the end of the digital silence at the beginning. The threshold is a distance below the peak, but no nearer to
    the noise floor than another one, see `SpeechGate`. Pauses inside stay, or are shortened; nothing is kept beyond, so that what is there
    cannot matter.

    Args:
        waveform: Mono samples at `config.sampling_rate_hertz`, shape `(samples,)`.
        config: A recipe; without `speech_gate` everything is kept.

    Returns:
        What is kept; everything where no speech is found.
    """
    signal = np.asarray(waveform)
    gate, rate = config.speech_gate, config.sampling_rate_hertz
    if gate is None:
        return Activity(0, len(signal), len(signal) / rate, np.inf)
    silence, sound_end = _sound(signal)
    found = levels(signal[silence:sound_end], config, gate)
    peak, sounding = found.max(), np.sort(found[found > 0])
    if not len(sounding):
        return Activity(0, len(signal), 0.0, 0.0)
    floor = sounding[(len(sounding) - 1) * gate.floor_percent // 100]
    range_decibels = float(10 * np.log10(peak / floor))
    if range_decibels < gate.least_range_decibels:
        return Activity(0, len(signal), 0.0, range_decibels)
    threshold = max(peak * _ratio(-gate.below_peak_decibels), floor * _ratio(gate.above_floor_decibels))
    above = np.flatnonzero(found >= min(threshold, peak * _ratio(-gate.nearest_peak_decibels)))
    first, last = (silence + int(frame) * config.shift_samples for frame in (above[0], above[-1]))
    end = min(sound_end, last + config.window_samples)
    cuts = tuple((silence + begin * config.shift_samples, silence + stop * config.shift_samples) for begin, stop in _cuts(above, config))
    return Activity(first, end, (end - first - sum(stop - begin for begin, stop in cuts)) / rate, range_decibels, cuts)


def _cuts(above: NDArray[np.int64], config: FeatureConfig) -> list[tuple[int, int]]:
    """First frame and the one after the last of what is cut out of each pause between the frames that are above the threshold."""
    if (half := half_pause_frames(config)) is None:
        return []
    pauses = np.flatnonzero(np.diff(above) > 2 * half)
    return [(int(before) + half, int(after) - half) for before, after in zip(above[pauses], above[pauses + 1], strict=True)]


def half_pause_frames(config: FeatureConfig) -> int | None:
    """Frames that are kept of a long pause at either end of it; None where all pauses are kept."""
    longest = config.speech_gate and config.speech_gate.longest_pause_seconds
    return round(longest / config.shift_seconds / 2) if longest else None


def speech(waveform: NDArray, config: FeatureConfig) -> NDArray:
    """The samples of a waveform that a recipe keeps, see `activity`; errors as of `checked_activity`."""
    return kept(waveform, checked_activity(waveform, config))


def kept(waveform: NDArray, found: Activity) -> NDArray:
    """The samples of a waveform that were found to be kept."""
    edges = [found.start, *(edge for cut in found.cuts for edge in cut), found.end]
    return np.concatenate([waveform[begin:stop] for begin, stop in zip(edges[::2], edges[1::2], strict=True)])


def checked_activity(waveform: ArrayLike, config: FeatureConfig) -> Activity:
    """What `activity` finds.

    Raises:
        ValueError: There is no speech.
    """
    found = activity(waveform, config)
    if not found.seconds:
        raise ValueError(
            f"holds no speech: its loudest moment is {found.range_decibels:.1f} dB above its noise floor, expected "
            f"{config.speech_gate.least_range_decibels:g} dB or more"  # type: ignore[union-attr]
        )
    return found


def signal_to_noise_decibels(waveform: ArrayLike, config: FeatureConfig) -> float:
    """An estimate of the ratio of speech to steady noise: the mean power of all frames beside that of the quietest twentieth.

    With noise at 5 to 20 dB its median over Emo-DB is within 1.5 dB of the truth where the noise is white or pink, and within 4 dB where
    it is brown. Digital silence is no pause, and nothing beyond `MOST_DECIBELS` either way is told apart.

    Args:
        waveform: Mono samples at `config.sampling_rate_hertz`, shape `(samples,)`.
        config: A recipe: how long a frame is.

    Returns:
        Decibels; 0 of a recording without sound.
    """
    signal = np.asarray(waveform, np.float64)
    if len(signal) < config.window_samples:
        signal = np.pad(signal, (0, config.window_samples - len(signal)))
    signal, frames = signal - signal.mean(), 1 + (len(signal) - config.window_samples) // config.shift_samples
    means, squares = (_sums(values, frames, config) / config.window_samples for values in (signal, np.square(signal)))
    powers = np.maximum(squares - np.square(means), 0)  # without an offset
    powers = np.sort(powers[powers > powers.max() * _ratio(-MOST_DECIBELS)])
    if not len(powers):
        return 0.0
    above = powers.mean() / powers[(len(powers) - 1) * QUIETEST_PERCENT // 100] - 1
    return float(10 * np.log10(np.clip(above, _ratio(-MOST_DECIBELS), _ratio(MOST_DECIBELS))))


def _sound(signal: NDArray) -> tuple[int, int]:
    """Where a recording begins and ends without the digital silence at its ends: two or more samples that equal the first, or the last."""
    others = signal != signal[0]
    if not others[start := int(others.argmax())]:
        return 0, len(signal)
    end = len(signal) - int((signal[::-1] != signal[-1]).argmax())
    return start if start > 1 else 0, end if end < len(signal) - 1 else len(signal)


def _ratio(decibels: float) -> float:
    return 10 ** (decibels / 10)
