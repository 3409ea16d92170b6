"""A run in which nobody validates: its validation speaker trains, and what is said of training speakers holds for that one too."""

from dataclasses import replace

import numpy as np
import pytest
from short_corpus import BASELINE, SMALL, ShortCorpus, changed, check_same_run, posteriors, score, train

from ser_acrnn.config import ConfigError, Preset, TrainConfig
from ser_acrnn.evaluation.protocol import Fold
from ser_acrnn.training.systems import DnnElm

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]

ALL_HEARD = changed(epoch_choice="last", epochs=2, train_on_validation=True)
TEMPOS = (0.8, 1.0, 1.25)


@pytest.fixture(scope="module")
def corpus():
    return ShortCorpus()


@pytest.fixture(scope="module")
def undisturbed(corpus):
    return train(corpus, ALL_HEARD)


def test_all_but_the_test_speaker_train(corpus, undisturbed):
    result, model = undisturbed
    assert result.fold == {"train": ["b", "c", "d", "e"], "validation": None, "test": "a"}
    frames = corpus.frames(("b", "c", "d", "e")).astype("float64")
    np.testing.assert_allclose(model.get_layer("normalise").mean, frames.mean(axis=0), atol=1e-4)
    assert [sorted(entry) for entry in result.validation_curve] == [["epoch", "loss"]] * 2
    assert (result.chosen_epoch, result.validation_utterances) == (2, [])
    assert Preset.from_dict(result.config) == ALL_HEARD
    check_same_run(train(fold=Fold(("b", "c", "d", "e"), None, "a"), preset=ALL_HEARD), undisturbed)
    noisy, _ = train(ShortCorpus(noise="b"), ALL_HEARD)
    assert noisy.validation_curve != result.validation_curve


def test_the_test_speaker_is_read_last_and_changes_nothing_before(undisturbed):
    corpus = ShortCorpus(noise="a")
    result, _ = train(corpus, ALL_HEARD, on_epoch=lambda entry: corpus.log.append(f"epoch {entry['epoch']}"))
    assert corpus.log == [*["read b", "read c", "read d", "read e"] * 2, "epoch 1", "epoch 2", "read a"]  # counted, and taken
    assert result.validation_curve == undisturbed[0].validation_curve
    assert np.abs(posteriors(result) - posteriors(undisturbed[0])).max() > 0.01


def test_an_interrupted_run_goes_on_to_the_same_end(undisturbed, tmp_path):
    def interrupt(entry):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(preset=ALL_HEARD, checkpoint=tmp_path / "state.npz", on_epoch=interrupt)
    epochs = []
    again = train(preset=ALL_HEARD, checkpoint=tmp_path / "state.npz", on_epoch=lambda entry: epochs.append(entry["epoch"]))
    assert epochs == [2]
    check_same_run(again, undisturbed)


def test_segments_are_judged_at_all_tempos(corpus):
    preset = changed(epochs=2, judging_tempos=TEMPOS)
    result, model = train(corpus, preset)
    plain, network = train(corpus, changed(epochs=2))
    assert result.validation_curve == plain.validation_curve  # the training is the same
    np.testing.assert_allclose(posteriors(plain), score(network, corpus, "a")[1], atol=2e-6)
    assert np.abs(posteriors(result) - posteriors(plain)).max() > 1e-3
    heard = [posteriors(train(corpus, changed(epochs=2, judging_tempos=(tempo,)))[0]) for tempo in TEMPOS]
    short = [number for number, (_, _, features) in enumerate(corpus.kept["a"]) if len(features) <= 40]  # one segment: no maximum
    assert len(short) > 1
    np.testing.assert_allclose(posteriors(result)[short], np.mean(heard, axis=0)[short], atol=2e-6)
    for one, other in zip(model.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"train_on_validation": True}, "TrainConfig.train_on_validation is True, expected False where the validation speaker chooses"),
        ({"judging_tempos": ()}, r"TrainConfig.judging_tempos is \(\), expected one or more positive rates"),
        ({"judging_tempos": (1.0, 0.0)}, r"TrainConfig.judging_tempos is \(1.0, 0.0\), expected one or more positive rates"),
    ],
)
def test_what_cannot_be_meant_is_refused(fields, expected):
    with pytest.raises(ConfigError, match=expected):
        TrainConfig(**fields)


def test_where_nobody_validates_nothing_is_chosen_by_validation(corpus):
    fold = Fold(("b", "c", "d", "e"), None, "a")
    with pytest.raises(ConfigError, match="epoch_choice is 'validation', expected 'last' in a fold in which nobody validates"):
        train(corpus, SMALL, fold=fold)
    preset = replace(BASELINE, training=replace(BASELINE.training, epochs=1, epoch_choice="last"))
    with pytest.raises(ConfigError, match="chosen by validation, expected a fold in which somebody validates"):
        train(ShortCorpus(features=BASELINE.features), preset, fold=fold)


def test_the_baseline_needs_its_validation_speaker_and_the_tempo_as_spoken():
    for field, value in (("train_on_validation", True), ("judging_tempos", TEMPOS)):
        training = replace(BASELINE.training, epoch_choice="last", **{field: value})
        with pytest.raises(ConfigError, match=f"DnnElmPreset.training.{field} is"):
            DnnElm(replace(BASELINE, training=training))


def test_the_fields_survive_json():
    training = replace(SMALL.training, epoch_choice="last", train_on_validation=True, judging_tempos=TEMPOS)
    assert TrainConfig.from_dict(training.to_dict()) == training
