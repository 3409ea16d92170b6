"""The invariance command: kept networks, or one that ships, judge recordings again with silence, noise, level or offset changed."""

import numpy as np
import pandas as pd
import pytest
from command_words import places

from experiments.studies import invariance
from ser_acrnn.audio.files import AudioError
from ser_acrnn.checking.surroundings import SURROUNDINGS
from ser_acrnn.inference.predictions import Prediction

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]
RATE_HERTZ = 16_000


@pytest.fixture(scope="module")
def wave():
    """A second of faint noise, with a tone after its first fifth."""
    time = np.arange(RATE_HERTZ) / RATE_HERTZ
    noise = 1e-3 * np.random.default_rng(0).standard_normal(RATE_HERTZ)
    return ((time > 0.2) * np.sin(2 * np.pi * 300 * time) + noise).astype(np.float32)


class Loudness:
    """Calls a recording by its length, and refuses long ones."""

    def predict(self, waveform, rate):
        if len(waveform) > 5 * RATE_HERTZ:
            raise AudioError("too long")
        share = min(len(waveform) / RATE_HERTZ / 4, 1)
        return Prediction("long" if share > 0.4 else "short", {"long": share, "short": 1 - share}, (), 0.04)


def test_decisions_that_stay_and_those_that_turn_are_told_apart(tmp_path, wave):
    import soundfile

    soundfile.write(tmp_path / "some.wav", wave, RATE_HERTZ, subtype="FLOAT")
    tried = invariance.try_network(Loudness(), "03", {"some": tmp_path / "some.wav"}).set_index("condition")
    assert list(tried.index) == list(SURROUNDINGS)
    assert (tried["before"] == "short").all()
    assert tried.loc["1 s of zeros after", ["decision", "change"]].tolist() == ["long", -0.25]
    assert tried.loc["5 s of zeros before", ["decision", "change"]].tolist() == ["", -0.75]
    assert tried.loc["40 dB fainter", ["decision", "change"]].tolist() == ["short", 0.0]
    invariance.write([tried.reset_index()], tmp_path / "emodb" / "invariance" / "mine.csv")
    shown = invariance.table(tmp_path, "emodb")
    assert "| 1 s of zeros after " in shown and "0 of 1, 0.25" in shown and "1 of 1, 0.00" in shown


def test_kept_networks_judge_their_test_speakers_and_the_table_comes_from_the_file(small_corpus, kept, capsys):
    words = [*places(small_corpus, kept), f"--source={small_corpus.parents[1]}"]
    assert invariance.main([*words, "--system=tiny"]) == 0
    shown = capsys.readouterr().out
    judged = pd.read_csv(kept / "results" / "synthetic" / "invariance" / "tiny.csv", dtype=str)
    assert list(judged.columns) == invariance.COLUMNS
    assert judged.groupby(["condition", "speaker"]).size().tolist() == [6] * 3 * len(SURROUNDINGS)
    assert invariance.table(kept / "results", "synthetic") in shown and "tiny" in shown
    assert invariance.table(kept / "results", "nothing") == ""
    assert invariance.main([*words, "--system=best-by-training"]) == 1
    assert "missing: " in capsys.readouterr().err
