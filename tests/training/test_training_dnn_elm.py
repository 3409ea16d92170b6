"""A run of the baseline: it learns, repeats, resumes, and is ignorant of its test speaker until network and machine are chosen."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from short_corpus import BASELINE, BETWEEN, EMOTIONS, FOLD, InterruptError, ShortCorpus, check_same_run, interrupt_after, posteriors

from ser_acrnn.config import DnnElmPreset
from ser_acrnn.data.prepared import DatasetError
from ser_acrnn.evaluation import metrics, protocol
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.models import elm
from ser_acrnn.training import run as training

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]


def corpus_of(**arguments):
    return ShortCorpus(features=BASELINE.features, **arguments)


def train(corpus=None, preset=BASELINE, seed=0, fold=FOLD, **arguments):
    return training.run(corpus_of() if corpus is None else corpus, Run("short", "dnn-elm", preset, fold, seed), **arguments)


@pytest.fixture(scope="module")
def undisturbed():
    return train()


def test_a_run_learns():
    result, _ = train(fold=BETWEEN)
    losses = [entry["loss"] for entry in result.validation_curve]
    assert losses[-1] < 0.8 * losses[0]
    assert metrics.unweighted_average_recall(result.truth, result.decisions) > 0.7
    # Scores of a machine, no posteriors: near +1 for the emotion and near -1 for the others.
    scores = posteriors(result)
    assert -2 < scores.min() < -0.5 and 0.2 < scores.max() < 2
    assert np.median(scores.sum(axis=1)) == pytest.approx(-1, abs=0.2)


def test_the_same_seed_gives_the_same_run_and_another_seed_another_one(undisturbed):
    check_same_run(train(), undisturbed)
    other, _ = train(seed=1)
    assert other.validation_curve != undisturbed[0].validation_curve
    assert other.utterances != undisturbed[0].utterances


def test_the_result_holds_what_was_run_and_survives_its_file(undisturbed, tmp_path):
    result, model = undisturbed
    assert (result.system, result.protocol, result.recipe_hash) == ("dnn-elm", "leave-one-speaker-out", BASELINE.features.recipe_hash)
    assert DnnElmPreset.from_dict(result.config) == BASELINE
    assert result.chosen_epoch == protocol.chosen_epoch(result.validation_curve)
    assert [(item["id"], item["emotion"]) for item in result.utterances] == [item[:2] for item in corpus_of().kept["a"]]
    assert model.name == "dnn"
    result.save(tmp_path / "result.json")
    assert RunResult.load(tmp_path / "result.json") == result


def test_the_statistics_are_those_of_all_frames_of_the_training_speakers(undisturbed):
    """Not of the loud ones alone, nor of each as often as it is stacked."""
    normalise, frames = undisturbed[1].get_layer("normalise"), corpus_of().frames(FOLD.train).astype("float64")
    np.testing.assert_allclose(normalise.mean, frames.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(normalise.variance, frames.var(axis=0), rtol=1e-4)


def test_an_interrupted_run_goes_on_to_the_same_end(undisturbed, tmp_path):
    checkpoint, epochs = tmp_path / "work" / "a-seed0.npz", []
    with pytest.raises(InterruptError):
        train(checkpoint=checkpoint, on_epoch=interrupt_after(2))
    resumed = train(checkpoint=checkpoint, on_epoch=lambda entry: epochs.append(entry["epoch"]))
    assert epochs == [3]
    check_same_run(resumed, undisturbed)


def test_the_test_speaker_is_read_after_network_and_machine_are_chosen(monkeypatch):
    corpus, choose = corpus_of(), elm.choose_elm

    def record(train_x, train_y, validation_x, validation_y, *arguments, **named):
        corpus.log.append("machine")
        # Nine utterances a speaker, four statistics an emotion.
        assert (train_x.shape, validation_x.shape) == ((27, 12), (9, 12))
        assert [EMOTIONS[label] for label in validation_y] == [emotion for _, emotion, _ in corpus.kept["b"]]
        assert [EMOTIONS[label] for label in train_y] == [emotion for speaker in "cde" for _, emotion, _ in corpus.kept[speaker]]
        return choose(train_x, train_y, validation_x, validation_y, *arguments, **named)

    monkeypatch.setattr(elm, "choose_elm", record)
    train(corpus, replace(BASELINE, training=replace(BASELINE.training, epochs=1)), on_epoch=lambda entry: corpus.log.append("epoch"))
    begun = corpus.log.index("epoch")
    assert set(corpus.log[:begun]) == {"read b", "read c", "read d", "read e"}  # counted, then held
    assert corpus.log[begun : begun + 2] == ["epoch", "machine"] and set(corpus.log[begun + 2 :]) == {"read a"}


def test_the_test_speaker_changes_nothing_but_its_own_scores(undisturbed):
    expected, network = undisturbed
    result, model = train(corpus_of(noise="a"))
    assert result.validation_curve == expected.validation_curve
    assert result.chosen_epoch == expected.chosen_epoch
    for weight, value in zip(model.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, value)
    assert np.abs(posteriors(result) - posteriors(expected)).max() > 0.01


def test_the_validation_speaker_trains_neither_network_nor_machine(undisturbed):
    """With a single machine to choose from, noise in its place leaves the test's scores as they are where the epoch is the same."""
    one = replace(
        BASELINE, model=replace(BASELINE.model, elm_widths=(20,), elm_ridges=(1.0,)), training=replace(BASELINE.training, epochs=1)
    )
    (result, _), (expected, _) = train(corpus_of(noise="b"), one), train(preset=one)
    assert result.utterances == expected.utterances
    assert result.validation_curve[0]["validation_loss"] != expected.validation_curve[0]["validation_loss"]


def test_a_corpus_of_two_emotions_is_learned():
    emotions = ("angry", "sad")
    preset = replace(BASELINE, model=replace(BASELINE.model, emotions=emotions))
    result, model = train(corpus_of(emotions=emotions), preset, fold=BETWEEN)
    assert model.output_shape == (None, 2)
    assert metrics.unweighted_average_recall(result.truth, result.decisions) > 0.7
    np.testing.assert_array_equal(posteriors(result)[:, 0], -posteriors(result)[:, 1])


def test_an_emotion_that_nobody_has_gets_the_score_of_none():
    emotions = ("angry", "bored", "sad", "happy")
    result, _ = train(preset=replace(BASELINE, model=replace(BASELINE.model, emotions=emotions)), fold=BETWEEN)
    np.testing.assert_array_equal(posteriors(result)[:, 1], -1)
    assert metrics.unweighted_average_recall(result.truth, result.decisions) > 0.7


def test_log_mels_are_refused_with_both_hashes():
    with pytest.raises(DatasetError) as error:
        train(ShortCorpus())
    assert ShortCorpus().features.recipe_hash in str(error.value) and BASELINE.features.recipe_hash in str(error.value)


def test_mixed_bfloat16_runs_and_says_so():
    preset = replace(BASELINE, training=replace(BASELINE.training, precision="bfloat16"))
    result, model = train(preset=preset, fold=BETWEEN)
    assert result.precision == "bfloat16" and model.get_layer("hidden_1").compute_dtype == "bfloat16"
    assert metrics.unweighted_average_recall(result.truth, result.decisions) > 0.7
    assert keras.backend.backend() in result.backend
    assert DnnElmPreset.from_dict(result.config) == preset
