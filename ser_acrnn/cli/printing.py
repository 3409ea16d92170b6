"""Rows as text, JSON lines or CSV, each printed as soon as it comes."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from typing import Any

import typer

from ser_acrnn.cli.running import printable

POSTERIORS = "posteriors"


def printer(as_json: bool, as_csv: bool) -> Callable[[Iterable[dict[str, Any]]], None]:
    """What prints rows, each as soon as it comes."""
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv exclude each other")
    return _print_json if as_json else print_csv if as_csv else _print_text


def _print_json(rows: Iterable[dict[str, Any]]) -> None:
    """JSON lines."""
    for row in rows:
        _show(json.dumps(row) + "\n")


def _judged(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Those of what could be used; the errors are told at the end."""
    return (row for row in rows if "error" not in row)


def print_csv(rows: Iterable[dict[str, Any]]) -> None:
    """CSV, with a head before the first row."""
    headed = False
    for row in map(flat, _judged(rows)):
        _show(_line(row.values()) if headed else _line(row) + _line(row.values()))
        headed = True


def _line(values: Iterable[Any]) -> str:
    """A line of CSV; its writer quotes the line ends in a value, such as a file's name, that it would end lines with itself."""
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue().removesuffix("\r\n") + "\n"


def _print_text(rows: Iterable[dict[str, Any]]) -> None:
    for row in _judged(rows):
        path = printable(row["path"])
        place = f"{path} {row['start']:.1f}-{row['end']:.1f} s" if "start" in row else path
        if row["emotion"] is None:
            _show(f"{place}: - ({row['flaw']})\n")
        else:
            ranked = sorted(row[POSTERIORS].items(), key=lambda item: -item[1])
            said = "unsure" if row["unsure"] else row["emotion"]
            shares = ", ".join(f"{emotion} {share:.2f}" for emotion, share in ranked)
            _show(printable(f"{place}: {said} ({shares})") + "\n")


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row by column: each emotion's posterior in one of its own."""
    cells: dict[str, Any] = {}
    for name, value in row.items():
        cells |= value if name == POSTERIORS else {name: value}
    return cells


def _show(text: str) -> None:
    """Prints at once, and not into a progress bar."""
    bars = sys.modules.get("tqdm")  # imported where there is a bar
    with bars.tqdm.external_write_mode() if bars else nullcontext():
        typer.echo(text, nl=False, color=True)  # as it is: otherwise what looks like a colour is left out where no terminal is
