"""Any feature recipe at work: a waveform's features as records hold them, and the static part from which they can be completed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ser_acrnn import features
from ser_acrnn.config.features import FrameConfig, Recipe
from ser_acrnn.features import mfcc_pitch


def extract(waveform: ArrayLike, config: Recipe, level: tuple[float, float] | None = None) -> NDArray[np.float32]:
    """The features of an utterance.

    Args:
        waveform: Mono samples at `config.sampling_rate_hertz`, shape `(samples,)`.
        config: A recipe.
        level: Mean and standard deviation of all the speaker's samples, where the recipe standardises by the speaker.

    Returns:
        float32, shape `(frames, *config.shape)`: `(frames, mels, 3)` log-Mels or `(frames, 30, 1)` frames of MFCC and pitch.

    Raises:
        ValueError: See `ser_acrnn.features.log_mels`.
    """
    import scipy.fftpack  # noqa: F401  a corpus is transformed by it, see `ser_acrnn.features.spectrum`

    if isinstance(config, FrameConfig):
        return mfcc_pitch.mfcc_pitch(waveform, config)[..., None]
    if level and config.standardise_waveform == "speaker":
        mean, deviation = level
        return features.log_mels_3d((np.asarray(waveform) - mean) / deviation, replace(config, standardise_waveform=False))
    return features.log_mels_3d(waveform, config)


def static_part(values: NDArray[np.float32], config: Recipe) -> NDArray[np.float32]:
    """What is left of an utterance's features without their deltas, `(frames, coefficients)`; `with_dynamics` completes it again."""
    return values[:, : config.shape[0] // 2, 0] if isinstance(config, FrameConfig) else values[..., 0]


def with_dynamics(static: ArrayLike, config: Recipe) -> NDArray[np.float32]:
    """An utterance's features as `extract` gives them, from their static part."""
    if isinstance(config, FrameConfig):
        values = np.asarray(static, dtype=np.float32)
        return np.concatenate([values, features.deltas(values, config.delta_frames)], axis=1)[..., None]
    return features.with_deltas(static, config)


def segments_of(values: NDArray[np.float32], config: Recipe) -> int:
    """Number of segments that an utterance offers: 3 s pieces of log-Mels, or frames with their context."""
    return len(values) if isinstance(config, FrameConfig) else len(features.segment_starts(len(values), config))
