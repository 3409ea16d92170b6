"""One training judged in conditions: the same run as without them, each condition's own choice, the test speaker last."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from short_corpus import BASELINE, EMOTIONS, FOLD, ShortCorpus, changed, train

from ser_acrnn.config import ConfigError
from ser_acrnn.data.segments import load_segments
from ser_acrnn.evaluation import metrics, protocol
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.inference.transductive_batch_norm import TransductiveBatchNorm
from ser_acrnn.training import every_epoch
from ser_acrnn.training.checkpoint import CheckpointError

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]

PLAIN = changed(epochs=4, patience=2)
CONDITIONS = {f"small.{way}": changed(epochs=4, patience=2, judging_batch_norm=way) for way in ("judged-halves", "judged")}


def run(folder, corpus=None, preset=PLAIN, conditions=CONDITIONS, **arguments):
    arguments = {"weights": folder / "weights", **arguments}
    return every_epoch.run(
        ShortCorpus() if corpus is None else corpus, Run("short", "small", preset, FOLD, 0), conditions=conditions, **arguments
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    networks = {}

    def keep(result, model):
        networks[result.system] = model.get_weights()

    results = run(tmp_path_factory.mktemp("run"), on_result=keep)
    return {result.system: result for result in results}, networks


def test_the_systems_own_result_is_that_of_a_run_without_conditions(made):
    results, networks = made
    expected, model = train(preset=PLAIN)
    result = results["small"]
    assert replace(result, wall_seconds=0, test_curve=[]) == replace(expected, wall_seconds=0)
    for weight, value in zip(networks["small"], model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, value)


def test_each_condition_has_its_own_curve_and_choice_and_the_network_of_that_epoch(made):
    results, networks = made
    assert list(results) == ["small", "small.judged-halves", "small.judged"]
    model = keras.models.clone_model(train(preset=changed(epochs=1))[1])
    for name in CONDITIONS:
        result = results[name]
        assert result.chosen_epoch == protocol.chosen_epoch(result.validation_curve)
        assert result.config["training"]["judging_batch_norm"] == name.removeprefix("small.")
        assert all(set(entry) == {"epoch", "loss", "validation_loss", "validation_uar"} for entry in result.validation_curve)
        decided = metrics.unweighted_average_recall(*result.decided(result.validation_utterances))
        assert result.validation_curve[result.chosen_epoch - 1]["validation_uar"] == pytest.approx(decided, abs=1e-6)
    assert results["small"].validation_curve[0]["validation_loss"] != results["small.judged"].validation_curve[0]["validation_loss"]
    for mine, plain in zip(results["small.judged"].validation_curve, results["small"].validation_curve, strict=False):
        assert mine["loss"] == plain["loss"]
    model.set_weights(networks["small.judged"])
    part = load_segments(ShortCorpus(), ["a"], EMOTIONS)
    everything = np.arange(len(part.labels))
    (said,) = TransductiveBatchNorm(model).posteriors(part.features, [[(everything, everything)]])
    found = np.array([utterance["posteriors"] for utterance in results["small.judged"].utterances])
    np.testing.assert_allclose(found, metrics.utterance_posteriors(said, part.utterance), atol=2e-6)


def test_the_test_curve_is_of_every_epoch_and_agrees_at_the_chosen_one(made):
    results, _ = made
    for result in results.values():
        assert [entry["epoch"] for entry in result.test_curve] == [entry["epoch"] for entry in result.validation_curve]
        at = result.test_curve[result.chosen_epoch - 1]
        assert [EMOTIONS[number] for number in at["decisions"]] == result.decisions
        assert at["test_uar"] == pytest.approx(metrics.unweighted_average_recall(result.truth, result.decisions), abs=1e-6)
    assert len({str(entry["decisions"]) for entry in results["small"].test_curve}) > 1


def test_no_one_reads_the_test_speaker_before_every_condition_has_chosen(tmp_path):
    corpus = ShortCorpus()
    run(
        tmp_path,
        corpus,
        on_epoch=lambda entry: corpus.log.append(f"epoch {entry['epoch']}"),
        on_result=lambda result, model: corpus.log.append(f"result {result.system}"),
    )
    place = corpus.log.index("read a")
    assert corpus.log.count("read a") == 1
    assert all(not line.startswith("epoch") for line in corpus.log[place:]) and corpus.log[place + 1] == "result small"


def test_the_test_speaker_changes_no_choice(made, tmp_path):
    results, _ = made
    for result in run(tmp_path, ShortCorpus(noise="a")):
        assert result.validation_curve == results[result.system].validation_curve
        assert result.chosen_epoch == results[result.system].chosen_epoch
        assert result.test_curve != results[result.system].test_curve


def test_an_interrupted_run_goes_on_and_ends_in_the_same_results(made, tmp_path):
    class InterruptError(Exception):
        pass

    def stop(entry):
        if entry["epoch"] == 2:
            raise InterruptError

    checkpoint = tmp_path / "run.npz"
    with pytest.raises(InterruptError):
        run(tmp_path, checkpoint=checkpoint, on_epoch=stop)
    again: list[RunResult] = run(tmp_path, checkpoint=checkpoint)
    results, _ = made
    assert [replace(result, wall_seconds=0) for result in again] == [replace(result, wall_seconds=0) for result in results.values()]


def test_training_goes_on_until_the_last_has_lost_its_patience(tmp_path):
    def curve(*uars):
        return [{"epoch": epoch, "validation_uar": uar, "validation_loss": 1.0} for epoch, uar in enumerate(uars, start=1)]

    assert len(every_epoch.until_impatient(curve(0.5, 0.4, 0.4, 0.9), "validation", 2)) == 3
    assert len(every_epoch.until_impatient(curve(0.5, 0.6, 0.4), "validation", 2)) == 3
    plain, slow = (changed(epochs=15, patience=1, judging_batch_norm=way) for way in ("training", "judged"))
    results = run(tmp_path, preset=plain, conditions={"small.judged": slow})
    for result in results:
        ended = len(result.validation_curve)
        assert ended == 15 or ended - result.chosen_epoch == 1
    alone, _ = train(preset=plain)
    assert results[0].validation_curve == alone.validation_curve


@pytest.mark.parametrize(
    "preset, conditions, words",
    [
        (PLAIN, {"small.other": changed(epochs=5, patience=2, judging_batch_norm="judged")}, "differs from small in more"),
        (PLAIN, {"small.adapted": changed(epochs=4, patience=2, judging_batch_norm="speaker")}, "differs from small in more"),
        (changed(epoch_choice="last", train_on_validation=True), {}, "expected a network of this package and a validation speaker"),
    ],
)
def test_what_is_no_condition_of_the_training_is_refused(tmp_path, preset, conditions, words):
    with pytest.raises(ConfigError, match=words):
        run(tmp_path, preset=preset, conditions=conditions)


def test_a_baseline_without_batch_norm_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="expected a network of this package"):
        run(tmp_path, ShortCorpus(features=BASELINE.features), preset=BASELINE, conditions={})


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 cut off"])
def test_weights_of_an_epoch_that_are_missing_or_damaged_are_named(tmp_path, monkeypatch, content):
    def spoil(watch, epoch):
        file = tmp_path / "weights" / f"{epoch:03d}.npz"
        file.unlink() if content is None else file.write_bytes(content)
        return weights_of(watch, epoch)

    weights_of = every_epoch.Watcher.weights_of
    monkeypatch.setattr(every_epoch.Watcher, "weights_of", spoil)
    with pytest.raises(CheckpointError, match=r"weights.00\d.npz: cannot be read .*, expected the weights after epoch \d; remove"):
        run(tmp_path, preset=changed(epochs=1), conditions={"small.judged": changed(epochs=1, judging_batch_norm="judged")})
