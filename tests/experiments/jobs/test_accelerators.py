"""What children on JAX are told: their share of the memory, and a folder for what was compiled; what the user set stays."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from layer_check import NO_JAX, jax_python, run_python

from experiments.jobs import accelerators, executors

MEMORY = "XLA_CLIENT_MEM_FRACTION"
FOLDER = "JAX_COMPILATION_CACHE_DIR"


@pytest.mark.parametrize("jobs, share", [(1, 0.9), (2, 0.45), (3, 0.3), (16, 0.056)])
def test_children_share_the_memory_of_one_accelerator(jobs, share, tmp_path):
    given = float(accelerators.environment(jobs, tmp_path, {})[MEMORY])
    assert given == pytest.approx(share) and jobs * given < 0.95


@pytest.mark.parametrize("variable", [MEMORY, "XLA_PYTHON_CLIENT_MEM_FRACTION", "XLA_PYTHON_CLIENT_PREALLOCATE"])
def test_whoever_sets_the_memory_in_any_way_keeps_it(variable, tmp_path):
    added = accelerators.environment(2, tmp_path, {variable: "false"})
    assert MEMORY not in added and variable not in added and FOLDER in added


def test_what_is_set_stays_and_the_folder_is_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    added = accelerators.environment(1, Path("work"), {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "2"})
    assert added[FOLDER] == str(tmp_path / "work" / "jax-cache")
    assert "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in added
    assert FOLDER not in accelerators.environment(1, Path("work"), {FOLDER: "/elsewhere"})
    monkeypatch.setenv(FOLDER, "/elsewhere")
    assert FOLDER not in accelerators.environment(1, Path("work"))


COMPILE = """
import json, jax
import jax.numpy as jnp
from jax._src import monitoring
events = []
monitoring.register_event_listener(lambda event, **_: events.append(event.rpartition("/")[2]))
jax.jit(lambda x: jnp.tanh(x) @ x)(jnp.ones((3, 3))).block_until_ready()
print(json.dumps({kind: events.count(kind) for kind in ("cache_hits", "cache_misses")}))
"""


def compiled():
    return run_python(COMPILE, interpreter=jax_python(), JAX_PLATFORMS="cpu")


@pytest.mark.skipif(jax_python() is None, reason=NO_JAX)
def test_jax_compiles_into_the_folder_once(tmp_path, monkeypatch):
    """JAX knows the variables by these names, and small, quick programs are kept too."""
    for name, value in accelerators.environment(1, tmp_path, {}).items():
        monkeypatch.setenv(name, value)
    assert '"cache_hits": 0' in compiled()
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "jax-cache").glob("*-cache")}
    assert kept
    assert '"cache_misses": 0' in compiled()
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "jax-cache").glob("*-cache")} == kept


def test_a_child_is_told(tmp_path, monkeypatch):
    @dataclass
    class Said:
        log: Path
        command: tuple[str, ...]

    monkeypatch.delenv(MEMORY, raising=False)
    monkeypatch.setenv(FOLDER, "/elsewhere")
    said = Said(tmp_path / "emodb" / "tiny" / "03-seed0.log", (sys.executable, "-c", "import os; print(dict(os.environ))"))
    assert executors.run_child(said, 3) == ""
    assert f"'{MEMORY}': '0.300'" in said.log.read_text() and f"'{FOLDER}': '/elsewhere'" in said.log.read_text()
    monkeypatch.delenv(FOLDER)
    assert executors.run_child(said, 3) == ""
    assert str(tmp_path / "emodb" / "tiny" / "jax-cache") in said.log.read_text()
