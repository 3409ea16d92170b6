"""A corpus read from a CSV."""

from __future__ import annotations

from pathlib import Path

import pytest

from ser_acrnn.data.corpus import CorpusError, Utterance, check_utterances, read_csv


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with three files that stand for recordings."""
    for name in ("one.wav", "two.wav", "deep/three.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "corpus.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_reads_all_columns_in_any_order_and_sorts_by_speaker_and_id(folder: Path) -> None:
    csv = write(
        folder,
        "emotion,id,session,path,speaker,remark\nsad,b,S1,two.wav,02,x\nangry,a,S1,deep/three.wav,02,\nhappy,c,S2,one.wav,01,y\n",
    )
    assert read_csv(csv) == [
        Utterance("c", folder / "one.wav", "01", "happy", "S2"),
        Utterance("a", folder / "deep/three.wav", "02", "angry", "S1"),
        Utterance("b", folder / "two.wav", "02", "sad", "S1"),
    ]
    assert read_csv(str(csv)) == read_csv(csv)


def test_without_id_the_path_names_the_utterance(folder: Path) -> None:
    csv = write(folder, f"path,speaker,emotion\ndeep/three.wav,x,sad\n{folder / 'one.wav'},x,sad\n")
    assert {utterance.id: utterance.path for utterance in read_csv(csv)} == {
        "deep/three.wav": folder / "deep/three.wav",
        str(folder / "one.wav"): folder / "one.wav",
    }
    assert all(utterance.session == "" for utterance in read_csv(csv))


def test_paths_are_relative_to_the_csv_not_to_the_working_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "path,speaker,emotion\none.wav,x,sad\n")
    monkeypatch.chdir(folder / "deep")
    assert read_csv("../corpus.csv")[0].path.is_file()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_and_spaces_do_not_matter(folder: Path, encoding: str) -> None:
    csv = write(folder, "path,speaker,emotion\r\n one.wav , Jörg,sad \r\n", encoding)
    assert read_csv(csv) == [Utterance("one.wav", folder / "one.wav", "Jörg", "sad")]


@pytest.mark.parametrize(
    ("header", "missing"),
    [("path,emotion", "['speaker']"), ("file;speaker;emotion", "['path']"), ("path|speaker|emotion", "['emotion', 'path', 'speaker']")],
)
def test_missing_columns_are_named_beside_what_was_found(folder: Path, header: str, missing: str) -> None:
    with pytest.raises(CorpusError) as caught:
        read_csv(write(folder, header))
    message = str(caught.value)
    assert str(folder / "corpus.csv") in message
    assert f"lacks the column(s) {missing}, expected path, speaker and emotion" in message
    assert all(name in message for name in header.replace(";", ",").split(","))


def test_a_column_in_capitals_is_hinted_at(folder: Path) -> None:
    with pytest.raises(CorpusError, match=r"lacks the column\(s\) \['path'\], .*; 'Path' is there, expected it to be written 'path'$"):
        read_csv(write(folder, "Path, speaker ,emotion\none.wav,x,sad\n"))


def test_all_missing_files_are_listed(folder: Path) -> None:
    with pytest.raises(CorpusError, match=r"2 file\(s\) do not exist") as caught:
        read_csv(write(folder, "path,speaker,emotion\nnone.wav,x,sad\none.wav,x,sad\ndeep,x,sad\n"))
    assert str(folder / "none.wav") in str(caught.value)
    assert str(folder / "deep") in str(caught.value)  # a folder is no recording
    assert "one.wav," not in str(caught.value).replace("none.wav", "")


@pytest.mark.parametrize(("row", "field"), [("one.wav,,sad", "speaker"), ("one.wav,x,  ", "emotion"), (",x,sad", "path")])
def test_an_empty_speaker_or_emotion_is_refused(folder: Path, row: str, field: str) -> None:
    with pytest.raises(CorpusError, match=rf"corpus\.csv, line 3: {field} is empty, expected a name$"):
        read_csv(write(folder, f"path,speaker,emotion\ntwo.wav,x,sad\n{row}\n"))


def test_an_id_that_occurs_twice_is_refused_also_between_speakers(folder: Path) -> None:
    with pytest.raises(CorpusError, match="the id 'a' occurs twice, expected unique ids"):
        read_csv(write(folder, "id,path,speaker,emotion\na,one.wav,x,sad\na,two.wav,y,sad\n"))


@pytest.mark.parametrize(
    ("row", "how"),
    [
        ("one.wav,x,sad", r"one\.wav; expected"),
        ("./one.wav,x,angry", r"one\.wav, with emotion 'sad' and 'angry'; expected"),
        ("deep/../one.wav,y,sad", r"deep/\.\./one\.wav, with speaker 'x' and 'y'; expected"),
        ("link.wav,y,angry", r"link\.wav, with emotion 'sad' and 'angry' and speaker 'x' and 'y'; expected"),
    ],
)
def test_a_file_in_two_rows_is_refused_by_whatever_path(folder: Path, row: str, how: str) -> None:
    (folder / "link.wav").symlink_to("one.wav")
    with pytest.raises(CorpusError, match=rf"corpus\.csv, lines 2 and 4: have the same file, .*{how} each recording once$"):
        read_csv(write(folder, f"id,path,speaker,emotion\na,one.wav,x,sad\nb,two.wav,x,sad\nc,{row}\n"))


@pytest.mark.parametrize(
    ("second", "hint"),
    [
        ("03,sad", "line 3: speaker '03' and '3' (line 2) look alike, and are taken for different ones"),
        ("3,Sad", "line 3: emotion 'Sad' and 'sad' (line 2) look alike, and are taken for different ones"),
        ("nan,sad", "line 3: speaker is 'nan', which is taken for a name; expected one, or the row to be left out"),
        ("3,N/A", "line 3: emotion is 'N/A', which is taken for a name; expected one, or the row to be left out"),
    ],
)
def test_names_that_may_not_be_meant_are_hinted_at(folder: Path, caplog: pytest.LogCaptureFixture, second: str, hint: str) -> None:
    assert len(read_csv(path := write(folder, f"path,speaker,emotion\none.wav,3,sad\ntwo.wav,{second}\n"))) == 2
    assert caplog.messages == [f"{path}, {hint}"]


def test_a_label_may_hold_any_reasonable_characters(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    read = read_csv(write(folder, 'path,speaker,emotion\none.wav,Anna (2),"happy|sad, #1"\ntwo.wav,Jörg,so-called ~calm~\n'))
    assert [utterance.emotion for utterance in read] == ["happy|sad, #1", "so-called ~calm~"] and not caplog.messages


def test_no_row_is_lost_to_a_quote_or_a_comma(folder: Path) -> None:
    head = "path,speaker,emotion\none.wav,x,sad\n"
    for row, message in (
        ('two.wav,x,"happy\ndeep/three.wav,y,sad\n', r"corpus\.csv, line 3: cannot be read \(.*\), expected quotes"),
        ("two.wav,x,angry, excited\n", r"corpus\.csv, line 3: has 4 fields, expected 3: path, speaker, emotion; 'excited' is in no column"),
        ("two.wav,3,5,angry\n", r"corpus\.csv, line 3: has 4 fields"),
        ("two.wav,x\n", r"corpus\.csv, line 3: has 2 fields, expected 3"),
    ):
        with pytest.raises(CorpusError, match=message):
            read_csv(write(folder, head + row))
    with pytest.raises(CorpusError, match=r"corpus\.csv: has the column 'emotion' twice, expected each once$"):
        read_csv(write(folder, "path,speaker,emotion,emotion\none.wav,x,sad,zzz\n"))


def test_many_missing_files_make_a_short_line(folder: Path) -> None:
    with pytest.raises(CorpusError, match=r"300 file\(s\) do not exist: .*none0\.wav \(line 2\), .* and 290 more$"):
        read_csv(write(folder, "path,speaker,emotion\n" + "".join(f"none{number}.wav,x,sad\n" for number in range(300))))
    with pytest.raises(CorpusError, match=r"1 file\(s\) do not exist"):
        read_csv(write(folder, f"path,speaker,emotion\n{'n' * 5_000},x,sad\n"))


def test_a_corpus_without_utterances_is_refused(folder: Path) -> None:
    with pytest.raises(CorpusError, match="no utterance found"):
        read_csv(write(folder, "path,speaker,emotion\n"))


def test_all_problems_are_reported_at_once() -> None:
    utterances = [
        Utterance("a", Path("1.wav"), "x", ""),
        Utterance("a", Path("2.wav"), "y", "sad"),
        Utterance(" ", Path("3.wav"), "z", "sad"),
    ]
    with pytest.raises(CorpusError) as caught:
        check_utterances(utterances, "mine")
    message = str(caught.value)
    assert message.startswith("mine: ")
    for part in ("1.wav: emotion is empty", "2.wav: the id 'a' occurs twice", "3.wav: id is empty"):
        assert part in message


def test_a_speaker_that_cannot_name_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"speaker is '\.\./x', expected a name without slashes"):
        check_utterances([Utterance("u", tmp_path / "u.wav", "../x", "sad")], "mine")
    with pytest.raises(CorpusError, match=r"u\.wav: the speaker has 300 bytes, expected 150 at most: it names a file$"):
        check_utterances([Utterance("u", tmp_path / "u.wav", "ü" * 150, "sad")], "mine")


def test_a_csv_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"none\.csv: cannot be read"):
        read_csv(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes("path,speaker,emotion\nü.wav,a,b\n".encode("latin-1"))
    with pytest.raises(CorpusError, match=r"latin\.csv: cannot be read.*UTF-8"):
        read_csv(tmp_path / "latin.csv")


def test_an_id_that_all_rows_have_makes_a_short_line() -> None:
    utterances = [Utterance("same", Path(f"{number}.wav"), "a", "sad") for number in range(501)]
    with pytest.raises(CorpusError, match=r"; and 490 more$"):
        check_utterances(utterances, "mine")


def test_times_within_a_file_are_warned_of(tmp_path, caplog):
    for name in "ab":
        (tmp_path / f"{name}.wav").touch()
    for cells, warned in ((("0.0", "0.5"), True), (("", ""), False)):
        caplog.clear()
        rows = [",".join((f"{name}.wav", *cells, name, "sad")) for name in "ab"]
        (tmp_path / "mine.csv").write_text("\n".join(["path,start,end,speaker,emotion", *rows]))
        assert len(read_csv(tmp_path / "mine.csv")) == 2
        assert ("['start', 'end'], which are not looked at" in caplog.text) is warned
