"""Waveform (samples,) -> what the DNN-ELM baseline is fed: frames of energy, cepstra, pitch and their deltas; and their stacks.

K. Han, D. Yu, I. Tashev, "Speech Emotion Recognition Using Deep Neural Network and Extreme Learning Machine", Interspeech 2014: a
segment is a frame with its neighbours, its features are MFCC, pitch features and their differences over time, and only the segments
with the highest energy of an utterance are used. The paper does not say which features its baseline was fed: these are ours.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from ser_acrnn.config import DnnElmConfig
from ser_acrnn.config.features import FRAME_RECIPES, FrameConfig
from ser_acrnn.features.log_mels import checked_waveform, deltas

DEFAULT = FRAME_RECIPES["mfcc-pitch"]
SELECTION = DnnElmConfig()


def mfcc_pitch(waveform: ArrayLike, config: FrameConfig = DEFAULT) -> NDArray[np.float32]:
    """Frames of log energy, MFCC, log F0, voicing, and their deltas over time.

    Frame t covers the samples from `t * config.shift_samples` in all columns, pitch a longer piece around the same centre. The log
    energy is that of the waveform before pre-emphasis. Through unvoiced frames the log F0 runs straight from the last voiced frame to
    the next, so that its delta is a contour's and no jump's; before the first and after the last it stays level; an utterance without
    a voiced frame has the middle of the range on the logarithmic scale.

    Args:
        waveform: Mono samples at `config.sampling_rate_hertz`, shape `(samples,)`.
        config: The recipe.

    Returns:
        float32, shape `(frames, 30)`, the columns as in `config.columns`; a frame each `config.shift_seconds`, the last one completed
        with zeros, as many as `ser_acrnn.features.log_mels` has.

    Raises:
        ValueError: The waveform is empty, not one-dimensional, or holds a non-finite sample.
    """
    import python_speech_features  # imports scipy: not needed to stack frames

    signal = checked_waveform(waveform, standardise=config.standardise_waveform)
    cepstra = python_speech_features.mfcc(
        signal,
        samplerate=config.sampling_rate_hertz,
        winlen=config.window_seconds,
        winstep=config.shift_seconds,
        numcep=config.cepstra + 1,
        nfilt=config.mels,
        nfft=config.fft_points,
        preemph=config.preemphasis,
        ceplifter=config.lifter,
        appendEnergy=False,
        winfunc=np.hamming if config.window == "hamming" else np.ones,
    )[:, 1:]
    energy = np.square(_pieces(signal, len(cepstra), config.window_samples, config)).mean(axis=1)
    f0_hertz, voicing = _pitch(signal, len(cepstra), config)
    static = np.column_stack(
        [
            np.log(np.maximum(energy, config.energy_floor)),
            cepstra,
            _log_f0(f0_hertz, voicing > config.voiced_above, config),
            voicing,
        ]
    ).astype(np.float32)
    return np.concatenate([static, deltas(static, config.delta_frames)], axis=1)


def pitch(waveform: ArrayLike, config: FrameConfig = DEFAULT) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """F0 and voicing by normalised cross-correlation: how alike a frame and the same frame a period later are.

    A frame's period is the shortest one whose correlation, a peak over the lags, comes near the best peak's; parabolic interpolation
    refines it, nothing smooths it over time. Han et al. take the autocorrelation's peak and its harmonics-to-noise ratio r / (1 - r)
    in decibels; the voicing here is r itself. Emo-DB's 24.8 minutes take 3 s of one core where pYIN takes 180 s; YIN is as fast, but
    gives no voicing, and the ends of its range where there is no voice.

    Args:
        waveform: Mono samples at `config.sampling_rate_hertz`, shape `(samples,)`.
        config: The recipe.

    Returns:
        F0 in hertz, meaningful where there is a voice, and voicing from 0 to 1, both of shape `(frames,)`.

    Raises:
        ValueError: As `mfcc_pitch`.
    """
    signal = checked_waveform(waveform, standardise=config.standardise_waveform)
    frames = 1 + math.ceil(max(0, len(signal) - config.window_samples) / config.shift_samples)
    return _pitch(signal, frames, config)


def stack_context(features: ArrayLike, context: int = SELECTION.context_frames) -> NDArray[np.float32]:
    """Puts each frame beside its neighbours, as many before as after; the edge frames are repeated.

    Args:
        features: Shape `(frames, D)`.
        context: Frames in a stack, odd.

    Returns:
        float32, shape `(frames, context * D)`: the earliest frame's features first.

    Raises:
        ValueError: No frames, or an even context.
    """
    values = np.asarray(features, dtype=np.float32)
    if values.ndim != 2 or len(values) == 0:
        raise ValueError(f"features have the shape {values.shape}, expected (frames, D) with at least one frame")
    if context < 1 or context % 2 == 0:
        raise ValueError(f"context is {context}, expected an odd number of frames")
    padded = np.pad(values, [(context // 2, context // 2), (0, 0)], mode="edge")
    windows = sliding_window_view(padded, context, axis=0)  # (frames, D, context)
    return windows.transpose(0, 2, 1).reshape(len(values), context * values.shape[1])


def loudest(energy: ArrayLike, share: float = SELECTION.loudest_share) -> NDArray[np.intp]:
    """The segments with the highest energy of an utterance.

    Args:
        energy: The energy of each segment, on any increasing scale, shape `(segments,)`.
        share: How many of them, rounded, at least one.

    Returns:
        Their numbers in time order; of equal energies the earlier ones.

    Raises:
        ValueError: No segments, an energy that is NaN, or a share outside (0, 1].
    """
    values = np.asarray(energy, dtype=np.float64)
    if values.ndim != 1 or values.size == 0 or np.isnan(values).any():
        raise ValueError(f"energy has the shape {values.shape}, expected (segments,) with at least one, none of them NaN")
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}, expected a share above 0, at most 1")
    count = max(1, round(share * len(values)))
    return np.sort(np.argsort(-values, kind="stable")[:count])


def segments(features: ArrayLike, config: DnnElmConfig = SELECTION) -> NDArray[np.float32]:
    """The stacked frames of an utterance that the DNN is fed: the loudest ones, by the mean energy of the frames in a stack.

    Args:
        features: Of `mfcc_pitch`, as they come: not yet normalised, since the first column is taken for log energy; `(frames, D)`.
        config: How many frames a segment has, where they begin, and which of them are taken.

    Returns:
        float32, shape `(segments, config.context_frames * D)`.

    Raises:
        ValueError: No frames.
    """
    stacked = stack_context(features, config.context_frames)[:: config.segment_hop_frames]
    energy = np.exp(stacked.reshape(len(stacked), config.context_frames, -1)[..., 0], dtype=np.float64).mean(axis=1)
    return stacked[loudest(energy, config.loudest_share)]


def _pieces(signal: NDArray[np.float64], frames: int, length: int, config: FrameConfig) -> NDArray[np.float64]:
    """A piece of `length` samples around each frame's centre, zeros beyond the ends; a view of shape `(frames, length)`."""
    before = (length - config.window_samples) // 2
    covered = (frames - 1) * config.shift_samples + length
    padded = np.pad(signal, (before, max(0, covered - before - len(signal))))
    return sliding_window_view(padded, length)[:: config.shift_samples][:frames]


def _pitch(signal: NDArray[np.float64], frames: int, config: FrameConfig) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from scipy import fft

    length = config.pitch_window_samples
    shortest = math.floor(config.sampling_rate_hertz / config.highest_pitch_hertz)
    longest = math.ceil(config.sampling_rate_hertz / config.lowest_pitch_hertz)
    # The utterance's mean, since zeros stand beyond its ends; then each piece's, since an offset correlates with itself at every lag.
    pieces = _pieces(signal - signal.mean(), frames, length, config)
    pieces = pieces - pieces.mean(axis=1, keepdims=True)
    # One lag more at either end, to know a peak there.
    lags = np.arange(shortest - 1, longest + 2)
    points = fft.next_fast_len(length + int(lags[-1]), real=True)
    products = fft.irfft(np.square(np.abs(fft.rfft(pieces, points))), points)[:, lags]
    energy = np.pad(np.cumsum(np.square(pieces), axis=1), [(0, 0), (1, 0)])
    earlier, later = energy[:, length - lags], energy[:, -1:] - energy[:, lags]
    scale = np.sqrt(np.maximum(earlier * later, 0))
    correlation = np.divide(products, scale, out=np.zeros_like(products), where=scale > 1e-9 * energy[:, -1:] + 1e-30)

    inner = correlation[:, 1:-1]
    peaks = np.where((inner > correlation[:, :-2]) & (inner >= correlation[:, 2:]), inner, 0.0)
    chosen = np.argmax(peaks >= config.first_peak * peaks.max(axis=1, keepdims=True), axis=1)
    row = np.arange(frames)
    left, top, right = correlation[row, chosen], inner[row, chosen], correlation[row, chosen + 2]
    bend = left - 2 * top + right
    offset = np.divide(0.5 * (left - right), bend, out=np.zeros(frames), where=bend < 0).clip(-0.5, 0.5)
    f0_hertz = config.sampling_rate_hertz / (shortest + chosen + offset)
    return f0_hertz, np.clip(peaks[row, chosen], 0, 1)


def _log_f0(f0_hertz: NDArray[np.float64], voiced: NDArray[np.bool_], config: FrameConfig) -> NDArray[np.float64]:
    where = np.flatnonzero(voiced)
    if len(where) == 0:
        return np.full(len(voiced), 0.5 * math.log(config.lowest_pitch_hertz * config.highest_pitch_hertz))
    return np.interp(np.arange(len(voiced)), where, np.log(f0_hertz[where]))
