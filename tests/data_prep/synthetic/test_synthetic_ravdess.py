"""Tests of data_prep.synthetic.ravdess: that the look-alike has the release's names and counts, and sounds as it is labelled."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep import loader
from data_prep.corpora import ravdess
from data_prep.synthetic import ravdess as synthetic_ravdess
from data_prep.synthetic.emodb import VOICES
from data_prep.synthetic.ravdess import plan, speak, voice, write_ravdess_like
from experiments import catalogue
from ser_acrnn.data.corpus import CorpusError, Utterance


@pytest.fixture()
def two_actors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release of a man and a woman is enough to write."""
    monkeypatch.setattr(synthetic_ravdess, "ACTORS", ("01", "02"))


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}


def test_the_full_size_has_the_published_names_and_counts() -> None:
    names = plan()
    assert len(names) == len(set(names)) == 1440 and names == sorted(names)
    takes = [Utterance(name, Path(name), parsed.actor, parsed.emotion) for name in names for parsed in [ravdess.parse_name(name)]]
    assert loader.count_differences(takes, ravdess.PUBLISHED_COUNTS, ravdess.EMOTIONS) == []


@pytest.mark.parametrize(("scale", "neutral", "others"), [(0.5, 2, 4), (0.25, 1, 2), (0.001, 1, 1)])
def test_a_smaller_size_keeps_all_actors_and_emotions(scale: float, neutral: int, others: int) -> None:
    takes = [ravdess.parse_name(name) for name in plan(scale)]
    counts = Counter((take.actor, take.emotion) for take in takes)
    assert len(counts) == 24 * 8
    assert {count for (_, emotion), count in counts.items() if emotion == "neutral"} == {neutral}
    assert {count for (_, emotion), count in counts.items() if emotion != "neutral"} == {others}
    if others > 1:
        for part in ("statement", "intensity"):
            assert len({getattr(take, part) for take in takes if take.emotion == "sad"}) == 2, part


@pytest.mark.parametrize("scale", [0, -1, 1.5, float("nan")])
def test_a_size_out_of_range_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match=r"scale is .*, expected more than 0 and up to 1"):
        plan(scale)


def test_it_is_read_as_the_release_is_and_says_that_it_is_generated(two_actors: None, tmp_path: Path) -> None:
    paths = write_ravdess_like(tmp_path, scale=0.001)
    reading = ravdess.read(tmp_path)
    assert sorted(utterance.path for utterance in reading.utterances) == paths and len(paths) == 16
    assert (reading.name, reading.left_out) == ("ravdess-synthetic", [])
    facts = catalogue.corpus(reading.name)
    assert facts.caveat == loader.GENERATED and facts.groups == ravdess.GROUP_OF_ACTOR and facts.protocol == "leave-one-group-out"
    info = soundfile.info(paths[0])
    assert (info.samplerate, info.channels, info.subtype) == (48_000, 1, "PCM_16") and 2.5 < info.duration < 6
    (tmp_path / synthetic_ravdess.RELEASE_FOLDER / loader.SYNTHETIC_MARKER).unlink()
    assert ravdess.read(tmp_path).name == "ravdess"


def test_the_same_arguments_give_the_same_bytes_whatever_else_is_written(two_actors: None, tmp_path: Path) -> None:
    write_ravdess_like(tmp_path / "a", scale=0.001)
    write_ravdess_like(tmp_path / "b", scale=0.25)
    stale = tmp_path / "b" / synthetic_ravdess.RELEASE_FOLDER / "Actor_01" / "03-01-01-01-02-02-01.wav"
    stale.touch()
    larger = contents(tmp_path / "b")
    write_ravdess_like(tmp_path / "b", scale=0.001)
    assert contents(tmp_path / "a") == contents(tmp_path / "b") and not stale.exists()
    shared = {name: data for name, data in contents(tmp_path / "a").items() if name.endswith(".wav")}
    assert shared.items() <= larger.items()
    assert np.array_equal(speak("03-01-05-01-01-01-01"), speak("03-01-05-01-01-01-01"))
    assert not np.array_equal(speak("03-01-05-01-01-01-01"), speak("03-01-05-01-01-01-01", seed=1))


def test_a_release_that_is_not_ours_is_not_written_over(two_actors: None, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder = tmp_path / synthetic_ravdess.RELEASE_FOLDER / "Actor_01"
    folder.mkdir(parents=True)
    (folder / "03-01-01-01-01-01-01.wav").write_bytes(b"a recording")
    assert synthetic_ravdess.main([str(tmp_path), "--scale", "0.001"]) == 1
    assert "expected an empty folder or a look-alike" in capsys.readouterr().err
    assert contents(tmp_path) == {f"{synthetic_ravdess.RELEASE_FOLDER}/Actor_01/03-01-01-01-01-01-01.wav": b"a recording"}


def test_voices_lie_among_those_of_their_sex_and_differ() -> None:
    voices = {actor: voice(actor) for actor in ravdess.ACTORS}
    assert len(set(voices.values())) == 24 and voice("01", seed=1) != voices["01"]
    for actor, found in voices.items():
        same = np.array([astuple(VOICES[speaker]) for speaker in (synthetic_ravdess.MEN, synthetic_ravdess.WOMEN)[1 - int(actor) % 2]])
        assert (same.min(axis=0) <= astuple(found)).all() and (astuple(found) <= same.max(axis=0)).all()
    assert max(voices[actor].f0_hertz for actor in ravdess.ACTORS[::2]) < min(voices[actor].f0_hertz for actor in ravdess.ACTORS[1::2])


def test_it_sounds_as_it_is_labelled() -> None:
    def mean_over_actors(emotion: int, intensity: int, measure) -> float:
        return float(np.mean([measure(speak(f"03-01-{emotion:02}-{intensity:02}-01-01-{actor}")) for actor in ravdess.ACTORS[:8]]))

    def seconds(waveform: np.ndarray) -> float:  # from the first to the last loud sample
        loud = np.flatnonzero(np.abs(waveform) > 0.1 * np.abs(waveform).max())
        return (loud[-1] - loud[0]) / 48_000

    sad, angry, calm, surprise = (mean_over_actors(emotion, 1, seconds) for emotion in (4, 5, 2, 8))
    assert min(sad, calm) > 1.2 * max(angry, surprise)
    assert mean_over_actors(4, 2, seconds) > mean_over_actors(4, 1, seconds)  # strong is more of it


def test_other_names_are_refused() -> None:
    with pytest.raises(CorpusError, match="emotion '09'"):
        speak("03-01-09-01-01-01-01")
