"""Runs whose segments stay in their corpus: the losses, weights and posteriors of memory, and the test speaker unread until the end."""

import shutil
from dataclasses import replace
from functools import partial

import pytest
from short_corpus import (
    BASELINE,
    FOLD,
    SMALL,
    InterruptError,
    ShortCorpus,
    as_records,
    changed,
    check_same_run,
    interrupt_after,
    train,
)

from ser_acrnn.config import AugmentConfig
from ser_acrnn.data.prepared import PackedCorpus, RecordCorpus, pack
from ser_acrnn.data.streamed import StreamedFeatures
from ser_acrnn.data.tfrecords import RecordError
from ser_acrnn.evaluation import protocol
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.training import every_epoch, loop, stages
from ser_acrnn.training import run as training
from ser_acrnn.training.systems import Acrnn

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]

AUGMENTATION = AugmentConfig(
    tempo=0.1, vocal_tract=0.1, gain=1.0, tilt=1.0, time_masks=1, time_mask_frames=5, mel_masks=1, mel_mask_mels=2, speaker_exchange=0.5,
    rooms=0.5, noise=0.5, mask_mean="segment",
)  # fmt: skip
BY_SPEAKER = replace(changed(epochs=2), model=replace(SMALL.model, normalisation="speaker"))
PRESETS = {
    "plain": changed(epochs=2),
    "balanced, augmented and mixed": changed(
        epochs=2, sampling="balanced", augmentation=AUGMENTATION, mixup=0.4, label_smoothing=0.1, schedule="cosine"
    ),
    "static alone, by utterance": replace(changed(epochs=2), model=replace(SMALL.model, channels=1, normalisation="utterance")),
    "nobody validates": changed(epochs=2, epoch_choice="last", train_on_validation=True),
    "adapted to the speaker, at two tempos": changed(epochs=2, judging_batch_norm="speaker", judging_tempos=(0.9, 1.1)),
    "by what is judged": changed(epochs=2, judging_batch_norm="judged-halves"),
    "dnn-elm": replace(BASELINE, training=replace(BASELINE.training, epochs=2)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return as_records(ShortCorpus(), tmp_path_factory.mktemp("records"))


@pytest.fixture
def copy(folder, tmp_path):
    """The records, to be changed."""
    return shutil.copytree(folder, tmp_path / "copy")


streamed = partial(train, largest_in_memory_bytes=0)


@pytest.mark.parametrize("name", PRESETS)
def test_a_streamed_run_is_the_run_in_memory(name, folder, tmp_path, monkeypatch):
    preset = PRESETS[name]
    kept = folder if preset.features == SMALL.features else as_records(ShortCorpus(features=preset.features), tmp_path / "frames")
    seen = []
    fit = loop.fit
    monkeypatch.setattr(stages, "fit", lambda model, *parts, **settings: [seen.append(parts[:2]), fit(model, *parts, **settings)][1])
    expected = train(RecordCorpus(kept), preset)
    check_same_run(streamed(RecordCorpus(kept), preset), expected)
    (held, _), (left, validation) = seen
    assert not isinstance(held.features, StreamedFeatures) and isinstance(left.features, StreamedFeatures)
    assert validation is None or isinstance(validation.features, StreamedFeatures)


def test_a_packed_corpus_is_streamed_to_the_same_run(folder, tmp_path):
    pack(RecordCorpus(folder), tmp_path / "short.npz")
    expected = train(RecordCorpus(folder), BY_SPEAKER)
    check_same_run(streamed(PackedCorpus(tmp_path / "short.npz"), BY_SPEAKER), expected)


@pytest.mark.parametrize("first, then", [(0, 0), (0, 1 << 30), (1 << 30, 0)])
def test_an_interrupted_run_goes_on_to_the_same_end_wherever_its_segments_are(folder, tmp_path, first, then):
    preset = changed(epochs=3, sampling="balanced", augmentation=AUGMENTATION, mixup=0.4)
    expected = train(RecordCorpus(folder), preset)
    again = partial(train, RecordCorpus(folder), preset, checkpoint=tmp_path / "run.npz")
    with pytest.raises(InterruptError):
        again(largest_in_memory_bytes=first, on_epoch=interrupt_after(1))
    epochs = []
    check_same_run(again(largest_in_memory_bytes=then, on_epoch=lambda entry: epochs.append(entry["epoch"])), expected)
    assert epochs == [2, 3]


def test_the_network_that_is_judged_in_conditions_after_every_epoch_is_the_same(folder, tmp_path, monkeypatch):
    preset = changed(epochs=2)
    conditions = {"small.judged": changed(epochs=2, judging_batch_norm="judged")}
    this = Run("short", "small", preset, FOLD, 0)
    expected = every_epoch.run(RecordCorpus(folder), this, conditions=conditions, weights=tmp_path / "a")
    monkeypatch.setattr(every_epoch, "begin", partial(training.begin, largest_in_memory_bytes=0))
    found = every_epoch.run(RecordCorpus(folder), this, conditions=conditions, weights=tmp_path / "b")
    assert [replace(one, wall_seconds=0) for one in found] == [replace(one, wall_seconds=0) for one in expected]


def test_the_test_speakers_shard_is_not_opened_before_the_last_epoch(copy, folder):
    (copy / "speaker-a.tfrecord").unlink()
    with pytest.raises(RecordError, match=r"speaker-a\.tfrecord: no such shard"):
        streamed(RecordCorpus(copy), changed(epochs=2))

    def put_back(entry):
        if entry["epoch"] == 2:
            shutil.copy(folder / "speaker-a.tfrecord", copy)

    check_same_run(streamed(RecordCorpus(copy), changed(epochs=2), on_epoch=put_back), train(RecordCorpus(folder), changed(epochs=2)))


def test_the_test_speaker_is_read_last_however_often_the_others_are():
    corpus = ShortCorpus()
    streamed(corpus, changed(epochs=2), on_epoch=lambda entry: corpus.note(f"epoch {entry['epoch']}"))
    assert {*corpus.log[: corpus.log.index("read a")]} == {"read b", "read c", "read d", "read e", "epoch 1", "epoch 2"}
    assert corpus.log.index("epoch 2") < corpus.log.index("read a")


@pytest.mark.parametrize("number", [0, 3])
def test_who_asks_for_one_utterance_of_the_test_speaker_while_training_is_refused(number, monkeypatch):
    class Peeping(Acrnn):
        def augment(self, corpus, train, mean):
            def peep(features, batch, rng):
                corpus.read(f"a{number}")
                return features[batch]

            return peep

    monkeypatch.setattr(training, "system_of", Peeping)
    corpus = ShortCorpus()
    with pytest.raises(protocol.LeakError, match="short: the test part 'a' is read, expected the epoch to be chosen before"):
        streamed(corpus)
    assert "read a" not in corpus.log


def test_a_shard_that_changes_during_the_training_ends_it_and_is_named(copy, tmp_path):
    shard = copy / "speaker-d.tfrecord"

    def damage(entry):
        data = bytearray(shard.read_bytes())
        data[500] ^= 1
        shard.write_bytes(data)

    epochs = []
    with pytest.raises(RecordError, match=r"speaker-d\.tfrecord: has changed since it was first read"):
        streamed(
            RecordCorpus(copy),
            changed(epochs=3),
            checkpoint=tmp_path / "run.npz",
            on_epoch=lambda entry: [epochs.append(entry), damage(entry)],
        )
    assert len(epochs) == 1 and (tmp_path / "run.npz").is_file()  # what was learned before is kept
