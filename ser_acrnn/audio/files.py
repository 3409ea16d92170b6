"""Any audio file -> waveform, and every complaint about one."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from ser_acrnn.audio import containers, decoders, joined, layouts, sources
from ser_acrnn.audio.channels import mixed
from ser_acrnn.audio.decoders import Decoded
from ser_acrnn.audio.excerpts import Excerpt, SeekableBytes, size_of
from ser_acrnn.audio.sources import Encoded, complaint_about
from ser_acrnn.audio.waveforms import AudioError, checked_rate, resampled, to_mono

logger = logging.getLogger(__name__)

_BLOCK_VALUES = 2**22  # samples of all channels that are read at a time: 16 MB, however many channels there are
_UNKNOWN_FRAMES = 2**62  # libsndfile's number for a length that is not known is about 2**63
_CHECKED = ("AIFF", "AU", "CAF", "NIST", "RF64", "W64", "WAV", "WAVEX")  # by `containers`
_SELF_CHECKING = ("FLAC", "MP3", "OGG", "SVX", "HTK", "MAT4", "SDS")  # by what is read, by libsndfile, or by what it notes


def load(recording: Encoded, sampling_rate_hertz: int = 16_000) -> NDArray[np.float32]:
    """Reads a file as a mono waveform, mixed down and resampled where it must be.

    Args:
        recording: A path, the bytes of a file, or an open file, in any format that libsndfile reads (WAV, FLAC, OGG, MP3, ...) or FFmpeg
            (AAC, WMA, ...), any rate, any number of channels. Whole files in a row are read one after the other.
        sampling_rate_hertz: Rate of the result.

    Returns:
        float32 samples in -1..1, shape `(samples,)`.

    Raises:
        AudioError: The file is missing, empty, cut off, not audio, silent, or holds NaN or infinite samples.
    """
    with opened(recording) as found:
        return found.waveform(list(found.blocks), sampling_rate_hertz)


def stream(recording: Encoded, sampling_rate_hertz: int = 16_000, *, block_seconds: float = 10.0) -> Iterator[NDArray[np.float32]]:
    """Reads a file of any length piece by piece, mixed down and resampled where it must be.

    Silence and non-finite samples are not refused here: only who hears the whole knows which part they spoil.

    Args:
        recording: See `load`.
        sampling_rate_hertz: Rate of the result.
        block_seconds: Length of a piece, less where there are many channels; where several are mixed, a minute comes first and ten seconds
            are the least, see `ser_acrnn.audio.channels`.

    Yields:
        float32 samples, shape `(samples,)`.

    Raises:
        AudioError: The file is missing, empty, or not audio; or, at the latest after its last sample, it is cut off.
    """
    with opened(recording, block_seconds) as found:
        yield from resampled(found.blocks, found.rate_hertz, sampling_rate_hertz)


@dataclass(frozen=True)
class Recording:
    """An open recording.

    Attributes:
        name: For errors; "" of bytes.
        rate_hertz: The rate of its samples.
        blocks: The mono samples, piece by piece, `(samples,)` each; they can be taken once.
    """

    name: str
    rate_hertz: int
    blocks: Iterator[NDArray[np.float32]]

    def waveform(self, blocks: Sequence[NDArray[np.float32]], sampling_rate_hertz: int) -> NDArray[np.float32]:
        """Pieces of it as one waveform at another rate, see `to_mono`; an error names the recording."""
        try:
            return to_mono(np.concatenate(blocks) if blocks else np.zeros(0, np.float32), self.rate_hertz, sampling_rate_hertz)
        except AudioError as error:
            raise AudioError(complaint_about(self.name, str(error))) from error


@contextmanager
def opened(recording: Encoded, block_seconds: float = 10.0) -> Iterator[Recording]:
    """Opens a file, and turns all that libraries complain of into errors that name it.

    Args:
        recording: See `load`.
        block_seconds: See `stream`.

    Raises:
        AudioError: See `stream`.
    """
    name = sources.name_of(recording)
    try:
        if isinstance(recording, (str, os.PathLike)) and not Path(recording).is_file():
            place = Path(recording)
            what = "is a folder" if place.is_dir() else "is no regular file" if place.exists() else "no such file"
            raise AudioError(f"{name or repr(name)}: {what}, expected an audio file")
        with ExitStack() as stack:
            file = stack.enter_context(sources.opened(recording))
            if size_of(file) == 0:
                raise AudioError(complaint_about(recording, "the file is empty (0 bytes), expected audio"))
            file = joined.without_tag(file)
            parts = _parts(file)
            sounds = [_opened(stack, part) for part in parts]
            rate, blocks = _rate(sounds), (block for sound in sounds for block in _read(sound, block_seconds, name))
            for note in _notes(parts, sounds):
                _say(name, note)
            yield Recording(name, rate, blocks)
    except (containers.HeaderError, _Unfit) as error:
        raise AudioError(complaint_about(recording, str(error))) from error
    except decoders.DecoderError as error:
        raise AudioError(complaint_about(recording, _unreadable(str(error)))) from error
    except (soundfile.LibsndfileError, OSError) as error:
        raise AudioError(complaint_about(recording, _unreadable(str(getattr(error, "error_string", error))))) from error


class _Unfit(ValueError):
    """Says what is wrong with a file, without its name."""


def _parts(file: SeekableBytes) -> list[Excerpt]:
    try:
        return containers.parts(file) or joined.parts(file)
    except RecursionError as error:  # each of them is read through those before it
        raise _Unfit("is too many files in a row, expected some hundred at most") from error


class _Sound(soundfile.SoundFile):
    """A file that is read to its end, and how many samples a channel are announced; 0 where none are, or their number is a guess."""

    def __init__(self, part: Excerpt) -> None:
        super().__init__(part.in_memory())
        self.announced, bare = self.frames, part.again()
        if otherwise := layouts.misread(part.again(), self.format):
            self.close()
            raise RuntimeError(f"does not read {otherwise}")
        if self.format == "FLAC":
            self.close()
            bare = Excerpt(part.again(), 0, joined.before_tags(part.again()))
            unknown, self.announced = joined.flac_samples(bare.again())
            super().__init__(unknown.again())
        elif self.format == "MP3" and not joined.has_table(part.again()):
            raise RuntimeError("an MP3 without a table, whose length is guessed")
        elif self.subtype.startswith("MPEG") and self.format != "MP3":
            self.announced = 0
        self.rate_hertz, self.goes_on_otherwise, self._bare = self.samplerate, False, bare

    def seekable(self) -> bool:
        """A length that is unknown keeps soundfile from seeking, which it does after each read of a file that it can seek in."""
        return self.frames < _UNKNOWN_FRAMES and super().seekable()

    def goes_on(self) -> bool:
        """Whether there is sound after what was read; `goes_on_otherwise` is whether there is anything else."""
        try:
            return self.format == "FLAC" and len(self.read(1)) > 0
        except soundfile.LibsndfileError:
            self.goes_on_otherwise = not joined.ends_in_no_audio(self._bare)
            return False


def _opened(stack: ExitStack, part: Excerpt) -> _Sound | Decoded:
    layouts.check(part.again())
    try:
        return stack.enter_context(_Sound(part))
    except RuntimeError as error:  # soundfile's are of this kind
        refusal = f"libsndfile: {getattr(error, 'error_string', error)}"
    try:
        return stack.enter_context(decoders.opened(part.again()))
    except decoders.DecoderError as error:
        raise decoders.DecoderError(f"{refusal} {error}") from error


def _say(name: str, note: str) -> None:
    logger.warning("%s", f"{name}: {note}" if name else note)


def _files(parts: Sequence[Excerpt]) -> int:
    """How many files the parts are of: the samples of one may come in several, each behind a header for them."""
    return len(parts) - sum(bool(one.head and other.head and one.file is other.file) for one, other in pairwise(parts))


def _notes(parts: Sequence[Excerpt], sounds: Sequence[_Sound | Decoded]) -> Iterator[str]:
    if (count := _files(parts)) > 1:
        yield f"is {count} files in a row, they are read as one recording"
    by_libsndfile = {sound.format for sound in sounds if isinstance(sound, _Sound)}
    if unchecked := by_libsndfile - {*_CHECKED, *_SELF_CHECKING}:
        yield f"is {', '.join(sorted(unchecked))}, in which nothing tells whether it is whole"
    if any(isinstance(sound, _Sound) and sound.format == "FLAC" and not sound.announced for sound in sounds):
        yield "is FLAC of an unknown length, in which nothing tells whether it is whole"
    if not all(map(joined.is_told, parts)):
        yield "is Ogg whose last page does not end it, so that nothing tells whether it is whole"
    for sound in sounds:
        yield from () if isinstance(sound, _Sound) else sound.notes
    if left := joined.unread(parts[-1]):
        yield f"goes on for {left} bytes that are no audio, or of another kind, and are not read"


def _rate(sounds: Sequence[_Sound | Decoded]) -> int:
    rates = sorted({sound.rate_hertz for sound in sounds})
    if len(rates) > 1:
        raise _Unfit(f"is {len(sounds)} files in a row with the rates {rates} Hz, expected one rate")
    try:
        checked_rate(rates[0])
    except AudioError as error:  # who reads it piece by piece knows no name
        raise _Unfit(str(error)) from error
    return rates[0]


def _read(sound: _Sound | Decoded, block_seconds: float, name: str) -> Iterator[NDArray[np.float32]]:
    if isinstance(sound, _Sound):
        yield from mixed(_by_libsndfile(sound, block_seconds), sound.rate_hertz, name)
        if sound.goes_on_otherwise:
            _say(name, f"goes on after its {sound.announced} samples with what is no {sound.format} and is not read")
    else:
        yield from mixed(sound.blocks, sound.rate_hertz, name)
        if gaps := sound.gaps_seconds:
            _say(name, f"its times leave out {sum(gaps):.2f} s in {len(gaps)} place(s), which are heard as silence")


def _by_libsndfile(sound: _Sound, block_seconds: float) -> Iterator[NDArray[np.float32]]:
    # libsndfile shortens a file that ends early and only notes it
    if sound.format not in _CHECKED and (cut := re.search(r"(\d+) \(?(?:should be|<-->) (\d+)", sound.extra_info)):
        raise _Unfit(
            f"is cut off or damaged: its {sound.format} header announces {cut[1]} where libsndfile finds {cut[2]}, expected the same"
        )
    size, heard = max(1, min(round(block_seconds * sound.samplerate), _BLOCK_VALUES // sound.channels)), 0
    while len(block := sound.read(min(size, sound.announced - heard) if sound.announced else size, dtype="float32", always_2d=True)):
        heard += len(block)
        yield block
    if heard < sound.announced:
        raise _Unfit(f"is cut off: holds {heard} samples, expected the {sound.announced} that its header announces")
    if sound.announced and sound.goes_on():
        raise _Unfit(f"holds more than {heard} samples, expected as many as its header announces")


def _unreadable(reason: str) -> str:
    return f"cannot be read as audio ({reason.strip()}), expected a format that libsndfile or FFmpeg reads"
