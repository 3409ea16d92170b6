"""Waveform (samples,) -> 3-D log-Mels (frames, 40, 3); and their cutting into padded segments.

Spectrum and filterbank are python_speech_features'; the deltas are eq. (2) and (3) of the letter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ser_acrnn.config import FeatureConfig


def checked_waveform(waveform: ArrayLike, *, standardise: bool) -> NDArray[np.float64]:
    """A waveform that features can be computed from.

    Args:
        waveform: Mono samples, shape `(samples,)`.
        standardise: Bring it to zero mean and unit variance; silence stays zero.

    Raises:
        ValueError: The waveform is empty, not one-dimensional, or holds a non-finite sample.
    """
    signal = np.asarray(waveform, dtype=np.float64)
    if signal.ndim != 1 or signal.size == 0:
        raise ValueError(f"waveform has the shape {signal.shape}, expected (samples,) with at least one sample")
    if not np.isfinite(signal).all():
        raise ValueError("waveform holds NaN or infinite samples, expected finite samples")
    if standardise:
        signal = signal - signal.mean()
        deviation = signal.std()
        signal = signal / deviation if deviation > 0 else signal
    return signal


def log_mels(waveform: ArrayLike, config: FeatureConfig = FeatureConfig()) -> NDArray[np.float32]:
    """Static log-Mels: eq. (1), `m_i = log p_i`.

    Args:
        waveform: Mono samples at `config.sampling_rate_hertz`, shape `(samples,)`.
        config: The recipe.

    Returns:
        float32, shape `(frames, mels)`; a frame each `config.shift_seconds`, the last one completed with zeros.

    Raises:
        ValueError: The waveform is empty, not one-dimensional, or holds a non-finite sample.
    """
    import python_speech_features  # imports scipy: not needed to read features

    signal = checked_waveform(waveform, standardise=config.standardise_waveform)
    power, _ = python_speech_features.fbank(
        signal,
        samplerate=config.sampling_rate_hertz,
        winlen=config.window_seconds,
        winstep=config.shift_seconds,
        nfilt=config.mels,
        nfft=config.fft_points,
        lowfreq=config.lowest_hertz,
        highfreq=config.highest_hertz,
        preemph=config.preemphasis,
        winfunc=np.hamming if config.window == "hamming" else np.ones,
    )
    return np.log(np.maximum(power, config.log_floor)).astype(np.float32)


def deltas(features: ArrayLike, delta_frames: int = 2) -> NDArray[np.float32]:
    """Eq. (2): the slope over time by regression on `delta_frames` frames at either side; the edge frames are repeated.

    Args:
        features: Shape `(frames, ...)`.
        delta_frames: N of eq. (2).

    Returns:
        float32, same shape.
    """
    values = np.asarray(features, dtype=np.float32)
    frames = len(values)
    padded = np.pad(values, [(delta_frames, delta_frames)] + [(0, 0)] * (values.ndim - 1), mode="edge")
    slope = np.zeros_like(values)
    for n in range(1, delta_frames + 1):
        ahead, behind = padded[delta_frames + n :][:frames], padded[delta_frames - n :][:frames]
        slope += np.float32(n) * (ahead - behind)
    return slope / np.float32(2 * sum(n * n for n in range(1, delta_frames + 1)))


def with_deltas(static: ArrayLike, config: FeatureConfig = FeatureConfig()) -> NDArray[np.float32]:
    """Stacks static log-Mels with their deltas and delta-deltas (eq. (3)), taken on the whole utterance.

    Args:
        static: Shape `(frames, mels)`.
        config: The recipe.

    Returns:
        float32, shape `(frames, mels, 3)`.
    """
    first = np.asarray(static, dtype=np.float32)
    second = deltas(first, config.delta_frames)
    return np.stack([first, second, deltas(second, config.delta_frames)], axis=-1)


def log_mels_3d(waveform: ArrayLike, config: FeatureConfig = FeatureConfig()) -> NDArray[np.float32]:
    """The letter's 3-D log-Mels of an utterance (section II-A).

    Args:
        waveform: Mono samples at `config.sampling_rate_hertz`, shape `(samples,)`.
        config: The recipe.

    Returns:
        float32, shape `(frames, mels, 3)`: static, delta, delta-delta.

    Raises:
        ValueError: See `log_mels`.
    """
    return with_deltas(log_mels(waveform, config), config)


def segment_starts(frames: int, config: FeatureConfig = FeatureConfig(), hop_seconds: float | None = None) -> list[int]:
    """First frames of an utterance's segments: one every hop, the last one ending with the utterance.

    Args:
        frames: Length of the utterance.
        config: The recipe.
        hop_seconds: Shift between segments; without it the segments' own length, so that they do not overlap before the last.

    Returns:
        Increasing frame numbers; `[0]` for an utterance that fits into one segment.
    """
    hop = config.segment_frames if hop_seconds is None else max(1, round(hop_seconds / config.shift_seconds))
    last = max(0, frames - config.segment_frames)
    return [*range(0, last, hop), last]


def segment(features: ArrayLike, config: FeatureConfig = FeatureConfig(), hop_seconds: float | None = None) -> NDArray[np.float32]:
    """Cuts an utterance into equally long segments; a shorter utterance is completed with all-zero frames.

    Args:
        features: Shape `(frames, ...)`.
        config: The recipe; `config.segment_frames` is the length, 300.
        hop_seconds: See `segment_starts`.

    Returns:
        float32, shape `(segments, 300, ...)`.

    Raises:
        ValueError: No frames.
    """
    values = np.asarray(features, dtype=np.float32)
    if len(values) == 0:
        raise ValueError(f"features have the shape {values.shape}, expected at least one frame")
    length = config.segment_frames
    if len(values) < length:
        values = np.pad(values, [(0, length - len(values))] + [(0, 0)] * (values.ndim - 1))
    return np.stack([values[start : start + length] for start in segment_starts(len(values), config, hop_seconds)])
