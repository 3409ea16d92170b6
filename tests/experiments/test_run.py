"""One run and the grid, as their commands are typed."""

import pytest

from experiments.grid import run_grid, run_one
from experiments.jobs import executors
from ser_acrnn.evaluation.results import RunResult

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]


def arguments(corpus, folder, *more, epochs=2):
    paths = ["--prepared", corpus, "--results", folder / "results", "--work", folder / "work"]
    return [str(word) for word in [*paths, "--system", "tiny", "--epochs", epochs, *more]]


@pytest.fixture(scope="module")
def finished_run(small_corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    model = folder / "model.keras"
    assert run_one.main(arguments(small_corpus, folder, "--fold", 0, "--seed", 3, "--save-model", model)) == 0
    return folder, folder / "results" / "synthetic" / "tiny" / "03-seed3.json", model


def test_a_run_leaves_its_result_and_no_checkpoint(finished_run):
    folder, path, model = finished_run
    result = RunResult.load(path)
    assert result.fold == {"train": ["09"], "validation": "08", "test": "03"}
    assert [utterance["id"] for utterance in result.utterances] == sorted(utterance["id"] for utterance in result.utterances)
    assert all(utterance["id"].startswith("03") for utterance in result.utterances) and len(result.utterances) == 6
    assert len(result.validation_curve) == 2 and result.seed == 3 and result.precision == "float32"
    assert model.stat().st_size > 0
    assert not list((folder / "work").rglob("*.npz"))
    assert list((folder / "work").rglob("*tfevents*"))


def test_a_finished_run_is_skipped(finished_run, small_corpus, capsys):
    folder, path, _ = finished_run
    before = path.stat().st_mtime_ns
    assert run_one.main(arguments(small_corpus, folder, "--fold", 0, "--seed", 3)) == 0
    assert "already there" in capsys.readouterr().out
    assert path.stat().st_mtime_ns == before


def test_another_precision_is_the_same_run_and_another_configuration_an_error(finished_run, small_corpus, capsys):
    folder, path, _ = finished_run
    assert run_one.main(arguments(small_corpus, folder, "--fold", 0, "--seed", 3, "--precision", "bfloat16")) == 0
    assert run_one.main(arguments(small_corpus, folder, "--fold", 0, "--seed", 3, epochs=1)) == 1
    assert "another configuration" in capsys.readouterr().err
    assert RunResult.load(path).config["training"]["epochs"] == 2


@pytest.mark.parametrize(
    "more, words",
    [(["--fold", 3, "--seed", 0], "expected 0 to 2"), (["--fold", 0, "--seed", 0, "--system", "none"], "no system is called 'none'")],
)
def test_wrong_names_end_in_one_line(small_corpus, tmp_path, capsys, more, words):
    assert run_one.main(arguments(small_corpus, tmp_path, *more)) == 1
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


def test_a_corpus_that_is_not_prepared_is_named(tmp_path, capsys):
    assert run_one.main(arguments(tmp_path / "synthetic", tmp_path, "--fold", 0, "--seed", 0)) == 1
    assert f"{tmp_path / 'synthetic'}: lacks ['manifest.csv', 'recipe.json'], expected a prepared corpus" in capsys.readouterr().err
    assert run_one.main(arguments(tmp_path / "nowhere", tmp_path, "--fold", 0, "--seed", 0)) == 1
    assert "no loader 'nowhere'" in capsys.readouterr().err


def test_the_grid_survives_a_failing_run_names_it_and_goes_on_from_there(small_corpus, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(executors, "run_child", lambda job, at_once: "" if run_one.main(job.command[3:]) == 0 else "what a child says")
    # A folder in the checkpoint's place makes the first run fail after its first epoch. The baseline is compiled in no time.
    obstacle = tmp_path / "work" / "synthetic" / "dnn-elm" / "03-seed0.npz"
    obstacle.mkdir(parents=True)
    words = arguments(small_corpus, tmp_path, "--folds", "0-1", "--seeds", "0", "--system", "dnn-elm", epochs=1)
    assert run_grid.main(words) == 1
    error = capsys.readouterr().err
    results = tmp_path / "results" / "synthetic" / "dnn-elm"
    assert "failed: " in error and "03-seed0.json" in error and "what a child says" in error
    assert [path.name for path in sorted(results.glob("*.json"))] == ["08-seed0.json"]

    obstacle.rmdir()
    untouched = (results / "08-seed0.json").stat().st_mtime_ns
    assert run_grid.main(words) == 0, capsys.readouterr().err
    assert [path.name for path in sorted(results.glob("*.json"))] == ["03-seed0.json", "08-seed0.json"]
    assert (results / "08-seed0.json").stat().st_mtime_ns == untouched


@pytest.mark.parametrize("more, words", [(["--folds", "5"], "expected numbers from 0 to 2"), (["--seeds", "x"], "not a list of numbers")])
def test_the_grid_refuses_wrong_lists(small_corpus, tmp_path, capsys, more, words):
    assert run_grid.main(arguments(small_corpus, tmp_path, *more)) == 2
    assert words in capsys.readouterr().err
