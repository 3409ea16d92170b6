"""What a CSV of one's own is made into: folds, schedules and features, before anything is trained."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
from own_recordings import write_corpus

from experiments.catalogue import SYSTEMS
from ser_acrnn.config import FEATURE_RECIPES
from ser_acrnn.data.corpus import CorpusError
from ser_acrnn.data.in_memory import load_corpus
from ser_acrnn.evaluation.protocol import Fold
from ser_acrnn.training import from_csv


def test_more_than_ten_speakers_are_left_out_in_groups(tmp_path):
    labels = write_corpus(tmp_path, speakers=13, each=1)
    job = from_csv.plan(labels, None, epochs=1)
    assert job.system == "scratch" and len(job.folds) == 10 and job.protocol == "leave-one-group-out"
    groups = job.corpus.manifest.assign(group=job.corpus.group).groupby("group")["speaker"].unique()
    assert sorted(speaker for members in groups for speaker in members) == sorted(job.corpus.speakers)
    assert max(len(members) for members in groups) == 2


def test_of_two_speakers_each_is_judged_by_a_network_of_the_other(tmp_path):
    job = from_csv.plan(write_corpus(tmp_path, speakers=2), None, epochs=1)
    assert job.folds == [Fold(("s1",), None, "s0"), Fold(("s0",), None, "s1")]


def test_all_unusable_recordings_are_named_together(tmp_path):
    labels = write_corpus(tmp_path, speakers=3)
    (tmp_path / "s0-0.wav").write_bytes(b"")
    soundfile.write(tmp_path / "s1-1.wav", np.zeros(16_000), 16_000)
    with pytest.raises(CorpusError, match=r"2 of 18 recordings cannot be used: .*s0-0\.wav.*s1-1\.wav.*silent"):
        from_csv.plan(labels, None)
    with pytest.raises(ValueError, match="expected two or more"):
        from_csv.plan(write_corpus(tmp_path, emotions=("calm",)), None)


def test_a_corpus_in_memory_has_the_statistics_of_its_frames(labels):
    from ser_acrnn.data.corpus import read_csv

    corpus = load_corpus("mine", read_csv(labels), FEATURE_RECIPES["paper"])
    frames = np.concatenate([values for _, _, values in corpus.utterances(["s1", "s2"])])
    mean, variance = corpus.statistics(["s1", "s2"])
    np.testing.assert_allclose(mean, frames.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(variance, frames.var(axis=0), rtol=1e-3)
    assert corpus.checksums(["s1"]) != corpus.checksums(["s2"])


def test_from_scratch_the_recipe_is_that_of_the_networks_that_ship(labels):
    preset, best = from_csv.plan(labels, None).preset, SYSTEMS["best-by-utterance.robust-short-pauses"].preset
    assert preset.model == replace(best.model, emotions=("calm", "tense"))
    assert preset.features == best.features


def test_few_recordings_are_seen_often_enough(labels):
    few = from_csv.plan(labels, None).preset.training
    assert few.batch_size == from_csv.SMALL_BATCH and few.epochs * 24 / few.batch_size >= from_csv.FEWEST_UPDATES
    base = from_csv.lite_augmented("utterance").training
    assert from_csv._long_enough(base, 5_000) == base
    assert from_csv.plan(labels, None, epochs=7).preset.training.epochs == 7


def test_what_is_chosen_stays(labels):
    few, base = from_csv.plan(labels, None).preset.training, from_csv.lite_augmented("utterance").training
    assert from_csv.plan(labels, None, batch_size=16).preset.training == replace(few, batch_size=16, epochs=2 * few.epochs)
    assert from_csv.plan(labels, None, learning_rate=0.02).preset.training == replace(few, learning_rate=0.02)
    assert from_csv.plan(labels, None, epochs=7, batch_size=5).preset.training == replace(base, epochs=7, batch_size=5)


def test_emotions_that_one_speaker_alone_has_are_named(tmp_path, caplog):
    labels = write_corpus(tmp_path, speakers=2)
    from_csv.plan(labels, None, epochs=1)
    assert "one speaker alone" not in caplog.text
    labels.write_text(labels.read_text().replace("s1-0.wav,s1,calm", "s1-0.wav,s1,odd"))
    from_csv.plan(labels, None, epochs=1)
    assert "mine.csv: emotions of one speaker alone, which are not recognised when that one is tested: odd (speaker s1)" in caplog.text
