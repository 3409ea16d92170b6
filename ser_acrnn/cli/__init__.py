"""The `ser-acrnn` command; each file here holds the subcommands of one purpose, and imports what is heavy when they run.

Exit codes: 0, all is done; 1, something could not be used, such as a recording, and was named; 2, wrong arguments.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Annotated

import typer

from ser_acrnn import __version__
from ser_acrnn.cli import auditing, checking, evaluating, judging, learning, listening, networks, serving
from ser_acrnn.cli.failures import HELP_OPTIONS, ended

app = typer.Typer(
    name="ser-acrnn",
    help="Speech emotion recognition with attention-based convolutional recurrent networks.",
    epilog="Examples: ser-acrnn predict recording.wav | ser-acrnn predict --csv folder/ | ser-acrnn models",
    no_args_is_help=True,
    context_settings={"help_option_names": HELP_OPTIONS},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help starts in half the time
)
judging.add_to(app)
listening.add_to(app)
networks.add_to(app)
evaluating.add_to(app)
learning.add_to(app)
auditing.add_to(app)
checking.add_to(app)
serving.add_to(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ser-acrnn {__version__}")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")] = False,
) -> None:
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it warns where there is no home to keep its list of fonts in
    # TensorFlow reads these at its import.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return ended(lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    try:
        app(args=None if arguments is None else list(arguments))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0
