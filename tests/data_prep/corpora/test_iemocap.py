"""Tests of data_prep.corpora.iemocap, one for each way to misread the release; the releases here are small and written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from data_prep.corpora import iemocap
from data_prep.corpora.iemocap import labels
from ser_acrnn.config import IEMOCAP_EMOTIONS
from ser_acrnn.data.corpus import CorpusError, Utterance

HEADER = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
# One turn of each kind that matters, in one session.
TURNS = {
    "Ses01F_impro01_F000": "neu",
    "Ses01F_impro01_M000": "ang",
    "Ses01F_impro01_F001": "xxx",
    "Ses01M_impro02_F000": "hap",
    "Ses01M_impro02_M000": "exc",
    "Ses01M_impro02_M001": "fru",
    "Ses01F_script01_1_F000": "sad",
    "Ses01F_script01_1_M000": "exc",
}


def label(turn: str, code: str) -> str:
    return f"[6.2901 - 8.2357]\t{turn}\t{code}\t[2.5000, 2.5000, 2.5000]\n"


def block(turn: str, code: str) -> str:
    return label(turn, code) + "C-E2:\tNeutral;\t()\nC-F1:\tNeutral;\t([laughs])\nA-E3:\tval 2; act 4; dom  4;\t()\n\n"


def label_file(root: Path, dialog: str) -> Path:
    return root / f"Session{dialog[4]}" / "dialog" / "EmoEvaluation" / f"{dialog}.txt"


def wav(root: Path, turn: str) -> Path:
    return root / f"Session{turn[4]}" / "sentences" / "wav" / turn[:-5] / f"{turn}.wav"


def write(path: Path, text: str | bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def release(root: Path, turns: Mapping[str, str] = TURNS) -> Path:
    """Writes label files and empty recordings."""
    for dialog in sorted({turn[:-5] for turn in turns}):
        write(label_file(root, dialog), HEADER + "".join(block(turn, code) for turn, code in turns.items() if turn[:-5] == dialog))
    for turn in turns:
        write(wav(root, turn))
    return root


def found(root: Path, **options: object) -> dict[str, tuple[str, str]]:
    return {one.id: (one.speaker, one.emotion) for one in iemocap.utterances(root, **options)}  # type: ignore[arg-type]


def test_the_paper_s_selection(tmp_path: Path) -> None:
    release(tmp_path)
    assert iemocap.utterances(tmp_path) == [
        Utterance("Ses01F_impro01_F000", wav(tmp_path, "Ses01F_impro01_F000"), "1F", "neutral", "1"),
        Utterance("Ses01M_impro02_F000", wav(tmp_path, "Ses01M_impro02_F000"), "1F", "happy", "1"),
        Utterance("Ses01F_impro01_M000", wav(tmp_path, "Ses01F_impro01_M000"), "1M", "angry", "1"),
    ]


def test_the_emotions_are_in_the_order_of_the_model() -> None:
    assert iemocap.EMOTIONS == IEMOCAP_EMOTIONS == ("angry", "sad", "happy", "neutral")


def test_the_published_tables_add_up() -> None:
    assert sum(iemocap.PUBLISHED_TURNS.values()) == 10_039
    assert [sum(column) for column in zip(*iemocap.PUBLISHED_COUNTS.values(), strict=True)] == [289, 608, 284, 1099]
    assert sum(sum(counts) for counts in iemocap.PUBLISHED_COUNTS.values()) == 2280


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ses01F_impro01_F000", ("Ses01F_impro01", "improvised", "1", "1F")),
        ("Ses01F_impro01_M012", ("Ses01F_impro01", "improvised", "1", "1M")),
        ("Ses03M_impro05a_F007", ("Ses03M_impro05a", "improvised", "3", "3F")),
        ("Ses03M_impro08b_M030", ("Ses03M_impro08b", "improvised", "3", "3M")),
        ("Ses05M_script01_1_F003", ("Ses05M_script01_1", "scripted", "5", "5F")),
        ("Ses05M_script01_1b_F003", ("Ses05M_script01_1b", "scripted", "5", "5F")),
    ],
)
def test_parses_names(name: str, expected: tuple[str, str, str, str]) -> None:
    assert labels.parse_turn(name) == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Ses01F_impro01_X000", "turn 'Ses01F_impro01_X000', expected <dialog>_<F|M><3 digits>"),
        ("Ses01F_impro01_MXX0", "turn 'Ses01F_impro01_MXX0'"),
        ("Ses01F_impro01_F00\u0663", "turn "),
        ("Ses01F_impro01_F000\n", "turn "),
        ("", "turn ''"),
        ("Ses06F_impro01_F000", "dialog 'Ses06F_impro01', expected Ses0<session><F|M>_impro<NN>[a|b] or"),
        ("Ses01F_improv1_F000", "dialog 'Ses01F_improv1'"),
        ("Ses01F_talk01_F000", "dialog 'Ses01F_talk01'"),
        ("Ses01F_script_impro01_F000", "dialog 'Ses01F_script_impro01'"),
    ],
)
def test_refuses_other_names(name: str, message: str) -> None:
    with pytest.raises(CorpusError) as caught:
        labels.parse_turn(name)
    assert message in str(caught.value)


def test_the_speaker_is_who_speaks_and_not_who_wears_the_markers(tmp_path: Path) -> None:
    release(
        tmp_path, {"Ses02F_impro01_F000": "neu", "Ses02F_impro01_M000": "neu", "Ses02M_impro01_F000": "sad", "Ses02M_impro01_M000": "sad"}
    )
    assert {turn: speaker for turn, (speaker, _) in found(tmp_path).items()} == {
        "Ses02F_impro01_F000": "2F",
        "Ses02F_impro01_M000": "2M",
        "Ses02M_impro01_F000": "2F",
        "Ses02M_impro01_M000": "2M",
    }
    assert {one.session for one in iemocap.utterances(tmp_path)} == {"2"}


@pytest.mark.parametrize("dialog", ["Ses03M_impro05a", "Ses03M_impro05b", "Ses03M_impro08a", "Ses03M_impro08b", "Ses05M_script01_1b"])
def test_irregular_dialogs_are_read_and_found(tmp_path: Path, dialog: str) -> None:
    regular = dialog[:-1]
    release(tmp_path, {f"{regular}_F000": "sad", f"{dialog}_F000": "ang", f"{dialog}_M001": "neu"})
    assert found(tmp_path, dialogs="all") == {
        f"{regular}_F000": (dialog[4] + "F", "sad"),
        f"{dialog}_F000": (dialog[4] + "F", "angry"),
        f"{dialog}_M001": (dialog[4] + "M", "neutral"),
    }


def test_only_label_lines_are_labels(tmp_path: Path) -> None:
    """The header has brackets, raters' comments may have them too, and bytes of any encoding."""
    text = HEADER.encode() + block("Ses01F_impro01_F000", "neu").encode() + b"C-E4:\tOther;\t([sobs] caf\xe9\x85[6.1 - 7.2])\n"
    write(label_file(tmp_path, "Ses01F_impro01"), text.replace(b"\n", b"\r\n"))
    write(wav(tmp_path, "Ses01F_impro01_F000"))
    read = iemocap.read_release(tmp_path)
    assert (read.turns, read.codes) == (1, {"neu": 1})


def test_raters_sub_folders_are_not_read(tmp_path: Path) -> None:
    release(tmp_path)
    expected = iemocap.read_release(tmp_path)
    folder = label_file(tmp_path, "Ses01F_impro01").parent
    write(folder / "Categorical" / "Ses01F_impro01_e2_cat.txt", "Ses01F_impro01_F000 :Neutral state; :()\n")
    write(folder / "Categorical" / "Ses01F_impro03.txt", label("Ses01F_impro03_F000", "ang"))
    write(folder / "Attribute" / "Ses01F_impro01.txt", label("Ses01F_impro01_F000", "ang"))
    write(folder / "Self-evaluation.txt" / "Ses01F_impro01.txt", "[")
    assert iemocap.read_release(tmp_path) == expected


def test_apple_doubles_are_skipped(tmp_path: Path) -> None:
    release(tmp_path)
    expected = iemocap.read_release(tmp_path)
    twin = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X"
    write(label_file(tmp_path, "Ses01F_impro01").with_name("._Ses01F_impro01.txt"), twin)
    write(wav(tmp_path, "Ses01F_impro01_F000").with_name("._Ses01F_impro01_F000.wav"), twin)
    write(wav(tmp_path, "Ses01F_impro01_F000").parent.parent / "._Ses01F_impro01", twin)
    write(wav(tmp_path, "Ses01F_impro01_F000").parent.parent / ".hidden" / "x.wav", twin)
    assert iemocap.read_release(tmp_path) == expected


def test_labels_without_a_recording_are_refused_together_or_left_out(tmp_path: Path) -> None:
    release(tmp_path)
    for turn in ("Ses01F_impro01_F000", "Ses01M_impro02_F000", "Ses01F_impro01_F001", "Ses01F_script01_1_F000"):
        wav(tmp_path, turn).unlink()
    write(wav(tmp_path, "Ses01F_impro01_F000").with_name("._Ses01F_impro01_F000.wav"))
    missing = ("Ses01F_impro01_F000", "Ses01M_impro02_F000")  # the others are not chosen
    with pytest.raises(CorpusError) as caught:
        iemocap.utterances(tmp_path)
    assert "2 labelled turn(s) without a recording, expected Session<N>/sentences/wav/<dialog>/<turn>.wav" in str(caught.value)
    assert str(caught.value).endswith(", ".join(missing))
    assert list(found(tmp_path, skip_bad=True)) == ["Ses01F_impro01_M000"]
    read = iemocap.read_release(tmp_path)
    assert read.missing == missing
    assert [one["utterance"] for one in read.left_out()] == list(missing)


def test_a_release_without_recordings_names_what_it_lacks(tmp_path: Path) -> None:
    write(label_file(tmp_path, "Ses01F_impro01"), block("Ses01F_impro01_F000", "neu"))
    with pytest.raises(CorpusError, match=r"1 labelled turn.*Ses01F_impro01_F000"):
        iemocap.utterances(tmp_path)
    with pytest.raises(CorpusError, match="no utterance found"):
        iemocap.utterances(tmp_path, skip_bad=True)


def test_recordings_without_a_label_are_listed(tmp_path: Path) -> None:
    release(tmp_path)
    write(wav(tmp_path, "Ses01F_impro01_F099"))
    write(wav(tmp_path, "Ses01F_script02_1_M000"))
    write(wav(tmp_path, "Ses01F_impro01_F000").parent.with_name("Ses01F_impro07") / "Ses01F_impro01_F000.wav")  # in a wrong folder
    write(wav(tmp_path, "Ses01F_impro01_F000").with_suffix(".txt"))
    assert iemocap.read_release(tmp_path).unlabelled == ("Ses01F_impro01_F000", "Ses01F_impro01_F099", "Ses01F_script02_1_M000")
    assert len(iemocap.utterances(tmp_path)) == 3


def test_every_turn_is_accounted_for(tmp_path: Path) -> None:
    release(tmp_path, {**TURNS, "Ses01F_impro01_M001": "foo", "Ses01F_script01_1_F001": "bar"})
    wav(tmp_path, "Ses01F_impro01_F000").unlink()
    read = iemocap.read_release(tmp_path)
    assert read.codes == {"ang": 1, "bar": 1, "exc": 2, "foo": 1, "fru": 1, "hap": 1, "neu": 1, "sad": 1, "xxx": 1}
    assert read.turns_of_other_dialogs == 3
    assert read.turns_of_other_codes == {"exc": 1, "foo": 1, "fru": 1, "xxx": 1}
    assert read.unknown_codes == ("Ses01F_impro01_M001: foo", "Ses01F_script01_1_F001: bar")
    assert (read.dialogs, read.turns) == (3, 10)
    parts = len(read.utterances) + len(read.missing) + read.turns_of_other_dialogs + sum(read.turns_of_other_codes.values())
    assert parts == read.turns


def test_the_report_is_json_and_names_the_selection(tmp_path: Path) -> None:
    report = iemocap.read_release(release(tmp_path), dialogs="all", merge_excited=True).report()
    assert json.loads(json.dumps(report)) == report
    assert report["selection"] == "all dialogs, happy = hap + exc"
    assert report["turns"] == 8 and "utterances" not in report


def test_excited_is_happy_only_when_asked_for(tmp_path: Path) -> None:
    release(tmp_path)
    assert "Ses01M_impro02_M000" not in found(tmp_path)
    assert found(tmp_path, merge_excited=True) == {**found(tmp_path), "Ses01M_impro02_M000": ("1M", "happy")}


def test_scripted_dialogs_are_read_only_when_asked_for(tmp_path: Path) -> None:
    release(tmp_path)
    scripted = {"Ses01F_script01_1_F000": ("1F", "sad")}
    assert not scripted.items() & found(tmp_path).items()
    assert found(tmp_path, dialogs="scripted") == scripted
    assert found(tmp_path, dialogs="all") == {**found(tmp_path), **scripted}
    with pytest.raises(ValueError, match="dialogs is 'script', expected one of improvised, scripted, all"):
        iemocap.utterances(tmp_path, dialogs="script")


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "improvised, happy = hap"),
        ({"merge_excited": True}, "improvised, happy = hap + exc"),
        ({"dialogs": "scripted"}, "scripted, happy = hap"),
        ({"dialogs": "all"}, "all dialogs, happy = hap"),
    ],
)
def test_a_selection_has_a_name(tmp_path: Path, options: dict[str, object], name: str) -> None:
    assert iemocap.selection_name(**options) == name  # type: ignore[arg-type]
    assert iemocap.read_release(release(tmp_path), **options).selection == name  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "line",
    [
        "[6.2901 - 8.2357] Ses01F_impro01_F009 neu [2.5000, 2.5000, 2.5000]",
        "[6.2901 - 8.2357]\tSes01F_impro01_F009\tneu",
        "[6.2901 - 8.2357]\tSes01F_impro01_F009\tneu\t[2.5000, 2.5000]",
        "[6.2901 - 8.2357]\tSes01F_impro01_F009\t\t[2.5000, 2.5000, 2.5000]",
        "[6.2901 - 8.2357]\tSes01F_impro01_F009\tneu\t[2.5000, 2.5000, 2.5000] and more",
        "[6.2901 -]\tSes01F_impro01_F009\tneu\t[2.5000, 2.5000, 2.5000]",
        " [6.2901 - 8.2357]\tSes01F_impro01_F009\tneu\t[2.5000, 2.5000, 2.5000]",
        "[START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]",
    ],
)
def test_a_malformed_label_names_file_and_line(tmp_path: Path, line: str) -> None:
    release(tmp_path)
    path = label_file(tmp_path, "Ses01F_impro01")
    write(path, HEADER + block("Ses01F_impro01_F000", "neu") + line + "\n" + block("Ses01F_impro01_F001", "neu"))
    with pytest.raises(CorpusError) as caught:
        iemocap.utterances(tmp_path, skip_bad=True)
    assert f"{path}, line 8: {line!r}, expected [<start> - <end>]<tab><turn><tab><code><tab>[<valence>" in str(caught.value)
    assert "1 fault(s)" in str(caught.value)


@pytest.mark.parametrize(
    ("turn", "message"),
    [
        ("Ses01F_impro01_F000", "turn 'Ses01F_impro01_F000' is labelled a second time, expected one label a turn"),
        ("Ses01F_impro02_F000", "turn 'Ses01F_impro02_F000', expected turns of the dialog Ses01F_impro01"),
        ("Ses01F_impro01b_F000", "turn 'Ses01F_impro01b_F000', expected turns of the dialog Ses01F_impro01"),
        ("Ses01F_impro01_F00", "turn 'Ses01F_impro01_F00', expected <dialog>_<F|M><3 digits>"),
    ],
)
def test_a_turn_in_the_wrong_place_names_file_and_line(tmp_path: Path, turn: str, message: str) -> None:
    path = write(label_file(tmp_path, "Ses01F_impro01"), HEADER + block("Ses01F_impro01_F000", "neu") + block(turn, "neu"))
    with pytest.raises(CorpusError) as caught:
        iemocap.utterances(tmp_path)
    assert f"{path}, line 8: {message}" in str(caught.value)


def test_all_faults_are_listed_at_once(tmp_path: Path) -> None:
    release(tmp_path)
    first = write(label_file(tmp_path, "Ses01F_impro01"), HEADER + "[a\n\n[b\n")
    foreign = write(label_file(tmp_path, "Ses01F_impro01").with_name("Ses02F_impro01.txt"), HEADER)
    notes = write(label_file(tmp_path, "Ses01F_impro01").with_name("notes.txt"), "")
    with pytest.raises(CorpusError, match="4 fault") as caught:
        iemocap.utterances(tmp_path)
    for part in (f"{first}, line 3", f"{first}, line 5", f"{foreign}: a dialog of another session", f"{notes}: dialog 'notes', expected"):
        assert part in str(caught.value)


def test_the_release_is_found_from_its_folder_and_from_the_one_above(tmp_path: Path) -> None:
    root = release(tmp_path / "IEMOCAP_full_release")
    assert iemocap.utterances(str(tmp_path)) == iemocap.utterances(root)
    assert iemocap.utterances(root)[0].path == wav(root, "Ses01F_impro01_F000")


def test_no_release_says_how_to_ask_for_one_and_what_is_expected(tmp_path: Path) -> None:
    (tmp_path / "Session2").mkdir()
    (tmp_path / "labels" / "Session1" / "dialog" / "EmoEvaluation" / "Categorical").mkdir(parents=True)
    for directory, state in (
        (tmp_path / "none", f"no Session1 to Session5 in {tmp_path / 'none'}"),
        (tmp_path, f"no <dialog>.txt in {tmp_path / 'Session2' / 'dialog' / 'EmoEvaluation'}"),
        (tmp_path / "labels", "no <dialog>.txt in "),
    ):
        with pytest.raises(CorpusError) as caught:
            iemocap.utterances(directory)
        for part in (state, "licensed by USC SAIL", "no download", "https://sail.usc.edu/iemocap/", "Session<N>/dialog/EmoEvaluation"):
            assert part in str(caught.value)


def test_differences_name_speaker_emotion_and_both_counts() -> None:
    published = [
        Utterance(f"{speaker}-{emotion}-{number}", Path("x.wav"), speaker, emotion, speaker[0])
        for speaker, counts in iemocap.PUBLISHED_COUNTS.items()
        for emotion, count in zip(iemocap.EMOTIONS, counts, strict=True)
        for number in range(count)
    ]
    assert iemocap.published_differences(published) == []
    changed = [one for one in published if one.id != "1F-sad-0"] + [Utterance("a", Path("a"), "6F", "calm")]
    assert iemocap.published_differences(changed) == ["speaker 1F, sad: found 42, published 43", "speaker 6F, calm: found 1, published 0"]
