"""Locks: what two processes must not compute or write at once, such as a run of a grid, whoever starts it, here or as a job on SLURM.

A lock is a `flock` on a file, a run's beside its checkpoint, so processes that share results have to share the work folder. The kernel
gives it up when its holder ends, however it ends: no lock is ever stale. Between hosts this needs a shared file system that passes
locks on. NFS does, and takes the locks of a host that is gone back after its lease, 90 seconds as a rule; so do GPFS and CephFS, and
Lustre where it is mounted with `flock`, but not with `localflock`. A system without locks is met with a warning: two grids may then
compute a run twice, in the same steps, and the result, which is written atomically, is there once all the same.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0  # between two looks at a lock that another process holds
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class LockedError(ValueError):
    """Another process holds the lock; the message names it."""

    exit_code = 75  # of a command that it ends: EX_TEMPFAIL, try again later


@contextlib.contextmanager
def lock(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Holds a lock while the block runs.

    The file stays: were it removed, one process could hold the removed file while another one locks a new one.

    Args:
        path: The lock's file; made where it is not there.
        wait: Waits until the lock is free, instead of raising.

    Raises:
        LockedError: Another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as stream:
        told = False
        while not _lock(stream, exclusive=True):
            stream.seek(0)
            message = f"{path}: is held by {stream.read().strip() or 'another process'}"
            if not wait:
                raise LockedError(message)
            if not told:
                logger.info("%s, waiting", message)
                told = True
            time.sleep(POLL_SECONDS)
        stream.truncate(0)
        stream.write(_this_process() + "\n")
        stream.flush()
        yield


def is_locked(path: Path) -> bool:
    """Whether another process holds the lock now."""
    if not path.exists():
        return False
    with path.open("a+", encoding="utf-8") as stream:
        return not _lock(stream, exclusive=False)


def _lock(stream: TextIO, *, exclusive: bool) -> bool:
    """Takes the lock until the stream is closed; False where another process has it."""
    try:
        if fcntl is None:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        fcntl.flock(stream, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        if exclusive:
            logger.warning("%s: its file system has no locks (%s), two processes may compute the same", stream.name, error)
    return True


def _this_process() -> str:
    job = os.environ.get("SLURM_JOB_ID")
    return f"process {os.getpid()} on {socket.gethostname()}" + (f", SLURM job {job}" if job else "")
