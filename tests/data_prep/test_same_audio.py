"""The same audio under two speakers or emotions: refused before anything is prepared, or left out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import soundfile

from data_prep.corpora import emodb
from data_prep.prepare import prepare
from ser_acrnn import audio
from ser_acrnn.data.corpus import CorpusError
from ser_acrnn.data.prepared import RecordCorpus
from ser_acrnn.evaluation.protocol import LeakError


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a prepared corpus."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def run(source: Path, data: Path, skip_bad: bool = False) -> Path:
    return prepare("mine", emodb.utterances(source), data, source=source, skip_bad=skip_bad)


@pytest.fixture
def copied(source: Path) -> Path:
    """The corpus, in which 09 says quietly and a moment later what 03 says."""
    samples, rate = soundfile.read(source / "wav" / "03a01Ta.wav")
    soundfile.write(source / "wav" / "09a02Ta.wav", 0.1 * samples[1_000:], rate)
    return source


SAME = r"03a01Ta\.wav \(speaker '03', 'sad'\) and .*09a02Ta\.wav \(speaker '09', 'sad'\) are the same audio"


def test_the_same_audio_under_two_speakers_is_refused_before_anything_is_prepared(copied: Path, data: Path) -> None:
    with pytest.raises(LeakError, match=f"^mine: .*{SAME}"):
        run(copied, data)
    assert not list(data.rglob("*.*record*")) and not (data / "mine").exists()


def test_under_two_emotions_it_is_refused_too(source: Path, data: Path) -> None:
    shutil.copy(source / "wav" / "03a01Ta.wav", source / "wav" / "03a02Wa.wav")
    with pytest.raises(CorpusError, match=r"\(speaker '03', 'sad'\) and .*03a02Wa\.wav \(speaker '03', 'angry'\) are the same audio"):
        run(source, data)


def test_both_recordings_are_left_out_on_demand_and_change_nothing_else(copied: Path, data: Path, tmp_path: Path) -> None:
    link = run(copied, data, skip_bad=True)
    assert [item["utterance"] for item in RecordCorpus(link).recipe["left_out"]] == ["03a01Ta", "09a02Ta"]
    before = contents(link)
    assert contents(run(copied, data, skip_bad=True)) == before
    for name in ("03a01Ta", "09a02Ta"):
        (copied / "wav" / f"{name}.wav").unlink()
    without = RecordCorpus(run(copied, tmp_path / "without"))
    assert RecordCorpus(link).manifest.equals(without.manifest)


def test_a_leak_that_comes_later_is_found_beside_shards_that_are_kept(source: Path, data: Path) -> None:
    link = run(source, data)
    before = contents(link)
    shutil.copy(source / "wav" / "03a01Ta.wav", source / "wav" / "09a02Ta.wav")
    with pytest.raises(LeakError, match=SAME):
        run(source, data)
    assert contents(link) == before


def test_what_is_there_is_not_listened_to_again(source: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = run(source, data)

    def never(*_: object) -> None:
        raise AssertionError("listened again")

    monkeypatch.setattr(audio, "load", never)
    assert run(source, data) == link
