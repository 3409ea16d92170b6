"""Layouts of samples that libsndfile takes for others without a word: such files are left to FFmpeg, or refused.

Seen with libsndfile 1.2: it does not look at the subformat of an extensible W64, takes samples of AIFF-C to be as wide as is announced, and
of several tracks in Ogg hears the first alone.
"""

from __future__ import annotations

import struct

from ser_acrnn.audio import containers
from ser_acrnn.audio.excerpts import SeekableBytes

_EXTENSIBLE, _PCM = 0xFFFE, 1
_WIDTHS = {b"in24": 24, b"in32": 32}  # bits of AIFF-C's compression types
_PAGE = 27  # bytes of an Ogg page before its table of segments
_FIRST = 2  # flag of the page that a track begins with


def misread(file: SeekableBytes, kind: str) -> str:
    """What libsndfile would take for something else; "" where it reads what is there.

    Args:
        file: The file, from its beginning.
        kind: Its format, as libsndfile calls it.
    """
    found = {"W64": _w64, "AIFF": _aiff, "OGG": _ogg}.get(kind)
    try:
        return found(file) if found else ""
    except struct.error:  # a chunk that breaks off is named by who reads it
        return ""


def check(file: SeekableBytes) -> None:
    """Refuses what FFmpeg too takes for something else: CAF whose samples fill less than their packets.

    Raises:
        HeaderError: It is such a file.
    """
    content = containers.chunk(file, b"desc")
    if len(content) < 32 or content[8:12] != b"lpcm":
        return
    packet, _, channels, bits = struct.unpack_from(">IIII", content, 16)
    if packet != (packed := channels * -(-bits // 8)):
        raise containers.HeaderError(f"holds {channels} x {bits} bits in {packet} bytes, expected {packed}: save it with packed samples")


def _w64(file: SeekableBytes) -> str:
    content = containers.chunk(file, b"fmt ")
    (tag,) = struct.unpack_from("<H", content)
    if tag != _EXTENSIBLE:
        return ""
    (subformat,) = struct.unpack_from("<H", content, 24)
    return "" if subformat == _PCM else f"a W64 of the subformat {subformat}"


def _aiff(file: SeekableBytes) -> str:
    content = containers.chunk(file, b"COMM")
    if len(content) < 22:
        return ""
    (bits,) = struct.unpack_from(">h", content, 6)
    width = _WIDTHS.get(content[18:22], bits)
    return "" if width == bits else f"an AIFF-C of {width} bits that announces {bits}"


def _ogg(file: SeekableBytes) -> str:
    file.seek(0)
    page = file.read(_PAGE)
    lengths = file.read(page[26]) if len(page) == _PAGE else b""
    file.seek(_PAGE + len(lengths) + sum(lengths))
    following = file.read(6)
    return "an Ogg of several tracks" if following[:4] == b"OggS" and following[5:] and following[5] & _FIRST else ""
