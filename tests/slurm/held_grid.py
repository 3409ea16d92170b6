"""The grid, with some runs that at their first start wait after an epoch until something ends their job, however slow the host is.

`python -m held_grid` is called as `python -m experiments.grid.run_grid` is; jobs import it too, so it has to be on their PYTHONPATH.
"""

import os
import sys
import time

from experiments.grid import run_grid, run_one
from ser_acrnn.training import run as training

HELD = {(0, 0), (1, 0), (0, 1)}  # fold and seed


def run(options: run_one.Options):
    """What a job computes: `run_one`, held."""
    if (options.fold, options.seed) in HELD and "SLURM_RESTART_COUNT" not in os.environ:
        training.run = held(training.run)
    run_one.run(options)


def held(compute):
    """Training that does not go on once an epoch has been trained and kept."""

    def wait(entry):
        print("held after epoch", entry["epoch"], flush=True)
        while True:
            time.sleep(1)

    return lambda *arguments, **named: compute(*arguments, **{**named, "on_epoch": wait})


def main(arguments=None):
    """Runs the command; returns its exit code."""
    run_grid.COMMAND = "held_grid"
    try:
        return run_grid.main(arguments)
    finally:
        run_grid.COMMAND = run_one.__name__


if __name__ == "__main__":
    sys.exit(main())
