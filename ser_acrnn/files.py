"""Files that appear whole or not at all, their checksums, and how many of them are shared out evenly."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import re
import socket
import struct
import uuid
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

PARTIAL = ".partial"  # how the name of a file ends that is being written
_NAME_LETTERS = 50  # of a name that are in that of what is being written; it may have 255 bytes
_CLOCK_SECONDS = 2.0  # by which the times of processes and of files may disagree
# What is raised of an `.npz`, or another ZIP archive, that is damaged or has been cut off.
DAMAGED_ARCHIVE = (EOFError, LookupError, OSError, RuntimeError, TypeError, ValueError, struct.error, zipfile.BadZipFile, zlib.error)


class WriteError(ValueError, OSError):
    """A file that cannot be written; the message names it, and says why."""


def check_target(path: str | Path) -> None:
    """Refuses the name of a file that cannot be written, before the work whose result it is to hold.

    Raises:
        WriteError: It is a folder, below a file, too long, or where nothing may be written.
    """
    path = Path(path)
    try:
        if path.is_dir() and not path.is_symlink():
            raise WriteError(f"{path}: is a folder, expected the name of a file")
        above = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
        if not above.is_dir():
            raise WriteError(f"{path}: cannot be written ({above} is no folder), expected a name in a folder")
        if not os.access(path if path.exists() else above, os.W_OK):
            raise WriteError(f"{path}: cannot be written (no permission), expected a place that may be written to")
    except OSError as error:
        if isinstance(error, WriteError):
            raise
        raise WriteError(f"{path}: cannot be written ({error.strerror}), expected another name") from error


def check_no_input(outputs: Iterable[str | Path | None], inputs: Iterable[str | Path | None]) -> None:
    """Refuses to write over a file that is read, or two results to one file, before the work whose results they are to hold.

    Args:
        outputs: Files to be written; None for one that is not wanted.
        inputs: Files that are read, some of which may not be there; None likewise.

    Raises:
        WriteError: Two of them are the same file; the message names both.
    """
    read, written = [path for path in inputs if path is not None], list[str | Path]()
    for output in [path for path in outputs if path is not None]:
        if over := next((path for path in read if _same_file(output, path)), None):
            raise WriteError(f"{output}: would be written over {over}, which is read; expected another name")
        if over := next((path for path in written if _same_name(output, path)), None):
            raise WriteError(f"{output}: would be written over {over}, which is written too; expected another name")
        written.append(output)


def _same_file(output: str | Path, other: str | Path) -> bool:
    """Whether two names are of one file; a terminal can be both read and written."""
    try:
        return os.path.isfile(output) and os.path.samefile(output, other)
    except (OSError, ValueError):  # the other one is not there
        return False


def _same_name(output: str | Path, other: str | Path) -> bool:
    return os.path.realpath(output) == os.path.realpath(other) and (os.path.isfile(output) or not os.path.exists(output))


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A file, or a link, to be made in place of another: it takes the name when the block ends, and is gone where the block raises.

    What a killed process has left of the same file is removed, see `leftovers`.

    Threads, processes and hosts that write the same file at the same time do not see each other's; the last one to end stays.

    Args:
        path: The name; its folder is made.

    Yields:
        Another name in the same folder, where nothing is yet; of a device or a pipe its own.

    Raises:
        WriteError: See `check_target`; or the disk is full.
    """
    path = Path(path)
    check_target(path)
    device = path.exists() and not (path.is_file() or path.is_dir())  # which a file must not replace
    name = path.name[:_NAME_LETTERS]
    partial = path if device else path.with_name(f"{name}.{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}{PARTIAL}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in leftovers(path.parent, glob.escape(name)):
            with contextlib.suppress(OSError):
                left.unlink()
        yield partial
        if not device:
            os.replace(partial, path)
    except OSError as error:
        if isinstance(error, WriteError) or error.filename not in (None, partial, str(partial)):
            raise
        raise WriteError(f"{path}: cannot be written ({error.strerror or error}), expected a place with room") from error
    finally:
        if not device:
            partial.unlink(missing_ok=True)


def leftovers(folder: Path, name: str = "*") -> list[Path]:
    """What processes of this host that are gone were writing in a folder; what others are writing is not among it.

    Args:
        folder: The folder.
        name: Pattern of the names of what was to be written.
    """
    ours = re.compile(rf"\.{re.escape(socket.gethostname())}-(\d+)-[0-9a-f]{{8}}{re.escape(PARTIAL)}")
    # Whatever a library that writes wants a name to end in may follow.
    found = [(path, ours.search(path.name)) for path in sorted(folder.glob(f"{name}.*{PARTIAL}*"))]
    return [path for path, match in found if match and not _may_write(int(match[1]), path)]


def remove_with_leftovers(path: Path) -> None:
    """Removes a file, those whose names begin with its own, and what killed processes were writing of it."""
    path.unlink(missing_ok=True)
    for left in {*path.parent.glob(f"{glob.escape(path.name)}*"), *leftovers(path.parent, glob.escape(path.name[:_NAME_LETTERS]))}:
        left.unlink(missing_ok=True)


def _may_write(process: int, path: Path) -> bool:
    """Whether a process is there, and not a later one with the number of the one that began to write."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    try:
        return _began(process) <= path.stat().st_mtime + _CLOCK_SECONDS
    except (OSError, LookupError, ValueError):  # it has ended, or the system does not say
        return True


def _began(process: int) -> float:
    """When a process began, in seconds since 1970, where there is Linux's /proc."""
    ticks = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime"))
    return int(boot.split()[1]) + int(ticks) / os.sysconf("SC_CLK_TCK")


def write_text(path: str | Path, text: str) -> None:
    """Writes a text in UTF-8, with the line ends that it has."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def sha256(path: str | Path) -> str:
    """A file's sha256 in lower-case hexadecimal digits."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of(text: str) -> str:
    """The sha256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def state(file: Path | int) -> tuple[int, int, int]:
    """What tells a file, by its path or its open descriptor, from a later one of the same name: inode, bytes, and when it was written."""
    found = os.stat(file)
    return found.st_ino, found.st_size, found.st_mtime_ns


def balanced(sizes: Mapping[str, int], number: int) -> list[list[str]]:
    """Divides names into at most so many groups, none empty: each name, the largest first, to the group that is smallest so far."""
    groups: list[list[str]] = [[] for _ in range(min(number, len(sizes)))]
    totals = [0] * len(groups)
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        smallest = min(range(len(groups)), key=lambda index: (totals[index], len(groups[index])))
        groups[smallest].append(name)
        totals[smallest] += sizes[name]
    return [sorted(group) for group in groups]
