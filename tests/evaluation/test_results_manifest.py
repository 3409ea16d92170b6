"""The manifest of the corpus beside its results: there and back, guarded, and for Emo-DB the published corpus."""

from pathlib import Path

import pandas as pd
import pytest

from data_prep.checksums import read_checksums
from data_prep.corpora import emodb
from ser_acrnn import files
from ser_acrnn.evaluation.results_manifest import ResultError, Row, read, rows_of, settle, write

RESULTS = Path(__file__).parents[2] / "results"
EMODB_FOLDERS = ("emodb", "emodb.leaky-random", "jax/emodb", "float32/emodb")
ROWS = [Row("b1", "b", "", "sad", "22"), Row("a1", "a", "1", "angry, hot", "11")]


def test_a_manifest_survives_its_file_sorted_by_utterance_without_paths(tmp_path):
    prepared = pd.DataFrame([(*row, "/somewhere/wav", 1.0) for row in ROWS], columns=[*Row._fields, "path", "seconds"])
    assert rows_of(prepared) == ROWS[::-1]
    write(tmp_path, rows_of(prepared))
    assert read(tmp_path) == ROWS[::-1]
    lines = (tmp_path / "corpus.csv").read_text().splitlines()
    assert lines[0] == "utterance,speaker,session,emotion,sha256" and "somewhere" not in "".join(lines)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus.csv", "corpus.sha256"]
    assert read(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: (folder / "corpus.csv").write_text((folder / "corpus.csv").read_text().replace("sad", "angry")), "was changed"),
        (lambda folder: (folder / "corpus.csv").unlink(), "cannot be checked"),
        (lambda folder: (folder / "corpus.sha256").unlink(), "cannot be checked"),
        (lambda folder: (folder / "corpus.sha256").write_text("0" * 64), "expected " + "0" * 64),
    ],
)
def test_a_manifest_that_was_edited_or_lost_its_checksum_is_refused(tmp_path, change, words):
    write(tmp_path, ROWS)
    change(tmp_path)
    with pytest.raises(ResultError, match=rf"corpus\.csv: .*{words}"):
        read(tmp_path)


HEAD = "utterance,speaker,session,emotion,sha256\n"


@pytest.mark.parametrize(
    "text, words",
    [
        ("", r"has the columns \[\], expected"),
        ("utterance,speaker\n", r"has the columns \['utterance', 'speaker'\], expected"),
        (f"{HEAD}a,b\n", "has the row 'a,b', expected 5 fields in each"),
        (f'{HEAD}"a,b,,sad,1\n', "expected 5 fields in each"),
        (f"{HEAD}a,b,,sad,1\na,b,,angry,1\n", "has the utterance 'a' twice, expected each once"),
    ],
)
def test_a_manifest_that_something_else_wrote_is_refused_though_its_checksum_is_right(tmp_path, text, words):
    (tmp_path / "corpus.csv").write_text(text)
    (tmp_path / "corpus.sha256").write_text(f"{files.sha256_of(text)}  corpus.csv\n")
    with pytest.raises(ResultError, match=rf"corpus\.csv: .*{words}"):
        read(tmp_path)


def test_names_with_separators_and_quotes_survive_the_file(tmp_path):
    rows = [Row('a "1", b|c', "Anna; Berta", "", 'so-called "sad"', "11")]
    settle(tmp_path, rows)
    settle(tmp_path, rows)
    assert read(tmp_path) == rows


def test_another_corpus_is_refused_by_its_first_utterance_that_differs(tmp_path):
    settle(tmp_path, ROWS)
    settle(tmp_path, ROWS[::-1])
    for other, words in (
        ([ROWS[0]], "has a1,a,1,angry, hot,11, but the prepared corpus has no a1"),
        ([*ROWS, Row("c1", "c", "", "sad", "33")], "has no c1, but the prepared corpus has c1,c,,sad,33"),
        ([ROWS[0]._replace(sha256="23"), ROWS[1]], "has b1,b,,sad,22, but the prepared corpus has b1,b,,sad,23"),
    ):
        with pytest.raises(ResultError, match=words):
            settle(tmp_path, other)
    assert read(tmp_path) == ROWS[::-1]


@pytest.mark.parametrize("folder", EMODB_FOLDERS)
def test_the_committed_manifests_are_the_published_corpus(folder):
    published = []
    for name, sha256 in read_checksums(emodb.CHECKSUMS).items():
        utterance = name.removesuffix(".wav")
        parts = emodb.parse_name(utterance)
        published.append(Row(utterance, parts.speaker, "", parts.emotion, sha256))
    assert read(RESULTS / folder) == sorted(published) and len(published) == 535
