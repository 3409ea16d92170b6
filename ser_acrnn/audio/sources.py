"""What a recording is handed over as: a path, bytes, an open file or samples; its name in errors, and a file of bytes to read it from."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, TypeGuard

from numpy.typing import ArrayLike

from ser_acrnn.audio.excerpts import Excerpt, SeekableBytes
from ser_acrnn.audio.waveforms import AudioError, is_torchcodec

Encoded: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
Recorded: TypeAlias = Encoded | ArrayLike | Mapping[str, Any] | tuple[Any, Any]  # samples, alone or with their rate, as well

_HELD_IN_MEMORY = 2**26  # bytes of what cannot be sought in; more goes to a temporary file


def is_encoded(recording: Any) -> TypeGuard[Encoded]:
    """Whether a recording is a file, its bytes or an open one, rather than samples."""
    return isinstance(recording, (str, os.PathLike, bytes, bytearray, memoryview)) or hasattr(recording, "read")


def unwrapped(recording: Any) -> Any:
    """The file in a mapping of `bytes` and `path`, one of which may be None, as Hugging Face's datasets have audio that is not decoded."""
    if not isinstance(recording, Mapping) or not recording.keys() <= {"bytes", "path"}:
        return recording
    held, path = recording.get("bytes"), recording.get("path")
    if not isinstance(held, (bytes, bytearray, memoryview)):
        return path if held is None and path is not None else recording
    file = io.BytesIO(held)
    if path is not None:
        file.name = path
    return file


def name_of(recording: Any) -> str:
    """What errors call it; empty of samples and bytes."""
    if isinstance(recording, (str, os.PathLike)):
        return os.fspath(recording)
    name = getattr(recording, "name", "") if hasattr(recording, "read") else ""
    return name if isinstance(name, str) else ""


def complaint_about(recording: Any, complaint: str) -> str:
    """A complaint that names the recording where it has a name."""
    name = name_of(recording)
    return f"{name}: {complaint}" if name else complaint


def several(recordings: Iterable[Recorded]) -> Iterable[Recorded]:
    """The recordings, unless they are one. An array or a series holds several where these are paths, and one where they are numbers.

    Raises:
        ValueError: It is one recording, whose letters, samples or keys would be taken for recordings.
    """
    if getattr(recordings, "ndim", 1) > 1 and (hasattr(recordings, "columns") or _kind(recordings) in "OU"):
        raise ValueError(f"recordings are a {type(recordings).__name__} with columns, expected one of them, such as table['path']")
    is_samples = getattr(recordings, "ndim", 2) < 2 and _kind(recordings) not in "OU"
    is_one = is_encoded(recordings) or isinstance(recordings, Mapping) or is_torchcodec(recordings) or is_samples
    if is_one or not isinstance(recordings, Iterable):
        raise ValueError(f"recordings is a single {type(recordings).__name__}, expected several recordings, such as [recording]")
    return recordings


def _kind(recordings: Any) -> str:
    """Of an array's values, as NumPy's letter for it; those of any other thing are taken for numbers."""
    return getattr(getattr(recordings, "dtype", None), "kind", "f")


def repeatable(recording: Any) -> Any:
    """The recording in a form that can be read twice: of an open file that cannot be sought in, the bytes."""
    return recording.read() if hasattr(recording, "read") and not _is_seekable(recording) else recording


@contextmanager
def opened(recording: Encoded) -> Iterator[SeekableBytes]:
    """Opens a recording for reading bytes anywhere in it; an open file is read from where it stands, and stands there again afterwards.

    Raises:
        OSError: It cannot be read.
        AudioError: It was opened as text, or is closed.
    """
    if isinstance(recording, (str, os.PathLike)):
        with Path(recording).open("rb") as file:
            yield file
    elif isinstance(recording, (bytes, bytearray, memoryview)):
        yield io.BytesIO(bytes(recording))
    elif not isinstance(nothing := _read_nothing(recording), bytes):
        what = "a file that was opened as text" if isinstance(nothing, str) else f"a {type(recording).__name__} that gives no bytes"
        raise AudioError(complaint_about(recording, f"is {what}, expected a file opened for reading bytes"))
    elif _is_seekable(recording):
        reader = _Reader(recording)
        begin = reader.tell()
        yield Excerpt(reader, begin)
        reader.seek(begin)
    else:
        with tempfile.SpooledTemporaryFile(_HELD_IN_MEMORY) as kept:
            shutil.copyfileobj(_Reader(recording), kept)
            yield kept


class _Reader:
    """An open file of whatever kind, such as a member of an archive or an answer over a network: all its errors are an `OSError`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1, /) -> bytes:
        return self._tried(self._file.read, size)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> object:
        return self._tried(self._file.seek, offset, whence)

    def tell(self) -> int:
        return self._tried(self._file.tell)

    def _tried(self, call: Callable[..., Any], *arguments: int) -> Any:
        try:
            return call(*arguments)
        except OSError:
            raise
        except Exception as error:  # of a kind of its own
            raise OSError(f"{type(error).__name__}: {error}") from error


def _read_nothing(file: BinaryIO) -> object:
    try:
        return file.read(0)
    except OSError:
        raise
    except Exception as error:  # a closed file, or one of a kind of its own
        raise AudioError(complaint_about(file, f"cannot be read ({error}), expected a file opened for reading bytes")) from error


def _is_seekable(file: BinaryIO) -> bool:
    """Also a memory map, which does not say so before Python 3.13."""
    return file.seekable() if hasattr(file, "seekable") else hasattr(file, "seek") and hasattr(file, "tell")
