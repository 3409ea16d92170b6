"""The enrolment command on a run whose network was kept: who is heard is not judged, and the gain is over the same network as it was."""

import shutil

import pandas as pd
import pytest
from command_words import places

from experiments.studies import enrolment
from ser_acrnn.evaluation.results import RunResult

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]


def test_the_recordings_that_were_heard_are_not_judged(small_corpus, kept, monkeypatch, capsys):
    monkeypatch.setattr(enrolment, "NUMBERS", (1, 4))
    monkeypatch.setattr(enrolment, "ONE_MOOD", "sad")
    words = [*places(small_corpus, kept), "--system=tiny", f"--source={small_corpus.parents[1]}"]
    assert enrolment.main(words) == 0
    judged = pd.read_csv(kept / "results" / "synthetic" / "enrolment" / "tiny.csv", dtype=str)
    assert list(judged.columns) == enrolment.COLUMNS
    for speaker in ("03", "08", "09"):
        result = RunResult.load(kept / "results" / "synthetic" / "tiny" / f"{speaker}-seed0.json")
        decided = dict(zip((utterance["id"] for utterance in result.utterances), result.decisions, strict=True))
        mine = judged[judged["speaker"] == speaker]
        assert mine["before"].tolist() == [decided[name] for name in mine["utterance"]]
        for heard, left in (("1", 5), ("4", 2), ("sad", 4)):
            draws = [draw["utterance"].tolist() for _, draw in mine[mine["heard"] == heard].groupby("draw")]
            assert [len(set(draw)) for draw in draws] == [left] * (1 if heard == "sad" else enrolment.DRAWS)
        assert set(mine[mine["heard"] == "sad"]["emotion"]) == {"happy", "angry"}
        assert len({tuple(draw) for _, draw in mine[mine["heard"] == "1"].groupby("draw")["utterance"]}) > 1
    assert (judged["decision"] != judged["before"]).any()
    assert enrolment.table(kept / "results", "synthetic") in capsys.readouterr().out
    assert enrolment.table(kept / "results", "nothing") == ""


def test_another_network_is_refused(small_corpus, kept, tmp_path, capsys):
    shutil.copytree(kept / "results", tmp_path / "results")
    path = tmp_path / "results" / "synthetic" / "tiny" / "03-seed0.json"
    for utterance in (result := RunResult.load(path)).utterances:
        utterance["posteriors"] = utterance["posteriors"][1:] + utterance["posteriors"][:1]
    result.save(path)
    words = [*places(small_corpus, kept), f"--results={tmp_path / 'results'}", "--system=tiny", f"--source={small_corpus.parents[1]}"]
    assert enrolment.main(words) == 1
    assert "03-seed0.keras: decides otherwise on 6 of 6 utterances" in capsys.readouterr().err


def test_recordings_are_heard_at_the_tempos_of_the_run(small_corpus, kept, tmp_path, monkeypatch):
    shutil.copytree(kept / "results", tmp_path / "results")
    for path in (tmp_path / "results" / "synthetic" / "tiny").glob("*.json"):
        (result := RunResult.load(path)).config["training"]["judging_tempos"] = [0.9, 1.0]
        result.save(path)
    heard, scores_of = [], enrolment.scores_of
    monkeypatch.setattr(
        enrolment, "scores_of", lambda predictor, waveforms: heard.append(predictor.tempos) or scores_of(predictor, waveforms)
    )
    monkeypatch.setattr(enrolment, "check_network", lambda *_: None)  # it was judged as it is spoken
    monkeypatch.setattr(enrolment, "NUMBERS", (1,))
    monkeypatch.setattr(enrolment, "DRAWS", 1)
    words = [*places(small_corpus, kept), f"--results={tmp_path / 'results'}", "--system=tiny", f"--source={small_corpus.parents[1]}"]
    assert enrolment.main(words) == 0
    assert set(heard) == {(0.9, 1.0)}


def save_decisions(root, system, decided, before="sad"):
    """Decisions on a sad and a happy recording, by speaker and draw."""
    rows = [
        ("1", draw, speaker, f"u{number}", emotion, decision, before)
        for (speaker, draw), decisions in decided.items()
        for number, (emotion, decision) in enumerate(zip(("sad", "happy"), decisions, strict=True))
    ]
    path = root / "emodb" / "enrolment" / f"{system}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows, columns=enrolment.COLUMNS).to_csv(path, index=False)


def cells_of_one_recording(root):
    """The row of each network that has heard one recording, without its name."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in enrolment.table(root, "emodb").splitlines()]
    return {row[0]: row[2:] for row in rows if row[1] == "1"}


def test_the_table_has_means_over_speakers_of_means_over_draws(tmp_path):
    decided = {("a", "0"): ("sad", "sad"), ("a", "1"): ("sad", "happy"), ("b", "0"): ("sad", "happy")}
    save_decisions(tmp_path, "lite-by-utterance", decided)
    (cells,) = cells_of_one_recording(tmp_path).values()
    # a: 50 and 100, b: 100; before: 50. Two speakers have no interval.
    assert cells == ["87.5", "not adapted", "+37.5", "", "", ""]


def test_a_network_that_normalises_by_the_speaker_stands_beside_one_that_does_not(tmp_path):
    right, wrong = ("sad", "happy"), ("sad", "sad")
    save_decisions(tmp_path, "lite-by-speaker", {(name, "0"): right for name in "abc"}, before="")
    assert cells_of_one_recording(tmp_path) == {"lite-by-speaker": ["100.0 (100.0 to 100.0)", *[""] * 5]}
    save_decisions(tmp_path, "lite-by-utterance", {("a", "0"): wrong, ("b", "0"): right, ("c", "0"): right})
    found = cells_of_one_recording(tmp_path)
    assert found["lite-by-speaker"][:3] == ["100.0 (100.0 to 100.0)", "lite-by-utterance", "+16.7 (-55.0 to +88.4)"]
    # Differences of 0, 0 and 50 from the one, of 0, 50 and 50 from no adaptation: t is 1 and 2, both within chance.
    assert found["lite-by-speaker"][3:] == ["0.423", "0.423", "within chance"]
    assert found["lite-by-utterance"][1:] == ["not adapted", "+33.3 (-38.4 to +105.0)", "0.184", "0.367", "within chance"]


def test_a_missing_network_is_named(small_corpus, tmp_path, capsys):
    words = [*places(small_corpus, tmp_path), "--system=tiny", f"--source={small_corpus.parents[1]}"]
    assert enrolment.main(words) == 1
    assert f"missing: {tmp_path / 'models' / 'synthetic' / 'tiny' / '03-seed0.keras'}" in capsys.readouterr().err
