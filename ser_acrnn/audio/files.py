"""Any audio file -> waveform, and every complaint about one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from ser_acrnn.audio import decoders

LARGEST_SAMPLE = 2.0**31  # full scale of integers; what is larger is no audio, and its power would overflow
_BLOCK_VALUES = 2**22  # samples of all channels that are read at a time: 16 MB, however many channels there are
_UNKNOWN_FRAMES = 2**62  # libsndfile's number for a length that is not known is about 2**63


class AudioError(ValueError):
    """A recording that cannot be used; the message names the file, what was found and what was expected."""


def load(path: str | Path, sampling_rate_hertz: int = 16_000) -> NDArray[np.float32]:
    """Reads a file as a mono waveform, mixed down and resampled where it must be.

    Args:
        path: A file in any format that libsndfile reads (WAV, FLAC, OGG, MP3, ...), or a decoder of `ser_acrnn.audio.decoders` (AAC,
            WMA, ...), any rate, any number of channels.
        sampling_rate_hertz: Rate of the result.

    Returns:
        float32 samples in -1..1, shape `(samples,)`.

    Raises:
        AudioError: The file is missing, empty, cut off, not audio, silent, or holds NaN or infinite samples.
    """
    with opened(path) as recording:
        return recording.waveform(list(recording.blocks), sampling_rate_hertz)


def stream(path: str | Path, sampling_rate_hertz: int = 16_000, *, block_seconds: float = 10.0) -> Iterator[NDArray[np.float32]]:
    """Reads a file of any length piece by piece, mixed down and resampled where it must be.

    Silence and non-finite samples are not refused here: only who hears the whole knows which part they spoil.

    Args:
        path: See `load`.
        sampling_rate_hertz: Rate of the result.
        block_seconds: Length of a piece, less where there are many channels.

    Yields:
        float32 samples, shape `(samples,)`.

    Raises:
        AudioError: The file is missing, empty, or not audio; or, at the latest after its last sample, it is cut off.
    """
    with opened(path, block_seconds) as recording:
        yield from resampled(recording.blocks, recording.rate_hertz, sampling_rate_hertz)


def resampled(pieces: Iterable[NDArray[np.float32]], rate_hertz: int, sampling_rate_hertz: int = 16_000) -> Iterator[NDArray[np.float32]]:
    """Brings mono samples that come piece by piece to another rate; what is resampled comes some milliseconds late."""
    if rate_hertz == sampling_rate_hertz:
        yield from pieces
        return
    import soxr

    resampler = soxr.ResampleStream(rate_hertz, sampling_rate_hertz, 1, "float32")
    for piece in pieces:
        yield resampler.resample_chunk(piece)
    yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


@dataclass(frozen=True)
class Recording:
    """An open recording.

    Attributes:
        name: For errors; "" of samples that are no file.
        rate_hertz: The rate of its samples.
        seconds: The length that it announces; None where it announces none.
        blocks: The mono samples, piece by piece, `(samples,)` each; they can be taken once.
    """

    name: str
    rate_hertz: int
    seconds: float | None
    blocks: Iterator[NDArray[np.float32]]

    def waveform(self, blocks: Sequence[NDArray[np.float32]], sampling_rate_hertz: int) -> NDArray[np.float32]:
        """Pieces of it as one waveform at another rate, see `to_mono`; an error names the recording."""
        try:
            return to_mono(np.concatenate(blocks) if blocks else np.zeros(0), self.rate_hertz, sampling_rate_hertz)
        except AudioError as error:
            raise AudioError(f"{self.name}: {error}" if self.name else str(error)) from error


@contextmanager
def opened(path: str | Path, block_seconds: float = 10.0) -> Iterator[Recording]:
    """Opens a file, and turns all that libraries complain of into errors that name it.

    Args:
        path: See `load`.
        block_seconds: See `stream`.

    Raises:
        AudioError: See `stream`.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise AudioError(f"{path}: no such file, expected an audio file")
        if path.stat().st_size == 0:
            raise AudioError(f"{path}: the file is empty (0 bytes), expected audio")
        try:
            file = soundfile.SoundFile(path)
            if file.frames >= _UNKNOWN_FRAMES:
                file = _FromPipe(path)
        except (soundfile.LibsndfileError, RuntimeError) as error:
            refusal = f"libsndfile: {getattr(error, 'error_string', error)}"
        else:
            with file:
                announced = file.frames / file.samplerate if _knows_its_length(path, file) else None
                yield Recording(str(path), file.samplerate, announced, _by_libsndfile(path, file, block_seconds, announced is not None))
            return
        try:
            with decoders.opened(path) as decoded:
                yield Recording(str(path), decoded.rate_hertz, decoded.seconds, _by_decoder(path, decoded))
        except decoders.DecoderError as error:
            raise AudioError(_unreadable(path, f"{refusal} {error}")) from error
    except (soundfile.LibsndfileError, OSError) as error:
        raise AudioError(_unreadable(path, str(getattr(error, "error_string", error)))) from error


class _FromPipe(soundfile.SoundFile):
    """A FLAC that was written to a pipe: its header has no length, without which soundfile cannot seek, and it seeks after each read."""

    def seekable(self) -> bool:
        return False


def _by_libsndfile(path: Path, file: soundfile.SoundFile, block_seconds: float, announced: bool) -> Iterator[NDArray[np.float32]]:
    # libsndfile shortens a file that ends early and only notes it; 0xFFFFFFFF is the length of a WAV written to a pipe.
    cut = re.search(r"^\s*(?:data|SSND)\s*: (?!4294967295)(\d+) \(should be (\d+)\)", file.extra_info, re.MULTILINE)
    if cut and int(cut[1]) > int(cut[2]):  # an AIFF written to a pipe announces nothing
        raise AudioError(f"{path}: is cut off: holds {cut[2]} bytes of audio, expected the {cut[1]} that its header announces")
    size, heard = max(1, min(round(block_seconds * file.samplerate), _BLOCK_VALUES // file.channels)), 0
    while len(block := file.read(size, dtype="float32", always_2d=True)):
        heard += len(block)
        yield _mixed(block)
    if announced and heard < file.frames:
        raise AudioError(f"{path}: is cut off: holds {heard} samples, expected the {file.frames} that its header announces")


def _by_decoder(path: Path, decoded: decoders.Decoded) -> Iterator[NDArray[np.float32]]:
    heard = 0
    for block in decoded.blocks:
        heard += len(block)
        yield _mixed(block)
    seconds, announced = heard / decoded.rate_hertz, decoded.seconds
    # The container's length may be that of a video, and a codec's padding counts or does not.
    if announced is not None and abs(seconds - announced) > 1 + 0.01 * announced:
        raise AudioError(f"{path}: is cut off or damaged: holds {seconds:.1f} s of audio, expected the {announced:.1f} s that it announces")


def _knows_its_length(path: Path, file: soundfile.SoundFile) -> bool:
    """Whether the number of samples is announced: a FLAC from a pipe has none, and of an MP3 without a table it is an estimate."""
    if file.format != "MP3":
        return file.frames < _UNKNOWN_FRAMES
    with path.open("rb") as stream:
        head = stream.read(10)
        if head.startswith(b"ID3"):  # a tag of that many bytes, 7 bits each, stands before the audio
            stream.seek(10 + sum((byte & 127) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True)))
        else:
            stream.seek(0)
        first = stream.read(2_048)  # no frame of an MP3 is longer
    return any(mark in first for mark in (b"Xing", b"Info", b"VBRI"))


def _mixed(block: NDArray[np.float32]) -> NDArray[np.float32]:
    with np.errstate(all="ignore"):  # what is not finite is named later
        return block.mean(axis=1, dtype=np.float32)


def _unreadable(path: Path, reason: str) -> str:
    return f"{path}: cannot be read as audio ({reason.strip()}), expected a format that libsndfile or ffmpeg reads"


def to_mono(samples: NDArray[np.floating], rate_hertz: int, sampling_rate_hertz: int = 16_000) -> NDArray[np.float32]:
    """Brings samples to the package's waveform: mono, float32, one rate.

    Args:
        samples: Shape `(samples,)` or `(samples, channels)`.
        rate_hertz: Their rate.
        sampling_rate_hertz: Rate of the result.

    Returns:
        Shape `(samples,)`.

    Raises:
        AudioError: No samples, non-finite or absurdly large samples, or digital silence throughout.
    """
    with np.errstate(over="ignore"):  # double precision has more
        mono = np.asarray(samples, dtype=np.float32)
    mono = _mixed(mono) if mono.ndim == 2 else mono
    if mono.size == 0:
        raise AudioError("holds 0 samples, expected at least one")
    broken = np.flatnonzero(~np.isfinite(mono))
    if broken.size:
        raise AudioError(f"holds {broken.size} NaN or infinite samples, the first at sample {broken[0]}, expected finite samples")
    loudest = mono[np.abs(mono).argmax()]
    if abs(loudest) > LARGEST_SAMPLE:
        raise AudioError(f"holds a sample of {loudest:g}, expected none beyond {LARGEST_SAMPLE:.0f}, where full scale is 1")
    if np.ptp(mono) == 0:
        raise AudioError(f"is silent: all {mono.size} samples equal {mono[0]:g}, expected a signal")
    if rate_hertz != sampling_rate_hertz:
        import soxr

        found = soxr.resample(mono, rate_hertz, sampling_rate_hertz, "HQ")
        mono = np.zeros(-(-len(mono) * sampling_rate_hertz // rate_hertz), np.float32)  # as librosa.resample: a last sample begun counts
        mono[: len(found)] = found[: len(mono)]
    return np.ascontiguousarray(mono, dtype=np.float32)
