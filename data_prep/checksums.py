"""What a folder of files is compared with: a checksum list, one sha256 a file."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ser_acrnn import files
from ser_acrnn.data.corpus import CorpusError


@dataclass(frozen=True)
class Comparison:
    """A folder against a checksum list; every tuple holds sorted file names.

    Attributes:
        matching: Files whose sha256 is the listed one.
        missing: Listed files that are not there.
        differing: Files with another sha256 than the listed one.
        unexpected: Files of a listed kind (by suffix) that are not on the list.
    """

    matching: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every listed file is there and matches; files that are not on the list do not matter."""
        return not self.missing and not self.differing

    @property
    def clean(self) -> bool:
        """Whether the folder holds the listed files and no others of their kind."""
        return self.complete and not self.unexpected

    def summary(self, examples: int = 3) -> str:
        """Returns one line with the number of files of each kind and the first names of those that are wrong."""
        parts = [f"{len(self.matching)} match"]
        for kind in ("missing", "differing", "unexpected"):
            if names := getattr(self, kind):
                parts.append(f"{len(names)} {kind} ({', '.join(names[:examples])}{', ...' if len(names) > examples else ''})")
        return ", ".join(parts)


def read_checksums(path: str | Path) -> dict[str, str]:
    """Reads a list as `sha256sum` writes it: a hexadecimal sha256, two spaces and a plain file name a line.

    Returns:
        File name -> sha256 in lower case.

    Raises:
        CorpusError: The list cannot be read, a line has another form, or a name occurs twice.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: cannot be read ({error}), expected a checksum list in UTF-8") from error
    checksums: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        match = re.fullmatch(r"([0-9a-fA-F]{64}) [ *]([^/\\]+)", line)
        if match is None or match[2] in (".", ".."):
            raise CorpusError(f"{path}, line {number}: {line!r}, expected a sha256, two spaces and a file name without folders")
        if match[2] in checksums:
            raise CorpusError(f"{path}, line {number}: {match[2]!r} occurs twice, expected one line a file")
        checksums[match[2]] = match[1].lower()
    return checksums


def list_files(folder: str | Path, suffixes: Collection[str]) -> list[Path]:
    """Returns a folder's files with one of the suffixes (lower case), sorted by name, without hidden ones such as AppleDouble `._*`.

    A link that leads nowhere, as git-annex leaves what it has not fetched, is among them: who reads it says so.
    """
    named = (path for path in Path(folder).iterdir() if path.suffix.lower() in suffixes and not path.name.startswith("."))
    return sorted(path for path in named if path.is_file() or not path.exists())


def list_files_below(folder: str | Path, suffixes: Collection[str]) -> list[Path]:
    """The same of a folder and all folders in it, also where links lead; each folder once."""
    found: list[Path] = []
    been: set[Path] = set()
    for at, folders, _ in os.walk(folder, followlinks=True):
        if (place := Path(at).resolve()) in been:
            folders.clear()
            continue
        been.add(place)
        folders.sort()
        found += list_files(at, suffixes)
    return sorted(found)


def compare(folder: str | Path, checksums: Mapping[str, str]) -> Comparison:
    """Compares the files of a folder with a checksum list (file name -> sha256); a folder that does not exist lacks every file."""
    folder = Path(folder)
    found: dict[str, list[str]] = {"matching": [], "missing": [], "differing": []}
    for name, expected in sorted(checksums.items()):
        if not (folder / name).is_file():
            found["missing"].append(name)
            continue
        found["matching" if files.sha256(folder / name) == expected else "differing"].append(name)
    suffixes = {Path(name).suffix.lower() for name in checksums}
    present = [path.name for path in list_files(folder, suffixes)] if folder.is_dir() else []
    return Comparison(
        **{kind: tuple(names) for kind, names in found.items()},
        unexpected=tuple(name for name in present if name not in checksums),
    )
