"""How a command ends when something cannot be used or written: in one line each, and with exit code 1."""

from __future__ import annotations

import functools
import io
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand

from ser_acrnn.cli.running import RUNNING, printable, say, shown

_PACKAGES = {"sklearn": "scikit-learn"}  # that are called otherwise than what is imported of them
LARGEST_NUMBER = 2**32  # of an option; seeds are below it
HELP_OPTIONS = ["--help", "-h"]  # of every command
Value = TypeVar("Value")


@contextmanager
def named() -> Iterator[None]:
    """Turns the library's complaints, which name file, value and expectation, into a line and their `exit_code`, or 1."""
    try:
        yield
    except BrokenPipeError:
        raise
    except (ValueError, ImportError, OSError, MemoryError) as error:
        say(shown(reason(error)))
        raise typer.Exit(getattr(error, "exit_code", 1)) from error


def ended(run: Callable[[], int]) -> int:
    """The exit code of a command, whatever becomes of its output.

    Names of files that are not UTF-8 are printed with backslashes. A reader that goes away ends the command without a word; output that
    cannot be written, as on a full disk, with a line.
    """
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = run()
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        _forget_output()
    except OSError as error:
        _forget_output()
        print(printable(reason(error)), file=sys.stderr)
    return 1


def reason(error: BaseException) -> str:
    """What went wrong, in a line."""
    backend = os.environ.get("KERAS_BACKEND")
    if backend and (getattr(error, "name", None) == backend or str(error) == f"Unable to import backend : {backend}"):
        return f"KERAS_BACKEND is {backend!r}, which is not installed here, expected tensorflow, jax or torch, one that is installed"
    if isinstance(error, ModuleNotFoundError) and error.name and str(error).startswith("No module named"):
        package = error.name.split(".")[0]
        return f"this needs {package}, not installed here: pip install {_PACKAGES.get(package, package)}"
    if isinstance(error, MemoryError):
        return f"there is not enough memory ({error})" if str(error) else "there is not enough memory"
    if isinstance(error, OSError) and error.strerror:
        return f"{'the output' if error.filename is None else os.fsdecode(error.filename)}: {error.strerror}"
    return str(error)


def check_numbers(values: dict[str, Any]) -> None:
    """Refuses numbers that no option can mean, such as NaN, with exit code 2."""
    for name, value in values.items():
        if isinstance(value, (int, float)) and not (math.isfinite(value) and abs(value) <= LARGEST_NUMBER):
            shown = f"{value:g}" if isinstance(value, float) else f"of {len(str(abs(value)))} digits"
            raise typer.BadParameter(f"--{name.replace('_', '-')} is {shown}, expected a number of at most {LARGEST_NUMBER}")


def check_paths(parameters: Iterable[Any], values: dict[str, Any]) -> None:
    """Refuses empty names of files, which Python takes for the current folder, with exit code 2."""
    for one in parameters:
        value = values.get(one.name)
        if _is_path(one) and "" in (value if isinstance(value, list | tuple) else [value]):
            raise typer.BadParameter(f"{one.opts[0]} is '', expected the name of a file or folder")


def option(read: Callable[[str], Value]) -> Callable[[str], Value]:
    """What reads the value of an option, with its error's words, in whose place the parser of the command line would put its own."""

    @functools.wraps(read)
    def told(text: str) -> Value:
        try:
            return read(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error

    return told


class Command(TyperCommand):
    """A command whose numbers and paths are checked before it runs, and whose context `running` finds."""

    def __init__(self, *words: Any, **settings: Any) -> None:
        super().__init__(*words, **settings)
        for one in filter(_is_path, self.params):
            one.type.readable = False  # type: ignore[attr-defined]  # a file that cannot be read is named later, and stops no other

    def invoke(self, ctx: Any) -> Any:
        """Runs it."""
        check_numbers(ctx.params)
        check_paths(self.params, ctx.params)
        before = RUNNING.set(ctx)
        try:
            return super().invoke(ctx)
        finally:
            RUNNING.reset(before)


def _is_path(parameter: Any) -> bool:
    return hasattr(parameter.type, "readable")


def _open_closed_streams() -> None:
    """Puts nothing in place of a standard stream that is closed, whose descriptor the next file would otherwise take."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - it is open as long as the process is


def _forget_output() -> None:
    """What is left to be written would be complained of once more at the process's end."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
