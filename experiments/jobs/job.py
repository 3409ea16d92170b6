"""What executors compute: a job is one command of many - a run of the grid, a piece of a corpus - that leaves a file when it is done."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

THREAD_VARIABLES = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
Wait = Annotated[bool, typer.Option("--wait", help="where another process computes the same, wait for it instead of leaving it")]


@dataclass(frozen=True)
class Job:
    """One command, computed by one process at a time.

    Attributes:
        name: As progress calls it.
        module: The command; it has a function `run`, with `--wait`, as `experiments.grid.run_one` does.
        arguments: What the command is told.
        output: The file that is there when the job is done, and not before.
        lock: The file that the command locks, see `ser_acrnn.locks`.
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
