"""The robustness command on a grid of one-epoch runs with their networks kept."""

from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from command_words import places

from experiments import catalogue
from experiments.catalogue.system import System
from experiments.grid import run_one
from experiments.studies import robustness
from experiments.studies.checkpoints import write
from ser_acrnn.checking.degradations import DEGRADATIONS
from ser_acrnn.config import AS_SPOKEN, FIVE_TEMPOS
from ser_acrnn.evaluation.ensembles import ensemble
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.inference import batching

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]


def command(small_corpus, folder, *more):
    return [*places(small_corpus, folder), "--system=tiny", f"--source={small_corpus.parents[1]}", *more]


def recordings_of(small_corpus, result):
    return {utterance["id"]: small_corpus.parents[1] / "wav" / f"{utterance['id']}.wav" for utterance in result.utterances}


@pytest.fixture(scope="module")
def shown(small_corpus, kept):
    """What the command prints when it judges `tiny`, and the table of what it leaves."""
    with redirect_stdout(StringIO()) as printed:
        assert robustness.main(command(small_corpus, kept)) == 0
    return printed.getvalue(), robustness.table(kept / "results", "synthetic")


def test_every_condition_is_judged_and_the_table_comes_from_the_file(kept, shown):
    printed, table = shown
    judged = pd.read_csv(kept / "results" / "synthetic" / "robustness" / "tiny.csv", dtype=str)
    assert list(judged.columns) == robustness.COLUMNS and len(judged) == 18 * len(DEGRADATIONS)
    for speaker in ("03", "08", "09"):
        result = RunResult.load(kept / "results" / "synthetic" / "tiny" / f"{speaker}-seed0.json")
        clean = judged[(judged["condition"] == "as recorded") & (judged["speaker"] == speaker)]
        assert clean["decision"].tolist() == result.decisions and clean["emotion"].tolist() == result.truth
    assert all(f"| {condition} " in printed for condition in DEGRADATIONS)
    assert table and table in printed
    assert robustness.table(kept / "results", "nothing") == ""


def test_the_recordings_are_heard_at_the_tempos_of_the_run(small_corpus, kept, monkeypatch):
    result = RunResult.load(kept / "results" / "synthetic" / "tiny" / "03-seed0.json")
    recordings = recordings_of(small_corpus, result)
    heard, score = [], batching.segment_posteriors

    def listen(model, features, *, tempos):
        heard.append(tuple(tempos))
        return score(model, features)  # as the run did

    monkeypatch.setattr(batching, "segment_posteriors", listen)
    for tempos in (AS_SPOKEN, FIVE_TEMPOS):
        config = {**result.config, "training": {**result.config["training"], "judging_tempos": list(tempos)}}
        heard.clear()
        network = kept / "models" / "synthetic" / "tiny" / "03-seed0.keras"
        robustness.score_fold([(network, replace(result, config=config))], recordings)
        assert heard == [tempos] * len(DEGRADATIONS)


def test_a_recording_that_is_refused_is_not_recognised(small_corpus, kept, monkeypatch, tmp_path):
    result = RunResult.load(kept / "results" / "synthetic" / "tiny" / "03-seed0.json")
    recordings, network = recordings_of(small_corpus, result), kept / "models" / "synthetic" / "tiny" / "03-seed0.keras"
    monkeypatch.setitem(DEGRADATIONS, "noise, 0 dB", lambda waveform, rng: np.zeros_like(waveform))
    monkeypatch.setitem(DEGRADATIONS, "telephone", lambda waveform, rng: waveform * (len(waveform) > 20_000))
    judged = robustness.score_fold([(network, result)], recordings)
    by_condition = {condition: part["decision"].tolist() for condition, part in judged.groupby("condition")}
    assert by_condition["noise, 0 dB"] == [""] * 6
    assert 0 < by_condition["telephone"].count("") < 6
    assert [one for one in by_condition["telephone"] if one] == [
        decided for decided, said in zip(result.decisions, by_condition["telephone"], strict=True) if said
    ]
    write([judged], tmp_path / "synthetic" / "robustness" / "tiny.csv")
    (row,) = (line for line in robustness.table(tmp_path, "synthetic").splitlines() if "noise, 0 dB" in line)
    assert " 0.0" in row


def test_several_networks_judge_together_under_each_condition(small_corpus, kept, shown, monkeypatch, capsys):
    words = [word for word in command(small_corpus, kept, "--fold=0", "--seed=1") if not word.startswith("--source")]
    assert run_one.main(words) == 0
    networks, results = (kept / root / "synthetic" / "tiny" for root in ("models", "results"))
    members = [(networks / f"03-seed{seed}.keras", RunResult.load(results / f"03-seed{seed}.json")) for seed in (0, 1)]
    runs = [replace(result, seed=0, system=name) for (_, result), name in zip(members, "ab", strict=True)]
    judged = robustness.score_fold(members, recordings_of(small_corpus, runs[0]))
    assert judged[judged["condition"] == "as recorded"]["decision"].tolist() == ensemble("ab", "ab", runs)[0].decisions
    assert runs[0].decisions != runs[1].decisions, "members that agree would show nothing"
    monkeypatch.setitem(catalogue.SYSTEMS, "alone", System("alone", members=("tiny",)))
    assert robustness.main([*command(small_corpus, kept), "--system=alone"]) == 0
    expected, alone = (pd.read_csv(kept / "results" / "synthetic" / "robustness" / f"{name}.csv") for name in ("tiny", "alone"))
    assert alone.equals(expected)
    monkeypatch.setitem(catalogue.SYSTEMS, "both", System("both", members=("tiny", "lite")))
    assert robustness.main([*command(small_corpus, kept), "--system=both"]) == 1
    assert f"missing: {kept / 'models' / 'synthetic' / 'lite' / '03-seed0.keras'}, " in capsys.readouterr().err


def test_another_network_another_recording_or_none_is_refused(small_corpus, kept, tmp_path, capsys):
    key = kept / "models" / "synthetic" / "tiny" / "03-seed0.keras"
    network = key.read_bytes()
    result = kept / "results" / "synthetic" / "tiny" / "03-seed0.json"
    text = result.read_text()
    try:
        decided = RunResult.load(result).decisions
        swapped = {"happy": "neutral", "neutral": "angry", "angry": "happy"}
        for utterance in (changed := RunResult.load(result)).utterances:
            wanted = swapped.get(decided[0], "happy")
            utterance["posteriors"] = [1.0 if emotion == wanted else 0.0 for emotion in changed.emotions]
        changed.save(result)
        assert robustness.main(command(small_corpus, kept)) == 1
        assert "03-seed0.keras: decides" in capsys.readouterr().err
        replace(changed, utterances=changed.utterances[1:]).save(result)
        assert robustness.main(command(small_corpus, kept)) == 1
        assert f"03-seed0.json: utterances: lacks {changed.utterances[0]['id']}" in capsys.readouterr().err
        key.unlink()
        assert robustness.main(command(small_corpus, kept)) == 1
        assert f"missing: {key}; expected" in capsys.readouterr().err
    finally:
        key.write_bytes(network)
        result.write_text(text)
    assert robustness.main([*command(small_corpus, kept), f"--source={tmp_path}"]) == 1
    assert "expected the corpus's recordings below" in capsys.readouterr().err
    assert robustness.main([word for word in command(small_corpus, kept) if not word.startswith("--models")]) == 1
    assert "--models is missing" in capsys.readouterr().err


def test_some_folds_alone_are_judged_and_the_table_says_so(small_corpus, kept, shown, tmp_path, capsys):
    whole = pd.read_csv(kept / "results" / "synthetic" / "robustness" / "tiny.csv", dtype=str)
    shared = tmp_path / "results" / "synthetic"
    shared.mkdir(parents=True)
    (shared / "tiny").symlink_to(kept / "results" / "synthetic" / "tiny")
    here = [*command(small_corpus, kept), f"--results={tmp_path / 'results'}"]
    assert robustness.main([*here, "--folds=0,2"]) == 0
    some = pd.read_csv(shared / "robustness" / "tiny.csv", dtype=str)
    assert some.equals(whole[whole["speaker"] != "08"].reset_index(drop=True))
    whole.to_csv(shared / "robustness" / "lite.csv", index=False)
    assert f"{catalogue.titles(['tiny'])['tiny']} (2 of 3 folds)" in robustness.table(tmp_path / "results", "synthetic")
    assert robustness.main([*here, "--folds=0-3"]) == 1
    assert "--folds names [3], expected numbers from 0 to 2" in capsys.readouterr().err
