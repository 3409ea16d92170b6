"""Files that were joined end to end: where one ends and the next begins, which neither libsndfile nor FFmpeg looks for."""

from __future__ import annotations

import re
import zlib

from ser_acrnn.audio import containers, endings, mpeg
from ser_acrnn.audio.containers import BEGINNINGS, HeaderError
from ser_acrnn.audio.excerpts import Excerpt, SeekableBytes, size_of

_LONGEST_FRAME = 2_881  # bytes of an MP3
_FEWEST_BYTES = 4_096  # of more frames than the table knows; tables that leave themselves out are a frame short
_NEAR_BYTES = 1_500  # in which tables are wrong about the end
_FEWEST_ZEROS = 8  # bytes, that fill up a file rather than end a frame
_FLAC = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")  # the marker and the head of the block that comes first
_FOLLOWING = re.compile(rb"ID3[\2-\4]\0|APETAGEX|RIFF....WAVE|OggS\x00\x02|....ftyp|" + _FLAC.pattern, re.DOTALL)
_FOOTER = 0x10  # of an ID3v2.4 tag, in its flags
_FIRST_PAGE, _LAST_PAGE, _OGG_HEAD = 2, 4, 27
_LONGEST_PAGE = 65_307  # bytes
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_BLOCK = 2**20


def parts(file: SeekableBytes) -> list[Excerpt]:
    """The files that were joined, in order; the file itself where it is one, or its format does not say where it ends.

    Args:
        file: The file.

    Raises:
        HeaderError: An Ogg breaks off, loses its pages on the way, or one of them was damaged; another file is shorter than it announces.
    """
    file.seek(0)
    head, stop = file.read(10), size_of(file)
    if head.startswith(b"OggS"):
        starts = _ogg(file)
    elif head.startswith(b"fLaC"):
        starts = _flac(file)
    elif head.startswith(b"ID3") or mpeg.is_frame(head):
        starts, stop = _mp3(file)
    else:
        starts, stop = [0], endings.end_of(file)
    ends = [*starts[1:], stop]
    found = [Excerpt(file, start, end) for start, end in zip(starts, ends, strict=True)]
    begin = _after_tags(file, stop)
    if not endings.is_beginning(file, begin):
        return found
    following = Excerpt(file, begin)
    return [*found, *(containers.parts(following) or parts(following))]


def unread(part: Excerpt) -> int:
    """Bytes after the last of the files that are not read; 0 where they are tags or zeros, or very few."""
    begin, end = _after_tags(part.file, part.end), size_of(part.file)
    few = end - begin <= max(_FEWEST_BYTES, (part.end - part.start) // 100)
    return 0 if few or containers.is_no_audio(part.file, begin, end) else end - begin


def _ogg(file: SeekableBytes) -> list[int]:
    """A stream begins with pages that say so; when such a page comes after others, it is another file's."""
    starts, position, end, began = [0], 0, size_of(file), True
    while position < end:
        file.seek(position)
        head = file.read(_OGG_HEAD + 255)
        if not head.startswith(b"OggS"):
            if head.startswith((b"TAG", b"ID3", b"APETAGEX")) or not head.strip(b"\0"):
                break
            raise HeaderError(f"is damaged: its Ogg pages end at byte {position} of {end}, expected another page")
        lacing = head[_OGG_HEAD : _OGG_HEAD + head[_OGG_HEAD - 1]] if len(head) >= _OGG_HEAD else b""
        length = _OGG_HEAD + len(lacing) + sum(lacing)
        if len(head) < _OGG_HEAD or len(lacing) < head[_OGG_HEAD - 1] or position + length > end:
            raise HeaderError(f"is cut off: its last Ogg page begins at byte {position} of {end} and is not complete, expected a whole one")
        file.seek(position)
        page = file.read(length)
        if _ogg_checksum(page[:22] + bytes(4) + page[26:]) != int.from_bytes(page[22:26], "little"):
            raise HeaderError(
                f"is damaged: its Ogg page at byte {position} has another checksum than when it was written, expected the same"
            )
        first = bool(head[5] & _FIRST_PAGE)
        if first and not began:
            starts.append(position)
        position, began = position + length, first
    return starts


def is_told(part: Excerpt) -> bool:
    """Whether an Ogg has the page that says that its stream ends here; other formats are not looked at."""
    part.seek(0)
    if part.read(4) != b"OggS":
        return True
    part.seek(max(0, len(part) - _LONGEST_PAGE))
    tail = part.read(_LONGEST_PAGE)
    ends = [tail[page.start() + 5] & _LAST_PAGE for page in re.finditer(rb"OggS\0.", tail, re.DOTALL)]
    return not ends or bool(ends[-1])


def _ogg_checksum(page: bytes) -> int:
    """That of Ogg (RFC 3533) is zlib's with the bits of each byte, and of the outcome, in the other order, and nothing inverted."""
    found = zlib.crc32(page.translate(_REVERSED), 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    return int(f"{found:032b}"[::-1], 2)


def flac_samples(part: Excerpt) -> tuple[Excerpt, int]:
    """A FLAC without its number of samples, at which libsndfile would stop whatever follows, and that number; 0 where it has none."""
    start = _flac(part)[0]
    part.seek(0)
    head = part.read(start + 26)
    if len(head) < start + 26 or not _FLAC.match(head, start):
        return part, 0
    number = int.from_bytes(head[start + 21 :], "big") & (2**36 - 1)
    unknown = head[: start + 21] + bytes([head[start + 21] & 0xF0, 0, 0, 0, 0])
    return Excerpt(part, start + 26, None, unknown), number


def _flac(file: SeekableBytes) -> list[int]:
    starts, place, kept = [], 0, b""
    file.seek(0)
    while block := file.read(_BLOCK):
        searched = kept + block
        starts += [place - len(kept) + found.start() for found in _FLAC.finditer(searched)]
        place, kept = place + len(block), searched[-7:]
    return starts or [0]


def _mp3(file: SeekableBytes) -> tuple[list[int], int]:
    """Where each begins, and where the last one ends, by their tables."""
    starts, end, position = [0], size_of(file), 0
    while stop := _end_by_table(file, position):
        stop, before = _nearest(file, stop), position
        position = _after_tags(file, stop)
        if position <= _after_tags(file, before):  # the table has it end before it begins
            return starts, end
        more = _end_by_table(file, position) is not None or end - position > max(_FEWEST_BYTES, (stop - starts[-1]) // 100)
        if not more or endings.is_beginning(file, position):
            return starts, position if more else end
        file.seek(position)
        following = file.read(4 * _LONGEST_FRAME)
        if not mpeg.is_frame(following):  # frames all begin alike; tables may be wrong, and are believed where none follow
            return starts, min(end, position + _NEAR_BYTES) if following.count(_frame_mark(file, starts[-1])) < 3 else end
        starts.append(position)
    return starts, end


def _frame_mark(file: SeekableBytes, start: int) -> bytes:
    """How the first frame begins of the MP3 at a place."""
    file.seek(_after_tags(file, start))
    return file.read(2)


def before_tags(file: SeekableBytes) -> int:
    """Where the tags begin with which a file ends; its end where it has none."""
    end = size_of(file)
    while True:
        file.seek(max(0, end - 128))
        tail = file.read(end - max(0, end - 128))
        if tail.startswith(b"TAG"):
            length = 128
        elif tail[-32:].startswith(b"APETAGEX"):
            length = int.from_bytes(tail[-20:-16], "little") + (32 if tail[-9] & 0x80 else 0)  # with a header as well
        else:
            found = re.search(rb"(\d{6})LYRICS200$", tail)
            length = int(found[1]) + 15 if found else 0
        if not 0 < length <= end:
            return end
        end -= length


def ends_in_no_audio(file: SeekableBytes) -> bool:
    """Whether a file ends in zeros, or in an ID3 tag, of which nothing at its end tells where it begins."""
    end = size_of(file)
    begin = max(0, end - _BLOCK)
    file.seek(begin)
    tail = file.read()
    tags = [begin + found.start() for found in re.finditer(rb"ID3[\x02-\x04]\x00", tail)]
    return not any(tail[-_FEWEST_ZEROS:]) or any(_after_tags(file, tag) >= end for tag in tags)


def without_tag(file: SeekableBytes) -> SeekableBytes:
    """A file without the tag before it, where libsndfile expects none: in another format than MP3, or a tag with a footer.

    Raises:
        HeaderError: There is no more than a part of the tag.
    """
    file.seek(0)
    head, start = file.read(6), _after_tags(file, 0)
    with_footer = head.startswith(b"ID3") and head[-1] & _FOOTER
    if start > size_of(file):
        raise HeaderError(f"is cut off: holds {size_of(file)} bytes, expected audio after the {start} of the tag that it begins with")
    file.seek(start)
    return Excerpt(file, start) if start and (with_footer or file.read(4) in BEGINNINGS) else file


def _nearest(file: SeekableBytes, place: int) -> int:
    """Where a tag, or another file, begins about here, as tables are some bytes wrong; the place itself where none does."""
    begin = max(0, place - _NEAR_BYTES)
    file.seek(begin)
    found = [begin + tag.start() for tag in _FOLLOWING.finditer(file.read(2 * _NEAR_BYTES))]
    return min(found, key=lambda start: abs(start - place), default=place)


def has_table(file: SeekableBytes) -> bool:
    """Whether an MP3 has the table, in its first frame, that says how long it is; without one, its length is estimated."""
    return _end_by_table(file, 0) is not None


def _end_by_table(file: SeekableBytes, start: int) -> int | None:
    """Where the MP3 ends that begins at a place, 0 where its table does not say; None without a table."""
    first = _after_tags(file, start)
    file.seek(first)
    frame = file.read(_LONGEST_FRAME)
    if found := re.search(rb"(?:Xing|Info)...(.)", frame, re.DOTALL):
        flags = found[1][0]
        place = found.end() + (4 if flags & 1 else 0)
        size = int.from_bytes(frame[place : place + 4], "big") if flags & 2 else 0
        return first + size if size else 0
    if found := re.search(rb"VBRI", frame):
        return first + int.from_bytes(frame[found.start() + 10 : found.start() + 14], "big")
    return None


def _after_tags(file: SeekableBytes, position: int) -> int:
    """Where the audio begins that may stand behind tags."""
    while True:
        file.seek(position)
        head = file.read(32)
        if head.startswith(b"ID3"):  # 7 bits a byte
            position += 10 + sum((byte & 127) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=False))
            position += 10 if head[5:6] and head[5] & _FOOTER else 0
        elif head.startswith(b"TAG"):
            position += 128
        elif head.startswith(b"APETAGEX"):
            position += 32 + int.from_bytes(head[12:16], "little")
        else:
            return position
