"""The recordings that a command is given: files, folders of them, and what comes through a pipe."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import typer

from ser_acrnn.audio.suffixes import AUDIO_SUFFIXES
from ser_acrnn.cli.failures import running

STANDARD_INPUT = "-"
LARGEST_PIPE_BYTES = 2**31  # as a WAV may have
_BLOCK_BYTES = 2**20
_SPOOLED = "ser_acrnn.cli.inputs"  # where the command's context has the names that were given


def recordings(files: Sequence[Path]) -> Iterator[Path]:
    """The files, and those that folders hold, by their suffix, sorted; `-` and pipes are read to files that the end of the command removes.

    What is skipped in a folder is told at the end of the command.

    Raises:
        ValueError: A pipe is empty, or has too much.
    """
    for path in files:
        if str(path) == STANDARD_INPUT or (os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)):
            yield _spooled(path)
        elif os.path.isdir(path):
            yield from _inside(path)
        else:
            yield path


def shown(text: object) -> str:
    """A text in which what came through a pipe has the name that it was given."""
    found = str(text)
    for kept, given in running().meta.get(_SPOOLED, {}).items():
        found = found.replace(kept, given)
    return found


def _place(given: Path) -> Path:
    """The name of a file that is shown as another, and removed when the command ends."""
    context, folder = running(), tempfile.TemporaryDirectory(prefix="ser_acrnn-")
    context.call_on_close(folder.cleanup)
    kept = Path(folder.name, "recording")
    context.meta.setdefault(_SPOOLED, {})[str(kept)] = str(given)
    return kept


def _spooled(pipe: Path) -> Path:
    kept = _place(pipe)
    with nullcontext(sys.stdin.buffer) if str(pipe) == STANDARD_INPUT else pipe.open("rb") as source, kept.open("wb") as target:
        while len(block := source.read(_BLOCK_BYTES)):
            target.write(block)
            if target.tell() > LARGEST_PIPE_BYTES:
                raise ValueError(f"{pipe}: holds more than {LARGEST_PIPE_BYTES:,} bytes, expected a recording of at most that")
    return kept


def _inside(folder: Path) -> list[Path]:
    """The audio files of a folder and of those in it, also where links lead; each folder once."""
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
    if not found:
        raise typer.BadParameter(
            f"{folder}: holds no audio file, expected some of {' '.join(AUDIO_SUFFIXES)}" + (f"; skipped {said}" if said else "")
        )
    if said:
        running().call_on_close(lambda: typer.echo(f"{folder}: skipped {said}", err=True))
    return sorted(found)
