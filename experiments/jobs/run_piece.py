"""One piece of a corpus -> its shards and its outcome; skipped when that is there, or another process prepares it.

python -m experiments.jobs.run_piece --piece build/data/.iemocap.pieces/piece-0123456789abcdef.json
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from data_prep.pieces import outcome_file, prepare_piece
from experiments.jobs.job import run_command
from experiments.jobs.locks import lock


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code, see `experiments.jobs.job.run_command`."""
    return run_command(run, parse(arguments))


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.jobs.run_piece", description=str(__doc__).split("\n\n")[0])
    parser.add_argument("--piece", type=Path, required=True, help="the list of its recordings, which run_preparation writes")
    parser.add_argument("--work", type=Path, default=Path("build/work"), help="folder of locks and logs (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="(default: %(default)s)")
    parser.add_argument("--wait", action="store_true", help="where another process prepares this piece, wait for it instead of leaving it")
    return parser.parse_args(arguments)


def file(piece: Path, work: Path, suffix: str) -> Path:
    """The piece's file below the work folder: `<work>/<name of its folder>/<its name>`."""
    return work / piece.parent.name.lstrip(".") / f"{piece.stem}{suffix}"


def run(options: argparse.Namespace) -> None:
    """Prepares the piece that the options name, unless its outcome is there.

    Raises:
        LockedError: Another process prepares it.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    with lock(file(options.piece, options.work, ".lock"), wait=options.wait):
        outcome = outcome_file(options.piece)
        if outcome.exists():  # asked once the lock is held, since another process may just have prepared it
            print(f"{outcome}: already there")
        else:
            prepare_piece(options.piece, options.threads)
            print(f"{outcome}: done")


if __name__ == "__main__":
    sys.exit(main())
