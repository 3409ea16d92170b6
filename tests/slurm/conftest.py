"""A real SLURM on this host, a corpus for its jobs, and a grid of them."""

from __future__ import annotations

import os
from pathlib import Path

import local_slurm
import pytest
from slurm_grid import Grid

from data_prep.corpora import emodb
from data_prep.prepare import prepare


@pytest.fixture(scope="session")
def cluster():
    """SLURM, started for these tests; they are skipped where that cannot be."""
    pytest.importorskip("submitit")
    if reason := local_slurm.unavailable():
        pytest.skip(reason)
    try:
        with local_slurm.start(cpus=4) as running:
            folders = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]  # jobs import `held_grid`
            running.environment["PYTHONPATH"] = os.pathsep.join(filter(None, folders))
            yield running
    except local_slurm.ClusterError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def corpus(tmp_path_factory, write_corpus):
    """Four speakers with a second or two of each of three emotions, prepared."""
    root = tmp_path_factory.mktemp("corpus")
    write_corpus(root, letters="WTF")
    return prepare("synthetic", emodb.utterances(root), root / "data", source=root, jobs=1)


@pytest.fixture
def grid(cluster, corpus, tmp_path):
    """A grid in a folder of its own; what it has started and in the queue ends with the test."""
    grid = Grid(cluster, corpus, tmp_path)
    yield grid
    grid.close()
    cluster.run("scancel", "--user=root")
