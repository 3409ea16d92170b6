"""Each kind of finding is found where it is, and not where it is not."""

from __future__ import annotations

import json

import pytest

import ser_acrnn
from ser_acrnn.auditing import Columns, SplitError

TEXTS = "path,speaker,emotion,part,text,session"


def kinds(found):
    return sorted({one.kind for one in found})


def moved(rows, **changes):
    """The rows, with those whose path is named replaced."""
    return [changes.get(row[0].removesuffix(".wav"), row) for row in rows]


def test_an_honest_split_is_clean(write_split):
    found = ser_acrnn.audit(write_split())
    assert found.clean and not found.notes
    assert "| validation | 40         | 1        | 2        |" in str(found) and "Nothing was found." in str(found)


def test_a_speaker_of_the_test_in_training_is_named_with_the_counts(write_split, honest):
    found = ser_acrnn.audit(write_split(moved(honest, dangry0=("dangry0.wav", "d", "angry", "train"))))
    (finding,) = found.findings[:1]
    assert (finding.kind, finding.names, finding.count, finding.parts) == ("speakers", ("d",), 1, ("train", "test"))
    assert finding.sentence == "The only speaker of the test part is in the training part, too: d; that concerns 39 of 39 test recordings."


@pytest.mark.parametrize("part, wrong", [("validation", True), ("train", False)])
def test_a_shared_speaker_is_wrong_where_one_of_the_parts_is_the_test(write_split, honest, part, wrong):
    other = {"validation": "d", "train": "c"}[part]
    rows = [*honest, ("more.wav", other, "sad", part)]
    found = ser_acrnn.audit(write_split(rows))
    assert ("speakers" in kinds(found.findings), "speakers" in kinds(found.notes)) == (wrong, not wrong)


@pytest.mark.parametrize("name", ["dangry0.wav", "./dangry0.wav"])
def test_a_recording_in_two_parts_is_found_however_its_path_is_written(write_split, honest, name):
    found = ser_acrnn.audit(write_split([*honest, (name, "a", "angry", "train")]))
    assert "recordings" in kinds(found.findings) and "speaker-conflicts" in kinds(found.findings)


def test_sentences_are_wrong_where_they_are_asked_for_and_a_note_elsewhere(write_split, honest):
    table = write_split([(*row, row[2], row[1]) for row in honest], TEXTS)
    assert ser_acrnn.audit(table).clean and kinds(ser_acrnn.audit(table).notes) == ["sentences"]
    for asked in ({"columns": Columns(text="text")}, {"unseen_texts": True}, {"rules": {"text": "^.([a-z]+)"}}):
        found = ser_acrnn.audit(table, **asked)
        assert kinds(found.findings) == ["sentences"], asked
    apart = write_split([(*row, row[1] + row[2], row[1]) for row in honest], TEXTS)
    assert ser_acrnn.audit(apart, unseen_texts=True).clean


def test_a_session_of_the_test_in_training_is_found(write_split, honest):
    partner = {"a": "1", "b": "2", "c": "3", "d": "1"}
    found = ser_acrnn.audit(write_split([(*row, "", partner[row[1]]) for row in honest], TEXTS))
    assert kinds(found.findings) == ["sessions"] and found.findings[0].names == ("1",)


def test_a_session_of_the_test_in_validation_is_a_note(write_split, honest):
    partner = {"a": "1", "b": "2", "c": "3", "d": "3"}
    found = ser_acrnn.audit(write_split([(*row, "", partner[row[1]]) for row in honest], TEXTS))
    assert found.clean and kinds(found.notes) == ["sessions"]


def test_unknown_speakers_are_found(write_split, honest):
    found = ser_acrnn.audit(write_split([(row[0], row[2], row[3]) for row in honest], "path,emotion,part"))
    assert kinds(found.findings) == ["unknown-speakers"] and found.findings[0].count == 160
    assert ser_acrnn.audit(write_split(), rules={"speaker": "^(.)"}).clean


def test_a_recording_with_two_emotions_is_found(write_split, honest):
    found = ser_acrnn.audit(write_split([*honest, ("aangry0.wav", "a", "sad", "train")]))
    assert kinds(found.findings) == ["label-conflicts"] and found.findings[0].names == ("aangry0.wav",)


def test_speakers_that_look_alike_are_found_and_emotions_noted(write_split, honest):
    found = ser_acrnn.audit(write_split([*honest, ("more.wav", "D", "sad", "train")]))
    assert kinds(found.findings) == ["similar-names"] and found.findings[0].names == ("D", "d")
    found = ser_acrnn.audit(write_split([*((*row[:2], row[2].title(), row[3]) for row in honest), ("more.wav", "a", "sad", "train")]))
    assert "similar-names" in kinds(found.notes) and "similar-names" not in kinds(found.findings)


def test_an_emotion_that_is_tested_and_not_trained_or_trained_and_not_tested_is_found(write_split, honest):
    fear = [(f"fear{place}.wav", "d", "fear", "test") for place in range(20)]
    found = ser_acrnn.audit(write_split([*honest, *fear]))
    assert kinds(found.findings) == ["missing-classes"] and "The test part has fear, which training lacks." in str(found)
    found = ser_acrnn.audit(write_split([*honest, ("fear.wav", "a", "fear", "train")]))
    assert kinds(found.findings) == ["missing-classes"] and "Training has fear, which is tested nowhere." in str(found)


@pytest.mark.parametrize("number, wrong", [(19, True), (20, False)])
def test_a_test_so_small_that_an_utterance_moves_a_recall_by_more_than_five_points_is_found(write_split, honest, number, wrong):
    rows = [row for row in honest if row[3] != "test" or int(row[0].removesuffix(".wav")[-2:].strip("dy")) < number]
    found = ser_acrnn.audit(write_split(rows))
    assert kinds(found.findings) == (["small-parts"] if wrong else [])


def test_validation_rows_that_are_the_test_rows_are_a_choice_by_the_test(write_split, honest):
    rows = [row for row in honest if row[3] != "validation"]
    found = ser_acrnn.audit(write_split([*rows, *((*row[:3], "dev") for row in rows if row[3] == "test")]))
    assert kinds(found.findings) == ["selection", "speakers"]


@pytest.fixture
def folds(honest):
    return [(*row[:3], row[1]) for row in honest]


def test_each_fold_tests_its_own_where_rows_have_a_fold_alone(write_split, folds):
    found = ser_acrnn.audit(write_split(folds, "path,speaker,emotion,fold"))
    assert found.clean and [len(fold.test) for fold in found.split.folds] == [40] * 4 and len(found.split.folds[0].train) == 120


def test_folds_that_split_a_speaker_are_found_in_each(write_split, folds):
    rows = [(*row[:3], str(place % 4 + 1)) for place, row in enumerate(folds)]
    found = ser_acrnn.audit(write_split(rows, "path,speaker,emotion,fold"))
    assert found.findings[0].folds == ("1", "2", "3", "4") and found.findings[0].sentence.startswith(
        "In each of the 4 folds all 4 speakers"
    )


@pytest.mark.parametrize("tests, kind", [("dd", "folds-overlap"), ("cd", "folds-do-not-cover")])
def test_folds_that_test_twice_or_never_are_found(write_split, honest, tests, kind):
    rows = [(*row[:3], "test" if row[1] == test else "train", fold) for fold, test in zip("12", tests, strict=True) for row in honest]
    found = ser_acrnn.audit(write_split(rows, "path,speaker,emotion,part,fold"))
    assert kind in kinds(found.findings) and "speakers" not in kinds(found.findings)


def test_what_a_fold_leaves_out_is_noted(write_split, folds):
    rows = [(*row[:3], "test" if row[1] == fold else "train", fold) for fold in "abcd" for row in folds if row[1] != "a" or fold != "b"]
    found = ser_acrnn.audit(write_split(rows, "path,speaker,emotion,part,fold"))
    assert found.clean and kinds(found.notes) == ["left-out"] and found.notes[0].folds == ("b",)


def test_json_has_what_the_text_has(write_split, honest):
    found = ser_acrnn.audit(write_split([*honest, ("more.wav", "d", "sad", "train")]))
    said = json.loads(json.dumps(found.to_dict()))
    assert said["clean"] is False and said["findings"][0]["kind"] == "speakers" and said["findings"][0]["sentence"] in str(found)
    assert said["folds"][0]["parts"]["test"] == {"recordings": 40, "speakers": 1, "sentences": 0, "sessions": 0, "emotions": 2}


@pytest.mark.parametrize(
    "head, rows, message",
    [
        ("path,speaker", [("a.wav", "a")], "'a.wav' has neither a part nor a fold"),
        ("path,part", [("a.wav", "train")], "the split has no test part"),
        ("path,part", [("a.wav", "rest")], "line 2: part is 'rest', expected train, validation or test"),
        ("path,part,fold", [("a.wav", "train", "1"), ("b.wav", "test", "")], "'b.wav' has no fold, and others do"),
        ("speaker,part", [("a", "train")], "lacks a column of recordings"),
        ("path,part", [("", "train")], "line 2: path is empty"),
    ],
)
def test_what_is_no_split_is_refused_in_one_line(write_split, head, rows, message):
    with pytest.raises(SplitError, match=message) as error:
        ser_acrnn.audit(write_split(rows, head))
    assert "\n" not in str(error.value) and "split.csv" in str(error.value)


def test_a_column_that_is_not_there_is_named_beside_those_that_are(write_split):
    with pytest.raises(SplitError, match=r"lacks the column 'Speaker', expected the speaker there.*'speaker' is there"):
        ser_acrnn.audit(write_split(), columns=Columns(speaker="Speaker"))


SEGMENTS = "path,speaker,emotion,part,start,end"


@pytest.mark.parametrize(
    "times, kind",
    [
        (("0", "4"), "recordings"),
        (("0.0", "4.000"), "recordings"),
        (("1", "3"), "segments"),
        (("3.9", ""), "segments"),
        (("", ""), "segments"),
        (("4", "8"), None),
        (("0 days 00:00:04", "0 days 00:00:05.5"), None),
        (("0 days 00:00:03.5", "0 days 00:00:05.5"), "segments"),
    ],
)
def test_segments_that_share_time_are_found(write_split, honest, times, kind):
    rows = [(*row, "0", "4") for row in honest if row[3] != "test"]
    rows += [(*row, "0", "4") for row in honest if row[3] == "test"]
    found = ser_acrnn.audit(write_split([*rows, ("asad1.wav", "d", "sad", "test", *times)], SEGMENTS))
    assert kinds(one for one in found.findings if one.kind in ("recordings", "segments")) == ([kind] if kind else [])
    if kind == "segments":
        assert (
            found.findings[0].sentence.startswith("1 segment of the test part shares time")
            and "asad1.wav[0,4]" in found.findings[0].names[0]
        )


@pytest.mark.parametrize("name", ["unknown", "NaN", "None", "-"])
def test_a_word_for_a_missing_speaker_is_none(write_split, honest, name):
    rows = [row if row[3] != "test" else (row[0], name, *row[2:]) for row in honest]
    assert kinds(ser_acrnn.audit(write_split(rows)).findings) == ["unknown-speakers"]
    initials = [row if row[3] != "test" else (row[0], "NA", *row[2:]) for row in honest]
    assert ser_acrnn.audit(write_split(initials)).clean
