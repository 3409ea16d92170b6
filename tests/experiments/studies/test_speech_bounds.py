"""Bounds of speech under noise and silence: what a detector that sees nothing but level does, Silero's, and the table of both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from command_words import places

from data_prep.synthetic.emodb import generate_utterance
from experiments.studies import speech_bounds
from experiments.studies.invariance import some_of_each_speaker

RATE_HERTZ = 16_000


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, found = tmp_path_factory.mktemp("spoken"), {}
    for letter in "FWT":
        found[letter] = folder / f"{letter}.wav"
        soundfile.write(found[letter], generate_utterance("03", letter, "b02"), RATE_HERTZ)
    return found


def test_a_detector_of_loud_samples_moves_with_what_is_added_alone(recordings: dict[str, Path]) -> None:
    def loud(waveform: np.ndarray) -> tuple[float, float] | None:
        places = np.flatnonzero(np.abs(waveform) > 0.05)
        return (places[0] / RATE_HERTZ, places[-1] / RATE_HERTZ) if len(places) else None

    moved = speech_bounds.bounds(loud, recordings).set_index("condition")
    assert len(moved) == 3 * len(speech_bounds.CONDITIONS)
    for condition in ("1 s of zeros on both sides", "5 s of room noise on both sides"):
        assert (moved.loc[condition, ["start", "end"]] == 0).all(axis=None)
    assert (moved.loc["40 dB fainter", ["start", "end"]] == "").all(axis=None)
    offset = moved.loc["an offset of 0.1"]
    assert (offset["start"] < 0).any() and (offset["end"] > 0).any()  # all of it is loud then


def test_the_gate_holds_still_where_nothing_but_silence_level_or_offset_changes(recordings: dict[str, Path]) -> None:
    moved = speech_bounds.bounds(speech_bounds.gate, recordings).set_index("condition")
    for condition in ("1 s of zeros on both sides", "40 dB fainter", "an offset of 0.1"):
        assert moved.loc[condition, ["start", "end"]].abs().max(axis=None) < 0.03
    assert speech_bounds.gate(np.zeros(8_000, np.float32)) is None


def test_silero_hears_no_speech_in_silence_and_noise() -> None:
    for level in (0, 0.01):
        waveform = (level * np.random.default_rng(0).normal(size=RATE_HERTZ)).astype(np.float32)
        assert speech_bounds.silero(waveform) is None


def test_the_ratio_of_noise_is_that_of_the_speech_without_the_silence_around_it(recordings: dict[str, Path]) -> None:
    waveform = soundfile.read(recordings["F"], dtype="float32")[0]
    change, later = speech_bounds.CONDITIONS["pink noise, 10 dB, 1 s on both sides"]
    changed = change(waveform, np.random.default_rng(0))
    added = changed - np.pad(waveform, RATE_HERTZ)
    assert (later, len(changed)) == (1, len(waveform) + 2 * RATE_HERTZ)
    assert 10 * np.log10(np.mean(waveform**2) / np.mean(added**2)) == pytest.approx(10, abs=0.1)


def test_the_command_leaves_a_table_for_each_detector(small_corpus: Path, kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepared, results = (word for word in places(small_corpus, kept) if word.startswith(("--prepared", "--results")))
    words = [prepared, results, f"--source={small_corpus.parents[1]}"]
    assert speech_bounds.main([*words, "--detectors", "gate"]) == 0
    shown = capsys.readouterr().out
    moved = pd.read_csv(kept / "results" / "synthetic" / "speech-bounds" / "gate.csv")
    assert list(moved.columns) == speech_bounds.COLUMNS
    assert moved.groupby("condition").size().tolist() == [18] * len(speech_bounds.CONDITIONS)
    assert speech_bounds.table(kept / "results", "synthetic") in shown
    assert "| 40 dB fainter" in shown
    assert speech_bounds.table(kept / "results", "nothing") == ""
    with pytest.raises(SystemExit, match="2"):
        speech_bounds.main([*words, "--detectors", "gate,ear"])
    assert "--detectors has ['ear'], expected some of ['gate', 'silero']" in capsys.readouterr().err


def test_some_recordings_of_each_speaker_are_spread_over_all() -> None:
    names = [f"{number:02d}" for number in range(20)]
    manifest = pd.DataFrame({"utterance": [*names, "x"], "speaker": ["a"] * 20 + ["b"]})
    assert some_of_each_speaker(manifest) == {"a": ["00", "04", "08", "11", "15", "19"], "b": ["x"]}
