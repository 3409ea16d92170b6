"""Honest splits: nobody of the test is heard before, in each format, again and again the same."""

from __future__ import annotations

import json

import pytest

from ser_acrnn.auditing import SplitError, reading, writing
from ser_acrnn.auditing.auditing import audit_split
from ser_acrnn.auditing.split import PARTS, Recording
from ser_acrnn.auditing.splitting import made
from ser_acrnn.evaluation.protocol import LeakError

EMOTIONS = ("angry", "neutral", "sad")


def recordings(speakers=6, texts=6, repeated=2):
    """Speakers in pairs, one of each sex a session, who say all sentences in all emotions."""
    return [
        Recording(
            name,
            f"wav/{name}.wav",
            speaker=f"s{speaker}",
            emotion=emotion,
            text=f't{text}, "so"',
            session=str(speaker // 2),
            sex="mf"[speaker % 2],
        )
        for speaker in range(speakers)
        for text in range(texts)
        for emotion in EMOTIONS
        for time in range(repeated)
        for name in [f"s{speaker}-t{text}-{emotion}-{time}"]
    ]


@pytest.mark.parametrize("scheme, folds", [("speaker", 6), ("group", 3), ("session", 3), ("speaker-and-text", 18)])
@pytest.mark.parametrize("validation", [True, False])
def test_the_audit_of_what_is_made_is_clean(scheme, folds, validation):
    split = made(recordings(), scheme, folds=3 if scheme == "group" else 0, validation=validation)
    found = audit_split(split)
    # Who leaves a speaker out alone keeps the partner's session in training, unless the partner validates.
    assert [one.kind for one in found.findings] == (
        ["sessions"] if scheme.startswith("speaker") and (not validation or "text" in scheme) else []
    )
    assert len(split.folds) == folds and all(bool(fold.validation) == validation for fold in split.folds)
    assert {one.key for fold in split.folds for one in fold.test} == {one.key for one in recordings()}


def test_groups_have_the_emotions_and_sexes_of_all():
    for fold in made(recordings(), "group", folds=3).folds:
        assert {one.sex for one in fold.test} == {"m", "f"} and {one.emotion for one in fold.test} == set(EMOTIONS)


def test_the_seed_decides_the_groups():
    def tested(seed):
        return [sorted({one.speaker for one in fold.test}) for fold in made(recordings(), "group", folds=3, seed=seed).folds]

    assert tested(0) == tested(0) and any(tested(seed) != tested(0) for seed in range(1, 6))


def test_sentences_of_the_test_are_new_where_they_are_left_out():
    for fold in made(recordings(), "speaker-and-text", folds=3).folds:
        assert not {one.text for one in fold.test} & {one.text for one in (*fold.train, *fold.validation)}
        assert not {one.speaker for one in fold.test} & {one.speaker for one in (*fold.train, *fold.validation)}


@pytest.mark.parametrize(
    "given, scheme, error, message",
    [
        (recordings(2), "speaker", LeakError, "expected 3 at least: one tests, one validates"),
        (recordings(3), "group", SplitError, "has 3 speakers, expected at least as many as folds, 5"),
        (recordings(texts=2), "speaker-and-text", LeakError, "expected 4 or more"),
        ([Recording("a")], "speaker", SplitError, "the speaker of 1 recordings is not known"),
        ([Recording("a", speaker="s")], "session", SplitError, "the session of 1 recordings is not known"),
        (recordings(), "random", SplitError, "the scheme is 'random', expected one of speaker, group"),
    ],
)
def test_what_cannot_be_had_is_said(given, scheme, error, message):
    with pytest.raises(error, match=message):
        made(given, scheme)


@pytest.mark.parametrize("form", writing.FORMATS)
def test_what_is_written_is_read_as_the_same_split(tmp_path, form):
    split = made(recordings(), "group", folds=3)
    writing.write(split, tmp_path / "honest", form)
    read = reading.read([tmp_path / "honest"])
    assert [fold.recordings for fold in read.folds] == [fold.recordings for fold in split.folds]
    assert [[len(fold.part(part)) for part in ("train", "validation", "test")] for fold in read.folds] == [[72, 72, 72]] * 3
    assert audit_split(read).clean


def test_emobox_files_keep_what_their_source_says_of_a_recording(tmp_path):
    more = {"key": "k", "sample_rate": 8000, "num_frame": 4000}
    listed = [Recording(f"k{one.id}", one.path, speaker=one.speaker, emotion=one.emotion, more=more) for one in recordings()]
    first = writing.write(made(listed, "group", folds=3), tmp_path / "mine", "emobox")[0]
    assert first.name == "mine_train_fold_1.jsonl" and first.parent.name == "fold_1"
    entry = json.loads(first.read_text().splitlines()[0])
    assert entry["sample_rate"] == 8000 and entry["key"].startswith("ks") and entry["dataset"] == "mine" and entry["type"] == "raw"


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(SplitError, match=r"holds 'mine.txt', expected a new or an empty folder"):
        writing.write(made(recordings()), tmp_path)


@pytest.mark.parametrize(
    "given, folds, message",
    [
        (recordings(), 1, "split: folds is 1, expected 2 or more"),
        (recordings(2, 1, 1), 2, "split: has at most 1 recordings of an emotion and sex, expected at least as many as folds, 2"),
    ],
)
def test_a_number_of_groups_that_cannot_be_is_said(given, folds, message):
    with pytest.raises(SplitError, match=message):
        made(given, "group", folds=folds)


@pytest.mark.parametrize("scheme", ["speaker", "group"])
def test_two_speakers_are_enough_where_nobody_validates(scheme):
    split = made(recordings(2), scheme, folds=2 * (scheme == "group"), validation=False)
    assert [(len(fold.train), len(fold.validation), len(fold.test)) for fold in split.folds] == [(36, 0, 36)] * 2
    with pytest.raises(LeakError, match=r"has the (speakers|groups of speakers) \['[s0-9]+', '[s0-9]+'\], expected 3 at least: one tests"):
        made(recordings(2), scheme, folds=2 * (scheme == "group"))


@pytest.mark.parametrize("form", writing.FORMATS)
@pytest.mark.parametrize("head", ["path,start,end,speaker,emotion", "path,name,other,speaker,emotion"])
def test_recordings_without_a_name_of_their_own_are_all_written(tmp_path, form, head):
    rows = [(f"{speaker}{file}.wav", *middle, speaker, emotion) for speaker, file, middle, emotion in _of_the_same_name(head)]
    (tmp_path / "mine.csv").write_text("\n".join([head, *map(",".join, rows)]) + "\n")
    split = made(reading.recordings([tmp_path / "mine.csv"]), name="mine")
    writing.write(split, tmp_path / "test_train", form)
    read = reading.read([tmp_path / "test_train"])
    assert [[len(fold.part(part)) for part in PARTS] for fold in read.folds] == [[4, 4, 4]] * 3
    assert len({one.key for one in read.recordings}) == 12


def _of_the_same_name(head):
    """Four recordings of each of three speakers: two segments of two files, or four files, named as who speaks."""
    times = (("0", "5"), ("5", "9"))
    for speaker in ("anna", "ben", "carl"):
        for number in range(4):
            segment = times[number % 2] if "start" in head else (speaker, "x")
            yield speaker, number // 2 if "start" in head else number, segment, ("sad", "happy")[number % 2]


@pytest.mark.parametrize("out", ["cv5", "my_test", "test_train"])
def test_emobox_is_read_again_whatever_the_corpus_is_called(tmp_path, out):
    split = made(recordings(), "group", folds=3)
    writing.write(split, tmp_path / out, writing.EMOBOX)
    read = reading.read([tmp_path / out])
    assert [[len(fold.part(part)) for part in PARTS] for fold in read.folds] == [
        [len(fold.part(part)) for part in PARTS] for fold in split.folds
    ]


def test_contradictory_rows_are_refused(tmp_path):
    (tmp_path / "mine.csv").write_text("path,speaker,emotion\na.wav,anna,sad\na.wav,anna,happy\nb.wav,ben,sad\nc.wav,carl,sad\n")
    with pytest.raises(
        SplitError, match=r"mine.csv: 1 recording has two emotions or more: a.wav \('happy' and 'sad' of a.wav\), expected one"
    ):
        reading.recordings([tmp_path / "mine.csv"])


def test_columns_of_parts_are_not_looked_at(tmp_path):
    (tmp_path / "mine.csv").write_text("path,speaker,emotion,set,part\na.wav,anna,sad,A,\nb.wav,ben,sad,B,train\n")
    assert [one.path for one in reading.recordings([tmp_path / "mine.csv"])] == ["a.wav", "b.wav"]
