"""Where jobs are computed: here, each in a child process, or on SLURM by `experiments.jobs.slurm`; with one bar for both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from experiments.jobs import accelerators, slurm
from experiments.jobs.job import THREAD_VARIABLES, Job
from experiments.options import ExecutorOptions
from ser_acrnn.locks import POLL_SECONDS, LockedError, is_locked

Options = TypeVar("Options", bound=ExecutorOptions)
_children: set[subprocess.Popen[bytes]] = set()


def settled(options: Options, *paths: str) -> Options:
    """The options with what depends on the executor.

    On SLURM the named paths are made absolute: jobs, and the same command from elsewhere, see the same names.

    Raises:
        BadParameter: An argument that only SLURM takes is given without it.
    """
    if options.executor == "slurm":
        given = {name: path for name in paths if (path := getattr(options, name)) is not None}
        return replace(options, **{name: path.absolute() for name, path in given.items()})
    slurm.refuse_arguments(options)
    return replace(options, jobs=options.jobs or 1)


def compute(jobs: Sequence[Job], missing: Sequence[Job], options: ExecutorOptions, title: str, noun: str) -> int:
    """Has the missing jobs computed, and shows how far they are.

    Args:
        jobs: All of them.
        missing: Those whose output is not there.
        options: As `settled` returns them; SLURM's own files go to `work`.
        title: The title of the bar.
        noun: What the jobs are called, in the plural.

    Returns:
        The exit code of the command: 0 when every job is done, or submitted with `--detach`; 1 when some failed, 130 when interrupted.

    Raises:
        BadParameter: SLURM refuses them.
    """
    on_slurm = options.executor == "slurm"
    submitted = slurm.submit(missing, options) if on_slurm and missing else {}
    if options.detach:
        numbers = sorted({job.job_id.partition("_")[0] for job in submitted.values()})
        print(
            f"{len(submitted)} of {len(jobs)} {noun} are in the queue, as job {', '.join(numbers) or 'none'}; the same command shows them"
        )
        return 0

    ends = slurm.watch(submitted) if on_slurm else local(missing, lambda job: run_child(job, options.jobs), options.jobs)
    failures: dict[Path, str] = {}
    total, left = sum(job.cost for job in jobs), sum(job.cost for job in missing)
    layout = "{desc}{postfix} {percentage:3.0f}% |{bar}| [{elapsed}, {remaining} left]"
    # By cost, not by number: a run of seven convolutions costs thirty times as much as one of one.
    todo = f"{len(missing)} {noun} to do"
    with tqdm(total=total, initial=total - left, desc=title, bar_format=layout, mininterval=0, postfix=todo) as bar:
        try:
            with ending_together():
                for number, (job, failure) in enumerate(ends, start=1):
                    if failure:
                        failures[job.output] = failure
                    bar.set_postfix_str(f"{len(jobs) - len(missing) + number}/{len(jobs)} {noun}, last {job.name}", refresh=False)
                    bar.update(job.cost)
        except KeyboardInterrupt:
            they_stay = "the jobs stay in the queue, " if on_slurm else ""
            print(f"interrupted: {they_stay}the same command goes on from here", file=sys.stderr)
            return 130
    for path, failure in sorted(failures.items()):
        print(f"failed: {path}: {failure}", file=sys.stderr)
    return 1 if failures else 0


def run_child(job: Job, at_once: int) -> str:
    """Runs one child with its share of the processors.

    Args:
        job: What to compute.
        at_once: Children at a time.

    Returns:
        "" when it succeeded, otherwise the last line that it said and the file with all of it.

    Raises:
        LockedError: Another process computes the job.
    """
    job.log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    for variable in THREAD_VARIABLES:
        environment.setdefault(variable, str(processors(at_once)))
    environment |= accelerators.environment(at_once, job.log.parent)
    with job.log.open("a+", encoding="utf-8", errors="replace") as stream:
        start = stream.tell()
        with subprocess.Popen(job.command, stdout=stream, stderr=stream, env=environment) as child:
            _children.add(child)
            try:
                code = child.wait()
            finally:
                _children.discard(child)
        stream.seek(start)
        lines = stream.read().replace("\r", "\n").strip().splitlines()
    if code == 0:
        return ""
    last = lines[-1] if lines else "said nothing"
    if code == os.EX_TEMPFAIL:
        raise LockedError(last)
    return f"exit code {code}: {last} (see {job.log})"


@contextmanager
def ending_together() -> Iterator[None]:
    """While the block runs, SIGTERM ends the children too, as Ctrl-C in a terminal does; what they have computed is kept by them."""

    def end(number: int, frame: object) -> None:
        for child in list(_children):
            child.terminate()
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # which alone may say what a signal does
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def processors(at_once: int) -> int:
    """The share of this host's processors that each of so many children has."""
    return max(1, (os.cpu_count() or 1) // at_once)


def local(jobs: Sequence[Job], child: Callable[[Job], str], at_once: int) -> Iterator[tuple[Job, str]]:
    """Runs children, `at_once` at a time, the ones that another process computes last.

    Args:
        jobs: What to compute.
        child: Computes a job, as `run_child` does.
        at_once: Children at a time.

    Yields:
        Each job as it ends, with what went wrong, "" for nothing.
    """
    waiting = deque(jobs)
    futures: dict[Future[str], Job] = {}
    with ThreadPoolExecutor(at_once) as pool:
        while waiting or futures:
            for _ in range(len(waiting)):
                if len(futures) < at_once:
                    job = waiting.popleft()
                    if is_locked(job.lock):
                        waiting.append(job)
                    else:
                        futures[pool.submit(child, job)] = job
            if not futures:
                time.sleep(POLL_SECONDS)
                continue
            done, _ = wait(futures, timeout=POLL_SECONDS if waiting else None, return_when=FIRST_COMPLETED)
            for future in done:
                job = futures.pop(future)
                try:
                    failure = future.result()
                except LockedError:
                    waiting.append(job)
                else:
                    yield job, failure
