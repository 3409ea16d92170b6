"""The grid as its command is typed on SLURM, and what is left of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_slurm import Cluster

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 1200


@dataclass
class Grid:
    """A grid of `tiny` with its results and checkpoints in a folder."""

    cluster: Cluster
    corpus: Path
    folder: Path
    started: list[subprocess.Popen] = field(default_factory=list)

    def words(self, *more: object) -> list[str]:
        paths = ["--prepared", self.corpus, "--results", self.folder / "results", "--work", self.folder / "work"]
        return [sys.executable, "-m", "experiments.run_grid", *map(str, [*paths, "--system", "tiny", "--executor", "slurm", *more])]

    def start(self, *more: object) -> subprocess.Popen:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.started.append(subprocess.Popen(self.words(*more), cwd=ROOT, env=self.cluster.environment, **pipes))
        return self.started[-1]

    def run(self, *more: object) -> tuple[int, str, str]:
        """Exit code and what was said on standard output and error."""
        return self.end(self.start(*more))

    def end(self, process: subprocess.Popen) -> tuple[int, str, str]:
        out, err = process.communicate(timeout=WAIT_SECONDS)
        return process.returncode, out, err

    def signal(self, task: str, name: str, said: str) -> None:
        """Signals a task until its log says that it has arrived: `scancel` would go on for a minute where the job is requeued at once."""
        with subprocess.Popen(["scancel", f"--signal={name}", task], env=self.cluster.environment, stderr=subprocess.DEVNULL) as scancel:
            wait_for(lambda: said in self.log(task))
            scancel.terminate()

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


def wait_for(what: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def without_time(path: Path) -> dict[str, Any]:
    """A result, less what differs from one run of the same to the next."""
    return {**json.loads(path.read_text()), "wall_seconds": None}
