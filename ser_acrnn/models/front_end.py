"""Layers from waveform to the segments that a network takes, and from their posteriors to the utterance's. `keras.ops` only.

`ser_acrnn.features.log_mels` computes faint frames in float64, which neither JAX by default nor LiteRT has. Here samples and transform
are cut
into slices of so few bits that float32 multiplies and adds the largest without rounding (K. Ozaki et al., "Error-free transformations of
matrix multiplication by using fast routines of matrix multiplication and its applications", Numerical Algorithms 59, 2012): faint
filters beside loud ones keep their digits on every backend, also on one that multiplies in TF32, and the transform is a matrix product,
which every runtime has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from ser_acrnn.audio.waveforms import LARGEST_SAMPLE
from ser_acrnn.config.features import FEATURE_RECIPES, FeatureConfig
from ser_acrnn.features.normalisation import SMALLEST_VARIANCE
from ser_acrnn.features.spectrum import mel_filters
from ser_acrnn.models.layers import register
from ser_acrnn.models.segment_network import nan_where_beyond
from ser_acrnn.models.speech_gate import at_least_zero, power_of_two, quotient_rounded_up, speech, taken

# Binary places after which values of at most 1 are cut; a last slice holds the rest. Sums of products of the first slices, of 512 samples
# and as many before them, stay within 2^24 of their last place, which float32 holds; the second ones fit TF32's eleven bits.
SAMPLE_PLACES = (7, 18)
TRANSFORM_PLACES = (7, 18)


class InFloat32(keras.layers.Layer):
    """A layer without weights that computes in float32 whatever the precision of the layers around it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})


@register
class LogMels(InFloat32):
    """Waveforms -> 3-D log-Mels, equal to `ser_acrnn.features.log_mels.log_mels_3d` within 1e-4 on speech; differentiable.

    Each waveform is an utterance of its own: standardised by itself where the recipe says so, with deltas that end at its edges.

    Args:
        recipe: The recipe of the features; its values are saved with the layer.
        channels: 3, or 1 for the static log-Mels alone.
        least_seconds: Of speech; where a recipe with a speech gate finds less of it, there is nothing to be judged.

    Raises:
        ValueError: The recipe takes the level of all of a speaker's audio, which one waveform does not tell.

    Input shape: `(batch, samples)`, mono at `recipe.sampling_rate_hertz`, all of one length, a sample or more. Where the recipe has a
    speech gate, everything before and after the speech of each is cut off.
    Output: float32 `(batch, frames, mels, channels)`; with a speech gate as many frames as the whole waveforms have, zero after the
    speech, and the number of frames of speech, `(batch,)`, 0 where there is none or too little.

    Example:
        >>> import numpy as np
        >>> tuple(LogMels()(np.ones((2, 16_000), "float32")).shape)
        (2, 99, 40, 3)
    """

    def __init__(
        self, recipe: FeatureConfig = FEATURE_RECIPES["paper"], channels: int = 3, least_seconds: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if recipe.standardise_waveform == "speaker":
            raise ValueError("FeatureConfig.standardise_waveform is 'speaker', expected True or False for a single waveform")
        self.recipe = recipe
        self.channels = channels
        self.least_seconds = least_seconds
        self._filters = _filterbank(recipe)
        self._transform = _sliced_transform(recipe)

    def call(self, inputs: Any) -> Any:
        recipe, samples = self.recipe, ops.shape(inputs)[1]
        frames = self._frames(samples)
        inside, spoken, enough, count = None, None, None, samples
        if recipe.speech_gate:
            inputs, count, heard = speech(inputs, recipe)
            enough = heard & (count >= round(self.least_seconds * recipe.sampling_rate_hertz))
            inside = ops.cast(ops.arange(samples) < count[:, None], "float32")
            spoken = 1 + quotient_rounded_up(ops.maximum(count - recipe.window_samples, 0), recipe.shift_samples)
        signal, lost, variance = self._standardised(inputs, samples, count, inside)
        # One sample of silence goes before, for what is taken from the sample before.
        padding = [[0, 0], [1, (frames - 1) * recipe.shift_samples + recipe.window_samples - samples]]
        signal, lost = ops.pad(signal, padding), ops.pad(lost, padding)

        # About its middle, a symmetric window meets sums of samples in the real part, and differences in the imaginary one.
        starts, offsets = ops.arange(frames) * recipe.shift_samples, ops.arange((recipe.window_samples + 1) // 2)[:, None]
        halves = [1 + starts + offsets, starts + recipe.window_samples - offsets]  # (half a window, frames)
        if recipe.preemphasis:
            # What comes after the last sample is silence, not the last sample faded.
            halves = [ops.concatenate([half, ops.where(half <= samples, half - 1, 0)]) for half in halves]
        parts, scale = self._spectrum(*([ops.take(values, half, axis=1) for half in halves] for values in (signal, lost)))
        power = ops.matmul(self._filters, ops.square(parts[0]) + ops.square(parts[1]))  # (batch, mels, frames)
        mels = ops.transpose(power * ops.square(scale) / variance[..., None], (0, 2, 1))
        static = _ending(ops.log(ops.maximum(mels, recipe.log_floor)), spoken)
        deltas = _ending(_deltas(static, recipe.delta_frames), spoken)
        channels = [static, deltas, _deltas(deltas, recipe.delta_frames)]
        values = ops.stack(channels[: self.channels], axis=3)
        if spoken is None:
            return values
        spoken = ops.where(enough, spoken, 0)
        return [ops.where(_within(frames, spoken), values, 0.0), spoken]

    def _frames(self, samples: Any) -> Any:
        return 1 + quotient_rounded_up(at_least_zero(samples - self.recipe.window_samples), self.recipe.shift_samples)

    def _standardised(self, waveform: Any, samples: Any, count: Any, inside: Any) -> tuple[Any, Any, Any]:
        """The waveform without its mean, what float32 lost of it, both `(batch, samples)`, and the variance, `(batch, 1)`.

        The mean reaches the lowest filters through the window, and a faint frame there shows its ninth digit. Only the first `count`
        samples count, those where `inside` is 1; the others are zero and stay so.
        """
        if not self.recipe.standardise_waveform:
            return waveform, ops.zeros_like(waveform), ops.ones_like(waveform[:, :1])
        count = ops.cast(count if inside is None else count[:, None], "float32")
        mean = self._sum(waveform, samples) / count
        mean = mean if inside is None else mean * inside
        signal = waveform - mean
        back = waveform - signal
        lost = (waveform - (signal + back)) + (back - mean)  # exactly (D. Knuth, The Art of Computer Programming 2, 4.2.2)
        # Samples of sixteen bits lose alike, so that what is lost has a mean that counts.
        rest = (self._sum(signal, samples) + self._sum(lost, samples)) / count
        rest = rest if inside is None else rest * inside
        variance = self._sum(ops.square(signal - rest), samples) / count
        return signal, lost - rest, ops.where(variance > 0, variance, ops.ones_like(variance))

    def _sum(self, values: Any, samples: Any) -> Any:
        """Sums over samples, `(batch, 1)`, slice by slice and block by block, so that a long recording costs no digits."""
        block = self.recipe.shift_samples
        rows = quotient_rounded_up(samples, block)
        scale = power_of_two(ops.max(ops.abs(values), axis=1, keepdims=True))
        padded = ops.pad(values / scale, [[0, 0], [0, rows * block - samples]])
        blocks = ops.reshape(padded, (-1, rows, block))
        sums = [ops.sum(ops.sum(part, axis=2), axis=1, keepdims=True) for part in _cut(blocks, SAMPLE_PLACES, ops.round)]
        return (sums[0] + (sums[1] + sums[2])) * scale

    def _spectrum(self, halves: list[Any], lost: list[Any]) -> tuple[list[Any], Any]:
        """Real and imaginary parts `(batch, bins, frames)` over the scale, `(batch, 1, frames)`.

        Both arguments: first halves of the pieces, and their second halves backwards, of shape `(batch, half a window, frames)`.
        """
        scale = power_of_two(ops.max(ops.maximum(ops.abs(halves[0]), ops.abs(halves[1])), axis=1, keepdims=True))
        early, late = (_cut(half / scale, SAMPLE_PLACES, ops.round) for half in halves)
        early[-1], late[-1] = early[-1] + lost[0] / scale, late[-1] + lost[1] / scale
        real = _product([one + other for one, other in zip(early, late, strict=True)], self._transform[0])
        return [real, _product([one - other for one, other in zip(early, late, strict=True)], self._transform[1])], scale

    def compute_output_spec(self, inputs: Any) -> Any:
        frames = None if inputs.shape[1] is None else self._frames(inputs.shape[1])
        values = keras.KerasTensor((inputs.shape[0], frames, self.recipe.mels, self.channels), dtype="float32")
        return [values, keras.KerasTensor((inputs.shape[0],), dtype="int32")] if self.recipe.speech_gate else values

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "recipe": self.recipe.to_dict(), "channels": self.channels, "least_seconds": self.least_seconds}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**{**config, "recipe": FeatureConfig.from_dict(config["recipe"])})


@register
class StandardisedUtterances(InFloat32):
    """Log-Mels of utterances -> the same with mean 0 and variance 1 a mel and channel, over each utterance's frames.

    As `ser_acrnn.features.normalisation.normalise` by an utterance's own statistics. Input and output shape: `(batch, frames, mels,
    channels)`; where a number of frames `(batch,)` is given for each, those beyond are zero, in no statistic, and stay zero.
    """

    def call(self, inputs: Any, spoken: Any = None) -> Any:
        length = ops.shape(inputs)[1]
        inside: Any = 1.0 if spoken is None else ops.cast(_within(length, spoken), "float32")
        count = ops.cast(length if spoken is None else ops.maximum(spoken, 1)[:, None, None, None], "float32")
        away = inputs - inside * ops.sum(inputs, axis=1, keepdims=True) / count
        variance = ops.maximum(ops.sum(ops.square(away), axis=1, keepdims=True) / count, SMALLEST_VARIANCE)
        return away / ops.sqrt(variance)

    def compute_output_spec(self, inputs: Any, spoken: Any = None) -> Any:
        return keras.KerasTensor(inputs.shape, dtype="float32")


@register
class Segments(InFloat32):
    """Utterances -> their segments, as `ser_acrnn.features.log_mels.segment` cuts them: the last ends with the utterance, short ones are
    padded.

    Args:
        frames: How many frames a segment has.

    Input shape: `(batch, frames, mels, channels)`; output: `(batch * segments, frames, mels, channels)`, an utterance's one after another.
    Where a number of frames `(batch,)` is given for each, the utterance ends there, and its last segment is repeated.
    """

    def __init__(self, frames: int = 300, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.frames = frames

    def call(self, inputs: Any, spoken: Any = None) -> Any:
        length = ops.shape(inputs)[1]
        last = at_least_zero(length - self.frames)
        padded = ops.pad(inputs, [[0, 0], [0, at_least_zero(self.frames - length)], [0, 0], [0, 0]])
        starts = ops.arange(1 + quotient_rounded_up(last, self.frames)) * self.frames
        if spoken is None:
            cut = ops.take(padded, ops.minimum(starts, last)[:, None] + ops.arange(self.frames), axis=1)
        else:
            starts = ops.minimum(starts, ops.maximum(spoken - self.frames, 0)[:, None])
            cut = taken(padded, ops.reshape(starts[..., None] + ops.arange(self.frames), (ops.shape(inputs)[0], -1)))
        return ops.reshape(cut, (-1, self.frames, *inputs.shape[2:]))

    def compute_output_spec(self, inputs: Any, spoken: Any = None) -> Any:
        return keras.KerasTensor((None, self.frames, *inputs.shape[2:]), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "frames": self.frames}


@register
class UtterancePosteriors(InFloat32):
    """Posteriors of segments -> those of their utterances: the maximum, scaled to sum to one (paper, section III).

    Called on posteriors `(batch * segments, emotions)` and the waveforms `(batch, samples)` that they are of; output: `(batch, emotions)`,
    NaN for a waveform with samples that are NaN, infinite, or beyond `ser_acrnn.audio.files.LARGEST_SAMPLE`, for one whose samples are all
    equal, and where a number of frames `(batch,)` is given for each, where that is 0.
    """

    def call(self, posteriors: Any, waveforms: Any, spoken: Any = None) -> Any:
        rows = ops.shape(waveforms)[0]
        each = ops.reshape(posteriors, (rows, ops.shape(posteriors)[0] // rows, posteriors.shape[1]))
        largest = ops.max(each, axis=1)
        found = nan_where_beyond(LARGEST_SAMPLE, waveforms, largest / ops.sum(largest, axis=1, keepdims=True))
        sounds = ops.max(ops.cast(waveforms != waveforms[:, :1], "int32"), axis=1)
        heard = sounds if spoken is None else ops.minimum(sounds, spoken)
        return ops.where(heard[:, None] > 0, found, float("nan"))

    def compute_output_spec(self, posteriors: Any, waveforms: Any, spoken: Any = None) -> Any:
        return keras.KerasTensor((waveforms.shape[0], posteriors.shape[1]), dtype="float32")


def _within(length: Any, count: Any) -> Any:
    """Whether each of so many frames is among the first ones that count, `(batch, length, 1, 1)`."""
    return (ops.arange(length) < count[:, None])[..., None, None]


def _ending(values: Any, count: Any) -> Any:
    """Values `(batch, frames, mels)`, whose last frame that counts is repeated to the end."""
    if count is None:
        return values
    return taken(values, ops.minimum(ops.arange(ops.shape(values)[1]), count[:, None] - 1))


def _filterbank(recipe: FeatureConfig) -> NDArray[np.float32]:
    """Shape `(mels, bins)`; divided by the points of the transform, as a power spectrum is."""
    filters = mel_filters(recipe.mels, recipe.fft_points, recipe.sampling_rate_hertz, recipe.lowest_hertz, recipe.highest_hertz)
    return np.asarray(filters / recipe.fft_points, np.float32)


def _sliced_transform(recipe: FeatureConfig) -> list[list[NDArray[np.float32]]]:
    """Windowed cosines and sines about the window's middle: three slices each, of shape `(bins, half a window)`.

    With pre-emphasis as many columns more, for the samples before.
    """
    length = recipe.window_samples
    window = np.hamming(length) if recipe.window == "hamming" else np.ones(length)
    half = (length + 1) // 2
    window = window[:half]
    if length % 2:
        window[-1] /= 2  # the middle sample meets itself in the mirror
    middle = (length - 1) / 2 - np.arange(half)
    angle = 2 * np.pi / recipe.fft_points * np.arange(recipe.fft_points // 2 + 1)[:, None] * middle
    waves = [window * wave(angle) for wave in (np.cos, np.sin)]
    if recipe.preemphasis:
        waves = [np.concatenate([wave, -recipe.preemphasis * wave], axis=1) for wave in waves]
    return [[matrix.astype(np.float32) for matrix in _cut(wave, TRANSFORM_PLACES, np.round)] for wave in waves]


def _cut(values: Any, places: tuple[int, ...], rounded: Callable[[Any], Any]) -> list[Any]:
    """Slices that sum to the values exactly: each rounded after so many binary places, the last one the rest, where gradients flow."""
    slices = []
    for number in places:
        slices.append(rounded(values * 2.0**number) / 2.0**number)
        values = values - slices[-1]
    return [*slices, values]


def _product(slices: list[Any], transform: list[NDArray[np.float32]]) -> Any:
    """Transform times pieces, summed from the smallest terms to the largest.

    The transform comes first: LiteRT's quantisation takes what comes second for weights, and eight bits are not enough for these.
    """
    first, second, rest = slices
    large, middle, small = transform
    smallest = ops.matmul(small, first) + ops.matmul(middle + small, second) + ops.matmul(large + (middle + small), rest)
    return ops.matmul(large, first) + ((ops.matmul(middle, first) + ops.matmul(large, second)) + smallest)


def _deltas(values: Any, reach: int) -> Any:
    """Eq. (2) of the paper along axis 1, see `ser_acrnn.features.log_mels.deltas`."""
    padded = ops.concatenate([values[:, :1]] * reach + [values] + [values[:, -1:]] * reach, axis=1)
    slope: Any = 0.0
    for distance in range(1, reach + 1):
        later = padded[:, reach + distance : (distance - reach) or None]
        slope = slope + distance * (later - padded[:, reach - distance : -reach - distance])
    return slope / (2 * sum(distance * distance for distance in range(1, reach + 1)))
