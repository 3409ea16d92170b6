"""The grid on a real SLURM: jobs that are killed go on from their last epoch, and every run is there once."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import held_grid
import pytest
from slurm_grid import ROOT

from experiments.grid import run_grid
from experiments.jobs import slurm
from ser_acrnn.locks import lock


@pytest.fixture
def typed(grid, monkeypatch, capsys):
    """A function that runs the grid's command in this process, looking often, and returns its exit code and what it said."""
    monkeypatch.setattr(slurm, "POLL_SECONDS", (0.5, 0.5))
    monkeypatch.setattr(slurm, "GRACE_SECONDS", 2.0)
    for name, value in grid.cluster.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)

    def run(*more):
        with grid.deadline():
            code = (held_grid if grid.module == "held_grid" else run_grid).main(grid.words(*more)[3:])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def job_number(words, out):
    return re.search(rf"{words} runs are in the queue, as job (\d+);", out).group(1)


def test_a_node_goes_down_and_every_run_goes_on_and_is_there_once(grid, typed):
    grid.module = "held_grid"
    more = ("--folds", "0-1", "--seeds", 0, "--epochs", 3, "--hours", 1)
    code, out, _ = typed(*more, "--detach")
    job = job_number("2 of 2", out)
    tasks = (f"{job}_0", f"{job}_1")
    assert code == 0
    grid.wait_for(lambda: all("held after epoch 1" in grid.log(task) for task in tasks), *tasks)
    assert grid.checkpoint("03-seed0").exists() and grid.checkpoint("08-seed0").exists() and not grid.results
    grid.cluster.node_down_and_back()
    code, _, err = typed(*more)  # the same command finds its jobs in the queue
    assert code == 0 and "2/2 runs" in err, err + grid.state()
    assert list(grid.results) == ["03-seed0", "08-seed0"]
    assert grid.arrays == {job}
    for task in tasks:
        assert grid.restarts(task) == 1
        assert "NODE FAILURE" in grid.log(task) and grid.log(task).count("resuming after epoch 1\n") == 1
    assert not list((grid.folder / "work").rglob("*.npz*"))
    before = {path: path.stat().st_mtime_ns for path in grid.results.values()}
    code, _, err = typed(*more)
    assert code == 0 and "0 runs to do" in err
    assert before == {path: path.stat().st_mtime_ns for path in grid.results.values()}


def test_signals_requeue_a_job_and_runs_that_fail_or_are_cancelled_are_named(grid, typed):
    folder = grid.folder / "work" / "synthetic" / "tiny"
    (folder / "03-seed0.lock").mkdir(parents=True)  # stops its run before it begins
    with ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        for speaker in ("08", "09"):  # whose jobs wait for this process
            stack.enter_context(lock(folder / f"{speaker}-seed0.lock"))
        more = ("--folds", "0-2", "--seeds", 0)
        code, out, _ = typed(*more, "--detach")
        job = job_number("3 of 3", out)
        assert code == 0
        stack.callback(grid.cluster.run, "scancel", job)  # also when the test fails, so that the attached grid ends
        warned, killed = f"{job}_1", f"{job}_2"
        attached = pool.submit(typed, *more)
        grid.wait_for(lambda: "waiting" in grid.log(warned) and "waiting" in grid.log(killed), warned, killed)
        grid.signal(warned, "USR2", "Requeued job")  # SLURM's warning before the time limit: submitit requeues
        grid.signal(killed, "HUP", "task 0: Hangup")  # ends the process: the batch script requeues
        grid.wait_for(lambda: all(grid.log(task).count("waiting") == 2 for task in (warned, killed)), warned, killed)
        assert grid.restarts(warned) == grid.restarts(killed) == 1
        grid.cluster.run("scancel", job)
        code, _, err = attached.result()
    assert code == 1 and not grid.results, err
    failed, *cancelled = [line for line in err.splitlines() if line.startswith("failed: ")]
    assert "03-seed0.json: IsADirectoryError" in failed and failed.endswith(f"{job}_0_0_log.out)")
    assert len(cancelled) == 2
    assert all("the job is over without a result, SLURM's word for it is CANCELLED" in line for line in cancelled)


def test_what_is_asked_for_reaches_slurm(grid, typed):
    asked = ("--partition", "main", "--gpus", 1, "--cpus", 2, "--memory", 0.5, "--hours", 1.5)
    code, out, _ = typed("--folds", "0-2", "--seeds", 0, "--jobs", 2, *asked, "--detach")
    told = grid.cluster.run("scontrol", "show", "job", f"{job_number('3 of 3', out)}_2")
    words = {"Partition=main", "ArrayTaskThrottle=2", "TimeLimit=01:30:00", "Requeue=1", "CPUs/Task=2", "MinMemoryNode=512M"}
    assert code == 0 and words <= set(told.split()) and "gpu:1" in told


@pytest.mark.parametrize(
    "more, words",
    [(["--partition", "none"], "invalid partition specified: none"), (["--gpus", "9"], "Requested node configuration is not available")],
)
def test_what_slurm_refuses_ends_in_one_line_with_its_words(typed, more, words):
    code, out, err = typed("--folds", 0, "--seeds", 0, *more)
    assert (code, out) == (2, "")
    assert words in err and err.count("\n") == 1
