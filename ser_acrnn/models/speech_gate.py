"""Where waveforms have speech, and how samples are picked and counted, in graphs of any length. `keras.ops` only.

The gate is that of `ser_acrnn.features.speech_activity`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from keras import ops

from ser_acrnn.config.features import FeatureConfig
from ser_acrnn.features.speech_activity import half_pause_frames

# Scales come from a table, since a backend's power of two may be rounded: 2^-30 is below the last bit of 24-bit audio.
POWERS_OF_TWO = np.exp2(np.arange(-30, 31)).astype(np.float32)


def speech(waveforms: Any, recipe: FeatureConfig) -> tuple[Any, Any, Any]:
    """Moves the speech of each waveform `(batch, samples)` to its beginning, as `ser_acrnn.features.speech_activity` finds it.

    What is too much of long pauses is left out.

    Returns:
        The waveforms, zero after their speech; how many samples of speech each has, `(batch,)`; and whether it has any, `(batch,)`: one
        without is kept whole.
    """
    gate, samples, whole = recipe.speech_gate, ops.shape(waveforms)[1], waveforms
    assert gate is not None
    silence, count = _sound(waveforms, samples)
    waveforms = _moved(waveforms, silence, count, samples)
    frames = 1 + quotient_rounded_up(at_least_zero(samples - recipe.window_samples), recipe.shift_samples)
    found = _levels(waveforms, count, recipe, samples, frames)
    peak = ops.max(found, axis=1, keepdims=True)
    sounding = ops.sum(ops.cast(found > 0, "int32"), axis=1, keepdims=True)  # the others come first when they are sorted
    place = frames - sounding + ops.maximum(sounding - 1, 0) * gate.floor_percent // 100
    floor = taken(ops.sort(found, axis=1), ops.minimum(place, frames - 1))
    threshold = ops.maximum(peak * _ratio(-gate.below_peak_decibels), floor * _ratio(gate.above_floor_decibels))
    above = ops.cast(found >= ops.minimum(threshold, peak * _ratio(-gate.nearest_peak_decibels)), "int32")
    order = ops.arange(frames)
    first, last = frames - 1 - ops.max(above * (frames - 1 - order), axis=1), ops.max(above * order, axis=1)
    start, end = first * recipe.shift_samples, ops.minimum(last * recipe.shift_samples + recipe.window_samples, count)
    heard = ops.squeeze((peak > 0) & (peak >= floor * _ratio(gate.least_range_decibels)), axis=1)
    start, kept = ops.where(heard, silence + start, 0), ops.where(heard, end - start, samples)
    if (half := half_pause_frames(recipe)) is None:
        return _moved(whole, start, kept, samples), kept, heard
    cut = _too_long(above, first, last, half) * ops.cast(heard[:, None], "int32")  # a frame shift each, counted from `silence` on
    kept = kept - ops.sum(cut, axis=1) * recipe.shift_samples
    return _without(whole, ops.where(heard, silence, 0), ops.where(heard, first, 0), cut, kept, recipe.shift_samples), kept, heard


def _without(waveforms: Any, begin: Any, first: Any, cut: Any, kept: Any, shift: int) -> Any:
    """So many samples of each, `kept`, from the frame shift `first` behind the sample `begin` on, without what is cut, then zeros."""
    samples, frames = ops.shape(waveforms)[1], ops.shape(cut)[1]
    shifts = quotient_rounded_up(samples, shift)
    order, place = ops.arange(shifts), ops.arange(samples)
    behind = ops.maximum(ops.pad(cut, [[0, 0], [0, shifts - frames]]), ops.cast(order < first[:, None], "int32"))
    ranked = ops.argsort(order + shifts * behind, axis=1)  # what is kept comes first, in its order
    sources = begin[:, None] + ops.take(ranked, place // shift, axis=1) * shift + place % shift
    return ops.where(place < kept[:, None], taken(waveforms, ops.minimum(sources, samples - 1)), 0.0)


def _too_long(above: Any, first: Any, last: Any, half: int) -> Any:
    """1 for each frame shift of a pause that is left out, `(batch, frames)`: further than half a pause from all that is above."""
    frames = ops.shape(above)[1]
    before = ops.pad(ops.cumsum(above, axis=1), [[0, 0], [1, 0]])  # how many are above before each
    order = ops.arange(frames)
    near = ops.take(before, ops.minimum(order + half, frames - 1) + 1, axis=1) - ops.take(before, at_least_zero(order - half + 1), axis=1)
    inside = (order >= first[:, None]) & (order < last[:, None])
    return ops.cast(inside & (near == 0), "int32")


def _sound(waveforms: Any, samples: Any) -> tuple[Any, Any]:
    """The first sample after the digital silence at the beginning of each, and how many come before that at the end; both `(batch,)`."""
    order = ops.arange(samples)
    other, last = (ops.cast(waveforms != edge, "int32") for edge in (waveforms[:, :1], waveforms[:, -1:]))
    start, end = samples - 1 - ops.max(other * (samples - 1 - order), axis=1), ops.max(last * order, axis=1) + 1
    changes = ops.max(other, axis=1) > 0
    start, end = ops.where(changes & (start > 1), start, 0), ops.where(changes & (end < samples - 1), end, samples)
    return start, end - start


def _moved(waveforms: Any, start: Any, count: Any, samples: Any) -> Any:
    """So many samples of each from its start on, and zeros after them."""
    order = ops.arange(samples)
    return ops.where(order < count[:, None], taken(waveforms, ops.minimum(start[:, None] + order, samples - 1)), 0.0)


def _levels(waveforms: Any, count: Any, recipe: FeatureConfig, samples: Any, frames: Any) -> Any:
    """Sums of squared differences around each frame, `(batch, frames)`, of waveforms scaled to a peak of one half to one.

    Each has so many samples, `(batch,)`; beyond them is digital silence.
    """
    gate = recipe.speech_gate
    assert gate is not None
    lag, length, shift = round(gate.difference_seconds * recipe.sampling_rate_hertz), recipe.window_samples, recipe.shift_samples
    scaled = waveforms / power_of_two(ops.max(ops.abs(waveforms), axis=1, keepdims=True))
    before = ops.pad(scaled, [[0, 0], [lag, 0]])[:, :samples]
    order = ops.arange(samples)
    squares = ops.where((order >= lag) & (order < count[:, None]), ops.square(scaled - before), 0.0)
    # Block by block, because sums over a long recording cost digits.
    block = math.gcd(length, shift)
    blocks = (frames - 1) * (shift // block) + length // block
    sums = ops.sum(ops.reshape(ops.pad(squares, [[0, 0], [0, blocks * block - samples]]), (-1, blocks, block)), axis=2)
    inside = ops.arange(frames)[:, None] * (shift // block) + ops.arange(length // block)
    within = 1 + quotient_rounded_up(ops.maximum(count - length, 0), shift)
    energies = ops.where(ops.arange(frames) < within[:, None], ops.sum(ops.take(sums, inside, axis=1), axis=2), 0.0)
    sounding = ops.cast(energies > ops.max(energies, axis=1, keepdims=True) * _ratio(-gate.deepest_decibels), "float32")
    around, half = ops.arange(frames)[:, None] + ops.arange(gate.smoothing_frames), gate.smoothing_frames // 2
    total, count = (
        ops.sum(ops.take(ops.pad(values, [[0, 0], [half, half]]), around, axis=1), axis=2) for values in (energies * sounding, sounding)
    )
    return sounding * total / ops.maximum(count, 1.0)


def _ratio(decibels: float) -> float:
    return 10 ** (decibels / 10)


def taken(values: Any, places: Any) -> Any:
    """From each of `(batch, length, ...)` what is at places of its own, `(batch, places)`."""
    length = ops.shape(values)[1]
    rows = ops.arange(ops.shape(values)[0])[:, None] * length
    return ops.take(ops.reshape(values, (-1, *values.shape[2:])), rows + places, axis=0)


def power_of_two(values: Any) -> Any:
    """The smallest of `POWERS_OF_TWO` that is at least as large."""
    smaller = ops.sum(ops.cast(ops.greater(values[..., None], POWERS_OF_TWO[:-1]), "int32"), axis=-1)
    return ops.take(POWERS_OF_TWO, smaller)


def at_least_zero(number: Any) -> Any:
    """Of a number that is known, or of a tensor where the graph is made for any length."""
    return max(number, 0) if isinstance(number, int) else ops.maximum(number, 0)


def quotient_rounded_up(number: Any, divisor: int) -> Any:
    """Of a number that is not negative: ONNX divides whole numbers towards zero, and not down as the others do."""
    return (number + divisor - 1) // divisor
