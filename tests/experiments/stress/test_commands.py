"""What disturbs commands disturbs them, and what they leave is compared by what has to be the same."""

import json
import os
import signal
import time
import zipfile

import pytest

from experiments.stress import forks, together, writes
from experiments.stress.__main__ import KINDS, chosen
from experiments.stress.commands import COMMANDS, Command, copied, digest, names, write_recordings
from experiments.stress.scene import Scene
from ser_acrnn.locks import lock


@pytest.fixture
def scene(tmp_path, monkeypatch):
    """A command that writes a line into a file."""

    def run(folder):
        (folder / "out").mkdir(exist_ok=True)
        (folder / "out" / "a.txt").write_text("a line")
        return 0

    monkeypatch.setattr(forks, "import_everything", lambda: None)
    return Scene(Command("writing", (), run, ("out",)), tmp_path)


def child_in(folder, run, **options):
    return forks.Child(run, folder / "log", **options)


def test_a_child_says_how_it_ended(tmp_path):
    assert child_in(tmp_path, lambda: 3).code() == 3
    child = child_in(tmp_path, lambda: print("a line") or 1 / 0)
    assert child.code() == forks.CRASHED and "a line" in child.said() and "ZeroDivisionError" in child.said()
    began = time.monotonic()
    child = child_in(tmp_path, lambda: time.sleep(60) or 0)
    assert not child.ended_within(0.1) and child.kill() == -signal.SIGKILL and time.monotonic() - began < 30
    child = child_in(tmp_path, lambda: 0, stopped=True)
    assert not child.ended_within(0.2)
    os.kill(child.pid, signal.SIGCONT)
    assert child.code() == 0


def test_what_a_disturbed_command_leaves_is_compared(scene):
    place = scene.folder / "after"
    assert scene.fault_of(scene.begun(place), place) == ""
    (place / "out" / "a.txt.vm-12-0123abcd.partial").write_text("half")
    assert "out/a.txt.*.partial left behind" in scene.difference(place)
    (place / "out" / "a.txt").write_text("another")
    assert "out/a.txt" in scene.difference(place)
    assert scene.fault_of(child_in(scene.folder, lambda: 1 / 0), place).startswith(f"ends with exit code {forks.CRASHED}: ")


def test_times_and_addresses_do_not_count(tmp_path):
    def written(name, text):
        (tmp_path / name).write_text(text)
        return digest(tmp_path / name)

    for name, text in {
        "a.json": '{{"wall_seconds": {}, "seed": 3}}',
        "runs.csv": "system,wall_seconds\ntiny,{}\n",
        "report.md": "| tiny | {} |\n\n2 runs, {} hours of training",
    }.items():
        assert written(name, text.format("1.5", "0.1")) == written(name, text.format("2.5", "0.2"))
        assert written(name, text.format("1.5", "0.1")) != written(name, text.format("1.5", "0.1") + "more")
    digests = []
    for identity, weights in (("1", "w"), ("2", "w"), ("1", "v")):
        with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
            archive.writestr("config.json", json.dumps({"shared_object_id": int(identity), "name": "a"}))
            archive.writestr("model.weights.h5", weights)
        digests.append(digest(tmp_path / "a.keras"))
    assert digests[0] == digests[1] != digests[2]


def test_the_recordings_are_speech_of_three_speakers(tmp_path):
    write_recordings(tmp_path)
    assert len(names(tmp_path)) == 19 and len((tmp_path / "mine.csv").read_text().splitlines()) == 19
    assert COMMANDS["preparation"].run(tmp_path) == 0
    left = COMMANDS["preparation"].left(tmp_path)
    assert sum(name.endswith("speaker-08.tfrecord") for name in left) == 1


@pytest.mark.slow
@pytest.mark.skipif(writes.why_not() != "", reason=writes.why_not())
def test_a_call_that_fails_is_met_where_the_command_writes(scene):
    place = scene.folder / "case"
    found = []
    for call in range(1, writes._calls(scene, scene.before, place) + 1):
        copied(scene.before, place)
        found.append(writes._disturbed(scene, place, call, "ENOSPC"))
    assert any(ended == "failed" and "No space left on device" in fault for ended, fault in found), found


def test_the_clock_goes_back():
    before = time.time
    try:
        together._set_clock_back(before() + 3_600)
        assert abs(time.time() - before()) < 60
        time.time = before
        together._set_clock_back(before() - 1)
        assert time.time() - before() == pytest.approx(-together.DAY_SECONDS, abs=60)
    finally:
        time.time = before


def test_every_kind_has_parts_with_names_of_their_own():
    found = [(kind, part.name) for kind, part in chosen(KINDS)]
    assert len(set(found)) == len(found) > 25 and {kind for kind, _ in found} == set(KINDS)


def test_who_held_a_lock_is_no_difference(tmp_path):
    (tmp_path / "lock").touch()
    with lock(tmp_path / "lock"):
        first = digest(tmp_path / "lock")
    (tmp_path / "lock").write_text("process 99999999 on another.host\n")
    assert digest(tmp_path / "lock") == first
    (tmp_path / "lock").write_text("something else\n")
    assert digest(tmp_path / "lock") != first
