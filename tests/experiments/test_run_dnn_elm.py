"""The baseline and the leaky split, as their command is typed: `experiments.grid.run_one`."""

import json

import numpy as np
import pytest

from experiments.grid import run_one
from ser_acrnn.config import DnnElmPreset
from ser_acrnn.data.prepared import open_corpus
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.training import run as training

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]


def run(corpus, folder, *more, system="dnn-elm", fold=0):
    words = ["--prepared", corpus, "--results", folder / "results", "--work", folder / "work", "--system", system, "--fold", fold]
    return run_one.main([str(word) for word in [*words, "--seed", 0, *more]])


@pytest.fixture(scope="module")
def finished_run(small_corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    assert run(small_corpus, folder, "--epochs", 4) == 0
    return folder, folder / "results" / "synthetic" / "dnn-elm" / "03-seed0.json"


def test_the_baseline_runs_from_its_frames_to_its_result(finished_run, small_corpus):
    folder, path = finished_run
    result = RunResult.load(path)
    assert (result.corpus, result.system, result.protocol) == ("synthetic", "dnn-elm", "leave-one-speaker-out")
    assert result.fold == {"train": ["09"], "validation": "08", "test": "03"}
    assert result.recipe_hash == open_corpus(small_corpus.with_name("synthetic.mfcc-pitch")).features.recipe_hash
    assert DnnElmPreset.from_dict(result.config).training.epochs == 4
    scores = np.array([utterance["posteriors"] for utterance in result.utterances])
    assert scores.shape == (6, 7)
    absent = [index for index, emotion in enumerate(result.emotions) if emotion not in ("angry", "sad", "happy")]
    np.testing.assert_array_equal(scores[:, absent], -1)
    assert result.decisions == result.truth, "tones an octave apart are not told apart"
    assert not list((folder / "work").rglob("*.npz"))


def test_a_finished_run_is_skipped_and_another_configuration_an_error(finished_run, small_corpus, capsys):
    folder, path = finished_run
    before = path.stat().st_mtime_ns
    assert run(small_corpus, folder, "--epochs", 4) == 0
    assert "already there" in capsys.readouterr().out
    assert run(small_corpus, folder, "--epochs", 3) == 1
    assert "another configuration" in capsys.readouterr().err
    assert path.stat().st_mtime_ns == before


def test_the_corpus_may_be_named_by_its_frames_or_packed(finished_run, small_corpus, small_packed, tmp_path):
    expected = RunResult.load(finished_run[1])
    for number, prepared in enumerate((small_corpus.with_name("synthetic.mfcc-pitch"), small_packed)):
        assert run(prepared, tmp_path / str(number), "--epochs", 4) == 0
        result = RunResult.load(tmp_path / str(number) / "results" / "synthetic" / "dnn-elm" / "03-seed0.json")
        assert result.utterances == expected.utterances
        assert result.validation_curve == expected.validation_curve


def test_whole_utterances_are_another_system(small_corpus, tmp_path):
    assert run(small_corpus, tmp_path, "--epochs", 1, system="dnn-elm-whole", fold=2) == 0
    result = RunResult.load(tmp_path / "results" / "synthetic" / "dnn-elm-whole" / "09-seed0.json")
    assert result.config["model"]["loudest_share"] == 1 and result.config["model"]["segment_hop_frames"] == 5


def test_what_is_more_than_its_network_is_not_saved_as_one(small_corpus, tmp_path, capsys):
    assert run(small_corpus, tmp_path, "--save-model", tmp_path / "model.keras") == 1
    error = capsys.readouterr().err
    assert error == f"--save-model is {tmp_path / 'model.keras'}, expected none: dnn-elm is more than its network\n"
    assert not list(tmp_path.iterdir())


def test_a_missing_recipe_is_named_by_its_folder(small_corpus, tmp_path, capsys):
    (tmp_path / "synthetic").symlink_to(small_corpus.resolve())
    assert run(tmp_path / "synthetic", tmp_path) == 1
    error = capsys.readouterr().err
    assert str(tmp_path / "synthetic.mfcc-pitch") in error and "expected a prepared corpus" in error and error.count("\n") == 1


def test_a_leaky_run_has_a_folder_of_its_own_and_resumes_there(small_corpus, tmp_path, monkeypatch, caplog):
    more = ("--epochs", 3, "--protocol", "leaky-random")
    save = training.TrainingState.save

    def stop_after_two(state, path, identity):
        save(state, path, identity)
        if len(state.curve) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training.TrainingState, "save", stop_after_two)
        with pytest.raises(KeyboardInterrupt):
            run(small_corpus, tmp_path, *more)
    checkpoint = tmp_path / "work" / "synthetic.leaky-random" / "dnn-elm" / "part0-seed0.npz"
    assert checkpoint.is_file() and not list((tmp_path / "results").rglob("*.json"))
    with caplog.at_level("INFO"):
        assert run(small_corpus, tmp_path, *more) == 0
    assert "resuming after epoch 2" in caplog.text
    assert not checkpoint.exists()

    path = tmp_path / "results" / "synthetic.leaky-random" / "dnn-elm" / "part0-seed0.json"
    result = RunResult.load(path)
    assert result.protocol == json.loads(path.read_text())["protocol"] == "leaky-random"
    assert result.fold["test"] == "part0" and len(result.fold["train"]) == 8 and len(result.validation_curve) == 3
    assert run(small_corpus, tmp_path / "undisturbed", *more) == 0
    undisturbed = RunResult.load(tmp_path / "undisturbed" / path.relative_to(tmp_path))
    assert result.utterances == undisturbed.utterances and result.validation_curve == undisturbed.validation_curve


def test_a_split_that_the_corpus_lacks_ends_in_one_line(small_corpus, tmp_path, capsys):
    assert run(small_corpus, tmp_path, "--protocol", "leave-one-session-out") == 1
    error = capsys.readouterr().err
    assert "have no session, expected one for leave-one-session-out" in error and error.count("\n") == 1


def test_an_unknown_protocol_ends_in_a_line_that_names_the_known_ones(small_corpus, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        run(small_corpus, tmp_path, "--protocol", "random")
    assert stop.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert "--protocol" in last and "'random'" in last and "leave-one-session-out" in last and "leaky-random" in last
