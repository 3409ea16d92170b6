"""The comparison of runtimes counts decisions that differ, and keeps the largest differences of each recording."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from experiments.studies import runtimes
from ser_acrnn.audio.waveforms import AudioError
from ser_acrnn.data.corpus import Utterance
from ser_acrnn.inference import predictor
from ser_acrnn.inference.predictions import Prediction, WindowPrediction

PIECE = WindowPrediction(0.0, 3.0, {"angry": 0.75, "sad": 0.25}, (0.5, 0.5), unfamiliarity=0.5)
SAID = Prediction("angry", PIECE.posteriors, (PIECE,), 0.04, unfamiliarity=0.5)


class Standin:
    """Says the same on both runtimes, but for one recording on Keras, and of one nothing."""

    def __init__(self, network: str, *, runtime: str, tempos: tuple[float, ...]) -> None:
        self.runtime, self.preprocessor, self.heard = runtime, self, []
        self.scope = "speaker" if network.endswith("adapted") else "utterance"

    def enrol(self, paths, on_unusable):
        self.heard = list(paths)

    def predict_many(self, paths):
        assert self.scope == "utterance" or self.heard == list(paths), "each speaker is adapted to before being judged"
        for path in paths:
            if path.stem == "bad":
                yield AudioError("bad.wav: is silent")
            elif path.stem == "other" and self.runtime == "keras":
                pieces = (replace(PIECE, posteriors={"angry": 0.375, "sad": 0.625}, attention=(0.25, 0.75), unfamiliarity=1.5),)
                yield replace(SAID, emotion="sad", posteriors=pieces[0].posteriors, segments=pieces, unfamiliarity=1.5)
            else:
                yield SAID


@pytest.fixture
def found(monkeypatch):
    monkeypatch.setattr(predictor, "Predictor", Standin)
    utterances = [
        Utterance(f"{name}", Path(f"{name}.wav"), speaker, "angry") for name, speaker in (("a", "1"), ("other", "2"), ("bad", "1"))
    ]
    return pd.concat([runtimes.compare(utterances, network) for network in ("plain", "adapted")])


def test_each_recording_is_judged_in_each_way_that_the_network_has(found):
    assert list(found.columns) == runtimes.COLUMNS
    assert found.groupby(["network", "way"]).size().to_dict() == {
        ("plain", runtimes.PLAIN): 3,
        ("plain", runtimes.ADAPTED): 3,
        ("adapted", runtimes.ADAPTED): 3,
    }
    rows = found[(found["network"] == "plain") & (found["way"] == runtimes.PLAIN)].set_index("recording")
    assert rows.loc["a"].tolist()[2:] == ["angry", "angry", 0, 0, 0]
    assert rows.loc["other"].tolist()[2:] == ["angry", "unsure, sad", 0.38, 1.0, 0.25]
    assert rows.loc["bad"].tolist()[2:] == ["bad.wav: is silent", "bad.wav: is silent", 0, 0, 0]


def test_the_table_counts_and_has_the_largest_difference(found, tmp_path):
    (tmp_path / runtimes.FOLDER).mkdir()
    found.to_csv(tmp_path / runtimes.FOLDER / "some.csv", index=False)
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in runtimes.table(tmp_path).splitlines()[2:]]
    assert cells[0] == ["some", "plain", runtimes.PLAIN, "3", "1", "3.8e-01", "1.0e+00", "2.5e-01"] and len(cells) == 3
    assert runtimes.table(tmp_path / "nothing") == ""
