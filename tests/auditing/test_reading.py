"""One split in every format is the same split."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pandas as pd
import pytest

import ser_acrnn
from ser_acrnn.auditing import SplitError, reading
from ser_acrnn.auditing.columns import Columns
from ser_acrnn.auditing.split import PARTS as OF_A_SPLIT
from ser_acrnn.auditing.split import part_named

PARTS = {"train": ("03a01Fa", "03a02Wb", "08b01Na"), "valid": ("09a01Ta",), "test": ("10a05Lb", "10b10Ec")}
EMOTIONS = {"F": "happy", "W": "angry", "N": "neutral", "T": "sad", "L": "bored", "E": "disgust"}


def rows(part):
    return [(f"wav/{name}.wav", name[:2], EMOTIONS[name[5]]) for name in PARTS[part]]


def table(path, head, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([head.split(","), *lines])


def text(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def plain_csv(folder):
    table(folder / "split.csv", "path,speaker,emotion,part", [(*row, part) for part in PARTS for row in rows(part)])
    return [folder / "split.csv"]


def csv_a_part(folder):
    for part in PARTS:
        table(folder / f"{part}.csv", "file;speaker;emotion".replace(";", ","), rows(part))
    return [folder / f"{part}.csv" for part in PARTS]


def emobox(folder):
    for part in PARTS:
        entries = [{"key": Path(path).stem, "dataset": "emodb", "wav": path, "emo": emotion.upper()} for path, _, emotion in rows(part)]
        text(folder / f"fold_1/emodb_{part}_fold_1.jsonl", "".join(json.dumps(entry) + "\n" for entry in entries))
        text(folder / f"fold_1/emodb_{part}_fold1.jsonl", '{"wav": "left/over.wav", "emo": "older"}\n')
    text(folder / "label_map.json", json.dumps({emotion.upper(): emotion for emotion in EMOTIONS.values()}))
    return [folder]


def speechbrain_csv(folder):
    for part in PARTS:
        lines = [(Path(path).stem, "1.5", path, speaker, emotion) for path, speaker, emotion in rows(part)]
        table(folder / f"{part}.csv", "ID,duration,wav,spk_id,emo", lines)
    return [folder]


def speechbrain_json(folder):
    for part in PARTS:
        entries = {Path(path).stem: {"wav": path, "length": 1.5, "emo": emotion} for path, _, emotion in rows(part)}
        text(folder / f"{part}.json", json.dumps(entries))
    return [folder]


def s3prl(folder):
    for part in PARTS:
        entries = [{"path": path, "label": emotion, "speaker": speaker} for path, speaker, emotion in rows(part)]
        text(folder / f"Session1/{part}_meta_data.json", json.dumps({"labels": {"sad": 0}, "meta_data": entries}))
    return [folder]


def hugging_face(folder):
    for part in PARTS:
        lines = [(path, emotion) for path, _, emotion in rows(part)]
        table(folder / part / "metadata.csv", "file_name,label", lines)
    return [folder]


def hugging_face_above(folder):
    table(folder / "metadata.csv", "file_name,label", [(f"{part}/{path}", emotion) for part in PARTS for path, _, emotion in rows(part)])
    return [folder]


def folders_of_labels(folder):
    for part in PARTS:
        for path, _, emotion in rows(part):
            text(folder / part / emotion / Path(path).name, "")
    return [folder]


FORMATS = (plain_csv, csv_a_part, emobox, speechbrain_csv, speechbrain_json, s3prl, hugging_face, hugging_face_above, folders_of_labels)


@pytest.mark.parametrize("write", FORMATS)
def test_a_split_is_the_same_in_every_format(tmp_path, write):
    (fold,) = reading.read(write(tmp_path)).folds
    for part, name in (("train", "train"), ("valid", "validation"), ("test", "test")):
        found = {(Path(one.path).stem, one.speaker, one.emotion, one.text, one.sex) for one in fold.part(name)}
        sexes = {"03": "male", "08": "female", "09": "female", "10": "male"}
        assert found == {(Path(path).stem, speaker, emotion, Path(path).stem[2:5], sexes[speaker]) for path, speaker, emotion in rows(part)}


@pytest.mark.parametrize("form, own_table", [("csv", False), ("parquet", True), ("csv", True)])
def test_an_audformat_database_is_read_by_its_header_and_tables(tmp_path, form, own_table):
    audformat = pytest.importorskip("audformat")
    database = audformat.Database("acted")
    people = {name: {"gender": sex} for name, sex in (("p1", "female"), ("p2", "male"), ("p3", "male"))}
    database.schemes["emotion"] = audformat.Scheme(labels=["joy", "anger"])
    if own_table:
        index = pd.Index(list(people), dtype="string", name="speaker")
        database["people"] = audformat.MiscTable(index)
        database["people"]["gender"] = audformat.Column()
        database["people"]["gender"].set([one["gender"] for one in people.values()])
    database.schemes["speaker"] = audformat.Scheme("str", labels="people" if own_table else people)
    names = ["a.wav", "b.wav", "c.wav", "d.wav"]
    database["files"] = audformat.Table(audformat.filewise_index(names))
    database["files"]["speaker"] = audformat.Column(scheme_id="speaker")
    database["files"]["speaker"].set(["p1", "p2", "p3", "p3"])
    for split, files, emotions in (("train", names[:2], ["joy", "anger"]), ("test", names[2:], ["joy", None])):
        database.splits[split] = audformat.Split(split)
        for suffix, said in (("", ["anger", "anger"]), (".gold_standard", emotions)):
            name = f"emotion.categories.{split}{suffix}"
            database[name] = audformat.Table(audformat.filewise_index(files), split_id=split)
            database[name]["emotion"] = audformat.Column(scheme_id="emotion")
            database[name]["emotion"].set(said)
    database.save(str(tmp_path), storage_format=form)
    (fold,) = reading.read([tmp_path]).folds
    assert [(one.path, one.speaker, one.emotion, one.sex) for one in fold.recordings] == [
        ("a.wav", "p1", "joy", "female"),
        ("b.wav", "p2", "anger", "male"),
        ("c.wav", "p3", "joy", "male"),  # d.wav has no gold standard
    ]


def test_parquet_files_of_the_hugging_face_hub_are_parts(tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "data").mkdir()
    for part, names in (("train", ["a", "b"]), ("test", ["c"])):
        table = pd.DataFrame({"audio": [{"bytes": b"", "path": f"{name}.wav"} for name in names], "speaker_id": names, "emotion": "sad"})
        table.to_parquet(tmp_path / "data" / f"{part}-00000-of-00001.parquet")
    (fold,) = reading.read([tmp_path]).folds
    assert fold.name == "" and [one.path for one in fold.train] == ["a.wav", "b.wav"] and [one.speaker for one in fold.test] == ["c"]


WORDS = {"Train": "train", "dev": "validation", "test-1": "test", "Test set": "test", "held-out": "test", "rest": ""}


@pytest.mark.parametrize("word, part", WORDS.items())
def test_words_for_parts(word, part):
    assert part_named(word) == part


def test_segments_of_one_file_are_different_recordings(tmp_path):
    lines = [("a.wav", "0 days 00:00:00", "0 days 00:00:01", "train"), ("a.wav", "0 days 00:00:01", "0 days 00:00:02", "test")]
    table(tmp_path / "split.csv", "file,start,end,split", lines)
    assert [one.kind for one in ser_acrnn.audit(tmp_path / "split.csv", rules={"speaker": "(.)"}).findings] == ["speakers"]
    table(tmp_path / "split.csv", "file,start,end,split", [lines[0], (*lines[0][:3], "test")])
    assert "recordings" in [one.kind for one in ser_acrnn.audit(tmp_path / "split.csv").findings]


NAMES = {
    "emodb": ("wav/03a01Fa.wav", "03", "a01", "happy"),
    "cremad": ("AudioWAV/1052_WSI_ANG_XX.wav", "1052", "WSI", "angry"),
    "ravdess": ("Actor_12/03-01-06-01-02-01-12.wav", "12", "02", "fear"),
    "iemocap": ("Session1/sentences/wav/Ses01F_impro04/Ses01F_impro04_M003.wav", "Ses01M", "", ""),
    "nemo": ("samples/EB0_anger_13.wav", "EB0", "13", "angry"),
    "mead": ("W019/audio/neutral/level_1/020.m4a", "W019", "neutral-020", "neutral"),
    "tess": ("OAF_back_ps.wav", "OAF", "back", "surprise"),
    "savee": ("JE_sa12.wav", "JE", "sa12", "sad"),
}


@pytest.mark.parametrize("corpus, said", NAMES.items())
def test_file_names_of_published_corpora_say_who_says_what(tmp_path, corpus, said):
    path, speaker, sentence, emotion = said
    table(tmp_path / "split.csv", "path,part", [(path, "train"), (path, "test")])
    for chosen in ("", corpus):
        split = reading.read([tmp_path / "split.csv"], corpus=chosen)
        one = split.folds[0].test[0]
        assert (split.corpus, one.speaker, one.text, one.emotion) == (corpus, speaker, sentence, emotion)


def test_a_corpus_is_recognised_only_where_every_name_is_its(tmp_path):
    table(tmp_path / "split.csv", "path,part", [("03a01Fa.wav", "train"), ("other.wav", "test")])
    assert reading.read([tmp_path / "split.csv"]).corpus == ""
    with pytest.raises(SplitError, match=r"other.wav: is not named as a file of emodb \(1 of 2\)"):
        reading.read([tmp_path / "split.csv"], corpus="emodb")


def test_columns_say_more_than_names_and_rules_more_than_columns(tmp_path):
    table(tmp_path / "split.csv", "path,speaker,part", [("03a01Fa.wav", "three", "train"), ("08a01Fa.wav", "eight", "test")])
    assert [one.speaker for one in reading.read([tmp_path / "split.csv"]).recordings] == ["three", "eight"]
    assert [one.speaker for one in reading.read([tmp_path / "split.csv"], rules={"speaker": r"^0(\d)"}).recordings] == ["3", "8"]


REFUSED = {
    "broken.jsonl": ('{"wav": "a.wav", \n', r"broken.jsonl, line 1: is no JSON"),
    "list.json": ("[1]", r"list.json, entry 1: holds 1, expected an object"),
    "empty.jsonl": ("\n", r"empty.jsonl: holds no recording"),
    "quote.csv": ('path,part\n"a.wav,train\n', r"quote.csv, line 2: cannot be read \(a quote is not closed\)"),
    "words.txt": ("a", r"words.txt: ends in '.txt', expected a folder or a file"),
    "not-there": (None, r"not-there: does not exist"),
    "broken.parquet": ("no", r"broken.parquet: cannot be read"),
}


@pytest.mark.parametrize("name, content", REFUSED.items())
def test_a_file_that_cannot_be_read_is_named_in_one_line(tmp_path, name, content):
    written, message = content
    if written is not None:
        text(tmp_path / name, written)
    with pytest.raises(SplitError, match=message) as error:
        ser_acrnn.audit(tmp_path / name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("pattern, message", [("(", "expected a regular expression"), ("a", "expected a group"), ("(z)", "does not match")])
def test_a_rule_that_finds_nothing_is_refused(tmp_path, pattern, message):
    with pytest.raises(SplitError, match=re.escape(message)):
        reading.read(plain_csv(tmp_path), rules={"speaker": pattern})


def test_a_folder_of_no_split_is_refused(tmp_path):
    with pytest.raises(SplitError, match="holds neither tables of a split nor audio"):
        ser_acrnn.audit(tmp_path)
    plain_csv(tmp_path)
    with pytest.raises(SplitError, match="is a folder among 2 names"):
        ser_acrnn.audit(tmp_path, tmp_path / "split.csv")


def test_names_that_each_file_begins_anew_are_of_different_recordings(tmp_path):
    """As of MELD: the first utterance of the first dialogue has the same name in each part."""
    for part, speakers in (("train", "abcd"), ("test", "exgh")):
        rows = [f"dia{number}.wav,{speaker},sad,{number}" for number, speaker in enumerate(speakers)]
        (tmp_path / f"{part}.csv").write_text("\n".join(["file,speaker,emotion,dialogue_id", *rows, f"dia9.wav,d,sad,{part == 'train'}"]))
    for sources in ([tmp_path], [tmp_path / "train.csv", tmp_path / "test.csv"]):
        found = ser_acrnn.audit(*sources)
        assert [one.kind for one in found.findings if one.kind != "small-parts"] == ["speakers"] and "recordings: each" in str(found)
        assert {one.kind for one in found.notes} <= {"speakers"} and len({one.key for one in found.split.recordings}) == 10
    # Of most of the names both files have the same speaker: these are the same recordings, and one is said to be of another speaker.
    (tmp_path / "test.csv").write_text("file,speaker,emotion,dialogue_id\ndia0.wav,a,sad,0\ndia1.wav,b,sad,1\ndia2.wav,x,sad,2\n")
    kinds = [one.kind for one in ser_acrnn.audit(tmp_path).findings]
    assert "recordings" in kinds and "speaker-conflicts" in kinds


def test_a_column_without_parts_in_files_that_are_parts_is_left(tmp_path):
    for number, part in enumerate(("train", "dev", "test")):
        (tmp_path / f"c_{part}.csv").write_text(f"file,speaker,emotion,split\n{part}.wav,{part},sad,{number}\n")
    (fold,) = reading.read([tmp_path]).folds
    assert [[one.name for one in fold.part(part)] for part in OF_A_SPLIT] == [["train.wav"], ["dev.wav"], ["test.wav"]]
    with pytest.raises(SplitError, match=r"c_dev.csv, line 2: split is '1', expected train"):
        reading.read([tmp_path], columns=Columns(part="split"))
    (tmp_path / "c_test.csv").write_text("file,speaker,emotion,split\na.wav,a,sad,test\nb.wav,b,sad,2\n")
    with pytest.raises(SplitError, match=r"c_test.csv, line 3: split is '2'"):
        reading.read([tmp_path])


def test_hidden_files_and_folders_are_no_recordings(tmp_path):
    for name in ("03a01Fa.wav", "08a02Tb.wav", "10a05Wb.wav", "._03a01Fa.wav"):
        text(tmp_path / name, "")
    (tmp_path / "x.wav").mkdir()
    assert [one.path for one in reading.recordings([tmp_path])] == ["03a01Fa.wav", "08a02Tb.wav", "10a05Wb.wav"]
