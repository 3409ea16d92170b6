"""Training on a CSV of one's own: folds by speaker, fine-tuning in stages, resumption, a report, and a network that predicts."""

import csv
import json
import re
import shutil
from contextlib import contextmanager
from dataclasses import replace

import keras
import numpy as np
import pytest
import soundfile

from experiments.catalogue import SYSTEMS
from ser_acrnn import cli
from ser_acrnn.config import AS_SPOKEN, FEATURE_RECIPES, FIVE_TEMPOS, ModelConfig
from ser_acrnn.data.corpus import CorpusError
from ser_acrnn.data.in_memory import load_corpus
from ser_acrnn.evaluation.protocol import Fold
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.features.log_mels import segment
from ser_acrnn.inference.predictions import Prediction
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.models.networks import acrnn
from ser_acrnn.training import finetuning, from_csv, scalars
from ser_acrnn.training import run as training

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]

SMALL = {"conv": ((4, 4, 4),), "linear_units": 8, "blstm_units": 4, "embedding_units": 8}


def write_corpus(folder, speakers=4, emotions=("calm", "tense"), each=3):
    """Low tones and high ones that swell three times, by speakers of different pitch, and their CSV."""
    rng, rows = np.random.default_rng(0), []
    for speaker in range(speakers):
        for number in range(each * len(emotions)):
            emotion = emotions[number % len(emotions)]
            hertz = (200 + 10 * speaker) * 8 ** emotions.index(emotion)
            time = np.arange(16_000) / 16_000
            tone = np.sin(3 * np.pi * time) ** 2 * (np.sin(2 * np.pi * hertz * time) + 0.1 * rng.normal(size=16_000))
            name = f"s{speaker}-{number}.wav"
            soundfile.write(folder / name, 0.1 * tone, 16_000)
            rows.append([name, f"s{speaker}", emotion])
    with (folder / "mine.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["path", "speaker", "emotion"], *rows])
    return folder / "mine.csv"


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Networks of other emotions, one a scope."""
    folder = tmp_path_factory.mktemp("sources")
    keras.utils.set_random_seed(0)
    for scope in ("training", "speaker"):
        model = acrnn(ModelConfig(**SMALL, normalisation=scope), recipe_hash=FEATURE_RECIPES["paper"].recipe_hash)
        model.save(folder / f"{scope}.keras")
    return folder


def run(*words):
    return cli.main([str(word) for word in words])


@contextmanager
def one_stage():
    """Fine-tunes everything at once: compiling the step for each stage takes longer than these trainings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finetuning, "_STAGES", finetuning._STAGES[-1:])
        yield


@pytest.fixture(scope="module")
def trained(labels, sources, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    with one_stage():
        assert run("train", "--labels", labels, "--init", sources / "training.keras", "--epochs", 6, "--out", out) == 0
    return out


@pytest.fixture(scope="module")
def staged(labels, sources):
    """All stages on all speakers: the source, its weights before, the job, the epochs, and the network."""
    source = Predictor(sources / "training.keras")
    before, entries = [np.array(weight) for weight in source.model.get_weights()], []
    job = from_csv.plan(labels, source, epochs=6)
    model = training.train_on_all(job.corpus, job.preset, 0, system=job.trained_by, on_epoch=entries.append)
    return source, before, job, entries, model


def test_every_speaker_is_tested_once_by_a_network_that_never_heard_them(trained):
    results = [RunResult.load(path) for path in sorted((trained / "results" / "fine-tuned").iterdir())]
    assert [result.fold["test"] for result in results] == ["s0", "s1", "s2", "s3"]
    for result in results:
        others = [speaker for speaker in ("s0", "s1", "s2", "s3") if speaker != result.fold["test"]]
        assert (result.fold["train"], result.fold["validation"]) == (others, None) and len(result.utterances) == 6
        assert [entry["epoch"] for entry in result.validation_curve] == [1, 2, 3, 4, 5, 6] and result.chosen_epoch == 6
    text = (trained / "report.md").read_text()
    assert all(words in text for words in ("4 x 1", "each fold tests one speaker; all others train", "## Calibration"))
    assert [path.name for path in (trained / "work").iterdir()] == ["lock"]


def test_the_network_predicts_the_new_emotions(trained, labels, capsys):
    predictor = Predictor(trained / "model.keras")
    assert predictor.emotions == ("calm", "tense")
    assert run("predict", "--model", trained / "model.keras", labels.parent / "s0-0.wav") == 0
    assert run("evaluate", "--labels", labels, "--model", trained / "model.keras") == 0
    printed = capsys.readouterr().out
    assert re.search(r"of 24 utterances; mean over 4 speakers [0-9.]+ % \(95 % interval -?[0-9.]+ to [0-9.]+\)\n", printed)
    assert "| calm " in printed
    assert run("evaluate", "--labels", labels, "--model", trained.parent / "none.keras") == 1


def test_the_command_evaluates_at_five_tempos(trained, labels, monkeypatch):
    heard = []
    monkeypatch.setattr(Predictor, "predict", lambda self, path: heard.append(self.tempos) or Prediction("calm", {}, (), 0.1))
    for more, tempos in (([], AS_SPOKEN), (["--tempos"], FIVE_TEMPOS)):
        heard.clear()
        assert run("evaluate", "--labels", labels, "--model", trained / "model.keras", *more) == 0
        assert heard == [tempos] * 24


def test_the_command_adapts_to_each_speaker_before_judging(trained, labels, monkeypatch):
    enrolled = []
    monkeypatch.setattr(Predictor, "enrol", lambda self, own, **_: enrolled.append([path.name for path in own]))
    assert run("evaluate", "--labels", labels, "--model", trained / "model.keras") == 0 and enrolled == []
    assert run("evaluate", "--labels", labels, "--model", trained / "model.keras", "--adapt") == 0
    assert sorted(enrolled) == [sorted(path.name for path in labels.parent.glob(f"s{speaker}-*.wav")) for speaker in range(4)]


def test_a_bad_recording_does_not_keep_the_others_of_its_speaker_from_being_judged(sources, tmp_path, capsys):
    emotions = Predictor(sources / "speaker.keras").emotions[:2]
    own = write_corpus(tmp_path, speakers=2, emotions=emotions)
    (tmp_path / "s0-0.wav").write_text("no audio")
    assert run("evaluate", "--labels", own, "--model", sources / "speaker.keras") == 1
    printed = capsys.readouterr()
    assert "of 11 utterances; mean over 2 speakers" in printed.out
    assert printed.err.count("s0-0.wav") == 1 and "1 recordings could not be used" in printed.err


@pytest.fixture
def untrained(monkeypatch):
    """Nothing is to be trained."""

    def never(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr(training, "run", never)
    monkeypatch.setattr(training, "train_on_all", never)


def test_what_is_there_is_not_done_again_and_another_training_is_refused(trained, labels, sources, untrained, capsys):
    words = ("train", "--labels", labels, "--init", sources / "training.keras", "--out", trained)
    assert run(*words, "--epochs", 6) == 0
    assert "model.keras: already there, of the same recordings, labels and configuration" in capsys.readouterr().err
    assert run(*words, "--epochs", 9) == 1
    assert "is the result of another configuration" in capsys.readouterr().err


@pytest.fixture
def copied(trained, labels, untrained, tmp_path):
    """The training and its recordings at another place, where nothing is to be trained again."""
    shutil.copytree(trained, tmp_path / "out")
    shutil.copytree(labels.parent, tmp_path / "audio")
    return tmp_path / "out", tmp_path / "audio" / "mine.csv"


def test_results_are_taken_for_the_same_recordings_wherever_they_lie(copied, sources):
    out, labels = copied
    lines = labels.read_text().splitlines()
    labels.write_text("\n".join([lines[0], *reversed(lines[1:])]))
    assert run("train", "--labels", labels, "--init", sources / "training.keras", "--epochs", 6, "--out", out) == 0


def test_results_of_another_initial_network_are_refused(copied, sources, capsys):
    out, labels = copied
    other = keras.saving.load_model(sources / "training.keras")
    other.get_layer("conv_1").set_weights([0.5 * weight for weight in other.get_layer("conv_1").get_weights()])
    other.save(labels.parent / "other.keras")
    assert run("train", "--labels", labels, "--init", labels.parent / "other.keras", "--epochs", 6, "--out", out) == 1
    message = capsys.readouterr().err
    result = RunResult.load(out / "results" / "fine-tuned" / "s0-seed0.json")
    assert f"s0-seed0.json: began with the weights {result.initial_weights[:12]}, expected " in message and "another folder" in message


def test_a_result_whose_labels_were_edited_is_refused(copied, sources, capsys):
    out, labels = copied
    path = out / "results" / "fine-tuned" / "s1-seed0.json"
    path.write_text(path.read_text().replace('"emotion": "calm"', '"emotion": "tense"', 1))
    assert run("train", "--labels", labels, "--init", sources / "training.keras", "--epochs", 6, "--out", out) == 1
    assert "s1-seed0.json: utterances: s1-0.wav is 'tense', expected 'calm' as the corpus has it" in capsys.readouterr().err


def test_results_of_other_labels_or_recordings_are_refused(copied, sources, capsys):
    out, labels = copied
    words = ("train", "--labels", labels, "--init", sources / "training.keras", "--epochs", 6, "--out", out)
    text = labels.read_text()
    labels.write_text(text.replace("s1-0.wav,s1,calm", "s1-0.wav,s1,tense"))
    assert run(*words) == 1
    assert "corpus.csv: has s1-0.wav,s1,,calm," in (error := capsys.readouterr().err) and "has s1-0.wav,s1,,tense," in error
    labels.write_text(text)
    samples, rate = soundfile.read(labels.parent / "s2-3.wav")
    soundfile.write(labels.parent / "s2-3.wav", samples[::-1], rate)
    assert run(*words) == 1
    assert "corpus.csv: has s2-3.wav,s2," in capsys.readouterr().err


def test_results_that_come_from_nobody_knows_where_are_refused(copied, sources, capsys):
    out, labels = copied
    for name in ("corpus.csv", "corpus.sha256"):
        (out / "results" / name).unlink()
    assert run("train", "--labels", labels, "--init", sources / "training.keras", "--epochs", 6, "--out", out) == 1
    assert "corpus.csv: is missing, expected the corpus of the results there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda out, labels: labels.write_text(labels.read_text().replace("s1-0.wav,s1,calm", "s1-0.wav,s1,tense")), "learned from other"),
        (lambda out, labels: ("--epochs", 9), "is the result of another configuration, expected this one's; move it away or give another"),
        (lambda out, labels: ("--init", "scratch"), "is the result of another configuration"),
        (lambda out, labels: (out / "model.keras").write_bytes(b"mine"), "was changed since it was trained, expected the sha256"),
        (lambda out, labels: (out / "training.json").unlink(), "nobody knows what it learned from"),
        (lambda out, labels: (out / "training.json").write_text("[]"), "nobody knows what it learned from"),
    ],
)
def test_a_finished_network_is_never_replaced(copied, sources, capsys, change, message):
    out, labels = copied
    shutil.rmtree(out / "results")
    more = change(out, labels)
    before = (out / "model.keras").read_bytes()
    words = ("train", "--labels", labels, "--init", sources / "training.keras", "--epochs", 6, "--out", out)
    for judge in ("--judge", "--no-judge"):
        assert run(*words, judge, *(more if isinstance(more, tuple) else ())) == 1
        error = capsys.readouterr().err
        assert f"{out / 'model.keras'}: {message}" in error and "give another folder" in error
        assert (out / "model.keras").read_bytes() == before and not (out / "results").exists()


def test_a_network_is_not_put_beside_results_of_another_corpus(copied, sources, capsys):
    out, labels = copied
    (out / "model.keras").unlink()
    labels.write_text(labels.read_text().replace("s1-0.wav,s1,calm", "s1-0.wav,s1,tense"))
    assert run("train", "--labels", labels, "--init", sources / "training.keras", "--epochs", 6, "--out", out, "--no-judge") == 1
    assert "corpus.csv: has s1-0.wav,s1,,calm," in capsys.readouterr().err


def test_what_does_not_belong_to_the_training_is_refused_before_the_first_fold_is_trained(copied, sources, capsys):
    out, labels = copied
    (out / "results" / "fine-tuned" / "s0-seed0.json").unlink()
    path = out / "results" / "fine-tuned" / "s3-seed0.json"
    path.write_text(path.read_text().replace('"learning_rate": 0.003', '"learning_rate": 0.004'))
    assert run("train", "--labels", labels, "--init", sources / "training.keras", "--epochs", 6, "--out", out) == 1
    assert "s3-seed0.json: is the result of another configuration" in capsys.readouterr().err


def test_of_two_trainings_into_one_folder_the_second_is_refused(copied, sources, capsys):
    out, labels = copied
    with from_csv.alone(out):
        assert run("train", "--labels", labels, "--init", sources / "training.keras", "--epochs", 6, "--out", out) == 75
    assert f"{out}: another training writes there; wait for its end or give another folder" in capsys.readouterr().err


def test_a_file_in_place_of_the_folder_is_refused(copied, sources, capsys):
    out, labels = copied
    assert run("train", "--labels", labels, "--init", sources / "training.keras", "--epochs", 6, "--out", out / "report.md") == 1
    assert "report.md is no folder), expected a name in a folder" in capsys.readouterr().err


def test_a_fold_is_judged_after_all_stages(staged):
    _, _, job, _, _ = staged
    entries = []
    result, model = training.run(job.corpus, job.run(job.folds[0], 0), system=job.trained_by, on_epoch=entries.append)
    assert [entry["epoch"] for entry in result.validation_curve] == [1, 2, 3, 4, 5, 6] and result.chosen_epoch == 6
    assert entries == result.validation_curve
    rows = {name: values for name, _, values in job.corpus.utterances([job.folds[0].test])}
    assert [utterance["id"] for utterance in result.utterances] == list(rows)
    judged = model.predict_on_batch(segment(np.stack(list(rows.values()))[0]))[0]  # recordings of one segment
    np.testing.assert_allclose(result.utterances[0]["posteriors"], judged, atol=1e-4)


def test_stages_unfreeze_from_the_head_down(staged):
    source, before, job, entries, model = staged
    head, most, everything = job.trained_by.stages()
    names = ("conv_1", "linear", "blstm", "embedding", "emotion")
    assert [[name for name in names if not stage.frozen(name)] for stage in (head, most, everything)] == [
        ["emotion"],
        list(names[1:]),
        list(names),
    ]
    assert [stage.training.epochs for stage in (head, most, everything)] == [2, 2, 2]
    rates = [stage.training.learning_rate for stage in (head, most, everything)]
    assert rates == sorted(rates, reverse=True) and rates[0] == from_csv.FINE_TUNING["learning_rate"]
    assert [entry["epoch"] for entry in entries] == [1, 2, 3, 4, 5, 6]
    for weight, kept in zip(source.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, kept)
    assert (
        np.array(model.get_layer("conv_1").get_weights()[0]) != before[2].reshape(model.get_layer("conv_1").get_weights()[0].shape)
    ).any()


def test_an_interrupted_fine_tuning_resumes_in_its_stage(staged, tmp_path):
    _, _, job, _, expected = staged
    checkpoint = tmp_path / "run.npz"

    def stop(entry):
        if entry["epoch"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train_on_all(job.corpus, job.preset, 0, system=job.trained_by, checkpoint=checkpoint, on_epoch=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.npz", "run.npz.stage1"]
    entries = []
    resumed = training.train_on_all(job.corpus, job.preset, 0, system=job.trained_by, checkpoint=checkpoint, on_epoch=entries.append)
    assert [entry["epoch"] for entry in entries] == [4, 5, 6]
    for weight, other in zip(resumed.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)


def test_a_network_of_speakers_stays_one(labels, sources):
    job = from_csv.plan(labels, Predictor(sources / "speaker.keras"), epochs=3)
    assert job.preset.model.normalisation == "speaker" and job.preset.training.augmentation.speaker_exchange == 0
    with one_stage():
        model = training.train_on_all(job.corpus, job.preset, 0, system=job.trained_by)
    assert model.get_layer("normalise").scope == "speaker"
    assert (np.asarray(model.get_layer("normalise").mean) == 0).all()


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


def test_one_speaker_is_trained_on_and_not_judged(tmp_path, sources, capsys):
    labels = write_corpus(tmp_path, speakers=1)
    with one_stage():
        assert run("train", "--labels", labels, "--init", sources / "training.keras", "--epochs", 3, "--out", tmp_path / "out") == 0
    assert "no report: 1 speaker(s), expected 2 or more" in capsys.readouterr().err
    assert (tmp_path / "out" / "model.keras").is_file() and not (tmp_path / "out" / "results").exists()


def test_all_unusable_recordings_are_named_together(tmp_path):
    labels = write_corpus(tmp_path, speakers=3)
    (tmp_path / "s0-0.wav").write_bytes(b"")
    soundfile.write(tmp_path / "s1-1.wav", np.zeros(16_000), 16_000)
    with pytest.raises(CorpusError, match=r"2 of 18 recordings cannot be used: .*s0-0\.wav.*s1-1\.wav.*silent"):
        from_csv.plan(labels, None)
    with pytest.raises(ValueError, match="expected two or more"):
        from_csv.plan(write_corpus(tmp_path, emotions=("calm",)), None)


def test_a_leak_that_only_a_later_fold_meets_is_named_before_any_training(tmp_path, sources, capsys):
    labels = write_corpus(tmp_path, speakers=3)
    samples, rate = soundfile.read(tmp_path / "s1-0.wav")
    soundfile.write(tmp_path / "copy.flac", -0.5 * samples[800:], rate)
    with labels.open("a") as stream:
        stream.write("copy.flac,s2,calm\n")
    assert run("train", "--labels", labels, "--init", sources / "training.keras", "--out", tmp_path / "out") == 1
    error = capsys.readouterr().err
    assert re.search(r"s1-0\.wav \(speaker 's1', 'calm'\) and .*copy\.flac \(speaker 's2', 'calm'\) are the same audio", error)
    assert not (tmp_path / "out").exists()


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


def test_a_file_names_the_options_and_scalars_and_seed_are_kept(labels, sources, tmp_path, capsys):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    out, config = tmp_path / "out", tmp_path / "train.toml"
    paths = f"labels = '{labels}'\ninit = '{sources / 'training.keras'}'\nout = '{out}'\n"
    config.write_text(f"{paths}epochs = 3\njudge = false\nlearning-rate = 0.01\nseed = 3\n")
    with one_stage():
        assert run("train", "--config", config, "--seed", 7, "--batch-size", 5, "--tensorboard") == 0
    facts = json.loads((out / "training.json").read_text())
    assert facts["seed"] == 7 and not (out / "results").exists()
    training = facts["configuration"]["training"]
    assert (training["epochs"], training["learning_rate"], training["batch_size"]) == (3, 0.01, 5)
    (events,) = (out / "tensorboard" / "fine-tuned-all").iterdir()
    assert [event.step for event in EventFileLoader(str(events)).Load() if event.summary.value] == [1, 2, 3]
    capsys.readouterr()
    assert run("train", "--config", config, "--batch-size", 5) == 1
    assert "model.keras: was trained with the seed 7, expected 3; move it away" in capsys.readouterr().err


def test_scalars_are_numbered_over_the_stages(staged, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    _, _, job, _, _ = staged
    training.train_on_all(job.corpus, job.preset, 0, system=job.trained_by, log_directory=tmp_path)
    (events,) = tmp_path.iterdir()
    found = [event for event in EventFileLoader(str(events)).Load() if event.summary.value]
    assert [event.step for event in found] == [1, 2, 3, 4, 5, 6]
    assert {value.tag for event in found for value in event.summary.value} == {"loss"}


def test_the_seeds_of_the_folds_are_a_list_or_how_many(labels, sources, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(from_csv, "evaluate_folds", lambda job, out, seeds, **_: asked.append((job.seed, list(seeds))) or [])
    monkeypatch.setattr(from_csv, "write_report", lambda job, out: None)
    monkeypatch.setattr(from_csv, "train", lambda job, out, **_: out)
    words = ("train", "--labels", labels, "--init", sources / "training.keras", "--out", tmp_path / "out")
    for more in ((), ("--seeds", 3), ("--seeds", "2-4,7"), ("--seed", 5), ("--seed", 5, "--seeds", "0-1")):
        assert run(*words, *more) == 0
    assert asked == [(0, [0]), (0, [0, 1, 2]), (2, [2, 3, 4, 7]), (5, [5]), (5, [0, 1])]
    for seeds in ("0", "x", "3-1", "0-5000", "4294967296-4294967297"):
        assert run(*words, "--seeds", seeds) == 2


def test_scalars_without_tensorboard_are_refused_before_the_training(labels, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scalars, "find_spec", lambda name: None)
    assert run("train", "--labels", labels, "--init", "scratch", "--out", tmp_path / "out", "--tensorboard") == 1
    assert "pip install 'ser_acrnn[tensorboard]'" in capsys.readouterr().err and not (tmp_path / "out").exists()
