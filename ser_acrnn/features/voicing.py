"""How much of a recording is voiced: in which of its frames the band of a voice's fundamental and first harmonics repeats itself.

Breathing, wind and clicks rise and fall as speech does, and pass for it in all that hears levels alone; they hold no voice.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

LEAST_SHARE = 0.05  # of frames; of speech, clean or in noise, far more are voiced
VOICED_ABOVE = 0.65  # correlation of a frame with itself a period later
LOWEST_HERTZ, HIGHEST_HERTZ = 100, 1_000  # of the band
LOWEST_PITCH_HERTZ, HIGHEST_PITCH_HERTZ = 65, 600
_RATE_HERTZ = 4_000  # at which the band is looked at
_WINDOW = 160  # samples of that


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
    samples = round(len(signal) * _RATE_HERTZ / sampling_rate_hertz)
    if samples < _WINDOW:
        return 0.0
    spectrum = np.fft.rfft(signal)[: samples // 2 + 1]
    hertz = np.arange(len(spectrum)) * (sampling_rate_hertz / len(signal))
    hertz[0] = np.finfo(np.float32).tiny
    away = (np.square(hertz) - LOWEST_HERTZ * HIGHEST_HERTZ) / (hertz * (HIGHEST_HERTZ - LOWEST_HERTZ))
    spectrum = spectrum / (1 + np.power(np.minimum(np.abs(away), 1e9), 4))  # Butterworth's band-pass of second order, there and back
    frames = sliding_window_view(np.fft.irfft(spectrum, samples), _WINDOW)[::_WINDOW]
    lags = np.arange(_RATE_HERTZ // HIGHEST_PITCH_HERTZ - 1, _RATE_HERTZ // LOWEST_PITCH_HERTZ + 2)
    points = 256  # a frame and its longest lag
    products = np.fft.irfft(np.square(np.abs(np.fft.rfft(frames, points))), points)[:, lags]
    energy = np.pad(np.cumsum(np.square(frames), axis=1), [(0, 0), (1, 0)])
    scale = np.sqrt(energy[:, _WINDOW - lags] * (energy[:, -1:] - energy[:, lags]))
    correlation = products / np.maximum(scale, np.finfo(np.float32).tiny)
    inner = correlation[:, 1:-1]
    peaks = (inner > correlation[:, :-2]) & (inner >= correlation[:, 2:]) & (inner > VOICED_ABOVE)
    return float(peaks.any(axis=1).mean())
