"""A corpus prepared in pieces on a real SLURM: killed pieces go on with their next shard, and the corpus is that of one process."""

import re

import held_preparation
import pytest
from slurm_grid import ROOT

from data_prep import prepare
from experiments.jobs import slurm


@pytest.fixture
def source(tmp_path, write_corpus):
    """Four speakers of three utterances, laid out as Emo-DB."""
    write_corpus(tmp_path / "source", "WTF")
    return tmp_path / "source"


def contents(link):
    return {path.name: path.read_bytes() for path in link.iterdir()} | {"": link.resolve().name.encode()}


def test_killed_pieces_keep_their_shards_and_the_corpus_is_that_of_one_process(grid, source, monkeypatch, capsys):
    monkeypatch.setattr(slurm, "POLL_SECONDS", (0.5, 0.5))
    monkeypatch.setattr(slurm, "GRACE_SECONDS", 2.0)
    for name, value in grid.cluster.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    data = grid.folder / "data"
    words = [
        "emodb",
        "--source",
        source,
        "--data",
        data,
        "--work",
        grid.folder / "work",
        "--executor",
        "slurm",
        "--pieces",
        2,
        "--hours",
        1,
    ]
    words = [str(word) for word in words]

    assert held_preparation.main([*words, "--detach"]) == 0
    job = re.search(r"2 of 2 pieces are in the queue, as job (\d+);", capsys.readouterr().out).group(1)
    killed, lost = tasks = (f"{job}_0", f"{job}_1")
    grid.wait_for(lambda: all("held after speaker" in grid.log(task) for task in tasks), *tasks)
    kept = {path.name: path.stat().st_ino for path in data.glob(".emodb.pieces/*.tfrecord")}
    assert len(kept) == 2 and not (data / "emodb").exists()
    grid.signal(killed, "HUP", "task 0: Hangup")
    grid.wait_for(lambda: "outcome.json: done" in grid.log(killed), killed)  # its second start is not held
    grid.cluster.node_down_and_back()

    with grid.deadline():
        code = held_preparation.main(words)  # the same command finds its jobs in the queue
    assert code == 0, capsys.readouterr().err + grid.state()
    assert grid.arrays == {job} and grid.restarts(lost) == 1 and "NODE FAILURE" in grid.log(lost)
    assert kept.items() <= {path.name: path.stat().st_ino for path in (data / "emodb").iterdir()}.items()
    whole = ["emodb", "--source", str(source), "--data", str(grid.folder / "whole"), "--jobs", "1"]
    assert prepare.main(whole) == 0
    assert contents(data / "emodb") == contents(grid.folder / "whole" / "emodb")
