"""Jobs on SLURM: one array of independent jobs, submitted through submitit and watched until each output is there.

A job goes on, a run from its last epoch and a piece of a corpus with its next shard, whatever ended it:

- SLURM's warning (`USR2`, 90 seconds before the time limit): submitit requeues the job;
- pre-emption, or a node that goes down: SLURM requeues it;
- its process is killed, by a signal or for memory: the batch script requeues it, a few times.

`scancel` and errors of the job itself are final until the command is given again. Outputs and locks are files, so `--work`, all other
folders and the clone have to be seen by all nodes.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import math
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from data_prep import command
from experiments.jobs import accelerators
from experiments.jobs.job import THREAD_VARIABLES, Job
from experiments.options import ExecutorOptions
from ser_acrnn.locks import lock

logger = logging.getLogger(__name__)

TIMEOUTS = 100  # time limits that one job may go through
KILLS = 3  # a job that needs more memory than it is given would be requeued for ever
POLL_SECONDS = (1.0, 30.0)  # between two looks at the queue: the first pause, growing to the last
GRACE_SECONDS = 10.0  # until a job that is over has an output that a shared file system shows
OVER = {"BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT"}
FLAGS = ("partition", "gpus", "cpus", "memory", "hours", "detach")
# Ends the batch script. A job that SLURM itself is ending is no longer RUNNING, and is not called back. SLURM_JOB_ID alone would not do:
# for one of the jobs it is the number of the whole array.
REQUEUE_KILLED = f"""code=$?
job=${{SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}}${{SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}}
if [ $code -gt 128 ] && [ ${{SLURM_RESTART_COUNT:-0}} -lt {KILLS} ] && [ "$(squeue -h -j $job -o %T)" = RUNNING ]; then
    scontrol requeue $job && sleep 60
fi
exit $code"""


@dataclass(frozen=True)
class Command:
    """What one job of the array does; pickled by submitit."""

    module: str
    arguments: tuple[str, ...]

    def __call__(self) -> None:
        """Computes the job."""
        command.bound(importlib.import_module(self.module).run, self.arguments)()

    def checkpoint(self) -> Any:
        """What submitit requeues at SLURM's warning: the same, since the job itself goes on from where it was."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def refuse_arguments(options: ExecutorOptions) -> None:
    """Refuses what only SLURM takes where jobs are computed here.

    Raises:
        BadParameter: One is given.
    """
    for name in FLAGS:
        if (value := getattr(options, name)) is not None:
            raise typer.BadParameter(f"--{name} is {value}, expected it with --executor slurm only")


def submit(jobs: Sequence[Job], options: ExecutorOptions) -> dict[Job, Any]:
    """Submits the jobs as one array job, less those that an earlier call has in the queue.

    Returns:
        What submitit knows of each job.

    Raises:
        BadParameter: There is no submitit, or no SLURM, or SLURM refuses; the message is one line.
    """
    try:
        import submitit
    except ImportError:
        raise typer.BadParameter("--executor slurm: submitit is not installed, expected the extra: pip install -e '.[slurm]'") from None
    if not (shutil.which("sbatch") and shutil.which("srun")):
        raise typer.BadParameter("--executor slurm: sbatch is not on PATH, expected a host that submits to SLURM")
    folder = options.work.absolute() / "slurm"
    commands = {job: Command(job.module, (*job.arguments, "--wait")) for job in jobs}
    with lock(folder / "submission.lock", wait=True):  # of two commands at once, the second one finds the first one's jobs
        queue = _queue()
        if queue is None:
            raise typer.BadParameter("--executor slurm: squeue fails, expected SLURM to answer")
        queued = {
            name: submitit.SlurmJob(folder, name)
            for name, (state, _) in queue.items()
            if state not in OVER and (folder / f"{name}_submitted.pkl").is_file()
        }
        submitted = {job.submission().function: job for job in queued.values()}
        missing = [job for job in jobs if commands[job] not in submitted]
        if missing:
            executor = submitit.SlurmExecutor(folder, max_num_timeout=TIMEOUTS)
            executor.update_parameters(**parameters(options))
            try:
                with contextlib.redirect_stderr(io.StringIO()):  # submitit prints what it then raises
                    new = executor.submit_array([commands[job] for job in missing])
            except submitit.core.utils.FailedJobError as error:
                raise typer.BadParameter(f"--executor slurm: {'; '.join(str(error).strip().splitlines())}") from None
            submitted.update({commands[job]: its for job, its in zip(missing, new, strict=True)})
    return {job: submitted[command] for job, command in commands.items()}


def parameters(options: ExecutorOptions) -> dict[str, Any]:
    """What submitit writes into the batch script."""
    cpus = options.cpus or 1
    variables = dict.fromkeys(THREAD_VARIABLES, str(cpus)) | accelerators.compilation_cache(options.work / "slurm")
    every = {
        "job_name": "ser_acrnn",
        "partition": options.partition,
        "gpus_per_node": options.gpus or None,
        "cpus_per_task": cpus,
        "mem": f"{math.ceil(options.memory * 1024)}M" if options.memory else None,
        "time": math.ceil(60 * (24 if options.hours is None else options.hours)),
        "array_parallelism": options.jobs,
        "stderr_to_stdout": True,
        "srun_args": ["--cpus-per-task", str(cpus)],  # not taken over from sbatch since SLURM 22.05
        "setup": [f'export {name}="${{{name}:-{value}}}"' for name, value in variables.items()] + ["export TF_CPP_MIN_LOG_LEVEL=3"],
        "teardown": REQUEUE_KILLED.splitlines(),
        "additional_parameters": {"requeue": True},
    }
    return {name: value for name, value in every.items() if value is not None}


def watch(submitted: dict[Job, Any]) -> Iterator[tuple[Job, str]]:
    """Waits for the outputs of the jobs that `submit` returned.

    Yields:
        Each job as it ends, with what went wrong, "" for nothing.
    """
    waiting, over, held = dict(submitted), dict.fromkeys(submitted, math.inf), set()
    pause, longest = POLL_SECONDS
    while waiting:
        queue = _queue()  # before the outputs: a job that is over by now has written its own
        present = _present(job.output for job in waiting)
        ended = []
        for job, its in waiting.items():
            state, reason = queue.get(its.job_id, ("UNKNOWN", "")) if queue is not None else ("", "")
            if "held" in reason.lower() and its.job_id not in held:
                held.add(its.job_id)
                logger.warning("SLURM holds job %s (%s): scontrol release %s lets it go on", its.job_id, reason, its.job_id)
            if job.output in present:
                ended.append((job, ""))
            elif state not in {*OVER, "UNKNOWN"}:
                over[job] = math.inf
            else:
                over[job] = min(over[job], time.monotonic())
                error = _error(its)
                if error or time.monotonic() - over[job] >= GRACE_SECONDS:
                    error = error or f"the job is over without a result, SLURM's word for it is {state}"
                    ended.append((job, f"{error} (see {its.paths.stdout})"))
        for job, failure in ended:
            del waiting[job]
            yield job, failure
        pause = POLL_SECONDS[0] if ended else min(1.5 * pause, longest)
        if waiting:
            time.sleep(pause)


def _present(paths: Iterator[Path]) -> set[Path]:
    """Those that are there. Folders are listed: a network file system may remember that a file was not there."""
    folders = {path.parent for path in paths}
    return {folder / name for folder in folders if folder.is_dir() for name in os.listdir(folder)}


def _queue() -> dict[str, tuple[str, str]] | None:
    """State and its reason of each job of this user by its number, `12_3` for one of an array; None when SLURM does not answer."""
    words = ["squeue", "--me", "--all", "--array", "--noheader", "--states=all", "--format=%i|%T|%r"]
    answer = subprocess.run(words, capture_output=True, text=True, check=False)
    if answer.returncode:
        return None
    lines = (line.strip().split("|", 2) for line in answer.stdout.splitlines())
    return {name: (state, reason) for name, state, reason in lines}


def _error(its: Any) -> str:
    """The last line of the traceback that a job left, "" where it left none."""
    from submitit.core.utils import pickle_load

    path = its.paths.result_pickle
    outcome, text = pickle_load(path) if path.exists() else ("", "")
    return text.strip().splitlines()[-1] if outcome == "error" else ""
