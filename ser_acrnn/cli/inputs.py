"""The recordings that a command is given: files, folders of them, and what comes through a pipe."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import typer

from ser_acrnn import tables
from ser_acrnn.audio.suffixes import AUDIO_SUFFIXES
from ser_acrnn.cli.running import printable, running, say, show_as

STANDARD_INPUT = "-"
PATH = "path"  # column of labels
LARGEST_PIPE_BYTES = 2**31  # as a WAV may have
_BLOCK_BYTES = 2**20


def recordings(files: Sequence[Path]) -> Iterator[Path]:
    """The files, and those that folders hold, by their suffix, sorted; `-` and pipes are read to files that the end of the command removes.

    What is skipped in a folder is told at the end of the command. Beside others, a folder without recordings stands for itself, as what
    cannot be used.

    Raises:
        ValueError: A pipe is empty, or has too much.
    """
    for path in files:
        if str(path) == STANDARD_INPUT or _is_pipe(path):
            yield _spooled(path)
        elif os.path.isdir(path):
            yield from _inside(path, len(files) == 1)
        else:
            yield path


def table(path: Path) -> Path:
    """A table that can be read again and again: what comes through a pipe is read to a file that the end of the command removes.

    Raises:
        ValueError: It has too much.
    """
    if not _is_pipe(path):
        return path
    kept = _spooled(path)
    show_as(str(kept.parent), str(path.parent))  # to which the paths in it are relative
    return kept


def labelled(labels: Path) -> list[Path]:
    """The recordings that a CSV of labels names; none where it has no column of them.

    Raises:
        ValueError: The CSV cannot be read, see `ser_acrnn.tables.read`.
    """
    found = tables.read(labels)
    if PATH not in found.columns:
        return []
    return [labels.parent / cells[found.columns.index(PATH)] for _, cells in found.rows]


def _is_pipe(path: Path) -> bool:
    """Also a device, such as `/dev/stdin` where that is a terminal; not a socket, which cannot be opened."""
    return os.access(path, os.R_OK) and (path.is_fifo() or path.is_char_device())


def _place(given: Path) -> Path:
    """The name of a file that is shown as another, and removed when the command ends."""
    folder = tempfile.TemporaryDirectory(prefix="ser_acrnn-")
    running().call_on_close(folder.cleanup)
    kept = Path(folder.name, "recording")
    show_as(str(kept), str(given))
    return kept


def _spooled(pipe: Path) -> Path:
    kept = _place(pipe)
    with nullcontext(sys.stdin.buffer) if str(pipe) == STANDARD_INPUT else pipe.open("rb") as source, kept.open("wb") as target:
        while len(block := source.read(_BLOCK_BYTES)):
            target.write(block)
            if target.tell() > LARGEST_PIPE_BYTES:
                raise ValueError(f"{pipe}: holds more than {LARGEST_PIPE_BYTES:,} bytes, expected a recording of at most that")
    return kept


def _inside(folder: Path, alone: bool) -> list[Path]:
    """The audio files of a folder and of those in it, also where links lead; each folder once. Without any, an error if it is alone."""
    found: list[Path] = []
    skipped: dict[str, list[str]] = {}

    def skip(why: str, path: str) -> None:
        skipped.setdefault(why, []).append(os.path.relpath(path, folder))

    been: set[tuple[int, int]] = set()
    for at, folders, names in os.walk(folder, onerror=lambda error: skip("that cannot be listed", error.filename), followlinks=True):
        place = os.stat(at)
        if (place.st_dev, place.st_ino) in been:
            skip("linked to a folder that is heard already", at)
            folders.clear()
            continue
        been.add((place.st_dev, place.st_ino))
        for name in [name for name in folders if name.startswith(".")]:
            skip("hidden", os.path.join(at, name))
            folders.remove(name)
        folders.sort()  # of two ways to a folder, always the same one
        for name in sorted(names):
            path = os.path.join(at, name)
            if name.startswith("."):
                skip("hidden", path)
            elif os.path.splitext(name)[1].lower() not in AUDIO_SUFFIXES:
                skip("of other kinds", path)
            elif os.path.exists(path) and not os.path.isfile(path):
                skip("that are no files", path)
            else:
                found.append(Path(path))
    said = ", ".join(f"{len(paths)} {why} (such as {min(paths)})" for why, paths in skipped.items())
    if not found and alone:
        raise typer.BadParameter(
            printable(f"{folder}: holds no audio file, expected some of {' '.join(AUDIO_SUFFIXES)}" + (f"; skipped {said}" if said else ""))
        )
    if said:
        running().call_on_close(lambda: say(f"{folder}: skipped {said}"))
    return sorted(found) or [folder]
