"""What the headers of WAV, RF64, W64, AIFF, AU, CAF and NIST files say of their length, beside what the files hold.

Recorders that were switched off, programs that write to a pipe and files above 4 GB leave numbers in the header that are not those of the
file. libsndfile believes them or shortens them without an error; here they are put right, or the file is refused.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from ser_acrnn.audio.excerpts import Excerpt, SeekableBytes, size_of

_PLACEHOLDERS = (0x7FFF, 0x8000, 0xFFFF)  # upper half of the 32 bits that programs write who cannot know the length
_UNKNOWN = 2**62  # and above, in 64 bits
_WRAP = 2**32
_LARGEST_PART = 720_720 * 1_440  # bytes, of what is larger than 32 bits can say; a whole number of frames of up to 16 channels
BEGINNINGS = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"riff", b"FORM", b".snd", b"dns.", b"caff", b"fLaC", b"OggS")
_TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN")
_LEAST_SHARE = 0.01  # of the samples: less than that after them may be anything
_LOOKED_AT = 65_536  # bytes of what follows the samples


class HeaderError(ValueError):
    """A file holds less, or more, than its header announces; the message has both numbers, not the file's name."""


@dataclass(frozen=True)
class _Chunks:
    """How a format lays out its chunks: the bytes of an identifier, the number after it, whether that counts both, the alignment."""

    identifier: int
    size: str
    counts_itself: bool
    alignment: int
    first: int

    def read(self, file: SeekableBytes, position: int) -> tuple[bytes, int]:
        """Identifier and bytes of the content of the chunk at a position; `(b"", 0)` at the end of the file."""
        file.seek(position)
        head = file.read(self.head)
        if len(head) < self.head:
            return b"", 0
        (size,) = struct.unpack(self.size, head[self.identifier :])
        return head[:4], size - (self.head if self.counts_itself else 0)

    @property
    def head(self) -> int:
        """Bytes before a chunk's content."""
        return self.identifier + struct.calcsize(self.size)


_RIFF = _Chunks(4, "<I", False, 2, 12)
_LAYOUTS = {
    b"RIFF": _RIFF,
    b"RF64": _RIFF,
    b"BW64": _RIFF,
    b"RIFX": _Chunks(4, ">I", False, 2, 12),
    b"FORM": _Chunks(4, ">I", False, 2, 12),
    b"riff": _Chunks(16, "<q", True, 8, 40),
    b"caff": _Chunks(4, ">q", False, 1, 8),
}


@dataclass(frozen=True)
class _Samples:
    """Where the samples lie.

    Attributes:
        start: The first byte.
        announced: Bytes that the header announces.
        field: Where it does so, and how that number is packed; None where it is a text.
        counted: Bytes before the samples that this number counts as well.
        layout: That of the chunks that may follow; None where none can.
    """

    start: int
    announced: int
    field: tuple[int, str] | None
    counted: int = 0
    layout: _Chunks | None = None

    @property
    def is_unknown(self) -> bool:
        """Whether the number announced is none that a program would write who knows it."""
        return self.announced < 0 or self.announced >= _UNKNOWN or self.announced >> 16 in _PLACEHOLDERS

    def header(self, head: bytes, length: int) -> bytes:
        """The header with another number of bytes."""
        if self.field is None:
            return head
        place, code = self.field
        number = struct.pack(code, length + self.counted)
        return head[:place] + number + head[place + len(number) :]


def parts(file: SeekableBytes) -> list[Excerpt]:
    """The sound files that a file consists of, each with a header that is true.

    Args:
        file: The file.

    Returns:
        Nothing where the file's header is true, and where it is in none of these formats. Otherwise the file with another header; or
        several, in order, of whole files in a row, of samples in several chunks, and of what is larger than its header can say.

    Raises:
        HeaderError: The file was cut off, or more follows the samples than the header knows of.
    """
    end, samples = size_of(file), _samples(file)
    stop = None if samples is None else _stop(file, samples, end)
    if samples is None:
        return []
    if stop is None:
        chunks = _chunks_of_samples(file, samples, end)
        return [_with_header(file, samples, *chunk) for chunk in chunks] if len(chunks) > 1 else []
    starts = range(samples.start, stop, _LARGEST_PART)
    whole = [_with_header(file, samples, start, min(start + _LARGEST_PART, stop)) for start in starts]
    if not _another(file, stop, end):
        return whole
    following = Excerpt(file, stop)
    return [*whole, *(parts(following) or [following])]


def _with_header(file: SeekableBytes, samples: _Samples, start: int, stop: int) -> Excerpt:
    """Some of the samples behind a header that announces as many."""
    file.seek(0)
    return Excerpt(file, start, stop, samples.header(file.read(samples.start), stop - start))


def _chunks_of_samples(file: SeekableBytes, samples: _Samples, end: int) -> list[tuple[int, int]]:
    """The first byte of each chunk of samples, and the byte after its last; libsndfile reads the first chunk alone.

    Raises:
        HeaderError: The last one is cut off.
    """
    found = [(samples.start, samples.start + samples.announced)]
    if samples.layout is None or samples.layout is _LAYOUTS[b"caff"]:
        return found
    for identifier, position, size in _walk(file, samples.layout, found[0][1]):
        start = position + samples.layout.head
        if identifier == b"data" and size > 0:
            found.append((start, start + size))
            if start + size > end:
                raise HeaderError(f"is cut off: holds {end - start} bytes in its last chunk of samples, expected {size}")
    return found


def _stop(file: SeekableBytes, samples: _Samples, end: int) -> int | None:
    """The end of the samples; None where the file is as its header says."""
    held, announced = max(0, end - samples.start), samples.announced
    stop = samples.start + announced
    if stop == end:
        return None
    if not 0 <= announced <= held:
        # A recorder that counted its header as well has lost nothing.
        if samples.is_unknown or announced - held in (44, samples.start, samples.start - 8):
            return end
        raise HeaderError(f"is cut off: holds {held} bytes of audio, expected the {announced} that its header announces")
    if samples.layout is not None and _are_chunks(file, samples.layout, stop, end):
        return None
    if announced == 0 or (held - announced) % _WRAP == 0:
        return end
    if _another(file, stop, end) or end - stop <= _LEAST_SHARE * announced or is_no_audio(file, stop, end):
        return stop
    raise HeaderError(f"holds {held} bytes after its header, expected the {announced} bytes of audio that it announces")


def is_no_audio(file: SeekableBytes, position: int, end: int) -> bool:
    """Whether only tags, or zeros, are left."""
    file.seek(position)
    following = file.read(_LOOKED_AT).lstrip(b"\0")
    return following.startswith(_TAGS) or (not following and end - position <= _LOOKED_AT)


def _are_chunks(file: SeekableBytes, layout: _Chunks, position: int, end: int) -> bool:
    """Whether chunks fill the file; those of an odd length may be padded or not, and the last one may be cut off."""
    count = 0
    while end - position >= layout.head:
        identifier, size = layout.read(file, position)
        if not _is_identifier(identifier) and position % layout.alignment:
            position += layout.alignment - position % layout.alignment
            identifier, size = layout.read(file, position)
        if not _is_identifier(identifier) or size < 0 or identifier in BEGINNINGS:
            break
        position, count = position + layout.head + size, count + 1
    return count > 0 and (end <= position or is_no_audio(file, position, end))


def _is_identifier(identifier: bytes) -> bool:
    return len(identifier) == 4 and all(0x20 <= byte <= 0x7E for byte in identifier)  # printable


def _another(file: SeekableBytes, position: int, end: int) -> bool:
    """Whether another sound file begins here."""
    file.seek(position)
    return end - position > 4 and file.read(4) in BEGINNINGS


def _samples(file: SeekableBytes) -> _Samples | None:
    """What the header announces; None of a format without such a header, or where it breaks off before."""
    file.seek(0)
    head = file.read(1_024)
    if head[:4] in (b".snd", b"dns."):
        order = ">" if head.startswith(b".snd") else "<"
        if len(head) < 12:
            return None
        start, announced = struct.unpack(f"{order}II", head[4:12])
        return _Samples(start, announced, (8, f"{order}I"))
    if head.startswith(b"NIST_1A"):
        return _nist(head)
    layout = _LAYOUTS.get(head[:4])
    if layout is None or (layout is _LAYOUTS[b"FORM"] and head[8:12] not in (b"AIFF", b"AIFC")):
        return None
    long_field = None
    for identifier, position, size in _walk(file, layout, layout.first):
        content = position + layout.head
        if identifier == b"ds64":
            file.seek(content + 8)
            long_field = content + 8, int.from_bytes(file.read(8), "little")
        elif identifier == b"data" and long_field is not None and head[:4] != b"RIFF":
            return _Samples(content, long_field[1], (long_field[0], "<Q"), layout=layout)
        elif identifier in (b"data", b"SSND"):
            counted = 8 if identifier == b"SSND" else 4 if head.startswith(b"caff") else 0
            itself = layout.head if layout.counts_itself else 0
            field = position + layout.identifier, layout.size
            return _Samples(content + counted, max(size - counted, -1) if size else 0, field, counted + itself, layout)
    return None


def chunk(file: SeekableBytes, identifier: bytes) -> bytes:
    """The content of the first chunk of a name, a kilobyte at most; empty where there is none."""
    file.seek(0)
    layout = _LAYOUTS.get(file.read(4))
    for found, position, size in _walk(file, layout, layout.first) if layout else ():
        if found == identifier:
            file.seek(position + layout.head)  # type: ignore[union-attr]
            return file.read(min(max(size, 0), 1_024))
    return b""


def _walk(file: SeekableBytes, layout: _Chunks, begin: int) -> Iterator[tuple[bytes, int, int]]:
    """Identifier, position and content's bytes of each chunk from a place on, as long as they make sense."""
    position = begin + -begin % layout.alignment
    while True:
        identifier, size = layout.read(file, position)
        if not identifier:
            return
        yield identifier, position, size
        if size < 0:
            return
        position += layout.head + size
        position += -position % layout.alignment


def _nist(head: bytes) -> _Samples | None:
    """SPHERE's header is a text."""
    found = dict(re.findall(rb"^(\w+) -i (\d+)", head, re.MULTILINE))
    try:
        size = int(found[b"sample_count"]) * int(found[b"channel_count"]) * int(found[b"sample_n_bytes"])
        start = int(head[8:16])
    except (KeyError, ValueError):
        return None
    return None if b"shorten" in head else _Samples(start, size, None)
