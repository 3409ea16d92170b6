"""How a command ends when something cannot be used or written: in one line each, and with exit code 1."""

from __future__ import annotations

import io
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import typer
from typer.core import TyperCommand

# Typer's own, whether it is click's or, in later versions, Typer's copy of that.
_RUNNING: ContextVar[typer.Context] = ContextVar("running")
_PACKAGES = {"sklearn": "scikit-learn"}  # that are called otherwise than what is imported of them
LARGEST_NUMBER = 2**32  # of an option; seeds are below it
HELP_OPTIONS = ["--help", "-h"]  # of every command


@contextmanager
def named() -> Iterator[None]:
    """Turns the library's complaints, which name file, value and expectation, into a line and their `exit_code`, or 1."""
    try:
        yield
    except BrokenPipeError:
        raise
    except (ValueError, ImportError, OSError, MemoryError) as error:
        typer.echo(reason(error), err=True)
        raise typer.Exit(getattr(error, "exit_code", 1)) from error


def ended(run: Callable[[], int]) -> int:
    """The exit code of a command, whatever becomes of its output.

    Names of files that are not UTF-8 are printed with backslashes. A reader that goes away ends the command without a word; output that
    cannot be written, as on a full disk, with a line.
    """
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
        print(reason(error), file=sys.stderr)
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


def running() -> typer.Context:
    """The context of the command that runs: what is to be done at its end, and what its parts tell each other."""
    return _RUNNING.get()


class Command(TyperCommand):
    """A command whose numbers are checked before it runs, and whose context `running` finds."""

    def invoke(self, ctx: Any) -> Any:
        """Runs it."""
        check_numbers(ctx.params)
        before = _RUNNING.set(ctx)
        try:
            return super().invoke(ctx)
        finally:
            _RUNNING.reset(before)


def _forget_output() -> None:
    """What is left to be written would be complained of once more at the process's end."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
