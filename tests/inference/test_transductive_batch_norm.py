"""Batch norm of what is judged: equal to Keras's own in training mode, share by share, and without a trace in the network."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from short_corpus import SMALL, ShortCorpus, changed
from test_speaker_adaptation import PLACES, network, segments, statistics

from ser_acrnn.config import ConfigError
from ser_acrnn.data.grouped import GroupedCorpus
from ser_acrnn.evaluation import metrics
from ser_acrnn.inference.transductive_batch_norm import TransductiveBatchNorm, shares
from ser_acrnn.models.networks import acrnn
from ser_acrnn.training.systems import Acrnn

pytestmark = pytest.mark.stochastic

NUMBERS = np.array([0, 0, 1, 2, 2, 2, 3, 4, 4])
EVERYTHING = [(np.arange(9), np.arange(9))]


@pytest.mark.parametrize("places", [("embedding",), ("linear",), PLACES])
def test_all_segments_together_are_judged_as_keras_judges_a_batch_in_training(places):
    model, heard = network(places), segments(9)
    before = [weight.copy() for weight in model.get_weights()]
    (found,) = TransductiveBatchNorm(model).posteriors(heard, [EVERYTHING], batch_size=4)
    for weight, value in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)
    dropout = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    for layer in dropout:
        layer.rate = 0.0
    expected = np.asarray(model(heard, training=True))
    np.testing.assert_allclose(found, expected, atol=2e-6)
    assert np.abs(found - model.predict_on_batch(heard)).max() > 0.01  # training's statistics say something else


def test_each_batch_and_each_half_has_statistics_of_its_own():
    model, heard = network(), segments(9)
    judge = TransductiveBatchNorm(model)
    together, by_four, halves = judge.posteriors(heard, [shares(way, NUMBERS) for way in ("judged", "judged-4", "judged-halves")])
    for rows in (slice(0, 4), slice(4, 8), slice(8, 9)):
        (alone,) = judge.posteriors(heard[rows], [[(np.arange(len(heard[rows])),) * 2]])
        np.testing.assert_allclose(by_four[rows], alone, atol=2e-6)
    assert np.abs(together - by_four).max() > 0.01
    (first, _), (second, _) = shares("judged-halves", NUMBERS)
    changed_second = heard.copy()
    changed_second[second] = segments(len(second), seed=7)
    (after,) = judge.posteriors(changed_second, [shares("judged-halves", NUMBERS)])
    (model_mean, _) = statistics(model)[0]
    assert np.abs(after[first] - halves[first]).max() > 1e-3, "the first half is judged by the second one's statistics"
    changed_first = heard.copy()
    changed_first[first[1:]] = segments(len(first) - 1, seed=8)
    (kept,) = judge.posteriors(changed_first, [shares("judged-halves", NUMBERS)])
    np.testing.assert_allclose(kept[first[:1]], halves[first[:1]], atol=2e-6)  # not by those of its own half
    np.testing.assert_array_equal(statistics(model)[0][0], model_mean)


def test_halves_are_of_whole_utterances_and_lend_to_each_other():
    (heard, judged), (other, rest) = shares("judged-halves", NUMBERS)
    assert set(heard) == set(rest) and set(judged) == set(other) and sorted([*heard, *judged]) == list(range(9))
    assert not set(NUMBERS[heard]) & set(NUMBERS[judged])
    assert abs(len(set(NUMBERS[heard])) - len(set(NUMBERS[judged]))) == 1
    ((one, same),) = shares("judged-halves", np.zeros(3, int))
    assert list(one) == list(same) == [0, 1, 2]


def test_batches_follow_the_order_and_the_last_one_is_smaller():
    found = shares("judged-4", NUMBERS)
    assert [list(judged) for _, judged in found] == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]
    assert all(heard is judged for heard, judged in found)
    assert [len(judged) for _, judged in shares("judged-3", NUMBERS)] == [3, 3, 3]


@pytest.mark.parametrize("way", ["training", "judged-0", "judged-", "other-40", "judged-many"])
def test_another_way_is_refused(way):
    with pytest.raises(ValueError, match=f"no way of judging is called '{way}'"):
        shares(way, NUMBERS)


def test_a_network_without_batch_norm_is_refused():
    with pytest.raises(ConfigError, match="has no batch norm"):
        TransductiveBatchNorm(acrnn(replace(SMALL.model, batch_norm=())))
    with pytest.raises(ConfigError, match="is 'judged', expected a network with batch norm"):
        Acrnn(replace(changed(judging_batch_norm="judged"), model=replace(SMALL.model, batch_norm=())))


def test_each_speaker_of_a_part_is_judged_by_that_speakers_segments():
    preset = changed(judging_batch_norm="judged")
    corpus, method = ShortCorpus(), Acrnn(preset)
    keras.utils.set_random_seed(0)
    model = acrnn(SMALL.model)
    score = method.score(corpus, model, None, None, 0)
    grouped = GroupedCorpus(
        corpus,
        {name: "ab" if speaker in "ab" else speaker for name, speaker in corpus.manifest[["utterance", "speaker"]].itertuples(index=False)},
    )
    together = method.score(grouped, model, None, None, 0)(method.segments(grouped, ["ab"]))
    apart = [score(method.segments(corpus, [speaker])) for speaker in "ab"]
    np.testing.assert_allclose(together, np.concatenate(apart), atol=2e-6)
    part = method.segments(corpus, ["a"])
    (said,) = TransductiveBatchNorm(model).posteriors(part.features, [[(np.arange(len(part.labels)),) * 2]])
    np.testing.assert_allclose(apart[0], metrics.utterance_posteriors(said, part.utterance), atol=2e-6)
