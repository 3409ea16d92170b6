"""Reports from results whose figures are known."""

import csv
from dataclasses import replace

import pytest
from sample_results import RESULTS, sample_result

from ser_acrnn.evaluation import report
from ser_acrnn.evaluation.protocol import PROTOCOLS
from ser_acrnn.evaluation.summary import Published, Summary, scores

PAPER = {"tiny": Published(80.0, 5.0, "Table I")}


def test_markdown_table_pads_its_columns():
    assert report.markdown_table(["a", "bb"], [["ccc", "d"]]) == "| a   | bb |\n| --- | -- |\n| ccc | d  |"


def test_markdown_table_has_as_many_columns_whatever_stands_in_its_cells():
    assert report.markdown_table(["a|b", "c"], [["1", "x\ny|z"]]) == "| a\\|b | c      |\n| ---- | ------ |\n| 1    | x y\\|z |"


def test_the_report_has_tables_figures_and_csv(tmp_path):
    path = report.write(
        Summary.of(RESULTS, PAPER), tmp_path, "A corpus", names={"tiny": "small"}, caveat="Only a test.", expected_runs={"tiny": 50}
    )
    text = path.read_text()
    assert "Only a test." in text
    assert "| small  | 2 x 2                                | 75.00 ± 20.41" in text
    assert "80.00 ± 5.00" in text and "-5.00" in text
    assert "| 03     | 100.00 | 50.00  | 75.00 | 3, 3          |" in text
    assert "fewer than 50 runs: small (4)" in text
    for name in ("folds.png", "tiny-confusion.png", "tiny-curves.png"):
        assert f"({name})" in text
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    with (tmp_path / "runs.csv").open() as stream:
        runs = list(csv.DictReader(stream))
    assert [(run["speaker"], run["seed"], float(run["uar"])) for run in runs] == [
        ("03", "0", 1.0),
        ("03", "1", 0.5),
        ("08", "0", 0.75),
        ("08", "1", 0.75),
    ]
    with (tmp_path / "summary.csv").open() as stream:
        assert float(next(csv.DictReader(stream))["uar"]) == 75


def test_a_corpus_without_published_numbers_has_no_columns_for_them_and_chance_is_said(tmp_path):
    text = report.write(Summary.of(RESULTS), tmp_path, "A corpus").read_text()
    assert "paper's UAR" not in text and "| difference" not in text and "| macro F1 |" in text
    emotions = {emotion for result in RESULTS for emotion in result.truth}
    assert f"Chance: a UAR of {100 / len(emotions):.2f}, 100 by the {len(emotions)} emotions." in text


def test_training_is_summed_up_without_what_only_judges_together():
    unrecorded = [{**entry, "loss": None} for entry in RESULTS[0].validation_curve]
    early = replace(RESULTS[0], chosen_epoch=1)
    others = [replace(RESULTS[0], system=name, validation_curve=curve) for name, curve in (("old", unrecorded), ("together", []))]
    lines = report.training_table(Summary.of([early, *RESULTS[1:], *others]), {"tiny": "small"}).splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]
    assert rows == [["small", "4", "3 (1 to 3)", "3.0", "0.500", "0.333", "0.6"], ["old", "1", "3 (3 to 3)", "3.0", "", "", "0.6"]]


def test_systems_that_only_judge_together_have_no_curves(tmp_path):
    text = report.write(Summary.of([replace(result, validation_curve=[]) for result in RESULTS]), tmp_path, "A corpus").read_text()
    assert "tiny-confusion.png" in text and "tiny-curves.png" not in text and not (tmp_path / "tiny-curves.png").exists()


def test_the_same_results_give_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        report.write(Summary.of(RESULTS), tmp_path / name, "A corpus")
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


@pytest.mark.usefixtures("unsaved_figures")
def test_only_systems_with_fewer_runs_than_they_need_are_incomplete(tmp_path):
    machine = [replace(result, system="machine") for result in RESULTS if result.seed == 0]
    whole, expected = [*RESULTS, *machine], {"tiny": 4, "machine": 2}
    assert "Not yet complete" not in report.write(Summary.of(whole), tmp_path, "A corpus", expected_runs=expected).read_text()
    assert "Not yet complete" not in report.write(Summary.of(whole[1:-1]), tmp_path, "A corpus").read_text()
    text = report.write(Summary.of(whole[1:-1]), tmp_path, "A corpus", names={"machine": "a machine"}, expected_runs=expected).read_text()
    assert "Not yet complete, with fewer than 4 runs: tiny (3); with fewer than 2 runs: a machine (1)." in text


@pytest.mark.usefixtures("unsaved_figures")
def test_what_knows_no_epochs_is_said_of_its_systems_alone(tmp_path):
    unvalidated = [replace(result, fold={**result.fold, "validation": None}) for result in RESULTS]
    last = [replace(result, system="last") for result in unvalidated]
    machine = [replace(result, system="machine", chosen={"complexity": 0.1}, validation_curve=[]) for result in unvalidated]
    complexity = "all others train, and choose the complexity by leaving out one of them after the other."
    text = report.write(Summary.of([*RESULTS, *last, *machine]), tmp_path, "A corpus").read_text()
    assert "In last nobody validates: all others train, and the last epoch is taken. In machine there are no epochs: " + complexity in text
    text = report.write(Summary.of([*last, *machine]), tmp_path, "A corpus").read_text()
    assert "each fold tests one speaker; all others train, and the last epoch is taken. All" in text and "In last" not in text
    assert f"In machine there are no epochs: {complexity}" in text
    assert f"each fold tests one speaker; {complexity} All" in report.write(Summary.of(machine), tmp_path, "A corpus").read_text()


@pytest.mark.usefixtures("unsaved_figures")
def test_another_protocol_is_named_in_title_table_explanation_and_csv(tmp_path):
    leaky = [sample_result(speaker, protocol="leaky-random") for speaker in ("part0", "part1")]
    text = report.write(Summary.of(leaky), tmp_path, "A corpus").read_text()
    assert text.startswith("# A corpus, leaky-random\n")
    assert "| leaky-random, folds x seeds |" in text and "LEAKY: the utterances are split at random" in text
    assert "leave-one-speaker-out" not in text
    for name in ("runs.csv", "summary.csv"):
        assert "leaky-random" in (tmp_path / name).read_text(), name


@pytest.mark.usefixtures("unsaved_figures")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_is_explained(tmp_path, protocol):
    text = report.write(Summary.of([sample_result(protocol=protocol)]), tmp_path, "A corpus").read_text()
    assert f"{protocol}: " in text and ("LEAKY" in text) == protocol.startswith("leaky") and "chooses the epoch on" in text


def test_the_folds_of_a_system_have_the_means_of_speakers_and_seeds():
    lines = report.fold_table(scores([*RESULTS, sample_result("09", 0, right=(0, 0, 0, 0))])).splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert rows[2:] == [
        ["03", "100.00", "50.00", "75.00", "3, 3"],
        ["08", "75.00", "75.00", "75.00", "3, 3"],
        ["09", "0.00", "", "0.00", "3"],
        ["mean", "58.33", "62.50", "50.00", ""],  # of the speakers' means
    ]
