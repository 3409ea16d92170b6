"""Degraded copies: the same whenever they are made, of all kinds, still speech, and of nobody but who speaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import signal

from data_prep import degraded, prepare
from data_prep.corpora import emodb
from data_prep.loader import Reading
from ser_acrnn.config.features import FEATURE_RECIPES
from ser_acrnn.data.corpus import Utterance
from ser_acrnn.data.prepared import RecordCorpus

TIME = np.arange(48_000) / 16_000
# Three seconds of a gliding voice in syllables.
SPOKEN = (0.3 * np.sin(3 * TIME * np.pi) ** 2 * signal.sawtooth(2 * np.pi * (120 * TIME + 10 * np.sin(4 * TIME)))).astype(np.float32)


def utterance(copy: int, name: str = "03a01Wa") -> Utterance:
    return Utterance(degraded.copy_name(name, copy), Path(f"{name}.wav"), "03", "anger", copy=copy)


def _alike(wave: np.ndarray, other: np.ndarray) -> float:
    """Correlation of how loud two waveforms are over time."""
    length = min(len(wave), len(other))
    loud = [np.convolve(np.abs(one[:length]), np.ones(800) / 800, "same") for one in (wave, other)]
    return float(np.corrcoef(*loud)[0, 1])


def test_a_copy_is_drawn_by_its_name_alone() -> None:
    first, again, other = (degraded.degrade(SPOKEN, utterance(copy)) for copy in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert len(first) != len(other) or not np.array_equal(first, other)


@pytest.mark.parametrize("samples", [1, 7, 400, 4_800, 48_000])
def test_copies_of_any_length_are_finite_and_within_full_scale(samples: int) -> None:
    for copy in range(1, 25):
        found = degraded.degrade(SPOKEN[-samples:], utterance(copy))
        assert found.dtype == np.float32
        assert found.ndim == 1
        assert len(found)
        assert np.isfinite(found).all()
        assert np.abs(found).max() <= 1


def test_silence_stays_silence() -> None:
    silence = np.zeros(8_000, np.float32)
    assert not degraded.degrade(silence, utterance(1)).any()


@pytest.mark.parametrize("change", ["_in_room", "_with_noise", "_by_microphone", "_coded"])
def test_each_change_leaves_the_speech_recognisable_and_not_as_it_was(change: str) -> None:
    for seed in range(6):
        found = np.asarray(getattr(degraded, change)(SPOKEN.astype(float), np.random.default_rng(seed)))
        later = max(_alike(found[delay:], SPOKEN) for delay in range(0, 1_600, 160))  # a coder's delay stays in front
        assert later > 0.4, (change, seed)
        assert len(found) != len(SPOKEN) or not np.allclose(found, SPOKEN, atol=1e-4), (change, seed)


def test_a_pause_is_inserted_or_shortened_where_it_is_quiet() -> None:
    spoken = np.concatenate([SPOKEN[:20_000], np.full(16_000, 1e-5, np.float32), SPOKEN[20_000:]]).astype(float)
    lengths = {len(degraded._other_pause(spoken, np.random.default_rng(seed))) - len(spoken) for seed in range(6)}
    low, high = (round(seconds * 16_000) - 16_000 for seconds in degraded.PAUSE_SECONDS)
    assert len(lengths) == 6
    assert all(low - 640 <= change <= high + 640 for change in lengths)


def test_rooms_carry_sound_on_and_begin_with_it() -> None:
    response = degraded._room(3)
    assert np.abs(response).argmax() <= 8
    assert len(response) > 800
    np.testing.assert_array_equal(degraded._room(3), response)


def test_copies_are_prepared_as_a_corpus_beside_theirs(small_corpus: Path, tmp_path: Path) -> None:
    reading = degraded.copies(Reading("emodb", emodb.utterances(small_corpus)), 2)
    link = prepare.prepare(reading.name, reading.utterances, tmp_path, FEATURE_RECIPES["speech"], source=small_corpus, about=reading.about)
    assert link.name == "emodb-degraded.speech"
    copies = RecordCorpus(link)
    assert copies.recipe["about"]["copies"] == 2
    assert len(copies.manifest) == 2 * len(emodb.utterances(small_corpus))
    assert sorted(copies.manifest["utterance"])[:2] == ["03a01Aa+1", "03a01Aa+2"]
    assert copies.manifest["sha256"].nunique() == len(copies.manifest) / 2
    first, second = copies.read("03a01Aa+1"), copies.read("03a01Aa+2")
    assert len(first) != len(second) or not np.array_equal(first, second)


def test_the_command_prepares_copies_where_they_are_asked_for(small_corpus: Path, tmp_path: Path) -> None:
    words = ["emodb", "--source", str(small_corpus), "--data", str(tmp_path), "--recipe", "speech", "--copies", "1"]
    assert prepare.main(words) == 0
    assert (tmp_path / "emodb-degraded.speech").is_symlink()
    assert not (tmp_path / "emodb.speech").exists()


def test_a_copy_without_speech_is_left_out_and_says_nothing_against_its_recording(
    small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    degrade = degraded.degrade
    monkeypatch.setattr(degraded, "degrade", lambda wave, one: np.full_like(wave, 0.1) if one.id == "03a01Wa+1" else degrade(wave, one))
    words = ["emodb", "--source", str(small_corpus), "--data", str(tmp_path), "--recipe", "speech", "--copies", "2"]
    assert prepare.main(words) == 0
    copies = RecordCorpus(tmp_path / "emodb-degraded.speech")
    (left_out,) = copies.recipe["left_out"]
    assert left_out["utterance"] == "03a01Wa+1" and "03a01Wa.wav, its degraded copy 1: " in left_out["reason"]
    assert "03a01Wa+2" in set(copies.manifest["utterance"])
