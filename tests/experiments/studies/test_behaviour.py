"""How the networks that ship behave: what is judged, and that their cards say what the committed files do."""

import csv
import json
from pathlib import Path

import pytest

from data_prep.loader import Corpus
from experiments import shipped
from experiments.studies import behaviour
from ser_acrnn.checking import checking, judges
from ser_acrnn.checking.outcomes import Outcome, Report
from ser_acrnn.data.corpus import Utterance
from ser_acrnn.pretrained import DIRECTORY

ROOT = Path(__file__).parents[3]
UTTERANCES = [
    Utterance(f"{number:02}", Path(f"/corpus/{number:02}.wav"), "ab"[number % 2], ("sad", "calm")[number // 2 % 2]) for number in range(20)
]


@pytest.mark.parametrize("name", shipped.index())
def test_a_card_says_what_the_committed_files_say(name):
    about, files = shipped.index()[name], sorted((ROOT / "results" / behaviour.FOLDER / name).glob("*.json"))
    assert [path.stem for path in files] == ["emodb", "ravdess"]
    table, card = behaviour.table(ROOT / "results", name, about), (DIRECTORY / f"{name}.md").read_text(encoding="utf-8")
    number = 500 if "bored" in about["emotions"] else 454  # so many recordings does Emo-DB have in the emotions of the network
    assert f"\n{table}\n" in card and f"Emo-DB, trained on it: {number} recordings" in table
    assert "RAVDESS, never heard: 500 recordings" in table
    for path in files:
        facts = json.loads(path.read_text(encoding="utf-8"))
        assert facts["network_sha256"] == about["sha256"]
        assert facts["recordings"] + len(facts["problems"]) == (number if path.stem == "emodb" else 500)
        for test in facts["tests"]:
            (row,) = [line for line in table.splitlines() if line.startswith(f"| {test['name']} ")]
            assert test["verdict"] in row and (test["value"] is None or f" {test['value']:.3f} " in row)


def test_a_result_of_other_weights_is_on_no_card(tmp_path):
    (tmp_path / behaviour.FOLDER / "network").mkdir(parents=True)
    facts = {
        "labels": "Emo-DB",
        "recordings": 9,
        "network_sha256": "1",
        "tests": [{"name": "noise", "criterion": "", "value": 0.5, "verdict": "passed"}],
    }
    (tmp_path / behaviour.FOLDER / "network" / "emodb.json").write_text(json.dumps(facts))
    assert "0.500 passed" in behaviour.table(tmp_path, "network", {"sha256": "1", "corpus": "emodb"})
    assert behaviour.table(tmp_path, "network", {"sha256": "2", "corpus": "emodb"}) == ""


def test_the_same_recordings_are_drawn_of_the_emotions_that_the_network_knows():
    found = behaviour.drawn(UTTERANCES, ("sad", "angry"), 4)
    assert len(found) == 4 and {one.emotion for one in found} == {"sad"}
    assert behaviour.drawn(UTTERANCES[::-1], ("sad", "angry"), 4) == found
    assert len(behaviour.drawn(UTTERANCES, ("sad",), 500)) == 10


def test_what_is_kept_says_which_network_and_not_where_the_corpus_is(monkeypatch):
    heard = []

    def check(judge, labels, on_step):
        heard.extend(csv.DictReader(labels.read_text().splitlines()))
        outcomes = (Outcome("noise", "in noise", 0.5, 0.7),)
        return Report("acrnn3d-emodb", str(labels), 9, outcomes, {}, ("/corpus/00.wav: is silent",), 3.0)

    monkeypatch.setattr(checking, "check", check)
    monkeypatch.setattr(judges, "opened", lambda name: type("Judge", (), {"emotions": ("sad",)}))
    corpus = Corpus("mine", "Mine", ("sad", "calm"), details=lambda name: {"sex": "female" if int(name) % 2 else "male"})
    found = behaviour.checked("acrnn3d-emodb", corpus, Path("/corpus"), UTTERANCES, 3)
    assert [list(row) for row in heard] == [["path", "speaker", "emotion", "sex"]] * 3
    assert all(row["sex"] == ("female" if row["speaker"] == "b" else "male") and row["emotion"] == "sad" for row in heard)
    assert found["labels"] == "Mine" and found["problems"] == ["00.wav: is silent"] and "seconds" not in found
    assert found["network_sha256"] == shipped.index()["acrnn3d-emodb"]["sha256"] and found["tests"][0]["verdict"] == "failed"
