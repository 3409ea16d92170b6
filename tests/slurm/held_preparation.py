"""The preparation, with pieces that at their first start wait after a shard until something ends their job, however slow the host is.

Jobs import it, as they do `held_grid`.
"""

import functools
import os
import time

from data_prep import shards
from experiments.jobs import run_piece, run_preparation


@functools.wraps(run_piece.run)
def run(*arguments, **named):
    """What a job computes: `run_piece`, held."""
    if "SLURM_RESTART_COUNT" not in os.environ:
        shards._write = held(shards._write)
    run_piece.run(*arguments, **named)


def held(write):
    """Writing that does not go on once a shard has been written."""

    def wait(speaker, *arguments):
        write(speaker, *arguments)
        print("held after speaker", speaker, flush=True)
        while True:
            time.sleep(1)

    return wait


def main(arguments=None):
    """Runs the command; returns its exit code."""
    run_preparation.COMMAND = "held_preparation"
    try:
        return run_preparation.main(arguments)
    finally:
        run_preparation.COMMAND = run_piece.__name__
