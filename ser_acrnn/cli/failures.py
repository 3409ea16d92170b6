"""How a command ends when something cannot be used: in one line each, and with exit code 1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def named() -> Iterator[None]:
    """Turns the library's complaints, which name file, value and expectation, into a line and exit code 1."""
    try:
        yield
    except (ValueError, ImportError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
