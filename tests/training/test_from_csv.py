"""Training on a CSV of one's own: every speaker judged, results taken or refused, a report, and a network that predicts."""

import json
import re
import shutil

import keras
import numpy as np
import pytest
import soundfile
from own_recordings import one_stage, run, write_corpus

from ser_acrnn.config import AS_SPOKEN, FIVE_TEMPOS
from ser_acrnn.evaluation import calibration
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.inference.predictions import Prediction
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.training import from_csv, own_folder, scalars
from ser_acrnn.training import run as training
from ser_acrnn.training.job import Job

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]


@pytest.fixture(scope="module")
def trained(labels, sources, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    with one_stage():
        assert run("train", "--labels", labels, "--init", sources / "training.keras", "--epochs", 6, "--out", out) == 0
    return out


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


def test_the_network_is_as_sure_as_those_of_the_folds_should_have_been(trained, labels, sources, tmp_path, monkeypatch):
    results = [RunResult.load(path) for path in (trained / "results" / "fine-tuned").iterdir()]
    said = calibration.scored_utterances([one for result in results for one in result.utterances], ("calm", "tense"))
    kept = json.loads((trained / "training.json").read_text())["temperature"]
    assert kept == pytest.approx(max(1, calibration.fitted_temperature(said)))
    heads = []
    for temperature in (None, 2.5):
        if temperature:
            monkeypatch.setattr(Job, "temperature", lambda job, out: 2.5)
        out = tmp_path / str(temperature)
        with one_stage():
            assert run("train", "--labels", labels, "--init", sources / "training.keras", "--epochs", 1, "--out", out, "--no-judge") == 0
        heads.append(keras.saving.load_model(out / "model.keras").get_layer("emotion").get_weights())
        assert json.loads((out / "training.json").read_text())["temperature"] == (temperature or 1)
    for plain, cooled in zip(*heads, strict=True):
        np.testing.assert_allclose(plain, 2.5 * cooled, rtol=1e-5)


def test_a_network_is_never_made_surer_than_its_training_left_it(trained, labels, sources, monkeypatch):
    job = from_csv.plan(labels, Predictor(sources / "training.keras"), epochs=6)
    monkeypatch.setattr(calibration, "fitted_temperature", lambda known: len(known.truth) / 100)
    assert job.temperature(trained) == 1
    monkeypatch.setattr(calibration, "fitted_temperature", lambda known: len(known.truth) / 10)
    assert job.temperature(trained) == 2.4


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
    with own_folder.alone(out):
        assert run("train", "--labels", labels, "--init", sources / "training.keras", "--epochs", 6, "--out", out) == 75
    assert f"{out}: another training writes there; wait for its end or give another folder" in capsys.readouterr().err


def test_a_file_in_place_of_the_folder_is_refused(copied, sources, capsys):
    out, labels = copied
    assert run("train", "--labels", labels, "--init", sources / "training.keras", "--epochs", 6, "--out", out / "report.md") == 1
    assert "report.md is no folder), expected a name in a folder" in capsys.readouterr().err


def test_one_speaker_is_trained_on_and_not_judged(tmp_path, sources, capsys):
    labels = write_corpus(tmp_path, speakers=1)
    with one_stage():
        assert run("train", "--labels", labels, "--init", sources / "training.keras", "--epochs", 3, "--out", tmp_path / "out") == 0
    assert "no report: 1 speaker(s), expected 2 or more" in capsys.readouterr().err
    assert (tmp_path / "out" / "model.keras").is_file() and not (tmp_path / "out" / "results").exists()


def test_a_leak_that_only_a_later_fold_meets_is_named_before_any_training(tmp_path, sources, capsys):
    labels = write_corpus(tmp_path, speakers=3)
    samples, rate = soundfile.read(tmp_path / "s1-0.wav")
    soundfile.write(tmp_path / "copy.flac", -0.5 * samples[800:], rate)
    with labels.open("a") as stream:
        stream.write("copy.flac,s2,calm\n")
    assert run("train", "--labels", labels, "--init", sources / "training.keras", "--out", tmp_path / "out") == 1
    error = capsys.readouterr().err
    assert re.search(r"s1-0\.wav \(speaker 's1', 'calm'\) and .*copy\.flac \(speaker 's2', 'calm'\) are the same audio", error)
    assert "where they do differ, sound_alike (--sound-alike) takes them" in error and not (tmp_path / "out").exists()
    with one_stage():
        words = ("train", "--labels", labels, "--init", sources / "training.keras", "--out", tmp_path / "out", "--no-judge", "--epochs", 1)
        assert run(*words, "--sound-alike") == 0


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


@pytest.mark.parametrize("name", ["runs.csv", "summary.csv", "report.md", "folds.png"])
def test_what_stands_where_the_report_will_be_is_not_replaced(tmp_path, sources, capsys, name):
    labels, mine = write_corpus(tmp_path), tmp_path / name
    mine.write_text("mine")
    assert run("train", "--labels", labels, "--init", sources / "training.keras", "--epochs", 3, "--out", tmp_path) == 1
    assert f"{mine}: stands where the report will be, and nobody knows what it is; move it away" in capsys.readouterr().err
    assert mine.read_text() == "mine" and not (tmp_path / "results").exists()


@pytest.mark.parametrize("name", ["runs.csv", "summary.csv"])
def test_labels_are_not_written_over_by_the_report(tmp_path, sources, capsys, name):
    mine = write_corpus(tmp_path).rename(tmp_path / name)
    before = mine.read_bytes()
    assert run("train", "--labels", mine, "--init", sources / "training.keras", "--epochs", 3, "--out", tmp_path) == 1
    assert str(mine) in capsys.readouterr().err and mine.read_bytes() == before


def test_what_was_interrupted_goes_on_by_another_path_and_under_no_other_settings(tmp_path, sources, capsys, caplog, monkeypatch):
    labels = write_corpus(tmp_path)
    words = ["train", "--init", sources / "training.keras", "--out", tmp_path / "out", "--no-judge"]
    with one_stage():
        with monkeypatch.context() as patch:
            patch.setattr(keras.Model, "save", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            assert run(*words, "--labels", labels, "--epochs", 2) == 130
        checkpoint = next((tmp_path / "out" / "work").glob("*.npz"))
        before = checkpoint.read_bytes()
        for more, why in (("3", "is the result of another configuration"), (("2", "--seed", 1), "was trained with the seed 0, expected 1")):
            assert run(*words, "--labels", labels, "--epochs", *more) == 1
            assert f"what was interrupted there {why}" in capsys.readouterr().err
        assert checkpoint.read_bytes() == before
        monkeypatch.chdir(tmp_path.parent)
        assert run(*words, "--labels", labels.relative_to(tmp_path.parent), "--epochs", 2) == 0
    assert "starts anew" not in caplog.text
    assert [path.name for path in (tmp_path / "out" / "work").iterdir()] == ["lock"]


def test_results_of_another_beginning_are_not_put_beside(copied, sources, capsys):
    out, labels = copied
    for name in ("model.keras", "training.json"):
        (out / name).unlink()
    assert run("train", "--labels", labels, "--init", "scratch", "--epochs", 6, "--out", out) == 1
    assert "holds results of 'fine-tuned', expected 'scratch' alone; give another folder" in capsys.readouterr().err
