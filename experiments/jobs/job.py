"""What executors compute: a job is one command of many - a run of the grid, a piece of a corpus - that leaves a file when it is done."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from experiments.jobs.locks import LockedError

THREAD_VARIABLES = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


@dataclass(frozen=True)
class Job:
    """One command, computed by one process at a time.

    Attributes:
        name: As progress calls it.
        module: The command; it has `parse(arguments)` and `run(options)`, and `--wait`, as `experiments.grid.run_one` does.
        arguments: What the command is told.
        output: The file that is there when the job is done, and not before.
        lock: The file that the command locks, see `experiments.jobs.locks`.
        log: The file that keeps what a child process says.
        cost: The cost of the job beside others, in any unit.
    """

    name: str
    module: str
    arguments: tuple[str, ...]
    output: Path
    lock: Path
    log: Path
    cost: float

    @property
    def command(self) -> list[str]:
        """The command line."""
        return [sys.executable, "-m", self.module, *self.arguments]


def run_command(run: Callable[[argparse.Namespace], None], options: argparse.Namespace) -> int:
    """Runs a job's command; returns its exit code: 0 when the output is there, 75 when another process computes it, 1 for anything else.

    What the library raises when it cannot go on is a ValueError that names file, value and expectation.
    """
    try:
        run(options)
    except ValueError as error:
        print(error, file=sys.stderr)
        return os.EX_TEMPFAIL if isinstance(error, LockedError) else 1
    return 0
