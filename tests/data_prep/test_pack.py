"""The command that packs."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from data_prep import pack
from data_prep.corpora import emodb
from data_prep.prepare import prepare
from ser_acrnn.config.features import RECIPES
from ser_acrnn.data.prepared import PackedCorpus, RecordCorpus


def test_packs_a_folder_and_says_how_large_the_file_is(prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new" / "small.npz"
    assert pack.main([str(prepared), str(file)]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{file}: {file.stat().st_size / 1e6:.1f} MB\n"
    assert captured.err == ""
    assert [path.name for path in file.parent.iterdir()] == ["small.npz"]
    packed, corpus = PackedCorpus(file), RecordCorpus(prepared)
    assert packed.recipe == corpus.recipe
    for (name, _, features), (_, _, expected) in zip(packed.utterances(["08"]), corpus.utterances(["08"]), strict=True):
        assert features.tobytes() == expected.tobytes(), name


def test_packs_the_baselines_frames(small_corpus: Path, tmp_path: Path) -> None:
    link = prepare("small", emodb.utterances(small_corpus), tmp_path / "data", RECIPES["mfcc-pitch"], source=small_corpus, jobs=1)
    assert pack.main([str(link), str(tmp_path / "small.mfcc-pitch.npz")]) == 0
    packed, corpus = PackedCorpus(tmp_path / "small.mfcc-pitch.npz"), RecordCorpus(link)
    assert packed.features == corpus.features == RECIPES["mfcc-pitch"]
    for (name, _, features), (_, _, expected) in zip(packed.utterances(["08"]), corpus.utterances(["08"]), strict=True):
        assert features.tobytes() == expected.tobytes(), name


def test_a_packed_corpus_can_be_packed_again(prepared: Path, tmp_path: Path) -> None:
    assert pack.main([str(prepared), str(tmp_path / "a.npz")]) == 0
    assert pack.main([str(tmp_path / "a.npz"), str(tmp_path / "b.npz")]) == 0
    static = []
    for name in ("a.npz", "b.npz"):
        with np.load(tmp_path / name) as arrays:
            static.append(arrays["static"])
    np.testing.assert_array_equal(*static)


def test_what_is_no_corpus_is_reported_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.npz").write_text("text")
    for source in (tmp_path / "none", tmp_path / "text.npz"):
        assert pack.main([str(source), str(tmp_path / "a.npz")]) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert str(source) in captured.err
    assert not (tmp_path / "a.npz").exists()


def test_a_damaged_shard_is_reported_and_leaves_the_old_file(prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = Path(shutil.copytree(prepared, tmp_path / "copy"))
    (copy / "speaker-10.tfrecord").unlink()
    (tmp_path / "a.npz").write_bytes(b"old")
    assert pack.main([str(copy), str(tmp_path / "a.npz")]) == 1
    assert "speaker-10.tfrecord: no such shard" in capsys.readouterr().err
    assert (tmp_path / "a.npz").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "copy"]
