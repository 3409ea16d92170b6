"""A preparation that is killed, fills the disk or refuses a speaker: it leaves the old set or the new one, and what others need."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_prepare import change, contents, identities, run

from data_prep import shards
from data_prep.prepare import prepare
from ser_acrnn import files
from ser_acrnn.data import tfrecords
from ser_acrnn.data.corpus import CorpusError, Utterance
from ser_acrnn.data.prepared import RecordCorpus

ROOT = Path(__file__).parents[2]
Write = Callable[..., list[Path]]


# Prepares again and again, each time in a fork that is killed one step later than the last: before each change of a file and before
# each record, until a preparation survives. Takes source, data as they were, and a folder for what each preparation leaves.
KILLED = """
import os, shutil, signal, sys
from pathlib import Path
import python_speech_features, tensorflow  # before the forks, so that each costs little
from data_prep import prepare
from data_prep.corpora import emodb
from ser_acrnn import audio
from ser_acrnn.data import tfrecords

CHANGES = {"os.rename", "os.link", "os.symlink", "os.remove", "os.rmdir", "os.mkdir"}

def die_at(steps):
    def step():
        nonlocal steps
        steps -= 1
        if steps == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    def watch(event, arguments):
        if event in CHANGES or event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            step()
    def write_and_step(path, records):
        write(path, (record for record in records if not step()))
    write, tfrecords.write_shard = tfrecords.write_shard, write_and_step
    sys.addaudithook(watch)

def kill_all(source, before, work):
    for steps in range(1, 500):
        data = work / f"{steps:03d}"
        shutil.copytree(before, data, symlinks=True)
        child = os.fork()
        if child == 0:
            die_at(steps)
            prepare.prepare("mine", emodb.utterances(source), data, source=source, jobs=1)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code != -signal.SIGKILL:
            return code

while folders := sys.argv[1:4]:
    del sys.argv[1:4]
    if kill_all(*map(Path, folders)) != 0:
        sys.exit(1)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_a_killed_preparation_leaves_the_old_set_or_the_new_and_the_next_completes_it(tmp_path: Path, write_corpus: Write) -> None:
    before, nothing, fresh = tmp_path / "before", tmp_path / "nothing", tmp_path / "fresh"
    write_corpus(tmp_path / "source", "WT", ("03", "08"))
    old = contents(run(tmp_path / "source", before))
    write_corpus(tmp_path / "source", "W", ("09",))  # a speaker stays (03), one changes (08), one is new (09)
    change(tmp_path / "source" / "wav" / "08a01Wa.wav")
    new = contents(run(tmp_path / "source", fresh))
    write_corpus(tmp_path / "other", "WT", ("03",))
    first = contents(run(tmp_path / "other", tmp_path / "fresh-other"))
    nothing.mkdir()

    tasks = [(tmp_path / "source", before, tmp_path / "a"), (tmp_path / "other", nothing, tmp_path / "b")]
    command = [sys.executable, "-c", KILLED, *(str(path) for task in tasks for path in task)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr

    for (source, _, work), earlier, later, least in zip(tasks, (old, {}), (new, first), (25, 12), strict=True):
        states = []
        for folder in sorted(work.iterdir()):
            link = folder / "mine"
            states.append(contents(link))
            if states[-1]:
                corpus = RecordCorpus(link)
                assert [name for name, _, _ in corpus.utterances(corpus.speakers)] == list(corpus.manifest["utterance"])
            run(source, folder)
            assert contents(link) == later, folder
            assert sorted(os.listdir(folder)) == sorted([link.resolve().name, "mine"]), folder
        switched = states.index(later)
        assert all(state == earlier for state in states[:switched])
        assert all(state == later for state in states[switched:])
        assert switched > 10
        assert len(states) > least, "steps to be killed at"


def test_what_another_preparation_is_writing_stays(source: Path, data: Path) -> None:
    folder = run(source, data).resolve()
    before = contents(folder)
    with files.replacing(folder / "speaker-08.tfrecord") as partial:
        partial.write_bytes((folder / "speaker-08.tfrecord").read_bytes())
        run(source, data)
        assert partial.exists()
    assert contents(folder) == before


@pytest.mark.parametrize("after_records", [0, 1, 3])
def test_a_full_disk_leaves_the_old_set(
    source: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after_records: int
) -> None:
    link = run(source, data)
    before, write, left = contents(link), tfrecords.write_shard, after_records

    def write_until_full(path: Path, records: list[dict]) -> None:
        def filling() -> Iterator[dict]:
            nonlocal left
            for record in records:
                if left == 0:
                    raise OSError(28, "No space left on device")
                left -= 1
                yield record

        write(path, filling())

    for path in (source / "wav").glob("*W*"):
        change(path)
    with monkeypatch.context() as patch:
        patch.setattr(tfrecords, "write_shard", write_until_full)
        with pytest.raises(OSError, match="No space left"):
            run(source, data)
    assert contents(link) == before
    run(source, data)
    assert contents(link) == contents(run(source, tmp_path / "fresh"))
    assert len(os.listdir(data)) == 2


@pytest.mark.parametrize(("jobs", "most"), [(1, 1), (2, 2 * shards.AHEAD + 1)])
def test_few_utterances_are_in_flight_however_many_a_speaker_has(
    source: Path, data: Path, monkeypatch: pytest.MonkeyPatch, jobs: int, most: int
) -> None:
    extract, encode = shards._extract, tfrecords._encode
    extracted, written = [0], [0]

    def count(task: Any) -> Any:
        extracted[0] += 1
        return extract(task)

    def write_slowly(record: dict[str, Any]) -> bytes:
        written[0] += 1
        before = -1
        while before < extracted[0]:  # whoever runs ahead without bound does so now
            before = extracted[0]
            time.sleep(0.1 if written[0] < 4 else 0)
        assert extracted[0] - written[0] < most
        return encode(record)

    monkeypatch.setattr(shards, "_extract", count)
    monkeypatch.setattr(tfrecords, "_encode", write_slowly)
    speakers = ["03"] * 60 + ["08"] * 20
    utterances = [Utterance(f"{number:03d}", source / "wav" / f"{one}a01Wa.wav", one, "sad") for number, one in enumerate(speakers)]
    link = prepare("mine", utterances, data, jobs=jobs)
    assert extracted == written == [80]
    assert list(RecordCorpus(link).manifest["utterance"]) == [utterance.id for utterance in utterances]


def test_a_refused_speaker_leaves_no_part_of_a_shard(source: Path, data: Path) -> None:
    (source / "wav" / "08a01Wa.wav").write_bytes(b"")  # after 08a01Ta, which is written first
    with pytest.raises(CorpusError):
        run(source, data)
    (folder,) = data.iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["speaker-03.json", "speaker-03.tfrecord"]


def test_shards_of_a_refused_preparation_serve_the_next(source: Path, data: Path) -> None:
    (spoilt := source / "wav" / "10a01Wa.wav").write_bytes(b"")
    with pytest.raises(CorpusError, match="1 unusable recording"):
        run(source, data)
    (refused,) = (path for path in data.glob(".mine-*") if path.is_dir())
    before = identities(refused)
    assert list(before) == ["speaker-03.tfrecord", "speaker-08.tfrecord", "speaker-09.tfrecord"]
    assert not list(data.glob("*.lock"))
    for mend in (lambda: None, spoilt.unlink):
        mend()
        after = identities(run(source, data, skip_bad=spoilt.exists()))
        assert {name: after[name] for name in before} == before
    assert len(list(data.glob(".mine-*"))) == 1


def test_a_folder_that_another_preparation_writes_in_is_not_removed(source: Path, data: Path) -> None:
    other = data / f".mine-{'0' * 16}"
    other.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", _HOLDING, f"{other}.lock"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holding:
        assert holding.stdout is not None and holding.stdin is not None
        assert holding.stdout.readline() == b"held\n"
        run(source, data)
        assert other.is_dir()
        holding.stdin.close()
    change(source / "wav" / "03a01Wa.wav")
    run(source, data)
    assert not other.exists() and not list(data.glob("*.lock"))


_HOLDING = "import pathlib, sys; from ser_acrnn.locks import lock\nwith lock(pathlib.Path(sys.argv[1])): print('held', flush=True); input()"
