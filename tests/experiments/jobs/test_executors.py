"""Children at a time, runs that another process has, and two grids at once."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.grid import run_grid, run_one
from experiments.grid.runs import named_experiment
from experiments.jobs import executors
from experiments.jobs.executors import local, run_child
from experiments.jobs.job import Job
from experiments.options import GridOptions
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.locks import LockedError, lock

ROOT = Path(__file__).parents[3]


def jobs(number, folder):
    """Jobs by the names "0", "1" and so on."""
    names = [str(index) for index in range(number)]
    return [Job(name, "none", (), folder / name, folder / f"{name}.lock", folder / f"{name}.log", 1.0) for name in names]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(executors, "POLL_SECONDS", 0.01)


def test_as_many_children_as_asked_for_run_at_a_time_and_each_end_is_told(tmp_path):
    now, most, lock, three = 0, 0, threading.Lock(), threading.Barrier(3, timeout=60)

    def child(job):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        three.wait()
        time.sleep(0.05)  # for a fourth one
        with lock:
            now -= 1
        return "failed" if job.name == "2" else ""

    ends = list(local(jobs(6, tmp_path), child, 3))
    assert most == 3
    assert {job.name: failure for job, failure in ends} == {"0": "", "1": "", "2": "failed", "3": "", "4": "", "5": ""}


def test_a_task_that_another_process_has_comes_last(tmp_path):
    order, claimed = [], ExitStack()
    claimed.enter_context(lock(jobs(1, tmp_path)[0].lock))

    def child(job):
        order.append(job.name)
        if job.name == "2":
            claimed.close()
        return ""

    assert len(list(local(jobs(3, tmp_path), child, 1))) == 3
    assert order == ["1", "2", "0"]


def test_a_child_that_finds_its_task_taken_is_started_again(tmp_path):
    started = Counter()

    def child(job):
        started[job.name] += 1
        if job.name == "0" and started["0"] < 3:
            raise LockedError("taken")
        return ""

    assert [job.name for job, _ in local(jobs(2, tmp_path), child, 1)] == ["1", "0"]
    assert started == {"0": 3, "1": 1}


@pytest.fixture
def options(small_corpus, tmp_path):
    return GridOptions(prepared=small_corpus, results=tmp_path / "results", work=tmp_path / "work", epochs=1)


def test_a_child_leaves_a_claimed_run_and_names_what_fails(options, tmp_path, monkeypatch):
    experiment = named_experiment(options, "tiny")
    run = run_grid.job_of(experiment, 0, 0, options)
    with lock(run.lock), pytest.raises(LockedError, match=f"is held by process {os.getpid()} on "):
        run_child(run, 1)
    assert not (tmp_path / "results").exists()
    elsewhere = replace(options, prepared=tmp_path / "synthetic")
    failure = run_child(run_grid.job_of(experiment, 0, 0, elsewhere), 1)  # the second one in the same log
    assert failure.startswith(f"exit code 1: {tmp_path}/synthetic: lacks ") and failure.endswith("03-seed0.log)")


def test_one_run_says_who_has_it_and_waits_where_it_is_told_to(small_corpus, tmp_path, monkeypatch, capsys):
    words = ["--prepared", small_corpus, "--results", tmp_path / "results", "--work", tmp_path / "work", "--system", "tiny"]
    words = [str(word) for word in [*words, "--fold", 0, "--seed", 0, "--epochs", 1]]
    claimed = ExitStack()
    claimed.enter_context(lock(tmp_path / "work" / "synthetic" / "tiny" / "03-seed0.lock"))
    assert run_one.main(words) == os.EX_TEMPFAIL
    assert f"is held by process {os.getpid()} on " in capsys.readouterr().err
    monkeypatch.setattr(time, "sleep", lambda _: claimed.close())
    computed = []
    monkeypatch.setattr(run_one, "_compute", lambda *arguments: computed.append(arguments))
    assert run_one.main([*words, "--wait"]) == 0
    assert len(computed) == 1


def test_two_grids_at_once_share_the_runs_and_compute_each_once(small_corpus, tmp_path):
    words = ["--prepared", small_corpus, "--results", tmp_path / "results", "--work", tmp_path / "work", "--system", "dnn-elm"]
    command = [sys.executable, "-m", "experiments.grid.run_grid", *words, "--folds", "0-1", "--seeds", "0", "--epochs", "1"]
    grids = [subprocess.Popen([str(word) for word in command], cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ends = [grid.communicate()[1] for grid in grids]
    assert [grid.returncode for grid in grids] == [0, 0], ends
    assert all("2/2 runs" in end for end in ends)
    for speaker in ("03", "08"):
        RunResult.load(tmp_path / "results" / "synthetic" / "dnn-elm" / f"{speaker}-seed0.json")
        log = (tmp_path / "work" / "synthetic" / "dnn-elm" / f"{speaker}-seed0.log").read_text()
        assert log.count("03-seed0.json: epoch 1,") + log.count("08-seed0.json: epoch 1,") == 1
        assert len(list((tmp_path / "work" / "synthetic" / "dnn-elm" / f"{speaker}-seed0-tensorboard").iterdir())) == 1


@pytest.mark.parametrize("flag", ["--partition gpu", "--gpus 1", "--cpus 2", "--memory 8", "--hours 1", "--detach"])
def test_what_only_slurm_takes_is_refused_here(small_corpus, tmp_path, capsys, flag):
    words = ["--prepared", str(small_corpus), "--results", str(tmp_path / "results"), "--work", str(tmp_path / "work"), *flag.split()]
    assert run_grid.main(words) == 2
    error = capsys.readouterr().err
    assert flag.split()[0] in error and "--executor slurm" in error and error.count("\n") == 1


def test_sigterm_ends_a_grid_with_its_children(tmp_path):
    code = f"""
import dataclasses, sys, time
from pathlib import Path
from experiments.jobs import executors
from experiments.jobs.job import Job
class Sleeping(Job):
    command = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(600)"]
folder = Path({str(tmp_path)!r})
job = Sleeping("a", "none", (), folder / "a", folder / "a.lock", folder / "a.log", 1.0)
with executors.ending_together():
    executors.run_child(job, 1)
"""
    grid = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL)
    log, until = tmp_path / "a.log", time.monotonic() + 60
    while not (log.is_file() and log.read_text().strip()):
        assert grid.poll() is None and time.monotonic() < until
        time.sleep(0.05)
    child = int(log.read_text())
    grid.terminate()
    assert grid.wait(30) != 0
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_network_that_is_asked_for_is_saved_or_it_is_said_why_not(small_corpus, tmp_path, capsys):
    words = ["--prepared", small_corpus, "--results", tmp_path, "--work", tmp_path, "--system", "tiny", "--fold", 0, "--seed", 0]
    words = [str(word) for word in words]
    assert run_one.main([*words, "--save-model", "mine.h5"]) == 1
    assert "--save-model is mine.h5, expected a name ending in .keras" in capsys.readouterr().err
    assert run_one.main([*words, "--epochs", "1"]) == 0
    assert run_one.main([*words, "--epochs", "1", "--save-model", str(tmp_path / "mine.keras")]) == 1
    assert "03-seed0.json is already there without its network, expected other --results" in capsys.readouterr().err
