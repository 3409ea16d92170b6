"""Where the runs of a grid are computed: here, each in a child process. `experiments.slurm` is the same on a cluster."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from experiments.claims import POLL_SECONDS, ClaimedError, is_claimed
from experiments.runs import RunKey

THREAD_VARIABLES = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


@dataclass(frozen=True)
class Run:
    """One run of the grid, with the number of its fold and what it costs beside others, in any unit."""

    key: RunKey
    fold: int
    cost: float


def arguments(run: Run, options: argparse.Namespace) -> list[str]:
    """What `experiments.run_one` is told to compute one run."""
    words = ["--system", run.key.system, "--fold", str(run.fold), "--seed", str(run.key.seed)]
    for name in ("prepared", "protocol", "results", "work", "precision", "epochs", "devices"):
        value = getattr(options, name)
        if value is not None:
            words += [f"--{name}", str(value)]
    return words


def command(run: Run, options: argparse.Namespace) -> list[str]:
    """The command line of one run."""
    return [sys.executable, "-m", "experiments.run_one", *arguments(run, options)]


def run_child(run: Run, options: argparse.Namespace) -> str:
    """Runs one child with its share of the processors.

    Returns:
        "" when it succeeded, otherwise the last line that it said and the file with all of it.

    Raises:
        ClaimedError: Another process computes the run.
    """
    log = run.key.file(options.work, ".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    threads = str(max(1, (os.cpu_count() or 1) // options.jobs))
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    for variable in THREAD_VARIABLES:
        environment.setdefault(variable, threads)
    with log.open("a+", encoding="utf-8", errors="replace") as stream:
        start = stream.tell()
        code = subprocess.run(command(run, options), stdout=stream, stderr=stream, env=environment, check=False).returncode
        stream.seek(start)
        lines = stream.read().replace("\r", "\n").strip().splitlines()
    if code == 0:
        return ""
    last = lines[-1] if lines else "said nothing"
    if code == os.EX_TEMPFAIL:
        raise ClaimedError(last)
    return f"exit code {code}: {last} (see {log})"


def local(runs: Sequence[Run], child: Callable[[Run], str], jobs: int, work: Path) -> Iterator[tuple[Run, str]]:
    """Runs children, `jobs` at a time, the ones that another process computes last.

    Args:
        runs: What to compute.
        child: Computes a run, as `run_child` does.
        jobs: Children at a time.
        work: Folder of the claims.

    Yields:
        Each run as it ends, with what went wrong, "" for nothing.
    """
    waiting = deque(runs)
    futures: dict[Future[str], Run] = {}
    with ThreadPoolExecutor(jobs) as pool:
        while waiting or futures:
            for _ in range(len(waiting)):
                if len(futures) < jobs:
                    run = waiting.popleft()
                    if is_claimed(run.key.file(work, ".lock")):
                        waiting.append(run)
                    else:
                        futures[pool.submit(child, run)] = run
            if not futures:
                time.sleep(POLL_SECONDS)
                continue
            done, _ = wait(futures, timeout=POLL_SECONDS if waiting else None, return_when=FIRST_COMPLETED)
            for future in done:
                run = futures.pop(future)
                try:
                    failure = future.result()
                except ClaimedError:
                    waiting.append(run)
                else:
                    yield run, failure
