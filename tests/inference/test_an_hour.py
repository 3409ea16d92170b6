"""A recording of an hour, judged by the command in a process of its own: what memory it takes, and that every window is there."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile

from ser_acrnn.config import FEATURE_RECIPES, ModelConfig
from ser_acrnn.models.networks import acrnn

RATE_HERTZ, SECONDS = 16_000, 3600
# More than a recording of three seconds takes: what TensorFlow takes by itself, some 830 MB, differs between processors. The samples as
# they are in the file would be 115 MB.
MOST_BYTES_MORE = 75e6
SMALL = ModelConfig(emotions=("angry", "sad"), conv=((2, 3, 3),), linear_units=4, blstm_units=2, embedding_units=4)
# The command, then the largest memory that it had; what getrusage counts begins with the memory of the process that started this one.
CODE = """
import re, sys
from ser_acrnn import cli
code = cli.main(sys.argv[1:])
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) * 1024
print("peak", peak, file=sys.stderr)
sys.exit(code)
"""

if not Path("/proc/self/status").is_file():
    pytest.skip("the peak of memory is read in /proc, which is Linux's", allow_module_level=True)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("network") / "tiny.keras"
    model = acrnn(SMALL, recipe_hash=FEATURE_RECIPES["paper"].recipe_hash)
    model.get_layer("normalise").set_statistics(np.full((40, 3), -5.0), np.full((40, 3), 4.0))
    model.save(path)
    return path


@pytest.fixture(scope="module")
def minutes() -> list[np.ndarray]:
    """Ten minutes that differ in level and colour; the fifth is silent."""
    rng = np.random.default_rng(0)
    found = []
    for number in range(10):
        values = rng.normal(size=60 * RATE_HERTZ)
        values = np.convolve(values, np.ones(1 + number), "same") * 0.02 * (number != 4)
        found.append(np.round(32_767 * values.clip(-1, 1)).astype(np.int16))
    return found


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory, minutes: list[np.ndarray]) -> Iterator[dict[str, Path]]:
    """An hour, written to the disk minute by minute, and removed at the end."""
    folder = tmp_path_factory.mktemp("hours")
    found = {suffix: folder / f"an-hour.{suffix}" for suffix in ("wav", "flac")}
    for path in found.values():
        with soundfile.SoundFile(path, "w", RATE_HERTZ, 1, "PCM_16") as file:
            for minute in range(SECONDS // 60):
                file.write(minutes[minute % len(minutes)])
    assert found["wav"].stat().st_size > 2 * SECONDS * RATE_HERTZ
    yield found
    for path in found.values():
        path.unlink()


@pytest.fixture(scope="module")
def seconds(tmp_path_factory: pytest.TempPathFactory, minutes: list[np.ndarray]) -> Path:
    """The first three seconds of them."""
    path = tmp_path_factory.mktemp("seconds") / "three-seconds.wav"
    soundfile.write(path, minutes[0][: 3 * RATE_HERTZ], RATE_HERTZ, subtype="PCM_16")
    return path


def judged(*words: object, code: int = 0) -> tuple[str, str, float]:
    """What the command printed as it ended with that code, and its peak memory in bytes."""
    # On a busy machine, threads that share a sum over 3 s wait for each other most of the time.
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    arguments = [sys.executable, "-c", CODE, "predict", *map(str, words)]
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == code, done.stderr
    *errors, peak = done.stderr.splitlines()
    print(f"peak {float(peak.removeprefix('peak ')) / 1e6:.0f} MB")
    return done.stdout, "\n".join(errors), float(peak.removeprefix("peak "))


def test_an_hour_is_judged_as_a_whole_in_little_memory(network: Path, recordings: dict[str, Path], seconds: Path) -> None:
    *_, short = judged("--model", network, "--json", seconds)
    printed, errors, peak = judged("--model", network, "--json", recordings["wav"])
    entry = json.loads(printed)
    assert entry["seconds"] == SECONDS and sum(entry["posteriors"].values()) == pytest.approx(1, abs=1e-3)
    # In each silent minute of sixty windows, all that begin in it and do not reach out of it.
    assert f"{SECONDS // 600 * 57} of {SECONDS - 2} windows are not judged, the first at 240.0 s because it is silent" in errors
    assert peak - short < MOST_BYTES_MORE, f"{peak / 1e6:.0f} MB, {short / 1e6:.0f} MB for three seconds"


def test_a_timeline_of_an_hour_by_a_shipped_network_takes_little_memory(recordings: dict[str, Path], seconds: Path) -> None:
    *_, short = judged("--timeline", "--hop", 10, "--csv", seconds, code=1)  # no window holds speech
    printed, _, peak = judged("--timeline", "--hop", 10, "--csv", recordings["flac"], code=1)
    rows = list(csv.DictReader(printed.splitlines()))
    assert [float(row["start"]) for row in rows[:-1]] == [10 * number for number in range(SECONDS // 10)]
    assert float(rows[-1]["end"]) == SECONDS
    # What is said does not depend on where in the file it is: ten minutes come again and again.
    for row, later in zip(rows[:59], rows[60 * 5 :], strict=False):
        assert float(row["start"]) + 3000 == float(later["start"])
        for name in row.keys() - {"path", "start", "end"}:
            if name in ("emotion", "unsure", "flaw") or not row[name]:
                assert row[name] == later[name]
            else:
                assert float(row[name]) == pytest.approx(float(later[name]), abs=2e-4)
    assert any(row["flaw"] for row in rows[:59])
    assert peak - short < MOST_BYTES_MORE, f"{peak / 1e6:.0f} MB, {short / 1e6:.0f} MB for three seconds"
