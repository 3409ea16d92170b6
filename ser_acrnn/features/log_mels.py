"""Waveform (samples,) -> 3-D log-Mels (frames, 40, 3); and their cutting into padded segments.

Framing, spectrum and filterbank are those of python_speech_features, computed in float32 for many frames at once; the deltas are
eq. (2) and (3) of the paper.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ser_acrnn.config import FeatureConfig
from ser_acrnn.features.spectrum import mel_filters, transformed
from ser_acrnn.features.speech_activity import speech

MEL_BREAK_HERTZ = 700  # of HTK's mel scale
# Frames at a time: what is computed of them stays in the processor's cache, and is not so large that memory is fetched anew for it.
_BLOCK = 96
# The filterbank is a band: so many groups of filters, each multiplied with its own part of the spectrum, save most of the zeros.
_GROUPS = 5
# A filter that catches less than this share of what the frame's strongest one does is lost in float32's rounding: such frames, one in a
# hundred in Emo-DB, are computed in float64, which keeps every log-Mel within 1e-4 of python_speech_features'.
_FAINT = 5e-7


def checked_waveform(waveform: ArrayLike, *, standardise: bool) -> NDArray[np.float64]:
    """A waveform that features can be computed from.

    Args:
        waveform: Mono samples, shape `(samples,)`.
        standardise: Bring it to zero mean and unit variance; silence stays zero.

    Raises:
        ValueError: The waveform is empty, not one-dimensional, or holds a non-finite sample.
    """
    signal = np.array(waveform, dtype=np.float64)
    if signal.ndim != 1 or signal.size == 0:
        raise ValueError(f"waveform has the shape {signal.shape}, expected (samples,) with at least one sample")
    with np.errstate(invalid="ignore"):  # of samples that are not finite
        if standardise:  # in place: for a short utterance, memory costs more than arithmetic
            signal -= signal.sum() / len(signal)
        power = signal @ signal
    # One sample that is not finite makes the sum so; a sum can also overflow without one.
    if not np.isfinite(power) and not np.isfinite(np.asarray(waveform, np.float64)).all():
        raise ValueError("waveform holds NaN or infinite samples, expected finite samples")
    if standardise and power > 0:
        signal *= 1 / np.sqrt(power / len(signal))
    return signal


def log_mels(waveform: ArrayLike, config: FeatureConfig = FeatureConfig()) -> NDArray[np.float32]:
    """Static log-Mels: eq. (1), `m_i = log p_i`.

    Args:
        waveform: Mono samples at `config.sampling_rate_hertz`, shape `(samples,)`.
        config: The recipe.

    Returns:
        float32, shape `(frames, mels)`; a frame each `config.shift_seconds`, the last one completed with zeros. Of a recipe with a speech
        gate, frames of the speech alone.

    Raises:
        ValueError: The waveform is empty, not one-dimensional, or holds a non-finite sample, or no speech where the recipe wants some; or
            the recipe takes the level of all of a speaker's audio, which one waveform does not tell.
    """
    if config.standardise_waveform == "speaker":
        raise ValueError("FeatureConfig.standardise_waveform is 'speaker', expected True or False for a single waveform")
    if config.speech_gate:
        waveform = speech(checked_waveform(waveform, standardise=False), config)
    signal = checked_waveform(waveform, standardise=config.standardise_waveform)
    if config.preemphasis:
        signal = np.append(signal[0], signal[1:] - config.preemphasis * signal[:-1])
    length, shift = config.window_samples, config.shift_samples
    frames = 1 + max(0, -(-(len(signal) - length) // shift))
    padded = np.zeros((frames - 1) * shift + length, np.float32)
    padded[: len(signal)] = signal[: len(padded)]
    # Overlapping views, made directly: for short utterances, setting up `sliding_window_view` takes a while.
    pieces = np.ndarray((frames, length), padded.dtype, padded, strides=(shift * padded.itemsize, padded.itemsize))
    mels = _mel_powers(pieces, config)
    by_filter = mels.T.copy()  # whole rows are compared faster than the few filters of each frame
    if len(faint := np.flatnonzero(by_filter.min(axis=0) < _FAINT * by_filter.max(axis=0))):
        sample = faint[:, None] * shift + np.arange(length)
        mels[faint] = _mel_powers(np.where(sample < len(signal), signal[np.minimum(sample, len(signal) - 1)], 0.0), config)
    return np.log(np.maximum(mels, np.float32(config.log_floor), out=mels), out=mels)


def _mel_powers(pieces: NDArray, config: FeatureConfig) -> NDArray:
    """What the Mel filters catch of pieces of a waveform, `(frames, window)`, in their precision: `(frames, mels)`."""
    (frames, length), kind = pieces.shape, pieces.dtype
    window, groups = _window(config, kind), _filterbank(config, kind)
    block = np.empty((min(_BLOCK, frames), config.fft_points), kind)
    mels = np.empty((frames, config.mels), kind)
    for start in range(0, frames, _BLOCK):
        count = min(_BLOCK, frames - start)
        spectrum = block[:count]
        spectrum[:, :length], spectrum[:, length:] = pieces[start : start + count], 0
        spectrum *= window[:count]
        spectrum = transformed(spectrum)  # real part 0, then real and imaginary parts by turns, and a last real part
        np.square(spectrum, out=spectrum)
        for bins, filters, weights in groups:
            np.matmul(spectrum[:, bins], weights, out=mels[start : start + count, filters])
    return mels


@lru_cache
def mel_centres_hertz(config: FeatureConfig = FeatureConfig()) -> NDArray[np.float64]:
    """Where the Mel filters lie, before the filterbank rounds to bins of the transform.

    Returns:
        Shape `(mels,)`: evenly spaced on HTK's mel scale, mel(f) = 1127 ln(1 + f / 700).
    """
    low, high = np.log1p(np.array([config.lowest_hertz, config.highest_hertz]) / MEL_BREAK_HERTZ)
    return MEL_BREAK_HERTZ * np.expm1(np.linspace(low, high, config.mels + 2)[1:-1])


@lru_cache
def _window(config: FeatureConfig, kind: np.dtype) -> NDArray:
    """The window as often as a block has frames, each completed with zeros: whole blocks are multiplied faster than frame by frame."""
    window = np.hamming(config.window_samples) if config.window == "hamming" else np.ones(config.window_samples)
    return np.tile(np.pad(window, (0, config.fft_points - len(window))).astype(kind), (_BLOCK, 1))


@lru_cache
def _filterbank(config: FeatureConfig, kind: np.dtype) -> list[tuple[slice, slice, NDArray]]:
    """The Mel filters, cut into groups: part of the spectrum, numbers of the filters, weights.

    The spectrum's columns are squares of real and imaginary parts, so that the product also adds them up; it is divided by the number of
    points, as a power spectrum is.
    """
    filters = mel_filters(config.mels, config.fft_points, config.sampling_rate_hertz, config.lowest_hertz, config.highest_hertz)
    # (512, 40): without the imaginary part of the first bin and, of an even number of points, of the last one, which are none.
    weights = np.repeat(filters.T / config.fft_points, 2, axis=0)[1 : config.fft_points + 1].astype(kind)
    groups = []
    for columns in np.array_split(np.arange(config.mels), min(_GROUPS, config.mels)):
        used = np.flatnonzero(weights[:, columns].any(axis=1))
        bins = slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 1)
        numbers = slice(int(columns[0]), int(columns[-1]) + 1)
        groups.append((bins, numbers, np.ascontiguousarray(weights[bins, numbers])))
    return groups


def deltas(features: ArrayLike, delta_frames: int = 2) -> NDArray[np.float32]:
    """Eq. (2): the slope over time by regression on `delta_frames` frames at either side; the edge frames are repeated.

    Args:
        features: Shape `(frames, ...)`.
        delta_frames: N of eq. (2).

    Returns:
        float32, same shape.
    """
    values = np.asarray(features, dtype=np.float32)
    frames, n = len(values), delta_frames
    padded = np.empty((frames + 2 * n, *values.shape[1:]), np.float32)
    padded[:n], padded[n:-n], padded[-n:] = values[0], values, values[-1]
    slope = padded[n + 1 :][:frames] - padded[n - 1 :][:frames]
    for distance in range(2, n + 1):
        further = padded[n + distance :][:frames] - padded[n - distance :][:frames]
        further *= np.float32(distance)
        slope += further
    slope /= np.float32(2 * sum(distance * distance for distance in range(1, n + 1)))
    return slope


def with_deltas(static: ArrayLike, config: FeatureConfig = FeatureConfig()) -> NDArray[np.float32]:
    """Stacks static log-Mels with their deltas and delta-deltas (eq. (3)), taken on the whole utterance.

    Args:
        static: Shape `(frames, mels)`.
        config: The recipe.

    Returns:
        float32, shape `(frames, mels, 3)`.
    """
    first = np.asarray(static, dtype=np.float32)
    stacked = np.empty((*first.shape, 3), np.float32)
    stacked[..., 0] = first
    stacked[..., 1] = second = deltas(first, config.delta_frames)
    stacked[..., 2] = deltas(second, config.delta_frames)
    return stacked


def log_mels_3d(waveform: ArrayLike, config: FeatureConfig = FeatureConfig()) -> NDArray[np.float32]:
    """The paper's 3-D log-Mels of an utterance (section II-A).

    A network of the scope `utterance` or `speaker`, as those that ship are, takes them standardised by these, and refuses others:
    `ser_acrnn.waveform_model` has all of that inside, `Predictor.preprocessor.segments` makes what the network takes.

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
    last = max(0, frames - config.segment_frames)
    return [*range(0, last, hop_frames(config, hop_seconds)), last]


def hop_frames(config: FeatureConfig = FeatureConfig(), hop_seconds: float | None = None) -> int:
    """Frames between the starts of segments, at least 1; without `hop_seconds` the segments' own length."""
    return config.segment_frames if hop_seconds is None else max(1, round(hop_seconds / config.shift_seconds))


def segment(features: ArrayLike, config: FeatureConfig = FeatureConfig(), hop_seconds: float | None = None) -> NDArray[np.float32]:
    """Cuts an utterance into equally long segments; a shorter utterance is completed with all-zero frames.

    What has to be standardised for a network, see `log_mels_3d`, is so before, over the whole utterance.

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
        completed = np.zeros((1, length, *values.shape[1:]), np.float32)  # `np.pad` takes longer than this
        completed[0, : len(values)] = values
        return completed
    return np.stack([values[start : start + length] for start in segment_starts(len(values), config, hop_seconds)])
