"""Databases in audformat, as audb publishes them: a header in YAML, and tables of files or segments as CSV or Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from ser_acrnn.auditing import files_of_splits
from ser_acrnn.auditing.columns import Columns
from ser_acrnn.auditing.split import Row, SplitError

HEADER = "db.yaml"
_GOLD = "gold_standard"


def rows(folder: Path, columns: Columns) -> list[Row]:
    """The recordings of all tables that have emotions and are of a split; speakers and sentences are taken from the other tables.

    Of a split that has a table of its gold standard, that one counts.

    Args:
        folder: With the header and the tables.
        columns: Names of columns that a user gives.

    Raises:
        SplitError: The header or a table cannot be read, or there is no such table.
    """
    header = _header(folder / HEADER)
    tables = {name: table for name, table in _dict(header.get("tables")).items() if _dict(table).get("type") in ("filewise", "segmented")}
    read = {
        name: files_of_splits.rows(_file(folder, name), columns, part=_part(header, name, table), fold="") for name, table in tables.items()
    }
    labelled = {
        name: found for name, found in read.items() if any(row.recording.emotion for row in found) and all(row.part for row in found)
    }
    if gold := {name: found for name, found in labelled.items() if name.endswith(_GOLD)}:
        labelled = gold
    if not labelled:
        raise SplitError(f"{folder / HEADER}: has the tables {list(tables)}, expected one of emotions whose split is named")
    said: dict[str, dict[str, str]] = {}
    for row in (row for found in read.values() for row in found):
        known = {role: getattr(row.recording, role) for role in ("speaker", "text", "session", "sex")}
        said.setdefault(row.recording.path, {}).update({role: value for role, value in known.items() if value})
    sexes = _sexes(folder, _dict(_dict(header.get("schemes")).get("speaker")).get("labels"))
    found = [_joined(row, said.get(row.recording.path, {}), sexes) for table in labelled.values() for row in table]
    return [row for row in found if row.recording.emotion]  # audformat leaves empty what the gold standard does not agree on


def _joined(row: Row, said: Mapping[str, Any], sexes: Mapping[str, str]) -> Row:
    recording = replace(row.recording, **said)
    return replace(row, recording=replace(recording, sex=recording.sex or sexes.get(recording.speaker, "")))


def _sexes(folder: Path, people: Any) -> dict[str, str]:
    """The sex of each speaker, by the labels of the scheme: there, or in the table that they name."""
    if isinstance(people, str):
        people = {next(iter(cells.values())): cells for _, cells in files_of_splits.entries(_file(folder, people))}
    return {str(name): str(_dict(one).get("gender") or _dict(one).get("sex") or "") for name, one in _dict(people).items()}


def _header(path: Path) -> dict[str, Any]:
    try:
        return _dict(yaml.safe_load(files_of_splits.text_of(path)))
    except yaml.YAMLError as error:
        raise SplitError(f"{path}: is no YAML ({' '.join(str(error).split())}), expected the header of an audformat database") from error


def _part(header: Mapping[str, Any], name: str, table: Mapping[str, Any]) -> str:
    split = str(table.get("split_id") or "")
    kind = str(_dict(_dict(header.get("splits")).get(split)).get("type") or split)
    return files_of_splits.part_of(Path(f"{kind}.csv")) or files_of_splits.part_of(Path(f"{name}.csv"))


def _file(folder: Path, name: str) -> Path:
    found = [path for suffix in (".csv", ".parquet") if (path := folder / f"db.{name}{suffix}").is_file()]
    if not found:
        raise SplitError(f"{folder / f'db.{name}.csv'}: does not exist, expected the table {name!r} there, as CSV or Parquet")
    return found[0]


def _dict(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}
