"""A stretch of a file behind a header of its own, as a file."""

from __future__ import annotations

import io
import os
from typing import Protocol

MOST_IN_MEMORY_BYTES = 2**20


class SeekableBytes(Protocol):
    """A file that is opened for reading bytes anywhere in it."""

    def read(self, size: int = -1, /) -> bytes:
        """So many bytes, or all that are left."""
        ...

    def seek(self, offset: int, whence: int = 0, /) -> object:
        """Goes to a place; not all say to which."""
        ...

    def tell(self) -> int:
        """The place."""
        ...


class Excerpt(io.RawIOBase):
    """Some bytes, then a stretch of a file; nothing is copied, and closing it leaves the file open.

    Args:
        file: The file.
        start: The first byte of the stretch.
        end: The byte after its last; None for the end of the file.
        head: What comes before.
    """

    def __init__(self, file: SeekableBytes, start: int = 0, end: int | None = None, head: bytes = b"") -> None:
        super().__init__()
        self.file, self.head, self.start, self.end = file, head, start, size_of(file) if end is None else end
        self._position = 0

    def __len__(self) -> int:
        return len(self.head) + self.end - self.start

    def again(self) -> Excerpt:
        """The same from its beginning, with a position of its own."""
        return Excerpt(self.file, self.start, self.end, self.head)

    def in_memory(self) -> io.BytesIO | Excerpt:
        """The same from its beginning; all of it in memory where that is little, as libsndfile asks for a header byte by byte."""
        return io.BytesIO(self.again().read()) if len(self) <= MOST_IN_MEMORY_BYTES else self.again()

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Bytes before the next one, those of the header included."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes to a place and returns it."""
        self._position = max(0, offset + (0, self._position, len(self))[whence])
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # any buffer
        """Fills as much of a buffer as there is, and returns how much."""
        wanted = len(buffer)
        found = self.head[self._position : self._position + wanted]
        if left := wanted - len(found):
            place = self.start + self._position + len(found) - len(self.head)
            self.file.seek(place)
            found += self.file.read(max(0, min(left, self.end - place)))
        buffer[: len(found)] = found
        self._position += len(found)
        return len(found)


def size_of(file: SeekableBytes) -> int:
    """Bytes of an open file."""
    file.seek(0, os.SEEK_END)
    return file.tell()
