"""The rows of an array in an `.npz`, some at a time and in any order, so that the array need not fit into memory. NumPy only."""

from __future__ import annotations

import math
import struct
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ser_acrnn import files

_LOCAL_HEADER_BYTES = 30  # of a file in a ZIP archive, which ends with the lengths of the name and of what else stands before its content


class StoredRows:
    """Rows of an array that `numpy.savez` wrote. No file stays open.

    Args:
        path: The archive; all of it is checked.
        name: Of the array.

    Attributes:
        shape: Of the array.
        dtype: Likewise.

    Raises:
        KeyError: The archive has no such array.
        ValueError: It is damaged or compressed, or the array's rows do not lie one behind the other.
        zipfile.BadZipFile: It is no archive.
    """

    def __init__(self, path: str | Path, name: str) -> None:
        self.path, self._state = Path(path), files.state(Path(path))
        with zipfile.ZipFile(path) as archive:
            if damaged := archive.testzip():
                raise ValueError(f"{damaged} is damaged")
            member = archive.getinfo(f"{name}.npy")
            with archive.open(member) as stream:
                version = np.lib.format.read_magic(stream)
                header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                self.shape, by_columns, self.dtype = header(stream)
                before = stream.tell()
        if member.compress_type != zipfile.ZIP_STORED or by_columns:
            raise ValueError(f"{name} is compressed or stored by columns, expected what numpy.savez writes of an ordinary array")
        with self.path.open("rb") as file:
            file.seek(member.header_offset)
            lengths = struct.unpack("<HH", file.read(_LOCAL_HEADER_BYTES)[-4:])
        self._first = member.header_offset + _LOCAL_HEADER_BYTES + sum(lengths) + before

    def read(self, start: int, end: int) -> NDArray:
        """Rows `start` to `end - 1`, shape `(end - start, ...)`.

        Raises:
            FileNotFoundError: The archive is gone.
            ValueError: It has changed since it was opened.
        """
        values = math.prod(self.shape[1:])
        with self.path.open("rb") as stream:
            if files.state(stream.fileno()) != self._state:
                raise ValueError(f"{self.path}: has changed since it was opened, expected the same file until the end; start again")
            stream.seek(self._first + int(start) * values * self.dtype.itemsize)
            return np.fromfile(stream, self.dtype, int(end - start) * values).reshape(-1, *self.shape[1:])
