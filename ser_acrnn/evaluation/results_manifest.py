"""The corpus beside its results: `corpus.csv`, who says each utterance with which emotion, and the checksum that guards it.

It holds neither audio nor paths. `sha256sum -c corpus.sha256` checks it, as reading does.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ser_acrnn import files

if TYPE_CHECKING:
    import pandas as pd

MANIFEST, CHECKSUM = "corpus.csv", "corpus.sha256"


class ResultError(ValueError):
    """A result file, or the manifest beside results, that cannot be used; the message names it."""


class Row(NamedTuple):
    """An utterance of the corpus; `sha256` is of its audio file, and `session` is empty where the corpus has none."""

    utterance: str
    speaker: str
    session: str
    emotion: str
    sha256: str


def rows_of(prepared: pd.DataFrame) -> list[Row]:
    """The rows of a prepared corpus's manifest, sorted by utterance."""
    return sorted(map(Row._make, prepared[list(Row._fields)].itertuples(index=False)))


def write(directory: str | Path, rows: Iterable[Row]) -> None:
    """Writes the manifest, and before it the checksum, so that a manifest never stands without one."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([Row._fields, *sorted(rows)])
    for name, content in ((CHECKSUM, f"{files.sha256_of(text.getvalue())}  {MANIFEST}\n"), (MANIFEST, text.getvalue())):
        files.write_text(Path(directory) / name, content)


def read(directory: str | Path) -> list[Row] | None:
    """Reads the manifest of a folder of results; None where there is neither it nor its checksum.

    Raises:
        ResultError: It is not what was written.
    """
    path, checksum = Path(directory) / MANIFEST, Path(directory) / CHECKSUM
    if not path.exists() and not checksum.exists():
        return None
    try:
        text, expected = path.read_text(encoding="utf-8"), checksum.read_text(encoding="utf-8").partition(" ")[0]
    except (OSError, ValueError) as error:
        raise ResultError(f"{path}: cannot be checked ({error}), expected it and {CHECKSUM} beside it") from error
    if (found := files.sha256_of(text)) != expected:
        raise ResultError(f"{path}: was changed: its sha256 is {found}, expected {expected} as {CHECKSUM} has it")
    header, *rows = list(csv.reader(io.StringIO(text))) or [[]]
    if tuple(header) != Row._fields:
        raise ResultError(f"{path}: has the columns {header}, expected {list(Row._fields)}")
    if wrong := [row for row in rows if len(row) != len(header)]:
        raise ResultError(f"{path}: has the row {','.join(wrong[0])!r}, expected {len(header)} fields in each")
    if twice := [name for name, number in Counter(row[0] for row in rows).items() if number > 1]:
        raise ResultError(f"{path}: has the utterance {twice[0]!r} twice, expected each once")
    return [Row(*row) for row in rows]


def settle(directory: str | Path, rows: Iterable[Row]) -> None:
    """Writes the manifest where there is none, so that all results of a folder are of one corpus; processes may do so at the same time.

    Raises:
        ResultError: It is that of another corpus; the message names the first utterance that differs.
    """
    there = read(directory) if (Path(directory) / MANIFEST).is_file() else None
    if there is None:
        write(directory, rows)
        return
    old, new = ({row.utterance: row for row in side} for side in (there, rows))
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            before, now = (",".join(side[name]) if name in side else f"no {name}" for side in (old, new))
            raise ResultError(
                f"{Path(directory) / MANIFEST}: has {before}, but the prepared corpus has {now}; expected the corpus that the results "
                "there are of: move them away or give another folder"
            )
