"""The command that runs: its context, and what it prints of files, whose names may be any."""

from __future__ import annotations

import unicodedata
from contextvars import ContextVar

import typer

# Typer's own, whether it is click's or, in later versions, Typer's copy of that.
RUNNING: ContextVar[typer.Context] = ContextVar("running")
_SHOWN_AS = "ser_acrnn.cli.running"  # where the command's context has the names that were given
_CONTROL = frozenset({"Cc", "Zl", "Zp"})  # Unicode's categories of control characters and ends of lines


def running() -> typer.Context:
    """The context of the command that runs: what is to be done at its end, and what its parts tell each other."""
    return RUNNING.get()


def shown(text: object) -> str:
    """A text in which what came through a pipe has the name that it was given."""
    found, context = str(text), RUNNING.get(None)
    for kept, given in context.meta.get(_SHOWN_AS, {}).items() if context else ():
        found = found.replace(kept, given)
    return found


def show_as(kept: str, given: str) -> None:
    """Has `shown` put one name in place of another until the command ends."""
    running().meta.setdefault(_SHOWN_AS, {})[kept] = given


def printable(text: str) -> str:
    """A text as a line that a terminal shows as it is: control characters, which names of files may hold, are escaped."""
    return "".join(letter.encode("unicode_escape").decode() if unicodedata.category(letter) in _CONTROL else letter for letter in text)


def say(text: str) -> None:
    """Prints a line on standard error."""
    typer.echo(printable(text), err=True)


def tell(text: str) -> None:
    """Prints lines on standard output, in which whatever is named is printable."""
    typer.echo("\n".join(map(printable, text.split("\n"))))
