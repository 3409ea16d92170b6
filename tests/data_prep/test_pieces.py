"""Pieces: the same corpus as from one process, whatever the number of pieces and whatever ended one of them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from data_prep import degraded, pieces
from data_prep.corpora import emodb
from data_prep.loader import Reading
from data_prep.prepare import prepare
from ser_acrnn import files
from ser_acrnn.data import tfrecords
from ser_acrnn.data.corpus import CorpusError
from ser_acrnn.data.prepared import RecordCorpus
from ser_acrnn.evaluation.protocol import LeakError

ABOUT = {"selection": "all"}
LEFT_OUT = [{"utterance": "03a09Xa", "reason": "labelled, but there is no recording"}]
Write = Callable[..., list[Path]]


def contents(link: Path) -> dict[str, bytes]:
    """Every file of a prepared corpus, and the folder's name, which tells what it was made from."""
    return {path.name: path.read_bytes() for path in link.iterdir()} | {"": link.resolve().name.encode()}


def whole(source: Path, data: Path, skip_bad: bool = False) -> Path:
    return prepare("mine", emodb.utterances(source), data, source=source, skip_bad=skip_bad, jobs=1, about=ABOUT, left_out=LEFT_OUT)


def plan(source: Path, data: Path, number: int, skip_bad: bool = False) -> list[pieces.Piece]:
    return pieces.plan("mine", emodb.utterances(source), data, "paper", number, source=source, skip_bad=skip_bad)


def assemble(planned: list[pieces.Piece], data: Path, skip_bad: bool = False) -> Path:
    return pieces.assemble("mine", planned, data, "paper", skip_bad=skip_bad, about=ABOUT, left_out=LEFT_OUT)


def in_pieces(source: Path, data: Path, number: int, skip_bad: bool = False) -> Path:
    """Prepares what is missing, the last piece first."""
    planned = plan(source, data, number, skip_bad)
    for piece in reversed(planned):
        if not piece.is_prepared():
            pieces.prepare_piece(piece.file, jobs=1)
    return assemble(planned, data, skip_bad)


@pytest.fixture
def source(tmp_path: Path, write_corpus: Write) -> Path:
    """Four speakers of two short utterances; 08 has a third one."""
    write_corpus(tmp_path / "source", "WT")
    write_corpus(tmp_path / "source", "F", ("08",))
    return tmp_path / "source"


def spoil(source: Path) -> None:
    """Makes a recording of the first speaker and one of the last unusable."""
    (source / "wav" / "03a01Wa.wav").write_bytes(b"")
    (source / "wav" / "10a01Ta.wav").write_text("no audio")


@pytest.mark.parametrize(
    ("sizes", "number", "groups"),
    [
        ({"a": 5, "b": 4, "c": 3, "d": 3, "e": 3}, 2, [["a", "d"], ["b", "c", "e"]]),
        ({"a": 9, "b": 1, "c": 1}, 2, [["a"], ["b", "c"]]),
        ({"a": 1, "b": 2}, 5, [["b"], ["a"]]),
        ({"a": 0, "b": 0, "c": 0, "d": 0}, 2, [["a", "c"], ["b", "d"]]),
    ],
)
def test_pieces_are_of_about_the_same_size(sizes: dict[str, int], number: int, groups: list[list[str]]) -> None:
    assert files.balanced(sizes, number) == groups


@pytest.mark.parametrize("number", [1, 2, 9])
@pytest.mark.parametrize("skip_bad", [False, True])
def test_pieces_make_the_corpus_that_one_process_makes(source: Path, tmp_path: Path, number: int, skip_bad: bool) -> None:
    if skip_bad:
        spoil(source)
    link = in_pieces(source, tmp_path / "data", number, skip_bad)
    assert contents(link) == contents(whole(source, tmp_path / "whole", skip_bad))
    assert len(os.listdir(tmp_path / "data")) == 2  # the link and its folder
    assert len(RecordCorpus(link).recipe["left_out"]) == (3 if skip_bad else 1)


def test_pieces_of_degraded_copies_are_degraded(source: Path, tmp_path: Path) -> None:
    reading = degraded.copies(Reading("emodb", emodb.utterances(source)), 1)
    planned = pieces.plan(reading.name, reading.utterances, tmp_path / "data", "paper", 2, source=source, skip_bad=True)
    for piece in planned:
        pieces.prepare_piece(piece.file, jobs=1)
    link = pieces.assemble(reading.name, planned, tmp_path / "data", "paper", skip_bad=True, about=reading.about, left_out=())
    one = prepare(reading.name, reading.utterances, tmp_path / "one", source=source, skip_bad=True, jobs=1, about=reading.about)
    assert contents(link) == contents(one)


def test_unusable_recordings_of_all_pieces_are_named_as_by_one_process(source: Path, tmp_path: Path) -> None:
    before = contents(in_pieces(source, tmp_path / "data", 4))
    spoil(source)
    with pytest.raises(CorpusError) as expected:
        whole(source, tmp_path / "whole")
    with pytest.raises(CorpusError) as found:
        in_pieces(source, tmp_path / "data", 4)
    assert str(found.value) == str(expected.value)
    assert "2 unusable recording(s)" in str(found.value)
    assert contents(tmp_path / "data" / "mine") == before
    assert all(piece.is_prepared() for piece in plan(source, tmp_path / "data", 4))  # refused again without doing it again
    link = in_pieces(source, tmp_path / "data", 4, skip_bad=True)
    assert contents(link) == contents(whole(source, tmp_path / "whole", skip_bad=True))


def test_a_piece_that_is_ended_keeps_its_complete_shards(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (piece,) = plan(source, tmp_path / "data", 1)
    write = tfrecords.write_shard

    def until_09(path: Path, records: object) -> None:
        if path.name == "speaker-09.tfrecord":
            raise KeyboardInterrupt
        write(path, records)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(tfrecords, "write_shard", until_09)
        with pytest.raises(KeyboardInterrupt):
            pieces.prepare_piece(piece.file, jobs=1)
    assert not piece.is_prepared()
    kept = {path.name: path.stat().st_ino for path in piece.file.parent.glob("*.tfrecord")}
    assert sorted(kept) == ["speaker-03.tfrecord", "speaker-08.tfrecord"]
    link = in_pieces(source, tmp_path / "data", 1)
    assert kept.items() <= {path.name: path.stat().st_ino for path in link.iterdir()}.items()
    assert contents(link) == contents(whole(source, tmp_path / "whole"))


def test_what_was_changed_meanwhile_is_prepared_again_and_nothing_else(source: Path, tmp_path: Path) -> None:
    for piece in plan(source, tmp_path / "data", 4):
        pieces.prepare_piece(piece.file, jobs=1)
    changed = source / "wav" / "09a01Wa.wav"
    content = changed.read_bytes()
    changed.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))  # as long as before
    planned = plan(source, tmp_path / "data", 4)
    todo = [piece for piece in planned if not piece.is_prepared()]
    assert [[row["speaker"] for row in json.loads(piece.file.read_text())["recordings"]] for piece in todo] == [["09", "09"]]
    assert contents(in_pieces(source, tmp_path / "data", 4)) == contents(whole(source, tmp_path / "whole"))


def test_shards_of_the_current_set_that_still_hold_are_kept(source: Path, tmp_path: Path) -> None:
    link = whole(source, tmp_path / "data")
    before = {path.name: path.stat().st_ino for path in link.glob("*.tfrecord")}
    (source / "wav" / "09a01Wa.wav").unlink()
    in_pieces(source, tmp_path / "data", 2)
    after = {path.name: path.stat().st_ino for path in link.glob("*.tfrecord")}
    assert {name for name in before if before[name] != after[name]} == {"speaker-09.tfrecord"}


def test_an_outcome_without_its_shards_does_not_count(source: Path, tmp_path: Path) -> None:
    first, second = plan(source, tmp_path / "data", 2)
    for piece in (first, second):
        pieces.prepare_piece(piece.file, jobs=1)
    speaker = next(iter(json.loads(second.outcome.read_text())))
    (second.file.parent / f"speaker-{speaker}.json").unlink()
    assert first.is_prepared() and not second.is_prepared()
    assert not second.outcome.exists()  # who waits for it does not find the old one


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"09": {}}', '{"09": {"left_out": [], "keY": ""}}'])
def test_a_damaged_outcome_does_not_count(source: Path, tmp_path: Path, text: str) -> None:
    (piece,) = plan(source, tmp_path / "data", 1)
    pieces.prepare_piece(piece.file, jobs=1)
    assert piece.is_prepared()
    piece.outcome.write_text(text)
    assert not piece.is_prepared() and not piece.outcome.exists()


def test_a_damaged_shard_is_named(source: Path, tmp_path: Path) -> None:
    planned = plan(source, tmp_path / "data", 2)
    for piece in planned:
        pieces.prepare_piece(piece.file, jobs=1)
    shard = planned[0].file.parent / "speaker-08.tfrecord"
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(CorpusError, match=f"{shard}: is damaged"):
        assemble(planned, tmp_path / "data")
    assert not (tmp_path / "data" / "mine").exists()


def test_the_same_audio_in_two_pieces_is_found_when_they_are_planned(source: Path, tmp_path: Path) -> None:
    shutil.copy(source / "wav" / "03a01Ta.wav", source / "wav" / "10a02Ta.wav")
    with pytest.raises(LeakError, match=r"\(speaker '03', 'sad'\) and .*10a02Ta\.wav \(speaker '10', 'sad'\) are the same audio"):
        plan(source, tmp_path / "pieces", 2)
    assert not list((tmp_path / "pieces").rglob("*.json"))
    left_out = in_pieces(source, tmp_path / "pieces", 2, skip_bad=True)
    assert contents(left_out) == contents(whole(source, tmp_path / "whole", skip_bad=True))
    assert [item["utterance"] for item in RecordCorpus(left_out).recipe["left_out"]] == ["03a09Xa", "03a01Ta", "10a02Ta"]
