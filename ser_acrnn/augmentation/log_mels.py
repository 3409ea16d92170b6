"""Training segments changed at random, a batch at a time: other voices, rates, levels and recordings, and SpecAugment's masks. NumPy only.

All of it is done on log-Mels with their deltas, so that nothing has to be prepared twice. Padding stays the all-zero frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.augmentation.degradation import degrade
from ser_acrnn.config import AugmentConfig
from ser_acrnn.config.features import FeatureConfig
from ser_acrnn.data.segments import Features
from ser_acrnn.features.log_mels import MEL_BREAK_HERTZ, mel_centres_hertz
from ser_acrnn.features.tempo import change_tempo, real_frames

SHADE = np.float32(1e-6)  # beside the mean, so that a masked frame is not taken for padding where the mean is zero


@dataclass(frozen=True)
class Voices:
    """Whose segments the training set holds.

    Attributes:
        speaker: Number of each segment's speaker, shape `(segments,)`.
        mean: The mean of each speaker's features, shape `(speakers, mels, channels)`.
        deviation: Likewise.
        share: How often each speaker's mean and deviation are given to others, shape `(speakers,)`; None: all as often.
    """

    speaker: NDArray[np.int64]
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    share: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Augmenter:
    """What changes batches of one training set.

    Attributes:
        config: By how much.
        mean: The mean of the training features, shape `(mels, channels)`: what masks are filled with, unless with the segment's.
        features: Their recipe: where its filters lie.
        voices: Needed for `speaker_exchange`.
    """

    config: AugmentConfig
    mean: NDArray[np.float32]
    features: FeatureConfig
    voices: Voices | None = None

    def __call__(self, features: Features, batch: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float32]:
        """Changes a batch.

        Args:
            features: The training segments, `(segments, frames, mels, channels)`; channel 0 is static, the others its first and second
                derivatives over time. They are left as they are.
            batch: Numbers of the segments in the batch.
            rng: Decides everything.

        Returns:
            The changed copy, `(batch, frames, mels, channels)`.
        """
        config, segments = self.config, features[batch]
        if config == AugmentConfig():
            return segments
        lengths = real_frames(segments)
        if config.speaker_exchange and self.voices:
            exchange_speakers(segments, self.voices, self.voices.speaker[batch], config.speaker_exchange, rng)
        if config.vocal_tract:
            segments = warp_frequency(segments, _factors(config.vocal_tract, len(segments), rng), self.features)
        if config.gain or config.tilt:
            change_level(segments, config.gain, config.tilt, rng)
        padding = np.arange(segments.shape[1]) >= lengths[:, None]
        segments[padding] = 0
        degrade(segments, lengths, self.features, config, rng)
        if config.tempo:
            segments, lengths = change_tempo(segments, lengths, _factors(config.tempo, len(segments), rng))
        means = np.broadcast_to(self.mean, (len(segments), *self.mean.shape))
        if config.mask_mean == "segment":  # padding is zero
            means = segments.sum(axis=1) / lengths[:, None, None].astype(np.float32)
        mask(segments, lengths, means + SHADE, config, rng)
        return segments


def exchange_speakers(
    segments: NDArray[np.float32], voices: Voices, speakers: NDArray[np.int64], share: float, rng: np.random.Generator
) -> None:
    """Gives a share of the segments mean and variance of another training speaker, in place."""
    if voices.share is None:
        others = rng.integers(0, len(voices.mean), len(segments))
    else:
        others = rng.choice(len(voices.mean), len(segments), p=voices.share)
    others = np.where(rng.random(len(segments)) < share, others, speakers)
    factor = voices.deviation[others] / voices.deviation[speakers]
    segments *= factor[:, None]
    segments += (voices.mean[others] - voices.mean[speakers] * factor)[:, None]


def warp_frequency(segments: NDArray[np.float32], factors: NDArray[np.float64], features: FeatureConfig) -> NDArray[np.float32]:
    """Moves what lies at a frequency to `factor` times it, as a vocal tract of another length would; between filters it is interpolated."""
    mels = segments.shape[2]
    low, high = np.log1p(np.array([features.lowest_hertz, features.highest_hertz]) / MEL_BREAK_HERTZ)
    warped = np.log1p(mel_centres_hertz(features) / factors[:, None] / MEL_BREAK_HERTZ)
    sources = (warped - low) / (high - low) * (mels + 1) - 1  # the filter, or a place between two, that each one is filled from
    distance = np.abs(np.clip(sources, 0, mels - 1)[:, None, :] - np.arange(mels)[:, None])
    weights = np.maximum(1 - distance, 0).astype(np.float32)  # (segments, from, to)
    return np.matmul(segments.transpose(0, 1, 3, 2), weights[:, None]).transpose(0, 1, 3, 2)


def change_level(segments: NDArray[np.float32], gain: float, tilt: float, rng: np.random.Generator) -> None:
    """Adds a constant and a slope over the filters to the static features, in place; derivatives do not change."""
    slope = np.linspace(1, -1, segments.shape[2], dtype=np.float32)
    gains, tilts = (rng.uniform(-size, size, (len(segments), 1)).astype(np.float32) for size in (gain, tilt))
    segments[..., 0] += (gains + tilts * slope)[:, None]


def mask(
    segments: NDArray[np.float32], lengths: NDArray[np.int64], means: NDArray[np.float32], config: AugmentConfig, rng: np.random.Generator
) -> None:
    """Sets random stretches of time and bands of frequency to means, `(batch, mels, channels)`, in place."""
    for segment, length, mean in zip(segments, lengths, means, strict=True):
        real = segment[:length]
        for _ in range(config.mel_masks):
            width = rng.integers(0, min(config.mel_mask_mels, real.shape[1]) + 1)
            first = rng.integers(0, real.shape[1] - width + 1)
            real[:, first : first + width] = mean[first : first + width]
        for _ in range(config.time_masks):
            width = rng.integers(0, min(config.time_mask_frames, length) + 1)
            first = rng.integers(0, length - width + 1)
            real[first : first + width] = mean


def mix(segments: NDArray[np.float32], targets: NDArray[np.float32], parameter: float, rng: np.random.Generator) -> None:
    """Makes each segment and its target a weighted mean with another one's of the batch, in place (mixup, Zhang et al., ICLR 2018).

    Where one of the two is padding, the other is left as it is.

    Args:
        segments: `(batch, frames, mels, channels)`.
        targets: `(batch, emotions)`, whose weights are the same.
        parameter: A pair's weights are drawn from the beta distribution with this parameter twice.
        rng: Decides weights and pairs.
    """
    share = rng.beta(parameter, parameter, (len(segments), 1)).astype(np.float32)  # of the other one
    other = rng.permutation(len(segments))
    targets += share * (targets[other] - targets)
    real = (segments != 0).any(axis=(2, 3))
    shares = np.where(real & real[other], share, (~real).astype(np.float32))
    segments += shares[..., None, None] * (segments[other] - segments)


def _factors(largest: float, number: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """From 1 / (1 + largest) to 1 + largest, as often above 1 as below."""
    return np.exp(rng.uniform(-1, 1, number) * np.log1p(largest))
