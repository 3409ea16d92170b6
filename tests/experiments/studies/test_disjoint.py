"""Adapted networks on what they have not heard: each recording is judged once, by a network that has adapted to others."""

import numpy as np
import pytest
from command_words import places

from experiments import catalogue
from experiments.catalogue import ablations
from experiments.grid import run_one
from experiments.studies import disjoint
from ser_acrnn.evaluation.ensembles import ensemble
from ser_acrnn.evaluation.results import RunResult, collect

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs", "smaller_networks")]


@pytest.mark.parametrize("way, heard", [("speaker-halves", (6, 7)), ("speaker-8", (8,)), ("speaker-16", (10, 11))])
def test_each_recording_is_judged_once_by_others(way, heard):
    found = disjoint.heard_and_scored(way, 13, [0, 3])
    assert sorted(np.concatenate([judged for _, judged in found])) == list(range(13))
    for listened, judged in found:
        assert not set(listened) & set(judged) and len(listened) in heard
    again, other = disjoint.heard_and_scored(way, 13, [0, 3]), disjoint.heard_and_scored(way, 13, [1, 3])
    assert str(again) == str(found) != str(other)


@pytest.fixture(scope="module")
def judged(small_corpus, smaller_networks, tmp_path_factory):
    folder = tmp_path_factory.mktemp("disjoint")
    words = [*places(small_corpus, folder), "--epochs=1"]
    for fold in range(3):
        assert run_one.main([*words, "--system=best-by-speaker", f"--fold={fold}", "--seed=0"]) == 0
    asked = [*words, "--trained=best-by-speaker", f"--source={small_corpus.parents[1]}"]
    assert disjoint.main(asked) == 0
    return folder, asked


def test_what_is_left_is_a_result_of_the_same_run(judged):
    folder, _ = judged
    for change in ablations.DISJOINT:
        result = RunResult.load(folder / "results" / "synthetic" / f"adapted-by-speaker.{change}" / "03-seed0.json")
        plain = RunResult.load(folder / "results" / "synthetic" / "best-by-speaker" / "03-seed0.json")
        assert result.validation_curve == plain.validation_curve and result.truth == plain.truth
        assert result.config["training"]["judging_batch_norm"].startswith("speaker-")
        assert result.utterances != plain.utterances


def test_a_recording_has_no_part_in_what_its_judge_has_heard(judged, small_corpus, monkeypatch):
    """With the recordings that are judged replaced by others, what the network takes of the speaker stays as it is."""
    folder, _ = judged
    from ser_acrnn.inference.predictor import Predictor

    heard, enrol = [], Predictor.enrol
    monkeypatch.setattr(
        Predictor, "enrol", lambda self, voices, *rate, **more: heard.append(list(voices)) or enrol(self, voices, *rate, **more)
    )
    said, scores_of = [], disjoint.scores_of
    monkeypatch.setattr(disjoint, "scores_of", lambda predictor, waveforms: said.append(list(waveforms)) or scores_of(predictor, waveforms))
    path = folder / "results" / "synthetic" / "best-by-speaker" / "03-seed0.json"
    recordings = {path.stem: path for path in (small_corpus.parents[1] / "wav").glob("03*.wav")}
    network = folder / "models" / "synthetic" / "best-by-speaker" / "03-seed0.keras"
    disjoint.score(network, RunResult.load(path), recordings, ["speaker-halves"])
    for listened, told in zip(heard[1:], said[1:], strict=True):  # the first ones check the network
        assert not {wave.tobytes() for wave in listened} & {wave.tobytes() for wave in told}


def test_it_resumes_and_refuses_another_system(judged, capsys):
    _, asked = judged
    capsys.readouterr()
    assert disjoint.main(asked) == 0
    assert "0 results of adapted-by-speaker" in capsys.readouterr().out
    assert disjoint.main([*asked[:-2], "--trained=tiny", asked[-1]]) == 1
    assert "--trained tiny, expected the networks of one of" in capsys.readouterr().err


def test_members_judge_together_under_the_same_condition(judged):
    folder, _ = judged
    results = collect(folder / "results" / "synthetic")
    members = catalogue.ENSEMBLES["best-adapted.halves"]
    assert members == ("adapted-by-training.halves", "adapted-by-utterance.halves", "adapted-by-speaker.halves")
    assert len(ensemble("best-adapted.halves", members[2:], results)) == 3
