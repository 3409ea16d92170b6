"""`ser-acrnn audit` and `split`, as they are typed."""

from __future__ import annotations

import json

import pytest
from typed_command import run


@pytest.fixture
def table(tmp_path):
    """A split in which speaker 09 is in two parts, under names as Emo-DB's."""
    names = [
        f"{speaker}{text}{letter}a.wav"
        for speaker in ("03", "08", "09", "10", "11", "12")
        for text in ("a01", "a02", "a04", "a05")
        for letter in "WTFN"
    ]
    rows = [f"wav/{name},{'test' if name >= '09a02' and name < '11' else 'train'}" for name in names]
    (tmp_path / "split.csv").write_text("\n".join(["path,part", *rows]))
    return tmp_path / "split.csv"


def test_a_leak_ends_with_one_and_a_sentence(capsys, table):
    code, out, err = run(capsys, "audit", table)
    assert code == 1 and not err
    assert (
        "- speakers: 1 of the 2 speakers of the test part is in the training part, too: 09; that concerns 12 of 28 test recordings.\n"
        in out
    )


def test_json_is_json(capsys, table):
    code, out, _ = run(capsys, "audit", table, "--json")
    assert code == 1 and [one["kind"] for one in json.loads(out)["findings"]] == ["speakers", "small-parts"]
    assert json.loads(out)["corpus"] == "emodb"


def test_an_honest_split_is_written_with_its_audit_and_audited_again(capsys, table, tmp_path):
    code, out, err = run(capsys, "split", table, "--by", "group", "--folds", "3", "--out", tmp_path / "honest", "--seed", "1")
    assert (code, err) == (0, "") and "Nothing was found." in out
    assert (tmp_path / "honest" / "audit.md").read_text() == out
    code, again, _ = run(capsys, "audit", tmp_path / "honest" / "folds.csv")
    assert code == 0 and again.splitlines()[1:] == out.splitlines()[1:]


def test_what_these_recordings_do_not_allow_ends_with_one(capsys, tmp_path):
    (tmp_path / "few.csv").write_text("path,speaker,emotion\n" + "".join(f"{speaker}.wav,{speaker},sad\n" for speaker in "abc"))
    code, out, _ = run(capsys, "split", tmp_path / "few.csv", "--out", tmp_path / "out")
    assert code == 1 and "small-parts: All folds together test so few recordings" in out and (tmp_path / "out" / "folds.csv").exists()


@pytest.mark.parametrize(
    "words, code, message",
    [
        (["audit", "not-there.csv"], 1, "not-there.csv: does not exist"),
        (["audit", "{table}", "--corpus", "timit"], 1, "the corpus is 'timit', expected one of emodb, cremad"),
        (["audit", "{table}", "--speaker-column", "who"], 1, "lacks the column 'who'"),
        (["audit", "{table}", "--config", "none.yaml"], 1, "none.yaml: cannot be read"),
        (["audit"], 2, "Missing argument"),
        (["split", "{table}", "--out", "{folder}"], 1, "expected a new or an empty folder"),
        (["split", "{table}", "--out", "{table}"], 1, "is no folder"),
        (
            ["split", "{table}", "--out", "{folder}/o", "--by", "group", "--folds", "9"],
            1,
            ".csv: has 6 speakers, expected at least as many as folds, 9",
        ),
        (["split", "{table}", "--out", "{folder}/o", "--folds", "3"], 2, "--folds is 3"),
        (["split", "{table}", "--out", "{folder}/o", "--by", "group", "--folds", "1"], 2, "--folds is 1, expected 2 or more"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(capsys, table, tmp_path, words, code, message):
    found = run(capsys, *(word.format(table=table, folder=tmp_path) for word in words))
    assert found[0] == code and message in " ".join(found[2].split()) and "Traceback" not in found[2]
    assert code == 2 or found[2].count("\n") == 1


def test_names_cannot_command_the_terminal(capsys, tmp_path):
    (tmp_path / "few.csv").write_text("path,speaker,emotion,part\na.wav,x\x1b[31m,sad,train\nb.wav,x\x1b[31m,sad,test\n")
    _, out, _ = run(capsys, "audit", tmp_path / "few.csv")
    assert "x\\x1b[31m" in out and "\x1b" not in out
