"""A shipped network: trained on all speakers, indexed by its checksum, with a card made from the folds' results."""

import json
import shutil
from dataclasses import replace

import keras
import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from experiments import catalogue, release
from experiments.grid import run_one
from experiments.grid.collected import results_of
from experiments.reporting import model_cards
from ser_acrnn import pretrained
from ser_acrnn.data.prepared import open_corpus
from ser_acrnn.data.segments import load_segments
from ser_acrnn.evaluation import metrics
from ser_acrnn.evaluation.calibration import reliability, scored_utterances
from ser_acrnn.evaluation.results import collect
from ser_acrnn.evaluation.summary import Summary
from ser_acrnn.export import light
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.models.heads import encoder
from ser_acrnn.pretrained import PretrainedError

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs", "smaller_networks")]


@pytest.fixture(scope="module")
def folder(small_corpus, smaller_networks, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ship")
    places = [f"--{name}={folder / name}" for name in ("results", "work", "models")]
    common = [f"--prepared={small_corpus}", *places, "--epochs=1", "--system=best-by-training", "--precision=bfloat16"]
    assert release.main([*common, "--name=early", f"--directory={folder}"]) == 1  # nobody knows what it is worth
    for fold in range(2):
        assert run_one.main([*common, f"--fold={fold}", "--seed=0"]) == 0
    assert release.main([*common, "--name=small", f"--directory={folder}"]) == 0
    return folder


def test_the_file_is_what_the_index_says_and_loads_by_name(folder, monkeypatch, small_corpus):
    monkeypatch.setattr(pretrained, "DIRECTORY", folder)
    assert pretrained.list_pretrained() == ["small"]
    model = pretrained.load_pretrained("small")
    corpus = open_corpus(small_corpus)
    mean, _ = corpus.statistics(corpus.speakers)
    np.testing.assert_allclose(np.asarray(model.get_layer("normalise").mean), mean, atol=1e-5)
    assert all(layer.compute_dtype == "float32" for layer in model.layers)
    about = json.loads((folder / "index.json").read_text())["small"]
    assert about["system"] == "best-by-training" and about["corpus"] == "synthetic" and about["epochs"] == 1
    assert about["emotions"] == list(model.get_layer("emotion").emotions)
    assert about["parameters"] == model.count_params() and about["familiarity_by"] == ["03", "08"]
    assert "trained on" in pretrained.describe("small")
    assert pretrained.pretrained_path("small", ".onnx") == folder / "small.onnx" and light.check(folder / "small.keras") < 1e-5
    assert Predictor("small").network.made_from == about["sha256"]


def test_the_limit_is_by_those_whom_the_folds_networks_have_not_heard(folder, small_corpus):
    model = keras.saving.load_model(folder / "small.keras")
    corpus, emotions = open_corpus(small_corpus), list(model.get_layer("emotion").emotions)
    distances = []
    for test in ("03", "08"):
        network = encoder(keras.saving.load_model(folder / "models" / "synthetic" / "best-by-training" / f"{test}-seed0.keras"))
        others = [speaker for speaker in corpus.speakers if speaker != test]
        known, unheard = (network.predict_on_batch(load_segments(corpus, some, emotions).features).astype("f") for some in (others, [test]))
        gaussian = LedoitWolf().fit(known)
        distances += list(gaussian.mahalanobis(unheard))
    layer = model.get_layer("familiarity")
    assert float(layer.limit) == pytest.approx(np.quantile(distances, 0.95), rel=1e-2)
    known = encoder(model).predict_on_batch(load_segments(corpus, corpus.speakers, emotions).features)
    np.testing.assert_allclose(layer.mean, known.mean(axis=0), atol=1e-2)


def test_the_card_has_the_folds_figures(folder, monkeypatch):
    monkeypatch.setattr(pretrained, "DIRECTORY", folder)
    card = pretrained.model_card("small")
    assert "2 folds x 1 seeds, 2 runs" in card and "must not be used to judge people" in card and "UAR" in card
    (folder / "small.md").write_text("old")
    corpus = catalogue.corpus("synthetic")
    every = Summary.of(results_of(folder / "results", corpus, corpus.protocol))
    for path, text in model_cards.updated(folder, corpus, every, folder / "results").items():
        path.write_text(text, encoding="utf-8")
    assert (folder / "small.md").read_text() == card


def test_the_card_of_a_changed_system_has_its_bases_figure_too(folder):
    corpus = catalogue.corpus("synthetic")
    plain = [result for result in results_of(folder / "results", corpus, corpus.protocol) if result.system == "best-by-training"]
    changed = replace(plain[0], system="best-by-training.speech")
    about = {**json.loads((folder / "index.json").read_text())["small"], "system": changed.system}
    card = model_cards._card("small", about, corpus.title, Summary.of([*plain, changed]))
    assert "`best-by-training.speech` has 1 fold(s) x 1 seed(s) so far, UAR" in card
    assert "What follows is of `best-by-training`" in card and "2 folds x 1 seeds, 2 runs" in card
    both = [replace(result, system="best-by-training.speech") for result in plain]
    assert "What follows" not in model_cards._card("small", about, corpus.title, Summary.of([*plain, *both]))


def test_a_damaged_file_or_an_unknown_name_is_refused(folder, monkeypatch):
    monkeypatch.setattr(pretrained, "DIRECTORY", folder)
    with pytest.raises(PretrainedError, match="no pretrained network is called 'large'"):
        pretrained.load_pretrained("large")
    path = folder / "small.keras"
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[:-1] + b"x")
        with pytest.raises(PretrainedError, match=r"has the sha256 .*, expected .*; install the package again"):
            pretrained.load_pretrained("small")
        path.unlink()
        with pytest.raises(PretrainedError, match="no such file"):
            pretrained.load_pretrained("small")
    finally:
        path.write_bytes(whole)


def test_a_system_that_needs_a_validation_speaker_is_refused(folder, small_corpus, capsys):
    words = [f"--prepared={small_corpus}", f"--results={folder / 'results'}", f"--work={folder / 'work'}", f"--directory={folder}"]
    run = collect(folder / "results" / "synthetic")[0]
    replace(run, system="tiny").save(folder / "results" / "synthetic" / "tiny" / "03-seed0.json")
    assert release.main([*words, "--system=tiny", "--epochs=1", "--name=tiny"]) == 1
    assert "epoch_choice is 'validation', expected 'last'" in capsys.readouterr().err


def test_the_card_says_how_its_figure_was_heard_and_what_other_ways_of_judging_come_to(folder, tmp_path):
    shutil.copy(folder / "index.json", tmp_path)
    runs = [run for run in collect(folder / "results" / "synthetic") if run.system == "best-by-training"]
    for run in runs:
        wrong = [{**item, "posteriors": [float(name != item["emotion"]) for name in run.emotions]} for item in run.utterances]
        for system, utterances in (
            (run.system, run.utterances),
            ("best-by-training.as-spoken", wrong),
            ("adapted-by-training", [{**item, "posteriors": [float(name == item["emotion"]) for name in run.emotions]} for item in wrong]),
        ):
            path = tmp_path / "results" / "synthetic" / system / f"{run.fold['test']}-seed0.json"
            replace(run, system=system, utterances=utterances).save(path)
    model_cards.write("small", tmp_path / "results", tmp_path)
    uar = 100 * np.mean([metrics.unweighted_average_recall(run.truth, run.decisions) for run in runs])
    assert 0 < uar < 100
    text = (tmp_path / "small.md").read_text()
    assert f"- heard at five tempos (`--tempos`): UAR {uar:.2f} ± " in text
    assert f"- heard as it is spoken, a fifth of the work: {-uar:+.1f} points (" in text and f"{len(runs)} pairs of runs);" in text
    assert f"(`--same-speaker`, `enrol`): {100 - uar:+.1f} points (" in text
    heard = scored_utterances([item for run in runs for item in run.utterances], runs[0].emotions)
    error = f"{100 * reliability(heard).error:.1f} points (expected calibration error)"
    assert f"its confidence and the share of right decisions differ by {error}" in text


def test_the_card_of_a_network_that_is_judged_as_it_is_spoken_says_nothing_of_tempos(folder, tmp_path):
    shutil.copy(folder / "index.json", tmp_path)
    for run in collect(folder / "results" / "synthetic"):
        config = {**run.config, "training": {**run.config["training"], "judging_tempos": [1.0]}}
        replace(run, config=config).save(tmp_path / "results" / "synthetic" / run.system / f"{run.fold['test']}-seed0.json")
    model_cards.write("small", tmp_path / "results", tmp_path)
    text = (tmp_path / "small.md").read_text()
    assert "- UAR " in text and "tempos" not in text
