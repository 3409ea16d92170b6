"""A run: reproducible, resumable, and ignorant of its test speaker until the epoch is chosen."""

import dataclasses
from dataclasses import replace

import keras
import numpy as np
import pytest
from short_corpus import (
    BETWEEN,
    EMOTIONS,
    FOLD,
    SMALL,
    SPEAKERS,
    InterruptError,
    ShortCorpus,
    changed,
    check_same_run,
    interrupt_after,
    posteriors,
    score,
    train,
)

from ser_acrnn.config import AugmentConfig, Preset
from ser_acrnn.data.prepared import DatasetError
from ser_acrnn.data.segments import load_segments
from ser_acrnn.evaluation import metrics, protocol
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.models.networks import acrnn
from ser_acrnn.training import devices, loop

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]


@pytest.fixture(scope="module")
def corpus():
    return ShortCorpus()


@pytest.fixture(scope="module")
def undisturbed(corpus):
    return train(corpus)


@pytest.fixture(scope="module")
def long_run(corpus):
    return train(corpus, changed(epochs=12), fold=BETWEEN)


def test_a_run_learns(long_run):
    result, _ = long_run
    losses = [entry["loss"] for entry in result.validation_curve]
    assert losses[-1] < 0.7 * losses[0]
    assert max(entry["validation_uar"] for entry in result.validation_curve) > 0.7
    assert metrics.unweighted_average_recall(result.truth, result.decisions) > 0.7


def test_the_same_seed_gives_the_same_run_and_another_seed_another_one(undisturbed):
    check_same_run(train(), undisturbed)
    other, _ = train(seed=1, preset=changed(epochs=1))
    assert other.validation_curve[0] != undisturbed[0].validation_curve[0]


def test_the_result_holds_what_was_run_and_survives_its_file(undisturbed, corpus, tmp_path):
    result, _ = undisturbed
    fields = "corpus system fold seed emotions utterances chosen_epoch validation_curve recipe_hash config version backend device precision"
    assert [field.name for field in dataclasses.fields(result)] == [
        *fields.split(),
        "wall_seconds",
        "protocol",
        "chosen",
        "validation_utterances",
        "test_curve",
        "initial_weights",
    ]
    assert (result.corpus, result.system, result.seed, result.precision) == ("short", "small", 0, "float32")
    assert result.protocol == "leave-one-speaker-out"
    assert result.fold == {"train": ["c", "d", "e"], "validation": "b", "test": "a"}
    assert result.emotions == list(EMOTIONS)
    assert [(item["id"], item["emotion"]) for item in result.utterances] == [item[:2] for item in corpus.kept["a"]]
    assert result.recipe_hash == SMALL.features.recipe_hash
    assert Preset.from_dict(result.config) == SMALL
    assert keras.backend.backend() in result.backend and keras.version() in result.backend and result.device
    assert result.wall_seconds > 0
    assert [entry["epoch"] for entry in result.validation_curve] == [1, 2, 3, 4, 5]
    assert result.chosen_epoch == protocol.chosen_epoch(result.validation_curve)
    result.save(tmp_path / "result.json")
    assert RunResult.load(tmp_path / "result.json") == result


def test_the_statistics_are_those_of_the_training_speakers(undisturbed, corpus):
    normalise = undisturbed[1].get_layer("normalise")
    frames = corpus.frames(FOLD.train).astype("float64")
    np.testing.assert_allclose(normalise.mean, frames.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(normalise.variance, frames.var(axis=0), rtol=1e-4)
    everyone = corpus.frames(SPEAKERS).astype("float64")
    assert np.abs(frames.mean(axis=0) - everyone.mean(axis=0)).max() > 0.1
    assert normalise.recipe_hash == SMALL.features.recipe_hash


def test_two_dimensional_input_has_the_statistics_of_its_static_log_mels(corpus):
    preset = replace(changed(epochs=1), model=replace(SMALL.model, channels=1))
    result, model = train(corpus, preset)
    assert model.input_shape == (None, 40, 8, 1)
    np.testing.assert_allclose(model.get_layer("normalise").mean, corpus.frames(FOLD.train)[..., :1].mean(axis=0), atol=1e-4)
    assert np.isfinite(posteriors(result)).all()


def test_the_test_speaker_is_read_after_the_last_epoch_alone():
    corpus = ShortCorpus()
    train(corpus, changed(epochs=2), on_epoch=lambda entry: corpus.log.append(f"epoch {entry['epoch']}"))
    assert set(corpus.log[:-3]) == {"read b", "read c", "read d", "read e"}
    assert corpus.log[-3:] == ["epoch 1", "epoch 2", "read a"]


def test_the_test_speaker_changes_nothing_but_its_own_posteriors(undisturbed):
    expected, network = undisturbed
    result, model = train(ShortCorpus(noise="a"))
    assert result.validation_curve == expected.validation_curve
    assert result.chosen_epoch == expected.chosen_epoch
    for weight, value in zip(model.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, value)
    assert np.abs(posteriors(result) - posteriors(expected)).max() > 0.01


def test_the_validation_speaker_chooses_and_does_not_train(undisturbed):
    expected, _ = undisturbed
    result, _ = train(ShortCorpus(noise="b"))
    assert [entry["loss"] for entry in result.validation_curve] == [entry["loss"] for entry in expected.validation_curve]
    for entry, other in zip(result.validation_curve, expected.validation_curve, strict=True):
        assert entry["validation_loss"] != other["validation_loss"]


def test_the_last_epoch_is_taken_whatever_the_validation_speaker_says(corpus, undisturbed):
    result, model = train(corpus, changed(epoch_choice="last", patience=1))
    assert result.validation_curve == undisturbed[0].validation_curve  # the choice changes nothing but the choice
    assert result.chosen_epoch == 5
    _, maxima, _ = score(model, corpus, "a")
    np.testing.assert_allclose(posteriors(result), maxima, atol=2e-6)
    noisy, _ = train(ShortCorpus(noise=("b",)), changed(epoch_choice="last"))
    assert noisy.validation_curve != result.validation_curve and noisy.utterances == result.utterances


def test_the_cosine_schedule_ends_at_zero_and_survives_a_resumption(corpus, tmp_path):
    preset = changed(schedule="cosine", epochs=3)
    result, model = train(corpus, preset)
    steps = -(-len(load_segments(corpus, FOLD.train, EMOTIONS, hop_seconds=0.2).labels) // preset.training.batch_size)
    assert int(model.optimizer.iterations) == 3 * steps
    assert float(model.optimizer.learning_rate) == pytest.approx(0, abs=1e-9)
    assert result.validation_curve[0] != train(corpus, changed(epochs=3))[0].validation_curve[0]
    checkpoint = tmp_path / "run.npz"

    def stop(entry):
        if entry["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(corpus, preset, checkpoint=checkpoint, on_epoch=stop)
    check_same_run(train(corpus, preset, checkpoint=checkpoint), (result, model))


def test_balanced_sampling_draws_all_emotions_alike(corpus):
    labels = np.repeat([0, 1, 2], [1_000, 8_000, 40_000]).astype(np.int32)
    order = loop._order(labels, "balanced", np.random.default_rng(0))
    assert len(order) == len(labels)
    np.testing.assert_allclose(np.bincount(labels[order]) / len(order), 1 / 3, atol=0.07)
    np.testing.assert_array_equal(np.sort(loop._order(labels, "all", np.random.default_rng(0))), np.arange(len(labels)))
    balanced, plain = train(corpus, changed(sampling="balanced", epochs=1)), train(corpus, changed(epochs=1))
    assert balanced[0].validation_curve != plain[0].validation_curve


def test_soft_targets_keep_the_network_unsure(corpus, long_run):
    heard = load_segments(corpus, BETWEEN.train, EMOTIONS).features
    for soft in ({"label_smoothing": 0.3}, {"mixup": 1.0}):
        result, model = train(corpus, changed(**soft, epochs=12), fold=BETWEEN)
        assert result.validation_curve != long_run[0].validation_curve
        unsure, sure = (network.predict_on_batch(heard).max(axis=1).mean() for network in (model, long_run[1]))
        assert unsure + 0.03 < sure


def test_label_smoothing_is_what_the_letter_of_the_formula_says(corpus):
    model, segments = acrnn(SMALL.model), load_segments(corpus, FOLD.train, EMOTIONS)
    loop.compile_model(model, changed(label_smoothing=0.3).training, steps=1)
    posteriors = model.predict_on_batch(segments.features)
    targets = 0.7 * np.eye(3)[segments.labels] + 0.1
    expected = -(targets * np.log(posteriors)).sum(axis=1).mean()
    measured = model.evaluate(segments.features, np.eye(3)[segments.labels], verbose=0)
    assert measured == pytest.approx(expected, rel=1e-4)


def test_an_augmented_run_is_decided_by_its_seed_and_resumes(corpus, tmp_path):
    preset = changed(
        augmentation=AugmentConfig(tempo=0.1, time_masks=1, mel_masks=1, mel_mask_mels=2, speaker_exchange=0.5), mixup=0.4, epochs=2
    )
    expected = train(corpus, preset)
    assert expected[0].validation_curve[0]["loss"] != train(corpus, changed(epochs=1))[0].validation_curve[0]["loss"]
    checkpoint = tmp_path / "run.npz"

    def stop(entry):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(corpus, preset, checkpoint=checkpoint, on_epoch=stop)
    check_same_run(train(corpus, preset, checkpoint=checkpoint), expected)


def test_the_chosen_epoch_judges_and_patience_ends_the_run(corpus, monkeypatch):
    monkeypatch.setattr(protocol, "chosen_epoch", lambda curve, choice: min(2, len(curve)))
    result, model = train(corpus, changed(epochs=9, patience=2))
    assert [entry["epoch"] for entry in result.validation_curve] == [1, 2, 3, 4]
    assert result.chosen_epoch == 2
    stopped, network = train(corpus, changed(epochs=2))
    assert result.validation_curve[:2] == stopped.validation_curve
    assert result.utterances == stopped.utterances
    for weight, value in zip(model.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, value)

    _, maxima, _ = score(model, corpus, "a")
    np.testing.assert_allclose(posteriors(result), maxima, atol=1e-5)
    labels, maxima, right = score(model, corpus, "b")
    second, last = result.validation_curve[1], result.validation_curve[3]
    recalls = [(maxima.argmax(axis=1)[labels == label] == label).mean() for label in range(3)]
    assert second["validation_uar"] == pytest.approx(np.mean(recalls), abs=1e-5)
    assert second["validation_loss"] == pytest.approx(-np.log(right).mean(), abs=1e-4)
    assert last["validation_loss"] != pytest.approx(second["validation_loss"], abs=1e-3)


def test_a_corpus_of_another_recipe_is_refused_with_both_hashes(corpus):
    preset = replace(SMALL, features=replace(SMALL.features, preemphasis=0.97))
    with pytest.raises(DatasetError) as error:
        train(corpus, preset)
    assert corpus.features.recipe_hash in str(error.value) and preset.features.recipe_hash in str(error.value)


def test_audio_in_two_parts_is_refused_before_anything_is_read():
    corpus = ShortCorpus()
    corpus.manifest.loc[corpus.manifest["utterance"] == "a3", "sha256"] = corpus.manifest["sha256"].iloc[-1]
    with pytest.raises(protocol.LeakError, match=r"same audio .* is in test \(a3\) and in training \(e8\)"):
        train(corpus)
    assert not corpus.log


def test_mixed_bfloat16_runs_and_says_so(corpus):
    result, model = train(corpus, changed(epochs=2, precision="bfloat16"))
    assert result.precision == "bfloat16"
    assert model.get_layer("conv_1").compute_dtype == "bfloat16"
    assert np.isfinite(posteriors(result)).all() and np.isfinite([entry["loss"] for entry in result.validation_curve]).all()
    np.testing.assert_array_less(0.99, posteriors(result).sum(axis=1))


@pytest.fixture
def on_processor(monkeypatch, tmp_path):
    """A function `(flags)` after which the processor says that it has these."""

    def pretend(flags):
        (tmp_path / "cpuinfo").write_text(f"model name\t: a processor\nflags\t\t: {flags}\n")
        monkeypatch.setattr(devices, "CPUINFO", tmp_path / "cpuinfo")

    return pretend


@pytest.mark.parametrize("flags, precision", [("fpu avx2 avx512_bf16", "bfloat16"), ("fpu avx2", "float32")])
def test_the_processor_decides_on_the_precision_and_the_result_holds_which_it_was(corpus, on_processor, flags, precision):
    on_processor(flags)
    result, model = train(corpus, changed(epochs=1, precision="auto"), devices="cpu")
    asked, network = train(corpus, changed(epochs=1, precision=precision), devices="cpu")
    assert result.precision == result.config["training"]["precision"] == precision
    assert model.get_layer("conv_1").compute_dtype == precision
    check_same_run((result, model), (asked, network))


def test_a_checkpoint_goes_on_in_its_own_precision_and_in_no_other(on_processor, tmp_path, caplog):
    checkpoint, epochs = tmp_path / "a-seed0.npz", []
    automatic = {"preset": changed(epochs=3, precision="auto"), "devices": "cpu", "checkpoint": checkpoint}
    on_processor("avx512_bf16")
    with pytest.raises(InterruptError):
        train(**automatic, on_epoch=interrupt_after(1))
    with pytest.raises(InterruptError):
        train(**{**automatic, "preset": changed(epochs=3, precision="bfloat16")}, on_epoch=interrupt_after(2))
    on_processor("avx2")
    with caplog.at_level("WARNING"):
        result, _ = train(**automatic, on_epoch=lambda entry: epochs.append(entry["epoch"]))
    assert epochs == [1, 2, 3] and "another configuration" in caplog.text
    assert result.precision == "float32"


@pytest.mark.parametrize("count", [None, 5])
def test_each_epoch_sees_every_segment_in_full_batches_and_reports_their_mean_loss(corpus, count):
    train_segments = load_segments(corpus, FOLD.train, EMOTIONS, hop_seconds=0.2)
    train_segments = replace(train_segments, features=train_segments.features[:count], labels=train_segments.labels[:count])
    validation = load_segments(corpus, ["b"], EMOTIONS)
    total = len(train_segments.features)
    assert total % 16
    number = {features.tobytes(): index for index, features in enumerate(train_segments.features)}
    keras.utils.set_random_seed(0)
    model = acrnn(replace(SMALL.model, dropout=0.0, batch_norm=()))
    batches = []
    step = model.train_on_batch

    def record(features, labels):
        batches.append([number[item.tobytes()] for item in features])
        np.testing.assert_array_equal(labels, train_segments.labels[batches[-1]])
        return step(features, labels)

    model.train_on_batch = record
    # So small a rate that the weights stay: the loss can be computed afterwards.
    config = replace(SMALL.training, epochs=2, learning_rate=1e-12)
    state = loop.fit(model, train_segments, validation, config, seed=0)
    steps = -(-total // 16)
    assert {len(batch) for batch in batches} == {16} and len(batches) == 2 * steps
    epochs = [[item for batch in batches[start : start + steps] for item in batch] for start in (0, steps)]
    for order in epochs:
        assert sorted(order[:total]) == list(range(total))
    assert epochs[0] != epochs[1]
    right = np.asarray(model(train_segments.features))[np.arange(total), train_segments.labels]
    for order, entry in zip(epochs, state.curve, strict=True):
        assert entry["loss"] == pytest.approx(-np.log(right[order]).mean(), abs=1e-4)
