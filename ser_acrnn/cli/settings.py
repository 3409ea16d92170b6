"""Options of a command from a TOML file, and lists of numbers as options have them."""

from __future__ import annotations

import inspect
import tomllib
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_type_hints

import typer

from ser_acrnn.cli.failures import LARGEST_NUMBER, named

MOST_NUMBERS = 10_000  # in a list
_KINDS = {bool: "true or false", int: "a whole number", float: "a number"}  # all others are texts


def number_list(text: str) -> list[int]:
    """Parses `"0,2,5-7"` into numbers, one at least.

    Raises:
        ValueError: Anything else, a range without a number such as `"3-1"` or with more than `MOST_NUMBERS` too.
    """
    numbers: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        try:
            start, stop = int(first), int(last if dash else first) + 1
        except ValueError:
            start = stop = 0
        if not 0 < stop - start <= MOST_NUMBERS:
            raise ValueError(f"{text!r} is not a list of numbers and ranges, expected something like 0,2,5-7")
        numbers.update(range(start, stop))
    return sorted(numbers)


def read(path: Path, function: Any) -> dict[str, Any]:
    """Reads options of a command from a TOML file, whose keys are their names, with hyphens or underscores.

    Args:
        path: The file.
        function: The command; its parameters are annotated for Typer.

    Returns:
        Values by the names of the parameters.

    Raises:
        ValueError: The file cannot be read, has a key that is no option, twice the same one, or a value that cannot be one; the message
            names file, key and value.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror}), expected a TOML file of options") from error
    except ValueError as error:
        raise ValueError(f"{path}: cannot be read ({error}), expected a TOML file of options in UTF-8") from error
    hints = get_type_hints(function, include_extras=True)
    options = {name: get_args(hint) for name, hint in hints.items() if name not in ("context", "config", "return")}
    values: dict[str, Any] = {}
    for key, value in found.items():
        name = key.replace("-", "_")
        if name not in options:
            raise ValueError(f"{path}: has the key {key!r}, expected some of {', '.join(sorted(one.replace('_', '-') for one in options))}")
        if name in values:
            raise ValueError(f"{path}: has the key {key!r} twice, expected each once")
        values[name] = _checked(f"{path}: {key}", value, *options[name])
    return values


def _checked(what: str, value: Any, kind: Any, option: Any) -> Any:
    (kind,) = {*(get_args(kind) or [kind])} - {NoneType}
    if option.parser is not None and type(value) in (str, int):
        try:
            option.parser(str(value))
        except (ValueError, typer.BadParameter) as error:
            raise ValueError(f"{what} is {value!r}: {error}") from error
        return str(value)
    # TOML's true is an int of Python's.
    if type(value) not in {float: (int, float), int: (int,), bool: (bool,)}.get(kind, (str,)):
        raise ValueError(f"{what} is {value!r}, expected {_KINDS.get(kind, 'a text in quotes')}")
    if kind in (int, float):
        least, most = option.min, LARGEST_NUMBER if option.max is None else option.max
        if not (value <= most and (least is None or value >= least)):
            raise ValueError(f"{what} is {value!r}, expected at most {most:g}" + ("" if least is None else f" and at least {least:g}"))
    return value


def _take(context: typer.Context, path: Path | None) -> Path | None:
    if path is not None and not context.resilient_parsing:
        with named():
            context.default_map = {**(context.default_map or {}), **read(path, inspect.unwrap(context.command.callback))}  # type: ignore[arg-type]
    return path


Config = Annotated[
    Path | None,
    typer.Option(
        callback=_take,
        is_eager=True,  # before the options that it is the default of
        metavar="TOML",
        help="File with options by name, such as `learning-rate = 0.001`; one on the command line wins. By default none.",
    ),
]
