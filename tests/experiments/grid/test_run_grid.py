"""The grid over several systems: which runs it plans, what it calls its children with, and a bar that goes by their cost."""

import shutil

import pytest

from experiments import catalogue
from experiments.grid import run_grid, run_one
from experiments.jobs import executors
from ser_acrnn.evaluation.results import RunResult


def grid(corpus, folder, *more):
    words = ["--prepared", corpus, "--results", folder / "results", "--work", folder / "work"]
    return run_grid.main([str(word) for word in [*words, *more]])


@pytest.fixture
def children(monkeypatch):
    """Runs each child in this process, unless `children.run` is False; keeps the runs that were asked for."""

    class Children(list):
        run = True

        def __call__(self, run, jobs):
            self.append(run)
            assert run.command[1:3] == ["-m", "experiments.grid.run_one"]
            return "" if not self.run or run_one.main(run.command[3:]) == 0 else "failed"

    kept = Children()
    monkeypatch.setattr(executors, "run_child", kept)
    return kept


@pytest.fixture
def bars(monkeypatch):
    """The bars that are shown, with where they began."""
    kept = []

    class Bar(executors.tqdm):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            kept.append((self, named["initial"]))

    monkeypatch.setattr(executors, "tqdm", Bar)
    return kept


@pytest.fixture
def emodb(small_corpus, tmp_path):
    """The small corpus under the paper's name, which the tables ask for."""
    for suffix in ("", ".mfcc-pitch"):
        folder = tmp_path / "data" / f"emodb{suffix}"
        shutil.copytree(small_corpus.with_name(f"synthetic{suffix}"), folder)
        text = (folder / "recipe.json").read_text()
        (folder / "recipe.json").write_text(text.replace('"corpus": "synthetic"', '"corpus": "emodb"'))
    return tmp_path / "data" / "emodb"


def named(children):
    """System, test speaker and seed of each, as its result file says."""
    ends = [(run.output.parent.name, *run.output.stem.split("-seed")) for run in children]
    return [(system, speaker, int(seed)) for system, speaker, seed in ends]


def test_two_systems_are_run_and_the_bar_goes_by_their_cost(small_corpus, tmp_path, children, bars):
    first = ["--system", "dnn-elm", "--folds", 1, "--seeds", 0, "--epochs", 1]
    assert grid(small_corpus, tmp_path, *first) == 0
    assert named(children) == [("dnn-elm", "08", 0)]
    assert grid(small_corpus, tmp_path, "--system", "dnn-elm,tiny", *first[2:]) == 0
    assert named(children) == [("dnn-elm", "08", 0), ("tiny", "08", 0)]  # what is done is not done again
    for system in ("dnn-elm", "tiny"):
        result = RunResult.load(tmp_path / "results" / "synthetic" / system / "08-seed0.json")
        assert (result.system, result.config["training"]["epochs"]) == (system, 1)
    costs = {name: catalogue.cost(catalogue.SYSTEMS[name].preset) for name in ("dnn-elm", "tiny")}
    bar, initial = bars[1]
    assert bar.total == bar.n == pytest.approx(sum(costs.values()))
    assert initial == pytest.approx(costs["dnn-elm"])
    assert bar.desc.startswith("embedded synthetic corpus, dnn-elm, tiny")
    assert grid(small_corpus, tmp_path, "--system", "dnn-elm,tiny", *first[2:]) == 0
    assert len(children) == 2


def test_leaky_results_go_to_a_folder_of_their_own_and_the_grid_goes_on_there(small_corpus, tmp_path, children):
    leaky = ["--system", "dnn-elm", "--seeds", 0, "--epochs", 1, "--protocol", "leaky-random"]
    assert grid(small_corpus, tmp_path, *leaky, "--folds", "0,3") == 0
    folder = tmp_path / "results" / "synthetic.leaky-random" / "dnn-elm"
    assert sorted(path.name for path in folder.iterdir()) == ["part0-seed0.json", "part3-seed0.json"]
    assert grid(small_corpus, tmp_path, *leaky, "--folds", "3-4") == 0
    assert named(children) == [("dnn-elm", part, 0) for part in ("part0", "part3", "part4")]
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["synthetic.leaky-random"]
    assert {RunResult.load(path).protocol for path in folder.iterdir()} == {"leaky-random"}


@pytest.mark.parametrize("table", ["table1", "table2"])
def test_a_table_is_all_its_systems_seed_by_seed(emodb, tmp_path, children, table):
    children.run = False
    assert grid(emodb, tmp_path, "--table", table, "--seeds", "0-1", "--folds", "0,2") == 0
    systems = catalogue.table_systems(table, catalogue.corpus("emodb"))
    assert named(children) == [(system, speaker, seed) for seed in (0, 1) for system in systems for speaker in ("03", "09")]
    assert {run.output.parent.parent for run in children} == {tmp_path / "results" / "emodb"}
    assert {run.output.parent.name: run.cost for run in children} == {
        name: catalogue.cost(catalogue.SYSTEMS[name].preset) for name in systems
    }


def test_systems_that_judge_together_are_trained_each_once(small_corpus, tmp_path, children):
    children.run = False
    assert grid(small_corpus, tmp_path, "--system", "lite-together,lite-augmented,tiny", "--seeds", 0, "--folds", 0) == 0
    assert named(children) == [(system, "03", 0) for system in ("lite-augmented", "lite-by-utterance", "tiny")]


def test_folds_are_those_of_the_protocol_and_seeds_those_of_the_letter(small_corpus, tmp_path, children):
    children.run = False
    assert grid(small_corpus, tmp_path, "--system", "tiny") == 0
    assert named(children) == [("tiny", speaker, seed) for seed in range(5) for speaker in ("03", "08", "09")]
    children.clear()
    assert grid(small_corpus, tmp_path, "--system", "tiny", "--seeds", 2, "--protocol", "leaky-random") == 0
    assert named(children) == [("tiny", f"part{number}", 2) for number in range(10)]


def test_a_child_is_told_what_the_grid_was_told(small_corpus, tmp_path, children, monkeypatch):
    words = []
    monkeypatch.setattr(run_one, "main", lambda arguments: words.append(arguments) or 0)
    more = ["--protocol", "leaky-random", "--precision", "bfloat16", "--epochs", "2", "--devices", "cpu"]
    assert grid(small_corpus, tmp_path, "--system", "dnn-elm", "--seeds", 4, "--folds", 7, *more) == 0
    paths = ["--prepared", str(small_corpus), "--results", str(tmp_path / "results"), "--work", str(tmp_path / "work")]
    (told,) = words
    pairs = dict(zip(told[::2], told[1::2], strict=True))
    expected = ["--system", "dnn-elm", "--fold", "7", "--seed", "4", *paths, *more]
    assert pairs == dict(zip(expected[::2], expected[1::2], strict=True))


@pytest.mark.parametrize(
    "more, words",
    [
        (["--table", "table1"], "the paper has no 'table1' of 'synthetic', expected table1 or table2 of one of ['emodb', 'iemocap']"),
        (["--system", "tiny,none"], "no system is called 'none'"),
        (["--system", "tiny", "--protocol", "leave-one-group-out"], "have no group, expected one for leave-one-group-out"),
        (["--system", "tiny", "--protocol", "leaky-random", "--folds", "10"], "--folds is 10, expected numbers from 0 to 9"),
        (["--system", "tinny"], "expected one of the"),
        (["--system", "tiny", "--folds", "3-1"], "--folds: '3-1' is not a list of numbers and ranges, expected something like 0,2,5-7"),
        (["--system", "tiny", "--seeds", "3-1"], "--seeds: '3-1' is not a list of numbers and ranges"),
        (["--system", "tiny", "--folds", ""], "'' is not a list of numbers and ranges"),
        (["--system", ""], "no system is called ''"),
    ],
)
def test_what_cannot_be_meant_ends_in_one_line_before_anything_is_run(small_corpus, tmp_path, capsys, children, more, words):
    assert grid(small_corpus, tmp_path, *more) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1 and len(error) < 600
    assert not children


def test_a_recipe_that_is_missing_for_one_system_stops_the_grid_before_it_begins(small_corpus, tmp_path, capsys, children):
    (tmp_path / "synthetic").symlink_to(small_corpus.resolve())
    assert grid(tmp_path / "synthetic", tmp_path, "--system", "tiny,dnn-elm") == 2
    assert str(tmp_path / "synthetic.mfcc-pitch") in capsys.readouterr().err
    assert not children


def test_a_corpus_that_is_not_that_of_the_results_stops_the_grid_before_it_begins(emodb, tmp_path, capsys, children):
    children.run = False
    first = ["--system", "tiny", "--seeds", 0]
    assert grid(emodb, tmp_path, *first, "--folds", 0) == 0
    assert (tmp_path / "results" / "emodb" / "corpus.csv").read_text().count("\n") == 1 + 18
    text = (emodb / "manifest.csv").read_text()
    (emodb / "manifest.csv").write_text(text.replace("08a02Ta,08,,sad", "08a02Ta,08,,happy"))
    assert grid(emodb, tmp_path, *first, "--folds", 1) == 2
    error = capsys.readouterr().err
    assert "emodb/corpus.csv: has 08a02Ta,08,,sad," in error and "prepared corpus has 08a02Ta,08,,happy," in error and len(children) == 1
    arguments = [f"--prepared={emodb}", *(f"--{name}={tmp_path / name}" for name in ("results", "work")), "--system=tiny"]
    assert run_one.main([*arguments, "--fold=1", "--seed=0", "--epochs=1"]) == 1
    assert "emodb/corpus.csv: has 08a02Ta" in capsys.readouterr().err and not list((tmp_path / "results").rglob("*.json"))


@pytest.mark.parametrize("option, value, known", [("--protocol", "random", "leaky-random"), ("--table", "table3", "table2")])
def test_an_unknown_protocol_or_table_ends_in_a_line_that_names_the_known_ones(small_corpus, tmp_path, capsys, option, value, known):
    with pytest.raises(SystemExit) as stop:
        grid(small_corpus, tmp_path, option, value)
    assert stop.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert option in last and repr(value) in last and known in last


def test_a_table_and_systems_are_not_asked_for_together(small_corpus, tmp_path, capsys):
    with pytest.raises(SystemExit):
        grid(small_corpus, tmp_path, "--table", "table1", "--system", "tiny")
    assert "--table table1 is not allowed with --system tiny" in capsys.readouterr().err
