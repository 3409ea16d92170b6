"""Standardised corpora: by the speaker's own audio or the utterance's own, through groups, and in a run."""

from dataclasses import replace

import numpy as np
import pytest
from short_corpus import EMOTIONS, FOLD, SPEAKERS, ShortCorpus, changed, posteriors, train

from ser_acrnn.config import ModelConfig
from ser_acrnn.config.json_config import ConfigError
from ser_acrnn.data.fold_reader import FoldReader
from ser_acrnn.data.grouped import GroupedCorpus
from ser_acrnn.data.normalised import NormalisedCorpus, normalised
from ser_acrnn.evaluation import metrics, protocol

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]


def adapted(normalisation, **training):
    preset = changed(**training)
    return replace(preset, model=replace(preset.model, normalisation=normalisation))


def test_a_speakers_frames_have_mean_zero_and_variance_one():
    corpus = NormalisedCorpus(ShortCorpus(), "speaker")
    for speaker in SPEAKERS:
        frames = np.concatenate([values for _, _, values in corpus.utterances([speaker])])
        np.testing.assert_allclose(frames.mean(axis=0), 0, atol=1e-4)
        np.testing.assert_allclose(frames.var(axis=0), 1, atol=1e-3)


def test_an_utterance_is_standardised_by_itself_alone():
    plain, corpus = ShortCorpus(), NormalisedCorpus(ShortCorpus(), "utterance")
    for (name, emotion, values), (_, _, source) in zip(corpus.utterances(["a"]), plain.utterances(["a"]), strict=True):
        expected = (source - source.mean(axis=0)) / source.std(axis=0)
        np.testing.assert_allclose(values, expected, atol=1e-4)
        assert emotion in EMOTIONS and name[0] == "a"


def test_groups_that_cut_through_speakers_keep_the_speakers_statistics():
    plain = ShortCorpus()
    names = plain.manifest["utterance"]
    grouped = GroupedCorpus(plain, {name: f"part{number % 3}" for number, name in enumerate(names)})
    corpus = NormalisedCorpus(grouped, "speaker")
    whole = {name: values for name, _, values in NormalisedCorpus(plain, "speaker").utterances(SPEAKERS)}
    found = dict((name, values) for name, _, values in corpus.utterances(["part1"]))
    assert set(found) == set(grouped.manifest["utterance"][grouped.group == "part1"])
    for name, values in found.items():
        np.testing.assert_array_equal(values, whole[name])


def test_training_statistics_leave_the_corpus_as_it_is():
    corpus = ShortCorpus()
    assert normalised(corpus, "training") is corpus
    with pytest.raises(ConfigError, match=r"ModelConfig\.normalisation is 'room'"):
        ModelConfig(normalisation="room")


@pytest.mark.parametrize("normalisation", ["speaker", "utterance"])
def test_a_run_on_it_has_nothing_left_to_normalise(normalisation):
    _, model = train(preset=adapted(normalisation, epochs=1))
    layer = model.get_layer("normalise")
    assert (np.asarray(layer.mean) == 0).all() and (np.asarray(layer.variance) == 1).all()


def test_a_run_on_speakers_learns():
    """Not one on utterances: an emotion of this corpus is the level of each mel, of which an utterance's own statistics leave nothing."""
    result, _ = train(preset=adapted("speaker", epochs=12))
    assert metrics.unweighted_average_recall(result.truth, result.decisions) > 0.7


def test_the_test_speakers_audio_changes_only_the_test_posteriors():
    preset = adapted("speaker", epochs=2)
    (result, model), (noisy, other) = train(preset=preset), train(ShortCorpus(noise=("a",)), preset)
    assert result.validation_curve == noisy.validation_curve
    for weight, value in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, value)
    assert not np.allclose(posteriors(result), posteriors(noisy))


def test_the_test_speaker_is_read_after_the_choice_alone():
    reader = FoldReader(NormalisedCorpus(ShortCorpus(), "speaker"), FOLD)
    with pytest.raises(protocol.LeakError, match="the test part 'a' is read"):
        reader.utterances(["a"])
    reader.choose_epoch([{"epoch": 1}], "last")
    read = {name: values for name, _, values in reader.utterances(["a"])}
    assert set(read) == {name for name, _, _ in ShortCorpus().utterances(["a"])}
    np.testing.assert_allclose(np.concatenate(list(read.values())).mean(axis=0), 0, atol=1e-4)  # by the speaker's own statistics
