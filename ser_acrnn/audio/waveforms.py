"""Samples of any kind -> the package's waveform, mono at one rate, and every complaint about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.audio.channels import Mixer

LARGEST_SAMPLE = 2.0**31  # full scale of integers; what is larger is no audio, and its power would overflow
_NONE_BEYOND = f"expected none beyond {LARGEST_SAMPLE:.0f}, where full scale is 1"
MOST_CHANNELS = 64  # of an array, whose shorter axis they are
LARGEST_RATE_HERTZ = 10_000_000
LEAST_RATE_HERTZ = 400  # below, nothing is left of a voice, and little data would be hours


class AudioError(ValueError):
    """A recording that cannot be used; the message names the file, what was found and what was expected."""


def to_mono(samples: NDArray[Any], rate_hertz: float, sampling_rate_hertz: int = 16_000) -> NDArray[np.float32]:
    """Brings samples to the package's waveform: mono, float32, one rate.

    Args:
        samples: Shape `(samples,)`, `(samples, channels)` or `(channels, samples)`; numbers with a full scale of 1, or integers of 8, 16
            or 32 bits with theirs.
        rate_hertz: Their rate.
        sampling_rate_hertz: Rate of the result.

    Returns:
        Shape `(samples,)`.

    Raises:
        AudioError: No samples, another shape, no numbers, a rate that is none, non-finite or absurdly large samples, or digital silence
            throughout.
    """
    rate_hertz, samples = checked_rate(rate_hertz), np.asarray(samples)
    if samples.size == 0:
        raise AudioError("holds 0 samples, expected at least one")
    mono = _mono(samples)
    lowest, highest = mono.min(), mono.max()
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        if np.isfinite(samples).all():  # what float32 does not hold
            raise AudioError(f"holds a sample of {max(samples.min(), samples.max(), key=abs):g}, {_NONE_BEYOND}")
        broken = np.flatnonzero(~np.isfinite(mono))
        raise AudioError(f"holds {broken.size} NaN or infinite samples, the first at sample {broken[0]}, expected finite samples")
    loudest = max(lowest, highest, key=abs)
    if abs(loudest) > LARGEST_SAMPLE:
        raise AudioError(f"holds a sample of {loudest:g}, {_NONE_BEYOND}")
    if lowest == highest:
        raise AudioError(f"is silent: all {mono.size} samples equal {mono[0]:g}, expected a signal")
    if rate_hertz != sampling_rate_hertz:
        import soxr

        found = soxr.resample(mono, rate_hertz, sampling_rate_hertz, "HQ")
        mono = np.zeros(int(-(-len(mono) * sampling_rate_hertz // rate_hertz)), np.float32)  # a last sample begun counts
        mono[: len(found)] = found[: len(mono)]
    return np.ascontiguousarray(mono, dtype=np.float32)


def is_number(value: Any) -> bool:
    """Whether it is a real number, and no truth value."""
    return isinstance(value, Real) and not isinstance(value, bool)


def checked_rate(rate_hertz: Any) -> float:
    """A sampling rate that can be one.

    Raises:
        AudioError: It is none.
    """
    if isinstance(rate_hertz, np.ndarray) and rate_hertz.ndim == 0:
        rate_hertz = rate_hertz.item()
    if not is_number(rate_hertz):
        raise AudioError(f"has a sampling rate of {rate_hertz!r}, a {type(rate_hertz).__name__}, expected a number of hertz")
    if not LEAST_RATE_HERTZ <= float(rate_hertz) <= LARGEST_RATE_HERTZ:
        hint = ": hertz are expected, not kilohertz" if 1 < float(rate_hertz) < LEAST_RATE_HERTZ else ""
        raise AudioError(f"has a sampling rate of {rate_hertz} Hz, expected {LEAST_RATE_HERTZ} to {LARGEST_RATE_HERTZ}{hint}")
    return float(rate_hertz)


def resampled(pieces: Iterable[NDArray[np.float32]], rate_hertz: int, sampling_rate_hertz: int = 16_000) -> Iterator[NDArray[np.float32]]:
    """Brings mono samples that come piece by piece to another rate; what is resampled comes some milliseconds late.

    Raises:
        AudioError: The rate is none.
    """
    checked_rate(rate_hertz)
    if rate_hertz == sampling_rate_hertz:
        yield from pieces
        return
    import soxr

    resampler = soxr.ResampleStream(rate_hertz, sampling_rate_hertz, 1, "float32")
    for piece in pieces:
        yield resampler.resample_chunk(piece)
    yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def samples_and_rate(recording: Any, rate_hertz: float | None) -> tuple[NDArray[Any], float | None]:
    """Takes samples apart that carry their rate.

    Args:
        recording: Samples; or a mapping with `array` or `raw` and `sampling_rate`, as Hugging Face has it, or TorchCodec's decoder or
            samples, as it has them since `datasets` 4; or a pair of samples and rate, in either order, as soundfile, librosa and Gradio
            have it.
        rate_hertz: Their rate, where it is given beside them.

    Returns:
        The samples, and their rate where it is known.

    Raises:
        AudioError: Several rates, or something that holds no samples.
    """
    own: Any = None
    if is_torchcodec(recording):
        found = _decoded(recording)
        recording, own = found.data, found.sample_rate
    elif isinstance(recording, Mapping):
        held = next((key for key in ("array", "raw") if key in recording), None)
        if held is None or "sampling_rate" not in recording:
            raise AudioError(f"is a mapping with {sorted(map(str, recording))}, expected 'array' and 'sampling_rate', or 'bytes' or 'path'")
        recording, own = recording[held], recording["sampling_rate"]
    elif isinstance(recording, tuple) and len(recording) == 2:
        first, second = recording
        recording, own = (second, first) if _axes(first) == 0 and _axes(second) > 0 else (first, second)
        if _axes(own) != 0:
            raise AudioError("is a pair of arrays, expected samples and their rate")
    if np.size(own) != 1:
        raise AudioError(f"has {np.size(own)} rates with it, expected one")
    if own is not None and rate_hertz is not None and own != rate_hertz:
        raise AudioError(f"has a rate of {own} Hz with it and another of {rate_hertz} Hz beside it, expected one")
    try:
        samples = np.from_dlpack(recording) if _by_dlpack_alone(recording) else np.asarray(recording)
    except Exception as error:  # a ragged list, a tensor on another device, what an object of another library raises
        raise AudioError(f"is no array of samples ({error}), expected (samples,) or (samples, channels)") from error
    if np.ma.is_masked(recording):
        raise AudioError(f"has {np.ma.count_masked(recording)} samples masked, expected samples without a mask")
    if samples.size:
        _check_numbers(samples)
    return samples, rate_hertz if own is None else own


def is_torchcodec(recording: Any) -> bool:
    """Whether it is a decoder of TorchCodec, or the samples that it gives."""
    return hasattr(recording, "get_all_samples") or (hasattr(recording, "sample_rate") and hasattr(recording, "data"))


def _decoded(recording: Any) -> Any:
    if not hasattr(recording, "get_all_samples"):
        return recording
    try:
        return recording.get_all_samples()
    except Exception as error:  # its own have no common kind
        reason = " ".join(str(error).split())
        raise AudioError(f"cannot be decoded by TorchCodec ({reason}), expected audio that it reads") from error


def _axes(value: Any) -> int:
    try:
        return np.ndim(value)
    except Exception:  # what is wrong with it is said when it is taken for samples
        return 1


def _by_dlpack_alone(samples: Any) -> bool:
    return hasattr(samples, "__dlpack__") and not hasattr(samples, "__array__")


def in_full_scale(samples: NDArray[Any]) -> NDArray[np.float32]:
    """Samples of any shape and kind with a full scale of 1; integers of 8, 16 and 32 bits have their own, unsigned ones zero in the middle.

    Raises:
        AudioError: They are no real numbers.
    """
    _check_numbers(samples)
    with np.errstate(over="ignore"):  # double precision has more
        values = samples.astype(np.float32)
    if samples.dtype.kind == "f" or samples.dtype.itemsize == 8:
        return values
    scale = np.float32(2.0 ** (8 * samples.dtype.itemsize - 1))
    return values / scale - (1 if samples.dtype.kind == "u" else 0)


def _check_numbers(samples: NDArray[Any]) -> None:
    if samples.dtype.kind not in "fiu":
        raise AudioError(f"holds {samples.dtype} instead of samples, expected real numbers, (samples,) or (samples, channels)")


def _mono(samples: NDArray[Any]) -> NDArray[np.float32]:
    if samples.ndim == 2:
        samples = _channels_last(samples)
    elif samples.ndim != 1:
        raise AudioError(f"has the shape {samples.shape}, expected (samples,) or (samples, channels)")
    values = in_full_scale(samples)
    return Mixer("")(values) if values.ndim == 2 else values


def _channels_last(samples: NDArray[Any]) -> NDArray[Any]:
    """`(channels, samples)`, as torchaudio has it, is told from `(samples, channels)` by which axis is the longer."""
    if min(samples.shape) > MOST_CHANNELS:
        raise AudioError(f"has the shape {samples.shape}, expected (samples,) or (samples, channels) with {MOST_CHANNELS} channels at most")
    return samples.T if samples.shape[0] < samples.shape[1] else samples
