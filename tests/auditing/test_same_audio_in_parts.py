"""The same audio in two parts is found by its sound, whatever was done to it."""

from __future__ import annotations

import shutil

import pytest
import soundfile

import ser_acrnn
from ser_acrnn import audio
from ser_acrnn.auditing import SplitError

RATE_HERTZ = 16_000
FIRST = "downloads/wav/03a01Ta.wav"


@pytest.fixture
def corpus(tmp_path, write_corpus):
    """Recordings of four speakers, two of whom test, and a function that writes the table, with further rows."""
    paths = write_corpus(tmp_path, "WT")

    def table(*more):
        rows = [f"downloads/wav/{path.name},{path.name[:2]},{path.name[5]},{'train' if path.name < '09' else 'test'}" for path in paths]
        (tmp_path / "split.csv").write_text("\n".join(["path,speaker,emotion,part", *rows, *more]))
        return tmp_path / "split.csv"

    return table


def of(found, kind):
    return [one for one in found.findings if one.kind == kind]


def test_different_recordings_are_not_taken_for_the_same(corpus, tmp_path):
    heard = []
    found = ser_acrnn.audit(corpus(), audio=tmp_path, on_file=lambda: heard.append(1))
    assert not of(found, "audio") and len(heard) == 8 and not [line for line in found.unchecked if line.startswith("audio")]


def test_a_quieter_copy_that_is_cut_and_coded_is_found_in_the_other_part(corpus, tmp_path):
    copy = 0.1 * audio.load(tmp_path / "wav" / "03a01Ta.wav")[RATE_HERTZ // 20 :]
    soundfile.write(tmp_path / "copy.flac", copy, RATE_HERTZ)
    found = ser_acrnn.audit(corpus("copy.flac,11,T,test"), audio=tmp_path)
    (finding,) = of(found, "audio")
    assert finding.names == (f"{FIRST} (train) and copy.flac (test)",) and "1 pairs" not in finding.sentence
    assert of(found, "speaker-conflicts") and not of(found, "label-conflicts")


def test_a_copy_in_the_same_part_is_a_conflict_where_its_label_differs(corpus, tmp_path):
    soundfile.write(tmp_path / "copy.wav", audio.load(tmp_path / "wav" / "03a01Ta.wav"), RATE_HERTZ)
    found = ser_acrnn.audit(corpus("copy.wav,03,W,train"), audio=tmp_path)
    assert not of(found, "audio") and not of(found, "speaker-conflicts")
    assert of(found, "label-conflicts")[0].names == (f"{FIRST} ('T') and copy.wav ('W')",)


def test_files_that_are_absent_or_broken_are_named(corpus, tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    found = ser_acrnn.audit(corpus("gone.wav,03,W,train", "broken.wav,03,W,train"), audio=tmp_path)
    assert any("1 of 10 recordings are not in" in line and "gone.wav" in line for line in found.unchecked)
    assert any("broken.wav" in line for line in found.unchecked)
    with pytest.raises(SplitError, match="holds none of the 10 recordings"):
        ser_acrnn.audit(tmp_path / "split.csv", audio=tmp_path / "elsewhere")


def test_two_recordings_that_are_found_at_one_file_are_not_compared(corpus, tmp_path):
    shutil.copy(tmp_path / "wav" / "03a01Ta.wav", tmp_path / "x.wav")
    found = ser_acrnn.audit(corpus("one/x.wav,03,W,train", "two/x.wav,12,W,test"), audio=tmp_path)
    assert not of(found, "audio") and not of(found, "speaker-conflicts")
    assert any("2 recordings are found at a file that others are found at as well: one/x.wav, two/x.wav" in one for one in found.unchecked)


def test_segments_are_said_not_to_be_compared(tmp_path, write_corpus):
    path = write_corpus(tmp_path, "W")[0]
    rows = [f"{path.name},0,1,03,W,train", f"{path.name},1,2,08,W,test"]
    (tmp_path / "split.csv").write_text("\n".join(["path,start,end,speaker,emotion,part", *rows]))
    found = ser_acrnn.audit(tmp_path / "split.csv", audio=tmp_path)
    assert any("audio: 2 segments of files were not compared by their sound" in line for line in found.unchecked)
