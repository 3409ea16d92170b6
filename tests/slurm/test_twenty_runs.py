"""A grid of twenty runs with killed jobs and a lost node, beside one that nothing disturbs. Minutes, so it is asked for:

SLURM_LONG=1 python -m pytest -s tests/slurm/test_twenty_runs.py
"""

import os
import re
import time

import pytest
from slurm_grid import Grid, without_time

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get("SLURM_LONG"), reason="takes minutes, SLURM_LONG=1 asks for it"),
]
MORE = ("--folds", "0-3", "--seeds", "0-4", "--epochs", 20, "--cpus", 1, "--jobs", 2, "--hours", 1)
RUNS = 20
SECONDS = 1800  # twenty runs, two at a time


def test_twenty_runs_with_killed_jobs_end_as_twenty_that_nothing_disturbs(cluster, corpus, tmp_path):
    plain, disturbed = Grid(cluster, corpus, tmp_path / "plain"), Grid(cluster, corpus, tmp_path / "disturbed", "held_grid")
    started = time.monotonic()
    code, _, err = plain.end(plain.start(*MORE), SECONDS)
    assert code == 0, err
    seconds = [time.monotonic() - started]

    started = time.monotonic()
    _, out, _ = disturbed.run(*MORE, "--detach")
    job = re.search(r"as job (\d+);", out).group(1)
    # Seed by seed and fold by fold: the tasks 0 to 3 are the four speakers with seed 0, two at a time.
    for task, signal, said in ((f"{job}_0", "USR2", "Requeued job"), (f"{job}_1", "HUP", "task 0: Hangup")):
        disturbed.wait_for(lambda task=task: "held after epoch 1" in disturbed.log(task), task)
        disturbed.signal(task, signal, said)
    # The second grid is started twice at once, while the jobs of the first call are in the queue.
    grids = [disturbed.start(*MORE) for _ in range(2)]
    disturbed.wait_for(lambda: "held after epoch 1" in disturbed.log(f"{job}_4"), f"{job}_4", seconds=SECONDS)
    cluster.node_down_and_back()
    for grid in grids:
        code, _, err = disturbed.end(grid, SECONDS)
        assert code == 0, err
    seconds.append(time.monotonic() - started)

    assert len(plain.results) == RUNS
    assert list(disturbed.results) == list(plain.results)
    resumed = [task for task in range(RUNS) if "resuming after epoch" in disturbed.log(f"{job}_{task}")]
    restarts = {task: number for task in range(RUNS) if (number := disturbed.restarts(f"{job}_{task}"))}
    assert {0, 1, 4} <= set(resumed)
    assert disturbed.arrays == {job}  # the two grids at once have submitted nothing more
    for name, path in plain.results.items():
        assert without_time(disturbed.results[name]) == without_time(path), name
    took = " and ".join(f"{each:.0f} s" for each in seconds)
    print(f"\n{RUNS} runs twice, {took}, with equal results. Restarts by task: {restarts}; resumed after an epoch: {resumed}")
