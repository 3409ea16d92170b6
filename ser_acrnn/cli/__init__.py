"""The `ser-acrnn` command; each file here holds the subcommands of one purpose, and imports what is heavy when they run.

Exit codes: 0, all is done; 1, something could not be used, such as a recording, and was named; 2, wrong arguments.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from ser_acrnn import __version__
from ser_acrnn.cli.failures import HELP_OPTIONS, ended

# Subcommand -> the file here that has it, in the order of the help.
COMMANDS = {
    "predict": "judging",
    "embed": "judging",
    "record": "listening",
    "models": "networks",
    "info": "networks",
    "export": "networks",
    "evaluate": "evaluating",
    "train": "learning",
    "audit": "auditing",
    "split": "auditing",
    "check": "checking",
    "serve": "serving",
    "page": "serving",
}


def app(words: Sequence[str] = ()) -> typer.Typer:
    """What reads a command line: with all subcommands, or those of one file where the words begin with one of them.

    The other files take longer to import and to set up than a recording takes to be judged.
    """
    asked = words[0] if words else ""
    found = typer.Typer(
        name="ser-acrnn",
        help="Speech emotion recognition with attention-based convolutional recurrent networks.",
        epilog="Examples: ser-acrnn predict recording.wav | ser-acrnn predict --csv folder/ | ser-acrnn models",
        no_args_is_help=True,
        context_settings={"help_option_names": HELP_OPTIONS},
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # plain help starts in half the time
    )
    found.callback()(_options)
    for file in [COMMANDS[asked]] if asked in COMMANDS else dict.fromkeys(COMMANDS.values()):
        importlib.import_module(f"ser_acrnn.cli.{file}").add_to(found)
    return found


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ser-acrnn {__version__}")
        raise typer.Exit()


def _options(
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")] = False,
) -> None:
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it warns where there is no home to keep its list of fonts in
    # TensorFlow reads these at its import.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return ended(lambda: _run(list(sys.argv[1:] if arguments is None else arguments)))


def _run(words: list[str]) -> int:
    try:
        app(words)(args=words)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0
