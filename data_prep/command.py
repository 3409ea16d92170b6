"""How a module that is a command reads its arguments, which are the parameters of a function, and how it ends."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any, TypeVar, get_type_hints

import typer

from ser_acrnn.cli.failures import HELP_OPTIONS, check_numbers, ended, reason

Result = TypeVar("Result")


def entry(run: Callable[..., int | None]) -> Callable[..., int]:
    """The `main(arguments=None)` of a command: runs a function, see `bound`, and returns its exit code, 0 where it returns nothing.

    The function is `main.__wrapped__`.

    What cannot be used is a ValueError that names file, value and expectation: it is printed, and the exit code is its `exit_code`, or 1.
    """

    def main(arguments: Sequence[str] | None = None) -> int:
        return ended(lambda: _code(run, arguments))

    main.__wrapped__ = run  # type: ignore[attr-defined]
    return main


def _code(run: Callable[..., int | None], arguments: Sequence[str] | None) -> int:
    try:
        return bound(run, arguments)() or 0
    except (ValueError, ImportError, OSError, MemoryError, typer.BadParameter) as error:
        if isinstance(error, OSError) and error.strerror and error.filename is None:  # of what the command prints
            raise
        print(reason(error), file=sys.stderr)
        return getattr(error, "exit_code", 1)


def bound(run: Callable[..., Result], arguments: Sequence[str] | None = None) -> partial[Result]:
    """A function with what a command line says as its keywords; help shows the first paragraph of the docstring of its module.

    Args:
        run: Its parameters are annotated for Typer. One that is a dataclass stands for its fields, of which its `extended(words)`, where it
            has that, may add some; a ValueError of it is of arguments that do not go together.
        arguments: The command line; this process's without it.

    Raises:
        SystemExit: Help was asked for, with code 0, or the arguments are wrong, with code 2; it has been said why.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    found: list[partial[Result]] = []
    try:
        app(run, words, found.append)(words)
    except SystemExit:
        if not found:
            raise
    return found[0]


def app(run: Callable[..., Result], words: Sequence[str], then: Callable[[partial[Result]], object]) -> typer.Typer:
    """What reads a command line for a function, see `bound`, and calls `then` with the function and its keywords."""
    own = _parameters(run)
    groups: dict[str, Any] = {one.name: one.annotation for one in own if is_dataclass(one.annotation)}
    groups |= {name: group.extended(words) for name, group in groups.items() if hasattr(group, "extended")}

    def bind(**values: Any) -> None:
        check_numbers(values)
        try:
            parts = {name: group(**{one.name: values.pop(one.name) for one in fields(group)}) for name, group in groups.items()}
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        then(partial(run, **parts, **values))

    every = [each for one in own for each in (_parameters(groups[one.name]) if one.name in groups else [one])]
    bind.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]
    reader = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    purpose = str(sys.modules[run.__module__].__doc__).split("\n\n")[0]
    reader.command(help=purpose, context_settings={"help_option_names": HELP_OPTIONS})(bind)
    return reader


def _parameters(call: Callable[..., Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(call, include_extras=True)
    return [one.replace(annotation=hints[one.name], kind=one.KEYWORD_ONLY) for one in inspect.signature(call).parameters.values()]
