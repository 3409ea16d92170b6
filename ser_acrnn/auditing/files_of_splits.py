"""One file of a split -> its rows: CSV, JSON lines as EmoBox has them, JSON as SpeechBrain and S3PRL have it, Parquet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ser_acrnn import tables
from ser_acrnn.auditing.columns import Columns, row_of
from ser_acrnn.auditing.split import Row, SplitError, part_named

SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
_FOLD = re.compile(r"(?:^|[^a-z])(?:fold|cv)[_-]?(\d+)(?![a-z0-9])", re.IGNORECASE)


def rows(path: Path, columns: Columns, *, part: str | None = None, fold: str | None = None) -> list[Row]:
    """The rows of a file.

    Args:
        path: The file.
        columns: Names of columns that a user gives.
        part: What it is where no column says so; None: what its name, or its folder's, says.
        fold: Likewise.

    Raises:
        SplitError: It cannot be read; a column or value is missing.
    """
    part, fold = part_of(path) if part is None else part, fold_of(path) if fold is None else fold
    listed = list(entries(path))
    if not listed:
        raise SplitError(f"{path}: holds no recording, expected one at least")
    roles = columns.found(list(dict.fromkeys(column for _, cells in listed for column in cells)), str(path))
    if part and not columns.part and not any(part_named(str(cells.get(roles.get("part", "")))) for _, cells in listed):
        roles.pop("part", None)  # numbers, say, where the file's name is clear
    return [row_of(cells, roles, where, part, fold) for where, cells in listed]


def part_of(path: Path) -> str:
    """What the name of a file says that it is, such as `emodb_test_fold_1.jsonl`, or else the folder's; "" where neither does."""
    return _only_part(path.stem) or part_named(path.parent.name)


def fold_of(path: Path) -> str:
    """The number of the fold in a file's name, or else in its folder's; ""."""
    found = _FOLD.search(path.stem) or _FOLD.search(path.parent.name)
    return found[1] if found else ""


def _only_part(stem: str) -> str:
    found = {part_named(word) for word in re.split(r"[^a-z]+", stem.casefold())} - {""}
    return found.pop() if len(found) == 1 else ""


def entries(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields where each entry of a file stands, and what it says.

    Raises:
        SplitError: The file cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        try:
            table = tables.read(path)
        except tables.TableError as error:
            raise SplitError(str(error)) from error
        yield from ((f"{path}, line {line}", dict(zip(table.columns, cells, strict=True))) for line, cells in table.rows)
    elif suffix == ".jsonl":
        yield from _lines(path)
    elif suffix == ".json":
        yield from _objects(path)
    elif suffix == ".parquet":
        yield from _parquet(path)
    else:
        raise SplitError(f"{path}: ends in {suffix!r}, expected a folder or a file that ends in one of {', '.join(SUFFIXES)}")


def _lines(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(text_of(path).splitlines(), 1):
        if line.strip():
            yield f"{path}, line {number}", _object(_parsed(line, f"{path}, line {number}"), f"{path}, line {number}")


def _objects(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Those of a list, also one that stands beside other things, as S3PRL has it; or of an object in which each name has one."""
    found = _parsed(text_of(path), str(path))
    if isinstance(found, dict) and len(lists := [one for one in found.values() if isinstance(one, list)]) == 1:
        found = lists[0]
    if isinstance(found, list):
        yield from ((f"{path}, entry {number}", _object(entry, f"{path}, entry {number}")) for number, entry in enumerate(found, 1))
    else:
        for name, entry in _object(found, str(path)).items():
            yield f"{path}, {name!r}", {"id": name, **_object(entry, f"{path}, {name!r}")}


def _object(found: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise SplitError(f"{where}: holds {json.dumps(found)[:60]}, expected an object with the names of columns and their values")
    return found


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SplitError(f"{where}: is no JSON ({error}), expected an object") from error


def text_of(path: Path) -> str:
    """A text file in UTF-8.

    Raises:
        SplitError: It cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SplitError(f"{path}: cannot be read ({error.strerror}), expected a file") from error
    except UnicodeDecodeError as error:
        raise SplitError(f"{path}: cannot be read ({error.reason}), expected a text in UTF-8") from error


def _parquet(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    import pandas as pd

    try:
        table = pd.read_parquet(path)
    except (ImportError, OSError, ValueError) as error:
        reason = "PyArrow is not installed" if isinstance(error, ImportError) else error
        raise SplitError(f"{path}: cannot be read ({reason}), expected a Parquet file and PyArrow, or the table as CSV") from error
    table = table.reset_index() if any(table.index.names) else table
    texts = table.astype(object).where(table.notna(), None)
    for number, entry in enumerate(texts.to_dict("records"), 1):
        yield f"{path}, row {number}", {str(column): value for column, value in entry.items()}
