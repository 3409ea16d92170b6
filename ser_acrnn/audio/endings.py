"""Where a recording in MP4, FLV, TTA, ASF, AVI or Matroska ends by its own account: beyond the file's end it is cut off."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from ser_acrnn.audio.containers import HeaderError
from ser_acrnn.audio.excerpts import SeekableBytes, size_of

ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")  # the identifier of its header
EBML = b"\x1a\x45\xdf\xa3"  # that of Matroska's
_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")  # of ASF: identifier, size, file's identifier, file's size, ...
_BROADCAST = 1  # of its flags: the sizes in it mean nothing
_SEGMENT, _CLUSTER = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"
_BEGINNINGS = re.compile(rb"RIFF|RIFX|RF64|BW64|riff|FORM|\.snd|dns\.|caff|fLaC|OggS|FLV\x01|TTA1|....ftyp|" + re.escape(ASF), re.DOTALL)
_DURATION = re.compile(rb"\x44\x89[\x84\x88]")  # of Matroska: the identifier, and 4 or 8 bytes
_LOOKED_AT = 65_536  # bytes of a header
_SLACK_BYTES = 9  # that writers of AVI count too many: the head of a chunk, a byte that fills up
_LARGEST_RIFF = 0x7FFF_0000  # and above: of those who cannot know the size
_FLV_TAGS = (8, 9, 18)  # audio, picture, data
_FILTERED = 0x20  # and, beside those numbers, that they are encrypted
_MOST_FLV_TAGS = 2_000_000  # a day's


def is_beginning(file: SeekableBytes, position: int) -> bool:
    """Whether a recording begins here, in one of the formats whose beginning is unmistakable."""
    file.seek(position)
    return _BEGINNINGS.match(file.read(16)) is not None


def end_of(file: SeekableBytes) -> int:
    """The byte after a recording's last; the file's end where its format, or its header, does not say.

    Raises:
        HeaderError: The file is shorter than its header announces.
    """
    file.seek(0)
    head, size = file.read(16), size_of(file)
    if head[4:8] == b"ftyp":
        end = _mp4(file, size)
    elif head.startswith(b"FLV\x01"):
        end = _flv(file, size)
    elif head.startswith(b"TTA1"):
        end = _tta(file)
    else:
        end = announced_bytes(file) or size
        end = end if end > size or is_beginning(file, end) else size
    if end > size:
        raise HeaderError(f"is cut off: holds {size} bytes, expected the {end} that it announces")
    return end


def announced_bytes(file: SeekableBytes) -> int:
    """The size of the file by the header of ASF, AVI or Matroska, 0 where it does not say."""
    file.seek(0)
    head = file.read(_LOOKED_AT)
    if head.startswith(ASF):
        announced, size = _asf(head), size_of(file)
        return size if _is_about(announced, size) else announced
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return _avi(file)
    return _matroska(head) if head.startswith(EBML) else 0


def announces_time(file: SeekableBytes) -> bool:
    """Whether what FFmpeg says of the duration of ASF, Matroska or MP4 is announced by the file, and no estimate."""
    file.seek(0)
    head = file.read(_LOOKED_AT)
    if head.startswith(ASF):
        return _is_about(_asf(head), size_of(file))
    if head[4:8] == b"ftyp":
        kinds = {kind for kind, _ in _boxes(file, size_of(file))}
        return b"moof" not in kinds or bool(kinds & {b"mfra", b"sidx"}) or b"mehd" in head
    return _DURATION.search(head.split(_CLUSTER)[0]) is not None if head.startswith(EBML) else True


def _mp4(file: SeekableBytes, size: int) -> int:
    """Its boxes fill it; another first box, or what is no box, is not of it. Boxes that hold no samples may be broken off."""
    position, kinds = 0, set[bytes]()
    for kind, end in _boxes(file, size):
        beyond = end > size and kind not in (b"mdat", b"moof", b"moov")
        if not kind or beyond or (kind == b"ftyp" and b"moov" in kinds):
            return position if {b"moov", b"mdat"} <= kinds else size
        kinds.add(kind)
        position = end
    return max(position, size)


def _boxes(file: SeekableBytes, size: int) -> Iterator[tuple[bytes, int]]:
    """The kind of each box of an MP4, and the byte after its last; b"" and the same byte where something else follows them."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        length, kind, long = struct.unpack(">I4sQ", file.read(16).ljust(16, b"\0"))
        length = size - position if length == 0 else long if length == 1 else length
        if length < 8 or not all(0x20 <= byte <= 0x7E or byte == 0xA9 for byte in kind):
            yield b"", position
            return
        position += length
        yield kind, position


def _flv(file: SeekableBytes, size: int) -> int:
    """A row of tags, each followed by its size."""
    file.seek(5)
    position = int.from_bytes(file.read(4), "big") + 4
    for _ in range(_MOST_FLV_TAGS):
        file.seek(position)
        head = file.read(4)
        if len(head) < 4 or head[0] & ~_FILTERED not in _FLV_TAGS:
            return position if len(head) == 4 else size
        position += 11 + int.from_bytes(head[1:], "big") + 4
        if position > size:
            return position if position - 4 > size else size  # the last size may be missing
    return size


def _tta(file: SeekableBytes) -> int:
    """The header and its checksum, the sizes of the frames and theirs, the frames of 256/245 s."""
    size = size_of(file)
    file.seek(0)
    _, _, _, _, rate, samples, _ = struct.unpack("<4sHHHIII", file.read(22).ljust(22, b"\0"))
    frames = -(-samples // max(1, 256 * rate // 245))
    sizes = file.read(min(4 * frames, size))
    return 22 + 4 * frames + 4 + sum(struct.unpack(f"<{len(sizes) // 4}I", sizes[: len(sizes) // 4 * 4]))


def _is_about(announced: int, size: int) -> bool:
    """Whether a size in ASF may be meant, as programs that write other tags leave it as it was; FFmpeg allows for as much."""
    return abs(announced - size) <= min(announced, size) // 20


def _asf(head: bytes) -> int:
    place = head.find(_FILE_PROPERTIES)
    if place < 0 or len(head) < place + 92:
        return 0
    size, flags = struct.unpack_from("<Q", head, place + 40)[0], struct.unpack_from("<I", head, place + 88)[0]
    return 0 if flags & _BROADCAST else int(size)


def _avi(file: SeekableBytes) -> int:
    """A RIFF, and where it is long several."""
    position, size = 0, size_of(file)
    while position + 8 <= size:
        file.seek(position)
        name, length = struct.unpack("<4sI", file.read(8))
        if name != b"RIFF" or not 0 < length < _LARGEST_RIFF:
            return position
        position += 8 + length + length % 2
    return position if position > size + _SLACK_BYTES else min(position, size)


def _matroska(head: bytes) -> int:
    """The segment fills the file; its size has as many bytes as the first has zeros, and one, and all ones where it is unknown."""
    place = head.find(_SEGMENT) + 4
    if place < 4 or len(head) < place + 8 or head[place] == 0:
        return 0
    width = 9 - head[place].bit_length()
    size = int.from_bytes(head[place : place + width], "big") & ((1 << 7 * width) - 1)
    return 0 if size == (1 << 7 * width) - 1 else place + width + size
