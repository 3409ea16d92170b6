"""Sounds that are no speech: the table counts what a network says of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from experiments.studies import other_sounds
from experiments.studies.other_sounds import NO_SPEECH, UNSURE
from ser_acrnn import audio
from ser_acrnn.checking.sounds import SOUNDS
from ser_acrnn.inference.predictions import Prediction


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
