"""Commands in children of a process that has imported everything and run nothing, so that each starts in no time and can be killed."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
_NEEDED = (
    "keras",
    "matplotlib.figure",
    "python_speech_features",
    "tensorflow",
    "experiments.grid.run_grid",
    "experiments.grid.run_one",
    "experiments.reporting.summarise",
    "ser_acrnn.inference.predictor",
    "ser_acrnn.training.from_csv",
)
CRASHED = 99  # exit code of a command that ended in a traceback


def import_everything() -> None:
    """What the commands need, with one thread each, so that what they compute is the same each time.

    None of it is run here: what has run has threads, and they do not live on in a child.
    """
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for name in _NEEDED:
        importlib.import_module(name)


class Child:
    """A command that runs in a child, at the head of a group of processes of its own.

    Args:
        run: The command; returns its exit code.
        log: File of what it prints.
        stopped: It begins when it is sent SIGCONT.
    """

    def __init__(self, run: Callable[[], int], log: Path, *, stopped: bool = False) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        sys.stdout.flush()
        sys.stderr.flush()
        self.log = log
        self.tracer: subprocess.Popen[bytes] | None = None
        self.pid = os.fork()
        if self.pid == 0:
            _be(run, log, stopped)
        with contextlib.suppress(OSError):  # it may have done so itself, or be gone
            os.setpgid(self.pid, self.pid)

    def ended_within(self, seconds: float) -> bool:
        """Whether it ends by itself in that time."""
        until = time.monotonic() + seconds
        while True:
            status = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            left = until - time.monotonic()
            if status is not None or left <= 0:
                return status is not None
            time.sleep(min(left, 0.005))

    def code(self) -> int:
        """Waits for its end; its exit code, or minus the signal that ended it."""
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if self.tracer is not None:
            self.tracer.wait()
        return code

    def kill(self, *, alone: bool = False) -> int:
        """Kills it, alone or with all that it has started, and returns how it ended."""
        with contextlib.suppress(ProcessLookupError):
            (os.kill if alone else os.killpg)(self.pid, signal.SIGKILL)
        return self.code()

    def said(self) -> str:
        """What it printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")


def _be(run: Callable[[], int], log: Path, stopped: bool) -> None:
    code = CRASHED
    try:
        os.setpgid(0, 0)
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
        if stopped:
            os.kill(os.getpid(), signal.SIGSTOP)
        code = run()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
