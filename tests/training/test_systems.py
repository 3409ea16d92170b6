"""What differs between the systems: how an utterance is cut, what the network normalises by, and how posteriors become decisions."""

from dataclasses import replace

import numpy as np
import pytest
from short_corpus import BASELINE, EMOTIONS, SMALL, ShortCorpus

from ser_acrnn.config import ConfigError, lite_augmented
from ser_acrnn.data.prepared import DatasetError
from ser_acrnn.data.segments import Segments
from ser_acrnn.evaluation import metrics
from ser_acrnn.features import mfcc_pitch
from ser_acrnn.features.log_mels import segment
from ser_acrnn.models.elm import choose_elm, utterance_statistics
from ser_acrnn.training.systems import Acrnn, DnnElm, system_of


def model_changed(**values):
    return replace(BASELINE, model=replace(BASELINE.model, **values))


class Posteriors:
    """A network whose posteriors are written in its input's first coefficients."""

    def predict_on_batch(self, features):
        return features[:, 0, : len(EMOTIONS), 0]


def written(labels, seed, emotions=3):
    """Utterances of four segments, whose posteriors lean to their labels."""
    rng = np.random.default_rng(seed)
    labels = np.array(labels)
    utterance = np.repeat(np.arange(len(labels)), 4)
    logits = rng.normal(size=(len(utterance), 3)) + 2 * (labels[utterance][:, None] == np.arange(3))
    features = np.zeros((len(utterance), 2, 4, 1), "float32")
    features[:, 0, :3, 0] = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Segments(features, labels[utterance], utterance, tuple(f"u{n}" for n in range(len(labels))), labels)


def statistics(segments):
    return utterance_statistics(segments.features[:, 0, :3, 0], segments.utterance)


def test_a_preset_has_its_method():
    assert isinstance(system_of(SMALL), Acrnn)
    assert isinstance(system_of(BASELINE), DnnElm)


def test_the_networks_segments_are_pieces_that_overlap_in_training():
    corpus, method = ShortCorpus(), Acrnn(SMALL)
    for training, hop_seconds in ((True, 0.2), (False, None)):
        segments = method.segments(corpus, ["a", "b"], training=training)
        expected = [segment(values, SMALL.features, hop_seconds) for speaker in "ab" for _, _, values in corpus.kept[speaker]]
        np.testing.assert_array_equal(segments.features, np.concatenate(expected))
    flat = Acrnn(replace(SMALL, model=replace(SMALL.model, channels=1))).segments(corpus, ["a", "b"])
    np.testing.assert_array_equal(flat.features, segments.features[..., :1])


def test_the_baselines_segments_are_the_loudest_stacks_in_training_and_after():
    corpus, method = ShortCorpus(features=BASELINE.features), DnnElm(BASELINE)
    for training in (True, False):
        segments = method.segments(corpus, ["b", "a"], training=training)
        kept = [*corpus.kept["a"], *corpus.kept["b"]]
        assert segments.utterance_ids == tuple(name for name, _, _ in kept)
        assert [EMOTIONS[label] for label in segments.utterance_labels] == [emotion for _, emotion, _ in kept]
        assert segments.features.shape[1:] == (5, 16, 1)
        for number, (_, _, values) in enumerate(kept):
            own = segments.features[segments.utterance == number]
            np.testing.assert_array_equal(own.reshape(len(own), -1), mfcc_pitch.segments(values[..., 0], BASELINE.model))
            assert len(own) == max(1, round(len(values) / 2))


def test_an_emotion_that_is_no_class_is_named():
    for method, recipe in ((Acrnn(SMALL), SMALL.features), (DnnElm(BASELINE), BASELINE.features)):
        corpus = ShortCorpus(features=recipe, emotions=("angry", "sad", "bored"))
        with pytest.raises(DatasetError, match=r"short: utterance a2 has the emotion 'bored', expected one of"):
            method.segments(corpus, ["a"])


@pytest.mark.parametrize("preset", [SMALL, BASELINE])
def test_the_network_normalises_by_what_it_is_given_and_knows_its_recipe(preset):
    shape = preset.features.shape
    mean, variance = np.linspace(-1, 1, shape[0] * shape[1]).reshape(shape), np.linspace(0.5, 2, shape[0] * shape[1]).reshape(shape)
    model = system_of(preset).network(mean, variance)
    np.testing.assert_allclose(model.get_layer("normalise").mean, mean, rtol=1e-6)
    np.testing.assert_allclose(model.get_layer("normalise").variance, variance, rtol=1e-6)
    assert model.get_layer("normalise").recipe_hash == preset.features.recipe_hash
    assert model.output_shape == (None, 3)
    rounded = system_of(replace(preset, training=replace(preset.training, precision="bfloat16"))).network(mean, variance)
    assert "bfloat16" in {layer.compute_dtype for layer in rounded.layers}


def test_the_networks_scores_are_the_maxima_over_segments():
    test = written([0, 1, 2, 0], seed=1)
    scores = Acrnn(SMALL).score(None, Posteriors(), test, test, seed=0)(test)
    expected = [test.features[test.utterance == number, 0, :3, 0].max(axis=0) for number in range(4)]
    np.testing.assert_array_equal(scores, expected)


def test_the_baselines_scores_are_those_of_the_machine_that_validation_chooses():
    train, validation, test = written([0, 1, 2] * 8, 1), written([0, 1, 2] * 4, 2), written([2, 1, 0, 0, 1], 3)
    preset = model_changed(elm_widths=(1, 2, 40), elm_ridges=(1e-3, 1.0))
    scores = DnnElm(preset).score(None, Posteriors(), train, validation, seed=3)(test)
    labels = train.utterance_labels, validation.utterance_labels
    data = statistics(train), labels[0], statistics(validation), labels[1]
    machine = choose_elm(*data, (1, 2, 40), (1e-3, 1.0), 3, class_weight="balanced")
    assert scores.dtype == np.float32 and scores.shape == (5, 3)
    np.testing.assert_allclose(scores, machine.decision_function(statistics(test)), rtol=1e-5, atol=1e-6)
    assert metrics.unweighted_average_recall(test.utterance_labels, scores.argmax(axis=1)) > 0.6
    # Another validation speaker, another seed, other weights, other machines: another judge.
    turned = replace(validation, utterance_labels=(labels[1] + 1) % 3)
    for changed, arguments in (
        (preset, (train, turned, 3)),
        (preset, (train, validation, 4)),
        (model_changed(elm_widths=(5,)), (train, validation, 3)),
        (model_changed(elm_ridges=(50.0,)), (train, validation, 3)),
    ):
        assert not np.allclose(DnnElm(changed).score(None, Posteriors(), *arguments)(test), scores, atol=1e-4)


def test_the_machine_weights_rare_emotions_as_it_is_told():
    train, validation, test = written([0] * 20 + [1, 1, 2, 2], 1), written([0, 1, 2], 2), written([0, 1, 2, 1], 3)
    found = {}
    for name, weight in (("balanced", "balanced"), ("none", None)):
        preset = model_changed(elm_class_weight=name, elm_widths=(20,), elm_ridges=(1.0,))
        found[name] = DnnElm(preset).score(None, Posteriors(), train, validation, seed=0)(test)
        machine = choose_elm(
            statistics(train), train.utterance_labels, statistics(validation), [0, 1, 2], (20,), (1.0,), 0, class_weight=weight
        )
        np.testing.assert_allclose(found[name], machine.decision_function(statistics(test)), rtol=1e-5, atol=1e-6)
    assert not np.allclose(found["balanced"], found["none"], atol=0.1)


def test_of_two_emotions_the_scores_are_opposite():
    train, validation, test = written([0, 1] * 8, 1), written([0, 1] * 4, 2), written([0, 1, 1, 0, 0, 1], 3)
    scores = DnnElm(model_changed(emotions=("angry", "sad"))).score(None, Posteriors(), train, validation, seed=0)(test)
    assert scores.shape == (6, 2)
    np.testing.assert_array_equal(scores[:, 0], -scores[:, 1])
    assert metrics.unweighted_average_recall(test.utterance_labels, scores.argmax(axis=1)) > 0.8


@pytest.mark.parametrize("absent", [0, 1, 2])
def test_an_emotion_that_nobody_in_training_has_gets_the_score_of_none(absent):
    present = [label for label in range(3) if label != absent]
    train, validation, test = written(present * 8, 1), written([0, 1, 2] * 3, 2), written([0, 1, 2], 3)
    scores = DnnElm(BASELINE).score(None, Posteriors(), train, validation, seed=0)(test)
    np.testing.assert_array_equal(scores[:, absent], -1)
    assert (scores[present, present] > 0).all(), "the others' columns are mixed up"


@pytest.mark.parametrize("normalisation", ["speaker", "utterance"])
@pytest.mark.parametrize("field", ["bands", "rooms", "noise"])
def test_worse_recordings_are_refused_where_log_mels_have_been_standardised(normalisation, field):
    preset = lite_augmented(normalisation)
    worse = replace(preset.training.augmentation, **{field: 0.2})
    with pytest.raises(ConfigError, match=rf"AugmentConfig\.{field} is 0\.2, expected 0 where .* '{normalisation}'"):
        Acrnn(replace(preset, training=replace(preset.training, augmentation=worse)))
    segment = lite_augmented("segment")
    Acrnn(replace(segment, training=replace(segment.training, augmentation=worse)))
