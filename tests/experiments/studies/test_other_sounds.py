"""Sounds that are no speech: each is what its name says, and the table counts what a network says of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.studies import other_sounds
from experiments.studies.other_sounds import NO_SPEECH, RATE_HERTZ, SOUNDS, UNSURE
from ser_acrnn import audio
from ser_acrnn.inference.predictions import Prediction


@pytest.mark.parametrize("name", SOUNDS)
def test_a_sound_is_finite_and_another_one_each_time(name: str) -> None:
    one, same, other = (SOUNDS[name](np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert one.shape == (3 * RATE_HERTZ,) and np.isfinite(one).all() and one.std() > 0
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0


def test_sounds_have_the_spectra_of_their_names() -> None:
    def share_below(name: str, hertz: int) -> float:
        power = np.abs(np.fft.rfft(SOUNDS[name](np.random.default_rng(0)))) ** 2
        return float(power[: 3 * hertz].sum() / power.sum())

    assert share_below("white noise", 1_000) == pytest.approx(1 / 8, abs=0.02)
    assert share_below("white noise", 1_000) < share_below("pink noise", 1_000) < share_below("brown noise", 1_000)
    assert share_below("hum", 500) > 0.9 and share_below("siren", 250) < 0.05 < 0.9 < share_below("siren", 950)


class Standin:
    """Says that noise is no speech, of silence that it is unsure, and of anything else that it is happy."""

    def predict(self, samples: np.ndarray, rate: int) -> Prediction:
        if np.abs(samples).max() < 0.01:
            return Prediction("sad", {"sad": 1.0}, (), 0.04, unfamiliarity=1.5)
        if np.mean(np.abs(samples) < 0.01) < 0.4:
            raise audio.AudioError("holds no speech")
        return Prediction("happy", {"happy": 1.0}, (), 0.04, unfamiliarity=0.5)


def test_the_table_counts_the_answers(tmp_path: Path) -> None:
    asked = other_sounds.ask(Standin(), 2)  # type: ignore[arg-type]
    assert list(asked.columns) == other_sounds.COLUMNS and len(asked) == 2 * len(SOUNDS)
    answers = asked.groupby("sound")["answer"].agg(list)
    assert answers["silence"] == [UNSURE] * 2 and answers["white noise"] == [NO_SPEECH] * 2 and answers["clicks"] == ["happy"] * 2
    folder = tmp_path / "emodb" / other_sounds.FOLDER
    folder.mkdir(parents=True)
    asked.to_csv(folder / "network.csv", index=False)
    rows = {line.split("|")[1].strip(): line.split("|")[2].strip() for line in other_sounds.table(tmp_path, "emodb").splitlines()}
    assert rows["silence"] == "0 / 100 / 0" and rows["white noise"] == "100 / 0 / 0" and rows["clicks"] == "0 / 0 / 100"
    shares = pd.Series(asked["answer"]).value_counts(normalize=True)
    assert rows["all"].split(" / ")[1] == f"{100 * shares[UNSURE]:.0f}"
    assert other_sounds.table(tmp_path, "nothing") == ""
