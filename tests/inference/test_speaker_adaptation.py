"""Batch norm by the speaker: the statistics of what one voice makes the network hear, weighed against training's, and back again."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from short_corpus import BASELINE, FOLD, SMALL, ShortCorpus, changed, check_same_run, train

from ser_acrnn.config import ConfigError
from ser_acrnn.data.grouped import GroupedCorpus
from ser_acrnn.features.tempo import at_tempo
from ser_acrnn.inference import speaker_adaptation
from ser_acrnn.inference.keras_network import KerasNetwork
from ser_acrnn.inference.speaker_adaptation import SpeakerBatchNorm
from ser_acrnn.models.networks import acrnn
from ser_acrnn.training import rescoring
from ser_acrnn.training.systems import Acrnn, DnnElm

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]

PLACES = ("conv", "linear", "embedding")
PLAIN, ADAPTED = changed(epochs=2), changed(epochs=2, judging_batch_norm="speaker")


def batch_norms(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]


def by_speaker(model):
    return SpeakerBatchNorm(KerasNetwork(model, 40))


def network(places=("embedding",)):
    keras.utils.set_random_seed(0)
    model = acrnn(replace(SMALL.model, batch_norm=places))
    rng = np.random.default_rng(1)
    for layer in batch_norms(model):
        layer.moving_mean.assign(rng.normal(size=layer.moving_mean.shape))
        layer.moving_variance.assign(rng.uniform(0.5, 2, layer.moving_variance.shape))
    return model


def segments(number, seed=2):
    return np.random.default_rng(seed).normal(1, 2, (number, 40, 8, 3)).astype(np.float32)


def into(model, layer, heard):
    found = keras.Model(model.input, model.get_layer(layer.name).input).predict_on_batch(heard)
    return found.reshape(-1, found.shape[-1]).astype(np.float64)


def statistics(model):
    return [(layer.moving_mean.numpy(), layer.moving_variance.numpy()) for layer in batch_norms(model)]


@pytest.mark.parametrize(("number", "tempos"), [(1, (1.0,)), (13, (1.0,)), (13, (0.8, 1.0))])
def test_mean_and_variance_are_the_speakers_and_count_as_their_segments(number, tempos):
    model, heard = network(), segments(number)
    ((mean, variance),) = statistics(model)
    SpeakerBatchNorm(KerasNetwork(model, 4)).adapt(lambda: [heard[:5], heard[5:]], tempos, batch_size=4)
    own = np.concatenate([into(model, batch_norms(model)[0], at_tempo(heard, tempo)) for tempo in tempos])
    share = number / (number + speaker_adaptation.PRIOR_SEGMENTS)
    ((adapted_mean, adapted_variance),) = statistics(model)
    np.testing.assert_allclose(adapted_mean, share * own.mean(axis=0) + (1 - share) * mean, atol=1e-5)
    np.testing.assert_allclose(adapted_variance, share * own.var(axis=0) + (1 - share) * variance, atol=1e-5)


def test_each_layer_hears_what_the_adapted_ones_before_it_make_of_the_speaker():
    model, heard = network(PLACES), segments(9)
    trained = statistics(model)
    assert len(batch_norms(model)) == 3
    by_speaker(model).adapt(lambda: [heard])
    share = 9 / (9 + speaker_adaptation.PRIOR_SEGMENTS)
    for layer, (mean, variance), (before, spread) in zip(batch_norms(model), statistics(model), trained, strict=True):
        own = into(model, layer, heard)
        np.testing.assert_allclose(mean, share * own.mean(axis=0) + (1 - share) * before, atol=1e-4)
        np.testing.assert_allclose(variance, share * own.var(axis=0) + (1 - share) * spread, rtol=1e-3, atol=1e-4)


def test_another_speaker_leaves_no_trace_and_training_comes_back():
    model = network(PLACES)
    trained, batch_norm = statistics(model), by_speaker(model)
    batch_norm.adapt(lambda: [segments(9)])
    once = statistics(model)
    batch_norm.adapt(lambda: [segments(20, seed=5)])
    assert not np.allclose(statistics(model)[0][0], once[0][0])
    batch_norm.adapt(lambda: [segments(9)])
    for now, then in zip(statistics(model), once, strict=True):
        np.testing.assert_array_equal(now, then)
    batch_norm.restore()
    for now, then in zip(statistics(model), trained, strict=True):
        np.testing.assert_array_equal(now, then)


def test_what_cannot_adapt_is_refused():
    with pytest.raises(ConfigError, match=r"judging_batch_norm is 'speaker', expected a network with batch norm"):
        Acrnn(replace(ADAPTED, model=replace(ADAPTED.model, batch_norm=())))
    with pytest.raises(ValueError, match="nothing was heard of the speaker, expected one segment or more"):
        by_speaker(network()).adapt(lambda: [])
    with pytest.raises(ConfigError, match="judging_batch_norm is 'speaker', expected 'training': it has none"):
        DnnElm(replace(BASELINE, training=replace(BASELINE.training, judging_batch_norm="speaker")))


def test_each_speaker_of_a_part_is_judged_by_the_own_voice():
    corpus, method, model = ShortCorpus(), Acrnn(ADAPTED), network()
    trained = statistics(model)
    score = method.score(corpus, model, None, None, 0)
    alone = [score(method.segments(corpus, [speaker])) for speaker in "ab"]
    grouped = GroupedCorpus(corpus, {name: "ab" if name[0] in "ab" else name[0] for name in corpus.manifest["utterance"]})
    together = method.score(grouped, model, None, None, 0)(method.segments(grouped, ["ab"]))
    np.testing.assert_allclose(together, np.concatenate(alone), atol=1e-6)
    plain = Acrnn(PLAIN).score(corpus, model, None, None, 0)(method.segments(corpus, ["a"]))
    assert not np.allclose(plain, alone[0], atol=1e-3)
    for now, then in zip(statistics(model), trained, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_network_that_judges_again_says_what_a_run_trained_so_says():
    corpus = ShortCorpus()
    (result, model), expected = train(corpus, PLAIN), train(corpus, ADAPTED)
    assert result.validation_curve == expected[0].validation_curve and result.utterances != expected[0].utterances
    again = rescoring.rescore(corpus, result, "small", ADAPTED, model)
    check_same_run((replace(again, wall_seconds=0), model), (replace(expected[0], wall_seconds=0), expected[1]))


def test_another_training_or_another_network_does_not_judge_again():
    corpus = ShortCorpus()
    result, _ = train(corpus, PLAIN)
    with pytest.raises(ConfigError, match="other differs from small in more than how it is scored, expected the same training"):
        rescoring.rescore(corpus, result, "other", changed(epochs=3), network())
    with pytest.raises(ValueError, match=r"decides otherwise on \d of 9 utterances than the result of small, expected its network"):
        rescoring.rescore(corpus, result, "other", ADAPTED, network())
    nobody = replace(PLAIN, training=replace(PLAIN.training, epoch_choice="last", train_on_validation=True))
    result, model = train(corpus, nobody)
    again = rescoring.rescore(
        corpus, result, "other", replace(nobody, training=replace(nobody.training, judging_batch_norm="speaker")), model
    )
    assert again.fold == {"train": ["b", "c", "d", "e"], "validation": None, "test": FOLD.test} and again.validation_utterances == []
