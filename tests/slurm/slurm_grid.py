"""The grid as its command is typed on SLURM, what is left of it, and waits that end and say why."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from local_slurm import Cluster

from experiments.jobs.slurm import OVER

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 300
OVER_SECONDS = 10  # a job that is requeued is over for a moment


@dataclass
class Grid:
    """A grid of `tiny` with its results and checkpoints in a folder; with the module `held_grid` some of its runs are held."""

    cluster: Cluster
    corpus: Path
    folder: Path
    module: str = "experiments.grid.run_grid"
    started: list[subprocess.Popen] = field(default_factory=list)

    def words(self, *more: object) -> list[str]:
        paths = ["--prepared", self.corpus, "--results", self.folder / "results", "--work", self.folder / "work"]
        return [sys.executable, "-m", self.module, *map(str, [*paths, "--system", "tiny", "--executor", "slurm", *more])]

    def start(self, *more: object) -> subprocess.Popen:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.started.append(subprocess.Popen(self.words(*more), cwd=ROOT, env=self.cluster.environment, **pipes))
        return self.started[-1]

    def run(self, *more: object) -> tuple[int, str, str]:
        """Exit code and what was said on standard output and error."""
        return self.end(self.start(*more))

    def end(self, process: subprocess.Popen, seconds: float = WAIT_SECONDS) -> tuple[int, str, str]:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"{process.args} has not ended in {seconds} s\n{self.state()}")
        return process.returncode, out, err

    def wait_for(self, what: Callable[[], object], *tasks: str, seconds: float = WAIT_SECONDS) -> None:
        """Waits; fails when it takes too long, and at once when a task that has to be alive for it is over."""
        started = alive = time.monotonic()
        while not what():
            now = time.monotonic()
            over = [task for task in tasks if self.states().get(task, "UNKNOWN") in {*OVER, "UNKNOWN"}]
            alive = alive if over else now
            if now - alive > OVER_SECONDS and not what():
                pytest.fail(f"waited in vain, {over} over\n{self.state()}")
            if now - started > seconds:
                pytest.fail(f"waited for {seconds} s in vain\n{self.state()}")
            time.sleep(0.2)

    @contextlib.contextmanager
    def deadline(self) -> Iterator[None]:
        """Cancels all jobs when the block takes too long: a command that waits for them then ends, and the test says what the queue was."""
        states: list[str] = []

        def cancel() -> None:
            states.append(self.state())
            self.cluster.run("scancel", "--user=root")

        timer = threading.Timer(WAIT_SECONDS, cancel)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
        if states:
            pytest.fail(f"has not ended in {WAIT_SECONDS} s\n{states[0]}")

    def signal(self, task: str, name: str, said: str) -> None:
        """Signals a task until its log says that it has arrived: `scancel` would go on for a minute where the job is requeued at once."""
        words = ["scancel", f"--signal={name}", task]
        with subprocess.Popen(words, env=self.cluster.environment, stderr=subprocess.DEVNULL) as scancel:
            try:
                self.wait_for(lambda: said in self.log(task), task)
            finally:
                scancel.terminate()

    def states(self) -> dict[str, str]:
        """State of each task of all arrays."""
        lines = self.cluster.run("squeue", "--all", "--array", "--noheader", "--states=all", "--format=%i|%T").splitlines()
        return dict(line.strip().split("|") for line in lines)

    def state(self) -> str:
        """The queue and the last words of each job, for a failure that explains itself."""
        logs = sorted((self.folder / "work" / "slurm").glob("*.out"))
        said = [f"{path.name}:\n{path.read_text(errors='replace')[-1500:]}" for path in logs]
        return "\n".join([self.cluster.run("squeue", "--all", "--array", "--states=all", check=False), *said])

    def close(self) -> None:
        for process in self.started:
            process.kill()
            process.wait()

    @property
    def results(self) -> dict[str, Path]:
        return {path.stem: path for path in sorted((self.folder / "results" / "synthetic" / "tiny").glob("*"))}

    @property
    def arrays(self) -> set[str]:
        """Numbers of the jobs that were submitted."""
        return {path.name.partition("_")[0] for path in (self.folder / "work" / "slurm").glob("*_submitted.pkl")}

    def checkpoint(self, run: str) -> Path:
        return self.folder / "work" / "synthetic" / "tiny" / f"{run}.npz"

    def log(self, task: str) -> str:
        """What a task of the array said, over all its starts."""
        path = self.folder / "work" / "slurm" / f"{task}_0_log.out"
        return path.read_text() if path.exists() else ""

    def restarts(self, task: str) -> int:
        return int(re.search(r"Restarts=(\d+)", self.cluster.run("scontrol", "show", "job", task)).group(1))


def without_time(path: Path) -> dict[str, Any]:
    """A result, less what differs from one run of the same to the next."""
    return {**json.loads(path.read_text()), "wall_seconds": None}
