"""Commands of the pages: run where they are short, otherwise read as they would be read."""

from __future__ import annotations

import configparser
import contextlib
import importlib
import io
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import typer

from data_prep import command as commands
from ser_acrnn import cli

ROOT = Path(__file__).parents[2]
# Subcommands that are parsed alone, and why.
PARSED = {
    "train": "minutes; tests/training/test_from_csv.py trains",
    "audit": "splits that others publish; tests/auditing audits its own",
    "check": "minutes; tests/checking checks",
    "split": "writes folders; tests/cli/test_auditing_commands.py splits",
    "record": "needs a microphone; tests/audio/test_microphone.py plays one",
    "serve": "serves until it is stopped; tests/cli/test_serve.py asks one",
    "page": "serves until it is stopped; tests/page/test_in_browser.py looks at one",
    "export": "a converter takes many seconds; tests/export writes and compares, and the guide's Python block does",
}
# First words of commands that are not run, and why.
NOT_RUN = {
    ".": "activates an environment",
    "curl": "asks a server that would have to run; tests/serving does",
    "git": "tags and pushes a release",
    "python -m venv": "makes an environment",
    "python -m mkdocs": "serves until it is stopped",
}
_ASSIGNMENT = re.compile(r"[A-Z_]+=")


class WrongCommandError(AssertionError):
    """A command that would fail as it stands."""


class _Parsed(Exception):
    """The command line was read without an error."""


def check(command: str) -> None:
    """Runs a command or parses it.

    Raises:
        WrongCommandError: It fails, or nothing is known of such commands.
    """
    if any(command == words or command.startswith(f"{words} ") for words in NOT_RUN):
        return
    command, _, target = command.partition(" > ")
    words = shlex.split(command)
    settings = [words.pop(0) for _ in range(len(words)) if _ASSIGNMENT.match(words[0])]
    match words:
        case ["ser-acrnn", name, *arguments]:
            _command(name, arguments, Path(target) if target else None, parse=bool(settings))
        case ["python", "-m", "pytest", *arguments]:
            _exist(argument for argument in arguments if argument.startswith("tests/"))
        case ["python", "-m", module, *arguments]:
            _module(module, arguments)
        case ["make", *arguments]:
            _make(arguments)
        case ["pip", "install", *arguments]:
            _pip(arguments)
        case _:
            raise WrongCommandError(f"{command}: nothing is known of such a command, expected one that can be checked or is in NOT_RUN")


def _command(name: str, arguments: list[str], target: Path | None, *, parse: bool) -> None:
    known = typer.main.get_command(cli.app()).commands  # type: ignore[attr-defined]
    if name not in known:
        raise WrongCommandError(f"ser-acrnn {name}: no such subcommand, expected one of {sorted(known)}")
    if parse or name in PARSED or "--help" in arguments:
        try:
            known[name].make_context(name, arguments)
        except Exception as error:
            raise WrongCommandError(f"ser-acrnn {name} {shlex.join(arguments)}: {error}") from error
        return
    printed, complaints = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complaints):
        code = cli.main([name, *arguments])
    if code:
        raise WrongCommandError(f"ser-acrnn {name} {shlex.join(arguments)}: exit code {code}, {complaints.getvalue()}")
    if target:
        target.write_text(printed.getvalue(), encoding="utf-8")


def _module(name: str, arguments: list[str]) -> None:
    """Lets the module's own `main` read the arguments, and stops before it does anything."""

    def stop(run: Callable[..., object], words: list[str]) -> Callable[[], object]:
        bound(run, words)
        raise _Parsed

    bound, complaints = commands.bound, io.StringIO()
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise WrongCommandError(f"python -m {name}: {error}") from error
    module = module if hasattr(module, "main") else importlib.import_module(f"{name}.__main__")
    commands.bound = stop  # type: ignore[assignment]
    try:
        with contextlib.redirect_stderr(complaints), contextlib.redirect_stdout(io.StringIO()):
            module.main(arguments)
    except _Parsed:
        return
    except SystemExit as end:
        if not end.code:  # --help
            return
    finally:
        commands.bound = bound
    raise WrongCommandError(f"python -m {name} {shlex.join(arguments)}: {complaints.getvalue() or 'reads no command line'}")


def _make(arguments: list[str]) -> None:
    variables = {argument.partition("=")[0] for argument in arguments if "=" in argument}
    known = set(re.findall(r"^([A-Z_]+) \??:?=", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    if unknown := variables - known:
        raise WrongCommandError(f"make {shlex.join(arguments)}: no variable {sorted(unknown)}, expected some of {sorted(known)}")
    done = subprocess.run(["make", "--dry-run", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise WrongCommandError(f"make {shlex.join(arguments)}: {done.stderr}")


def _pip(arguments: list[str]) -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = {extra for argument in arguments for names in re.findall(r"\[(.*)\]", argument) for extra in names.split(",")}
    if unknown := extras - set(setup["options.extras_require"]):
        raise WrongCommandError(f"pip install {shlex.join(arguments)}: no extra {sorted(unknown)}")
    _exist(after for word, after in pairwise(arguments) if word == "-c")


def _exist(paths: Iterator[str]) -> None:
    if missing := [path for path in paths if not (ROOT / path).exists()]:
        raise WrongCommandError(f"{missing} do not exist")
