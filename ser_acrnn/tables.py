"""CSV files that users hand in: read strictly, line by line, and whatever is not as it should be is named by file, line and column.

A row is one line. A quote that is never closed would otherwise swallow rows, and a comma too many would cut a value short.
"""

from __future__ import annotations

import codecs
import csv
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

SEPARATORS = ",;\t"
_MOST_LISTED = 10


class TableError(ValueError):
    """A CSV that cannot be read as it is; the message names file, line, value and expectation."""


@dataclass(frozen=True)
class Table:
    """The cells of a CSV as texts, without the spaces around them; empty lines are none of its rows.

    Attributes:
        columns: Their names.
        rows: The number of each row's line in the file, from 1, and its cells, as many as there are columns.
    """

    columns: list[str]
    rows: list[tuple[int, list[str]]]


def read(path: str | Path) -> Table:
    """Reads a CSV in UTF-8, with or without a byte order mark, whose head names the columns.

    The separator is the one of comma, semicolon and tab that the head has, and the comma where it has several. A column without a name is
    left out: the first one, in which tables have the numbers of their rows, or one that holds nothing.

    Raises:
        TableError: The file cannot be read, is empty or not in UTF-8; a column occurs twice; a line has more or fewer fields than the head;
            a quote is not closed on its line, or stands inside a value.
    """
    path = Path(path)
    lines = re.split(r"\r\n|\r|\n", _text(path))
    separator = ""
    head: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        separator = separator or _separator(line)
        cells = _cells(line, separator, f"{path}, line {number}")
        if not head:
            head = cells
        elif any(cells):  # spreadsheets end in rows of separators alone
            _check_row(cells, head, separator, f"{path}, line {number}")
            rows.append((number, cells))
    if not head:
        raise TableError(f"{path}: is empty, expected a CSV file with a head of columns")
    if twice := [name for place, name in enumerate(head) if name and name in head[:place]]:
        raise TableError(f"{path}: has the column {twice[0]!r} twice, expected each once")
    named = [place for place, name in enumerate(head) if name]
    return Table([head[place] for place in named], [(number, [cells[place] for place in named]) for number, cells in rows])


# Of a table of predictions, besides one for each emotion: of a recording, and of a window.
PREDICTED = ("path", "start", "end", "seconds", "speech_seconds", "signal_to_noise_decibels", "unfamiliarity", "unsure", "emotion", "flaw")


def can_be_an_emotion(name: object) -> bool:
    """Whether it is a text that stands on a line, and no other column of a table of predictions."""
    return isinstance(name, str) and bool(name.strip()) and len(name.splitlines()) == 1 and name not in PREDICTED


def similar(missing: Iterable[str], columns: Sequence[str]) -> str:
    """The end of a message on missing columns: those that are there under nearly the same name."""
    near = [(name, column) for name in missing for column in columns if column != name and alike(column) == alike(name)]
    return "".join(f"; {column!r} is there, expected it to be written {name!r}" for name, column in near)


def alike(text: str) -> str:
    """What a reader may take for the same name: without case, spaces, invisible characters and leading zeros, `3.0` as `3`."""
    shown = "".join(letter for letter in unicodedata.normalize("NFKC", text) if unicodedata.category(letter) != "Cf")
    shown = re.sub(r"\s+", "", shown.casefold())
    return re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"^(\d+)\.0+$", r"\1", shown))


def look_alike(names: Iterable[str]) -> list[list[str]]:
    """Groups of names that a reader may take for the same, see `alike`, in the order in which they come."""
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(alike(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def listed(items: Sequence[str], separator: str = "; ") -> str:
    """The first of many problems, and how many more there are."""
    more = [f"and {len(items) - _MOST_LISTED} more"] if len(items) > _MOST_LISTED else []
    return separator.join([*items[:_MOST_LISTED], *more])


def _text(path: Path) -> str:
    expected = "expected a CSV file in UTF-8"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TableError(f"{path}: cannot be read ({error.strerror}), {expected}") from error
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise TableError(f"{path}: cannot be read (is in UTF-16), {expected}")
    if (place := content.find(b"\0")) >= 0:
        raise TableError(f"{path}: cannot be read (line {_line(content, place)} holds a NUL byte), {expected}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = f"line {_line(error.object, error.start)} holds the byte 0x{error.object[error.start]:02x}, which is not UTF-8"
        raise TableError(f"{path}: cannot be read ({where}), {expected}") from error


def _line(content: bytes, place: int) -> int:
    return len(re.split(rb"\r\n|\r|\n", content[:place]))


def _separator(head: str) -> str:
    found = [separator for separator in SEPARATORS if separator in head]
    return found[0] if len(found) == 1 else SEPARATORS[0]


def _cells(line: str, separator: str, where: str) -> list[str]:
    try:
        cells = next(csv.reader([line.rstrip(" ")], delimiter=separator, strict=True, skipinitialspace=separator != "\t"))
    except csv.Error as error:
        reason = "a quote is not closed" if str(error) == "unexpected end of data" else error
        raise TableError(f"{where}: cannot be read ({reason}), expected quotes to stand around whole values and to be closed") from error
    for cell in cells:
        if '"' in cell and '"{}"'.format(cell.replace('"', '""')) not in line:
            raise TableError(f"{where}: holds {cell.strip()!r}, expected quotes around whole values alone, and doubled within one")
    return [cell.strip() for cell in cells]


def _check_row(cells: Sequence[str], head: Sequence[str], separator: str, where: str) -> None:
    if len(cells) != len(head):
        message = f"{where}: has {len(cells)} fields, expected {len(head)}: {', '.join(head)}"
        if surplus := cells[len(head) :]:
            message += f"; {surplus[0]!r} is in no column, and a value with {separator!r} needs quotes around it"
        raise TableError(message)
    if len(head) > 1 and list(cells) == list(head):
        raise TableError(f"{where}: is the head of the table again, expected each table with one head")
    for place, cell in enumerate(cells):
        if place and cell and not head[place]:
            raise TableError(f"{where}: holds {cell!r} in column {place + 1}, which has no name, expected nothing there")
