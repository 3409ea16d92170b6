"""Any audio file -> waveform, and every complaint about one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray


class AudioError(ValueError):
    """A recording that cannot be used; the message names the file, what was found and what was expected."""


def load(path: str | Path, sampling_rate_hertz: int = 16_000) -> NDArray[np.float32]:
    """Reads a file as a mono waveform, mixed down and resampled where it must be.

    Args:
        path: A file in any format that libsndfile reads (WAV, FLAC, OGG, MP3, ...), any rate, any number of channels.
        sampling_rate_hertz: Rate of the result.

    Returns:
        float32 samples in -1..1, shape `(samples,)`.

    Raises:
        AudioError: The file is missing, empty, cut off, not audio, silent, or holds NaN or infinite samples.
    """
    path = Path(path)
    try:
        with _opened(path) as file:
            rate, expected, header = file.samplerate, file.frames, file.extra_info
            samples = file.read(dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise AudioError(f"{path}: cannot be read as audio ({error}), expected a format that libsndfile reads") from error
    # libsndfile shortens a file that ends early and only notes it; 0xFFFFFFFF is the length of a WAV written to a pipe.
    cut = re.search(r"^\s*(?:data|SSND)\s*: (?!4294967295)(\d+) \(should be (\d+)\)", header, re.MULTILINE)
    if cut:
        raise AudioError(f"{path}: is cut off: holds {cut[2]} bytes of audio, expected the {cut[1]} that its header announces")
    if len(samples) < expected:
        raise AudioError(f"{path}: is cut off: holds {len(samples)} samples, expected the {expected} that its header announces")
    try:
        return to_mono(samples, rate, sampling_rate_hertz)
    except AudioError as error:
        raise AudioError(f"{path}: {error}") from error


def stream(path: str | Path, sampling_rate_hertz: int = 16_000, *, block_seconds: float = 10.0) -> Iterator[NDArray[np.float32]]:
    """Reads a file of any length piece by piece, mixed down and resampled where it must be.

    Silence and non-finite samples are not refused here: only the listener knows which part they spoil.

    Args:
        path: See `load`.
        sampling_rate_hertz: Rate of the result.
        block_seconds: Length of a piece.

    Yields:
        float32 samples, shape `(samples,)`.

    Raises:
        AudioError: The file is missing, empty, or not audio.
    """
    import soxr

    with _opened(Path(path)) as file:
        rate = file.samplerate
        resampler = soxr.ResampleStream(rate, sampling_rate_hertz, 1, "float32") if rate != sampling_rate_hertz else None
        for block in file.blocks(round(block_seconds * rate), dtype="float32", always_2d=True):
            mono = block.mean(axis=1)
            yield mono if resampler is None else resampler.resample_chunk(mono)
        if resampler is not None:
            yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def seconds_of(path: str | Path) -> float:
    """Length that a file's header announces.

    Raises:
        AudioError: The file is missing, empty, or not audio.
    """
    with _opened(Path(path)) as file:
        return file.frames / file.samplerate


def _opened(path: Path) -> soundfile.SoundFile:
    if not path.is_file():
        raise AudioError(f"{path}: no such file, expected an audio file")
    if path.stat().st_size == 0:
        raise AudioError(f"{path}: the file is empty (0 bytes), expected audio")
    try:
        return soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise AudioError(f"{path}: cannot be read as audio ({error}), expected a format that libsndfile reads") from error


def to_mono(samples: NDArray[np.floating], rate_hertz: int, sampling_rate_hertz: int = 16_000) -> NDArray[np.float32]:
    """Brings samples to the package's waveform: mono, float32, one rate.

    Args:
        samples: Shape `(samples,)` or `(samples, channels)`.
        rate_hertz: Their rate.
        sampling_rate_hertz: Rate of the result.

    Returns:
        Shape `(samples,)`.

    Raises:
        AudioError: No samples, non-finite samples, or digital silence throughout.
    """
    mono = np.asarray(samples, dtype=np.float32)
    mono = mono.mean(axis=1) if mono.ndim == 2 else mono
    if mono.size == 0:
        raise AudioError("holds 0 samples, expected at least one")
    broken = np.flatnonzero(~np.isfinite(mono))
    if broken.size:
        raise AudioError(f"holds {broken.size} NaN or infinite samples, the first at sample {broken[0]}, expected finite samples")
    if np.ptp(mono) == 0:
        raise AudioError(f"is silent: all {mono.size} samples equal {mono[0]:g}, expected a signal")
    if rate_hertz != sampling_rate_hertz:
        import librosa  # heavy, and not needed for the usual 16 kHz file

        mono = librosa.resample(mono, orig_sr=rate_hertz, target_sr=sampling_rate_hertz)
    return np.ascontiguousarray(mono, dtype=np.float32)
