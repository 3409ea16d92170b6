"""Runs that leave out something else than a speaker: each refuses what its protocol forbids, before anything is trained."""

import json
from dataclasses import replace

import numpy as np
import pytest
from short_corpus import BASELINE, SPEAKERS, InterruptError, ShortCorpus, posteriors

from ser_acrnn.data.grouped import GroupedCorpus
from ser_acrnn.evaluation import protocol
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.training import run as training
from ser_acrnn.training import stages, systems

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]

SESSION = dict(zip(SPEAKERS, ["s1", "s2", "s2", "s3", "s3"], strict=True))
PRESET = replace(BASELINE, training=replace(BASELINE.training, epochs=1))
FOLD = protocol.Fold(("s3",), "s2", "s1")


def corpus_of(**arguments):
    return ShortCorpus(features=BASELINE.features, **arguments)


def rows(corpus):
    pairs = corpus.manifest[["utterance", "speaker"]].itertuples(index=False)
    return [(name, speaker, SESSION[speaker]) for name, speaker in pairs]


def sessions(corpus):
    return GroupedCorpus(corpus, protocol.grouping("leave-one-session-out", rows(corpus)))


def random_parts(corpus):
    return GroupedCorpus(corpus, protocol.grouping(protocol.LEAKY_RANDOM, rows(corpus)))


def train(corpus, fold=FOLD, split="leave-one-session-out"):
    return training.run(corpus, Run("short", "dnn-elm", PRESET, fold, 0, split))


def test_a_session_is_left_out_whole():
    corpus = corpus_of()
    result, model = train(sessions(corpus))
    train_part, validation_part = ["read d", "read e"], ["read b", "read c"]
    assert corpus.log == [*train_part * 2, *validation_part * 2, *train_part, "read a"]  # counted and taken each; then statistics
    assert result.fold == {"train": ["s3"], "validation": "s2", "test": "s1"}
    assert result.protocol == "leave-one-session-out"
    assert [item["id"] for item in result.utterances] == [item[0] for item in corpus.kept["a"]]
    np.testing.assert_allclose(model.get_layer("normalise").mean, corpus.frames("de").astype("float64").mean(axis=0), atol=1e-4)


def test_the_test_session_changes_nothing_but_its_own_posteriors():
    (result, model), (other, network) = train(sessions(corpus_of())), train(sessions(corpus_of(noise="a")))
    assert result.validation_curve == other.validation_curve
    for weight, value in zip(model.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, value)
    assert np.abs(posteriors(result) - posteriors(other)).max() > 0.01


def test_random_parts_are_refused_as_anything_but_leaky():
    corpus = corpus_of()
    parts = random_parts(corpus)
    fold = protocol.leave_one_speaker_out(parts.groups)[0]
    assert (fold.test, fold.validation) == ("part0", "part1")
    for split in set(protocol.PROTOCOLS) - set(protocol.SPEAKERS_SHARED):
        with pytest.raises(protocol.LeakError, match="the same speaker a is in"):
            train(parts, fold, split)
    assert not corpus.log
    result, _ = train(parts, fold, protocol.LEAKY_RANDOM)
    assert result.protocol == "leaky-random" and result.fold["test"] == "part0"
    names = [item["id"] for item in result.utterances]
    assert sorted(names) == sorted(parts.manifest["utterance"][parts.group == "part0"])
    assert len({name[0] for name in names}) > 1


def test_identical_audio_in_two_random_parts_is_refused():
    corpus = corpus_of()
    corpus.manifest["sha256"] = "same"
    with pytest.raises(protocol.LeakError, match="the same audio same is in"):
        train(random_parts(corpus), protocol.Fold(("part2",), "part1", "part0"), protocol.LEAKY_RANDOM)
    assert not corpus.log


def test_a_method_that_peeps_is_refused(monkeypatch):
    class Peeping(systems.DnnElm):
        def segments(self, corpus, groups, **settings):
            return super().segments(corpus, [*groups, "a"], **settings)

    monkeypatch.setattr(training, "system_of", Peeping)
    corpus = corpus_of()
    with pytest.raises(protocol.LeakError, match="short: the test part 'a' is read, expected the epoch to be chosen before"):
        training.run(corpus, Run("short", "dnn-elm", PRESET, protocol.Fold(("c", "d", "e"), "b", "a"), 0))
    assert not corpus.log


@pytest.mark.parametrize("part", ["augment", "score"])
@pytest.mark.parametrize(
    "peep",
    [
        lambda corpus: corpus.utterances(["a"]),
        lambda corpus: corpus.read("a0"),
        lambda corpus: corpus.speaker_statistics("a"),
        lambda corpus: corpus.statistics(["a"]),
    ],
)
def test_neither_augmentation_nor_judge_may_peep(monkeypatch, part, peep):
    class Peeping(systems.DnnElm):
        def augment(self, corpus, train, mean):
            if part == "augment":
                peep(corpus)
            return super().augment(corpus, train, mean)

        def score(self, corpus, *arguments):
            if part == "score":
                peep(corpus)
            return super().score(corpus, *arguments)

    monkeypatch.setattr(training, "system_of", Peeping)
    corpus = corpus_of()
    with pytest.raises(protocol.LeakError, match=r"short: .*'a'"):
        training.run(corpus, Run("short", "dnn-elm", PRESET, protocol.Fold(("c", "d", "e"), "b", "a"), 0))
    assert "read a" not in corpus.log


def test_where_the_choice_leaks_who_is_reported_has_chosen():
    fold = protocol.Fold(("c", "d", "e"), "b", "a")
    result, _ = training.run(corpus_of(), Run("short", "dnn-elm", PRESET, fold, 0, protocol.LEAKY_CHOICE))
    honest, _ = training.run(corpus_of(), Run("short", "dnn-elm", PRESET, fold.exchanged(), 0))
    assert result.fold == {"train": ["c", "d", "e"], "validation": "a", "test": "a"}
    assert result.utterances == result.validation_utterances == honest.validation_utterances
    assert all(utterance["id"].startswith("a") for utterance in result.utterances)


def test_where_the_normalisation_leaks_it_is_that_of_the_whole_corpus():
    corpus = corpus_of()
    _, model = training.run(
        corpus, Run("short", "dnn-elm", PRESET, protocol.Fold(("c", "d", "e"), "b", "a"), 0, protocol.LEAKY_NORMALISATION)
    )
    frames = corpus.frames(SPEAKERS).astype("float64")
    np.testing.assert_allclose(model.get_layer("normalise").mean, frames.mean(axis=0), atol=1e-4)


def test_a_checkpoint_belongs_to_its_protocol_and_to_every_shard_that_is_read(monkeypatch):
    def identity(corpus, *arguments):
        def capture(*_, identity, **__):
            raise InterruptError(identity)

        monkeypatch.setattr(stages, "fit", capture)
        with pytest.raises(InterruptError) as captured:
            train(corpus, *arguments)
        return captured.value.args[0]

    own = identity(sessions(corpus_of()))
    shards = corpus_of().recipe["speakers"]
    assert json.loads(own)[0][:-1] == [shards[speaker]["shard_sha256"] for speaker in "bcde"]
    assert identity(sessions(corpus_of(noise="a"))) == own, "the test session decides whether a checkpoint is used"
    others = [identity(sessions(corpus_of(noise=speaker))) for speaker in "bcde"]
    others.append(identity(sessions(corpus_of()), FOLD, "leave-one-group-out"))
    swapped = corpus_of()
    group = {"a": "s1", "b": "s2", "c": "s3", "d": "s2", "e": "s3"}  # the same names, other speakers in them
    assert group != dict(zip(swapped.manifest["speaker"], sessions(corpus_of()).group, strict=True))
    groups = {name: group[speaker] for name, speaker, _ in rows(swapped)}
    others.append(identity(GroupedCorpus(swapped, groups)))
    assert len({own, *others}) == 7
