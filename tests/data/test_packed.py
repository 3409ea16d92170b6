"""A packed corpus: what its records hold, one array a field, read row by row and refused where it is damaged."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data_prep.corpora import emodb
from data_prep.prepare import prepare
from ser_acrnn.config import EMODB_EMOTIONS
from ser_acrnn.data.prepared import DatasetError, PackedCorpus, RecordCorpus, open_corpus, pack
from ser_acrnn.data.segments import Segments, load_segments

ROOT = Path(__file__).parents[2]
TRAINING = ["03", "08"]


def assert_equal(a: Segments, b: Segments) -> None:
    assert a.features.tobytes() == b.features.tobytes()
    for name in ("labels", "utterance", "utterance_labels"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert a.utterance_ids == b.utterance_ids


def test_labels_that_look_like_numbers_stay_text(write_corpus: Callable[..., list[Path]], tmp_path: Path) -> None:
    listed = emodb.utterances(write_corpus(tmp_path, "WT", ("03", "08"))[0].parents[1])
    numbered = [type(one)(one.id, one.path, one.speaker, {"angry": "0", "sad": "1"}[one.emotion], "7") for one in listed]
    corpus = RecordCorpus(prepare("mine", numbered, tmp_path / "data", jobs=1))
    pack(corpus, tmp_path / "mine.npz")
    assert set(corpus.manifest["emotion"]) == {"0", "1"}
    assert set(corpus.manifest["session"]) == {"7"}
    assert_equal(load_segments(PackedCorpus(tmp_path / "mine.npz"), ["03"], ["1", "0"]), load_segments(corpus, ["03"], ["1", "0"]))


def test_packed_equals_records(corpus: RecordCorpus, packed: PackedCorpus) -> None:
    for (name, emotion, features), (other_name, other_emotion, other) in zip(
        corpus.utterances(corpus.speakers), packed.utterances(corpus.speakers), strict=True
    ):
        assert (name, emotion) == (other_name, other_emotion)
        assert features.dtype == other.dtype
        assert features.tobytes() == other.tobytes()
    for hop_seconds in (None, 1.5):
        records = load_segments(corpus, TRAINING, EMODB_EMOTIONS, hop_seconds=hop_seconds)
        assert_equal(load_segments(packed, TRAINING, EMODB_EMOTIONS, hop_seconds=hop_seconds), records)
    for one, other in zip(corpus.statistics(TRAINING), packed.statistics(TRAINING), strict=True):
        np.testing.assert_array_equal(one, other)
    assert corpus.manifest.equals(packed.manifest)
    assert corpus.recipe == packed.recipe


def test_packed_holds_the_static_channel_alone(corpus: RecordCorpus, packed_file: Path) -> None:
    with np.load(packed_file) as arrays:
        assert arrays["static"].shape == (sum(len(features) for _, _, features in corpus.utterances(corpus.speakers)), 40)
        assert arrays["static"].dtype == np.float32


def test_packing_again_gives_the_same_arrays_and_leaves_nothing_else(packed: PackedCorpus, tmp_path: Path) -> None:
    pack(packed, tmp_path / "again.npz")
    again = PackedCorpus(tmp_path / "again.npz")
    frames = int(packed.starts[-1])
    assert again.static.read(0, frames).tobytes() == packed.static.read(0, frames).tobytes()
    np.testing.assert_array_equal(again.starts, packed.starts)
    assert [path.name for path in tmp_path.iterdir()] == ["again.npz"]


def test_packed_is_read_without_tensorflow(packed_file: Path) -> None:
    code = (
        "import sys; from ser_acrnn.data import prepared, segments; from ser_acrnn.config import EMODB_EMOTIONS;"
        "corpus = prepared.open_corpus(sys.argv[1]); corpus.statistics(['03']);"
        "print(len(segments.load_segments(corpus, ['03'], EMODB_EMOTIONS).features), 'tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(packed_file)]
    assert subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout == "10 False False\n"


@pytest.mark.parametrize("damage", ["missing", "empty", "text", "cut", "other arrays", "npy"])
def test_what_is_no_packed_corpus_is_named(packed_file: Path, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.npz"
    if damage == "other arrays":
        np.savez(path, static=np.zeros(3))
    elif damage == "npy":
        with path.open("wb") as stream:
            np.save(stream, np.zeros(3))
    elif damage != "missing":
        path.write_bytes({"empty": b"", "text": b"hello", "cut": packed_file.read_bytes()[:-1000]}[damage])
    with pytest.raises(DatasetError, match="cannot be read as a packed corpus") as caught:
        open_corpus(path)
    assert str(path) in str(caught.value)


def test_a_packed_corpus_that_a_byte_was_changed_in_is_refused(packed_file: Path, tmp_path: Path) -> None:
    data = bytearray(packed_file.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(DatasetError, match=r"a\.npz: cannot be read as a packed corpus \(static\.npy is damaged\)"):
        open_corpus(tmp_path / "a.npz")


def test_a_packed_corpus_that_changes_while_it_is_in_use_is_refused(corpus: RecordCorpus, packed_file: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(packed_file, tmp_path / "a.npz"))
    opened = open_corpus(path)
    assert opened.read("03a01Fa").tobytes() == corpus.read("03a01Fa").tobytes()
    pack(corpus, path)
    with pytest.raises(ValueError, match=r"a\.npz: has changed since it was opened"):
        opened.read("03a01Fa")


@pytest.mark.parametrize(
    "save",
    [
        np.savez_compressed,
        lambda path, **arrays: np.savez(path, **arrays | {"static": arrays["static"].T}),
    ],
)
def test_what_is_not_stored_row_by_row_is_refused(packed_file: Path, tmp_path: Path, save: Callable[..., None]) -> None:
    with np.load(packed_file) as arrays:
        save(tmp_path / "a.npz", **arrays)
    with pytest.raises(DatasetError, match=r"a\.npz: cannot be read as a packed corpus \(static is compressed or stored by columns"):
        open_corpus(tmp_path / "a.npz")
