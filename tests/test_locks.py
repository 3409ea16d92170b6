"""A lock is one process's, names it, and ends with it."""

import errno
import fcntl
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ser_acrnn import locks
from ser_acrnn.locks import LockedError, is_locked, lock

ROOT = Path(__file__).parents[1]
HOLD = """
import pathlib, sys, time
from ser_acrnn.locks import lock
with lock(pathlib.Path(sys.argv[1])):
    print(flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock on `tmp_path / "run.lock"`."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "run.lock")], cwd=ROOT, stdout=subprocess.PIPE)
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def test_a_lock_names_its_holder_and_is_free_when_that_is_killed(holder, tmp_path):
    path = tmp_path / "run.lock"
    assert is_locked(path)
    with pytest.raises(LockedError, match=rf"run\.lock: is held by process {holder.pid} on "), lock(path):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert not is_locked(path)
    with lock(path):
        assert path.read_text().startswith(f"process {os.getpid()} on ")
        assert is_locked(path)
    assert not is_locked(path)


def test_whoever_waits_says_so_once_and_gets_the_lock(holder, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(locks, "POLL_SECONDS", 0.01)
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            holder.kill()
            holder.wait()

    monkeypatch.setattr(time, "sleep", sleep)
    with caplog.at_level(logging.INFO), lock(tmp_path / "run.lock", wait=True):
        assert pauses == [0.01] * 3
    (record,) = caplog.records
    assert f"is held by process {holder.pid} on " in record.getMessage()


def test_a_job_on_slurm_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    with lock(tmp_path / "run.lock"):
        assert (tmp_path / "run.lock").read_text().endswith(", SLURM job 12\n")


def test_an_error_in_the_block_frees_the_lock(tmp_path):
    with pytest.raises(ZeroDivisionError), lock(tmp_path / "deeper" / "run.lock"):
        _ = 1 / 0
    assert not is_locked(tmp_path / "deeper" / "run.lock")


def test_what_nobody_has_locked_is_free_and_not_made(tmp_path):
    assert not is_locked(tmp_path / "run.lock")
    assert not (tmp_path / "run.lock").exists()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_met_with_a_warning(tmp_path, monkeypatch, caplog, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with lock(tmp_path / "run.lock"):
        assert not is_locked(tmp_path / "run.lock")
    assert len(caplog.records) == 1 and "run.lock: its file system has no locks" in caplog.text
