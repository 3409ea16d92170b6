"""What listeners make of CREMA-D: the table of votes, the rates, and the page."""

import pandas as pd
import pytest

from data_prep.corpora import crema_d
from experiments.studies import listeners

VOTES = {
    "1002_DFA_ANG_XX": {"angry": 3, "sad": 1, "happy": 0, "neutral": 0, "fear": 0, "disgust": 0},
    "1001_IEO_SAD_LO": {"angry": 0, "sad": 2, "happy": 0, "neutral": 2, "fear": 0, "disgust": 0},
    "1076_MTI_SAD_XX": {"angry": 0, "sad": 9, "happy": 0, "neutral": 0, "fear": 0, "disgust": 0},
}


def test_the_table_has_what_is_usable_with_the_acted_emotion():
    table = listeners.votes_table(VOTES)
    assert list(table.columns) == ["utterance", "emotion", *crema_d.EMOTIONS]
    assert table[["utterance", "emotion"]].values.tolist() == [["1001_IEO_SAD_LO", "sad"], ["1002_DFA_ANG_XX", "angry"]]


def test_rates_count_equals_in_part_and_a_listener_by_shares():
    together, alone = listeners.rates(listeners.votes_table(VOTES))
    assert (together, alone) == pytest.approx((100 * (1 + 0.5) / 2, 100 * (0.75 + 0.5) / 2))


def test_the_command_writes_table_and_page(tmp_path):
    path = tmp_path / "source" / crema_d.VOTES
    path.parent.mkdir(parents=True)
    rows = [f'"10000{number}",{",".join(str(VOTES[name][one]) for one in VOTES[name])},"{name}"' for number, name in enumerate(VOTES)]
    path.write_text('"","A","S","H","N","F","D","fileName"\n' + "\n".join(rows) + "\n")
    assert listeners.main(["--source", str(path.parents[1]), "--results", str(tmp_path)]) == 0
    folder = tmp_path / "crema_d.leave-one-group-out"
    assert pd.read_csv(folder / "listeners.csv").equals(listeners.votes_table(VOTES))
    page = (folder / "listeners.md").read_text()
    assert "8 votes on 2\nrecordings" in page and "| intensity low         | 1      | 50.0               | 50.0         |" in page
    assert listeners.main(["--source", str(tmp_path / "none"), "--results", str(tmp_path)]) == 1
