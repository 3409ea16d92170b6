"""Training segments as worse recordings would have them: narrow bands, rooms and noise, computed on log-Mels. NumPy only.

In a filter the powers of independent sounds add up, so that no waveform is needed. Deltas are taken anew.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.config import AugmentConfig
from ser_acrnn.config.features import FeatureConfig
from ser_acrnn.features.log_mels import deltas, mel_centres_hertz

LOWEST_EDGES_HERTZ, HIGHEST_EDGES_HERTZ = (50.0, 500.0), (2_500.0, 8_000.0)  # where a narrow band begins and ends
STOP_BAND_DECIBELS = (15.0, 60.0)
DECAY_SECONDS = (0.2, 1.0)  # until a room's sound has fallen by 60 dB
TAIL_DECIBELS = (-15.0, 3.0)  # of a room, beside the direct sound
NOISE_SLOPES = (0.0, 2.0)  # power over frequency to this negative power: white, pink, brown
DECIBEL = np.log(10) / 10


def degrade(
    segments: NDArray[np.float32], lengths: NDArray[np.int64], features: FeatureConfig, config: AugmentConfig, rng: np.random.Generator
) -> None:
    """Gives shares of the segments a narrow band, a room, noise, or several of them, in place.

    Args:
        segments: Log-Mels with their deltas, `(batch, frames, mels, channels)`, not normalised.
        lengths: Frames before the padding, `(batch,)`.
        features: The recipe; where it standardises the waveform, a segment keeps its power.
        config: The shares `bands`, `rooms` and `noise`, and `noise_decibels`.
        rng: Decides everything.
    """
    shares = (config.bands, config.rooms, config.noise)
    if not any(shares):
        return
    drawn = rng.random((3, len(segments))) < np.array(shares)[:, None]
    (rows,) = np.nonzero(drawn.any(axis=0))
    if not len(rows):
        return
    narrow, echoing, noisy = drawn[:, rows, None, None]
    count, frames, lengths = len(rows), segments.shape[1], lengths[rows]
    real = np.arange(frames) < lengths[:, None]
    power = np.where(real[..., None], np.exp(segments[rows, :, :, 0]), 0)
    before = _mean_power(power, lengths)
    power = np.where(narrow, power * _bands(count, features, rng), power)
    power = np.where(echoing & real[..., None], power + _tail(power, features, rng), power)
    level = _mean_power(power, lengths) * np.exp(-DECIBEL * rng.uniform(*config.noise_decibels, (count, 1, 1)))
    power = np.where(noisy & real[..., None], power + level * _noise(count, frames, features, rng), power)
    if features.standardise_waveform:
        power *= before / np.maximum(_mean_power(power, lengths), features.log_floor)
    channels = [np.log(np.maximum(power, features.log_floor)).astype(np.float32)]
    while len(channels) < segments.shape[3]:
        last = channels[-1][np.arange(count), lengths - 1][:, None]  # is repeated at the edge, as of a whole recording
        padded = np.where(real[..., None], channels[-1], last)
        channels.append(deltas(padded.swapaxes(0, 1), features.delta_frames).swapaxes(0, 1))
    segments[rows] = np.where(real[..., None, None], np.stack(channels, axis=3), 0)


def _mean_power(power: NDArray, lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """What all filters catch of a frame, on average over real frames, `(batch, 1, 1)`."""
    return (power.sum(axis=(1, 2), dtype=np.float64) / lengths)[:, None, None]


def _bands(count: int, features: FeatureConfig, rng: np.random.Generator) -> NDArray[np.float64]:
    """Share of the power that passes each filter, `(count, 1, mels)`."""
    centres = mel_centres_hertz(features)
    low, high = (rng.uniform(*edges, (count, 1, 1)) for edges in (LOWEST_EDGES_HERTZ, HIGHEST_EDGES_HERTZ))
    stop = np.exp(-DECIBEL * rng.uniform(*STOP_BAND_DECIBELS, (count, 1, 1)))
    return np.where((centres < low) | (centres > high), stop, 1.0)


def _tail(power: NDArray, features: FeatureConfig, rng: np.random.Generator) -> NDArray[np.float64]:
    """Power that comes late, `(batch, frames, mels)`: each frame's decays over those behind it."""
    count = len(power)
    fall = np.exp(-60 * DECIBEL * features.shift_seconds / rng.uniform(*DECAY_SECONDS, (count, 1)))
    share = np.exp(DECIBEL * rng.uniform(*TAIL_DECIBELS, (count, 1))) * (1 - fall)
    tail, sounding = np.empty_like(power, dtype=np.float64), np.zeros((count, power.shape[2]))
    for frame in range(power.shape[1]):
        tail[:, frame] = sounding
        sounding = fall * sounding + share * power[:, frame]
    return tail


def _noise(count: int, frames: int, features: FeatureConfig, rng: np.random.Generator) -> NDArray[np.float64]:
    """What the filters catch of stationary noise, 1 a frame in all of them together, `(count, frames, mels)`.

    A filter adds up the powers of some independent bins: a gamma variate of about as large a shape.
    """
    bins, slopes = _independent_bins(features), rng.uniform(*NOISE_SLOPES, (count, 1))
    mean = bins * np.maximum(mel_centres_hertz(features), LOWEST_EDGES_HERTZ[0]) ** -slopes
    mean /= mean.sum(axis=1, keepdims=True)
    return rng.standard_gamma(bins, (count, frames, features.mels)) * (mean / bins)[:, None]


@lru_cache
def _independent_bins(features: FeatureConfig) -> NDArray[np.float64]:
    """At least one a filter: its width over what a window of this length tells apart, `(mels,)`."""
    edges = np.append(mel_centres_hertz(features), features.highest_hertz)
    return np.maximum(1.0, np.diff(edges) * features.window_seconds)
