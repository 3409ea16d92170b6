"""One piece of a corpus -> its shards and its outcome; skipped when that is there, or another process prepares it.

python -m experiments.jobs.run_piece --piece build/data/.iemocap.pieces/piece-0123456789abcdef.json
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from data_prep import command
from data_prep.pieces import outcome_file, prepare_piece
from experiments.jobs.job import Wait
from experiments.options import WORK, Work
from ser_acrnn.locks import lock


def file(piece: Path, work: Path, suffix: str) -> Path:
    """The piece's file below the work folder: `<work>/<name of its folder>/<its name>`."""
    return work / piece.parent.name.lstrip(".") / f"{piece.stem}{suffix}"


def run(
    piece: Annotated[Path, typer.Option(help="the list of its recordings, which run_preparation writes")],
    work: Work = WORK,
    threads: Annotated[int, typer.Option(min=1, help="that share the work")] = 1,
    wait: Wait = False,
) -> None:
    """Prepares a piece, unless its outcome is there; exit code 75 when another process prepares it.

    Raises:
        LockedError: Another process prepares it.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    with lock(file(piece, work, ".lock"), wait=wait):
        outcome = outcome_file(piece)
        if outcome.exists():  # asked once the lock is held, since another process may just have prepared it
            print(f"{outcome}: already there")
        else:
            prepare_piece(piece, threads)
            print(f"{outcome}: done")


main = command.entry(run)


if __name__ == "__main__":
    sys.exit(main())
