"""Copies are planted in the other part, counted by their kind, and what else is named is told apart from them."""

import json
from types import SimpleNamespace

import pytest
import soundfile

from data_prep.corpora import emodb
from experiments.studies import planted_copies
from experiments.studies.planted_copies import KINDS


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, write_corpus):
    folder = tmp_path_factory.mktemp("copied")
    write_corpus(folder)
    return folder


def test_each_copy_is_found_and_nothing_else(corpus, tmp_path, capsys):
    words = ["--source", str(corpus), "--recordings", "20", "--each", "2", "--results", str(tmp_path)]
    assert planted_copies.main(["emodb", *words]) == 0
    facts = json.loads((tmp_path / planted_copies.FOLDER / "emodb.json").read_text())
    assert facts["kinds"] == {kind: {"planted": 2, "found": 2} for kind in KINDS} and facts["others"] == []
    assert facts["recordings"] == 20 and facts["processor_seconds"] > 0
    assert planted_copies.table(tmp_path) in capsys.readouterr().out


def test_what_was_not_planted_is_counted_apart(corpus, monkeypatch):
    name = "/x/a.wav (train) and /x/b.wav (test)"
    monkeypatch.setattr(planted_copies, "audit", lambda *_, **__: SimpleNamespace(findings=[SimpleNamespace(kind="audio", names=(name,))]))
    found = planted_copies.measured(list(emodb.utterances(corpus)), 1, 0)
    assert found["others"] == ["a.wav (train) and b.wav (test)"] and {kind["found"] for kind in found["kinds"].values()} == {0}


def test_copies_are_what_their_kind_says(corpus, tmp_path):
    found = planted_copies.planted(list(emodb.utterances(corpus)), tmp_path, 1, 0)
    sources = [one.id for copies in found.values() for one, _ in copies]
    assert len(set(sources)) == len(KINDS) and list(found) == list(KINDS)
    for kind, [(one, path)] in found.items():
        (samples, _), (before, _) = soundfile.read(path), soundfile.read(one.path)
        assert len(before) - len(samples) == (800 if kind in ("50 ms cut off", "all three") else 0)
        assert (path.suffix == ".flac") == (kind in ("FLAC", "all three"))
        assert (abs(samples).max() < 0.95 * abs(before).max()) == (kind in ("1 to 20 dB quieter", "all three")), kind


def test_too_few_recordings_are_refused(corpus, tmp_path, capsys):
    words = ["emodb", "--source", str(corpus), "--results", str(tmp_path)]
    assert planted_copies.main(words) == 1 and "holds 24 recordings, expected --recordings 5000 or more" in capsys.readouterr().err
    assert planted_copies.main([*words, "--recordings", "20", "--each", "6"]) == 1
    assert "--each is 6 and there are 20 recordings, expected 24 or more" in capsys.readouterr().err
