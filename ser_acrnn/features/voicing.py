"""How much of a recording is voiced: in which of its frames the band of a voice's fundamental and first harmonics repeats itself.

Breathing, wind and clicks rise and fall as speech does, and pass for it in all that hears levels alone; they hold no voice.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEAST_SHARE = 0.05  # of frames; of speech more are voiced, in noise as loud as it too
VOICED_ABOVE = 0.65  # correlation of a frame with itself a period later
LOWEST_HERTZ, HIGHEST_HERTZ = 100, 1_000  # of the band
LOWEST_PITCH_HERTZ, HIGHEST_PITCH_HERTZ = 65, 600
_RATE_HERTZ = 4_000  # at which the band is looked at
_WINDOW, _POINTS = 160, 256  # samples of that; as many as a frame and its longest lag have


def unlike_speech(waveform: ArrayLike, sampling_rate_hertz: int) -> float:
    """How little voice there is, as a share of a limit: above 1 less than speech has, 2 at most; arguments as of `voiced_share`."""
    return LEAST_SHARE / max(voiced_share(waveform, sampling_rate_hertz), LEAST_SHARE / 2)


def voiced_share(waveform: ArrayLike, sampling_rate_hertz: int) -> float:
    """The share of frames of 40 ms that are voiced.

    A frame is voiced where its normalised autocorrelation has a peak above `VOICED_ABOVE` at a period of a voice, see
    `ser_acrnn.features.mfcc_pitch.pitch`, which looks at the whole band.

    Args:
        waveform: Mono samples, shape `(samples,)`.
        sampling_rate_hertz: Their rate, 4 kHz or more.

    Returns:
        0 to 1; 0 of what is shorter than a frame.
    """
    signal = np.asarray(waveform, np.float32)
    if len(signal) < (least := _WINDOW * sampling_rate_hertz / _RATE_HERTZ):
        return 0.0
    if (loudest := float(np.abs(signal).max())) > 1.0:  # whose power to the fourth would be more than float32 holds
        signal = signal / loudest
    points = _quick_length(len(signal))
    gain = _gain(points, sampling_rate_hertz)
    spectrum = np.fft.rfft(signal, points)[: len(gain)] * gain
    band = np.fft.irfft(spectrum, round(points * _RATE_HERTZ / sampling_rate_hertz))
    frames = band[: int(len(signal) // least) * _WINDOW].reshape(-1, _WINDOW)
    lags = np.arange(_RATE_HERTZ // HIGHEST_PITCH_HERTZ - 1, _RATE_HERTZ // LOWEST_PITCH_HERTZ + 2)
    products = np.fft.irfft(np.square(np.abs(np.fft.rfft(frames, _POINTS))), _POINTS)[:, lags]
    energy = np.pad(np.cumsum(np.square(frames), axis=1), [(0, 0), (1, 0)])
    scale = np.sqrt(energy[:, _WINDOW - lags] * (energy[:, -1:] - energy[:, lags]))
    correlation = products / np.maximum(scale, np.finfo(np.float32).tiny)
    inner = correlation[:, 1:-1]
    peaks = (inner > correlation[:, :-2]) & (inner >= correlation[:, 2:]) & (inner > VOICED_ABOVE)
    return float(peaks.any(axis=1).mean())


@lru_cache(maxsize=8)
def _gain(points: int, sampling_rate_hertz: int) -> NDArray[np.float32]:
    """Butterworth's band-pass of second order, there and back, at the frequencies that are kept of a transform of so many points."""
    kept = round(points * _RATE_HERTZ / sampling_rate_hertz) // 2 + 1
    hertz = np.maximum(np.arange(kept) * (sampling_rate_hertz / points), np.finfo(np.float32).tiny)
    away = (np.square(hertz) - LOWEST_HERTZ * HIGHEST_HERTZ) / (hertz * (HIGHEST_HERTZ - LOWEST_HERTZ))
    return (1 / (1 + np.power(np.minimum(np.abs(away), 1e9), 4))).astype(np.float32)


def _quick_length(samples: int) -> int:
    """The least length from a number of samples on that is four to eight times a power of two, whose transform is quick."""
    unit = 1 << max(samples.bit_length() - 3, 0)
    return -(-samples // unit) * unit
