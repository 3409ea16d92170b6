"""The report's command: terminal, files, and the README's table."""

from dataclasses import replace

import pytest
from sample_results import sample_result

from experiments.reporting import summarise

pytestmark = pytest.mark.usefixtures("unsaved_figures")


@pytest.fixture
def results(tmp_path):
    for speaker in ("03", "08"):
        for system in ("acrnn3d-1conv", "tiny"):
            sample_result(speaker, system=system).save(tmp_path / "results" / "emodb" / system / f"{speaker}-seed0.json")
    return tmp_path / "results"


def test_the_table_stands_beside_the_published_number(results, capsys):
    assert summarise.main(["emodb", "--results", str(results)]) == 0
    out = capsys.readouterr().out
    assert "| 3-D ACRNN, 1 conv | 2 x 1" in out and "81.53 ± 6.96" in out and "+18.47" in out
    assert "/emodb/*.md" in out
    assert "fewer than 20 runs: tiny (2), 3-D ACRNN, 1 conv (2)" in (results / "emodb" / "report.md").read_text()


def test_where_nobody_validates_the_report_says_so_and_expects_as_many_runs(tmp_path):
    for speaker in ("03", "08"):
        result = sample_result(speaker, system="best-by-training")
        fold = {"train": ["x", "y", "z"], "validation": None, "test": speaker}
        replace(result, fold=fold).save(tmp_path / "emodb" / "best-by-training" / f"{speaker}-seed0.json")
    assert summarise.main(["emodb", "--results", str(tmp_path)]) == 0
    text = (tmp_path / "emodb" / "report.md").read_text()
    assert "each fold tests one speaker; all others train, and the last epoch is taken. All" in text
    assert "fewer than 20 runs: best-by-training (2)" in text
    sample_result("03").save(tmp_path / "emodb" / "tiny" / "03-seed0.json")
    assert summarise.main(["emodb", "--results", str(tmp_path)]) == 0
    text = (tmp_path / "emodb" / "report.md").read_text()
    assert "chooses the epoch on another one and trains on the rest" in text
    assert "In best-by-training nobody validates: all others train, and the last epoch is taken." in text


def test_the_readmes_table_is_replaced_and_the_rest_left_alone(results, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- results emodb -->\nTHE OLD ONE\n<!-- /results emodb -->\nafter\n")
    assert summarise.main(["emodb", "--results", str(results), "--pages", str(readme)]) == 0
    text = readme.read_text()
    assert text.startswith("before\n<!-- results emodb -->\n| system") and text.endswith("|\n<!-- /results emodb -->\nafter\n")
    assert "THE OLD ONE" not in text


def test_a_readme_without_marks_and_a_folder_without_results_are_named(results, tmp_path, capsys):
    readme = tmp_path / "README.md"
    readme.write_text("nothing")
    assert summarise.main(["emodb", "--results", str(results), "--pages", str(readme)]) == 1
    assert "<!-- results emodb -->" in capsys.readouterr().err
    assert summarise.main(["emodb", "--results", str(tmp_path)]) == 1
    assert "holds no result" in capsys.readouterr().err


def test_a_leaky_split_has_a_report_of_its_own_without_the_letters_numbers(tmp_path, capsys):
    result = sample_result("part0", system="acrnn3d-5conv", protocol="leaky-random")
    result.save(tmp_path / "emodb.leaky-random" / "acrnn3d-5conv" / "part0-seed0.json")
    assert summarise.main(["emodb", "--results", str(tmp_path), "--protocol", "leaky-random"]) == 0
    assert "leaky-random, folds x seeds" in capsys.readouterr().out
    text = (tmp_path / "emodb.leaky-random" / "report.md").read_text()
    assert "LEAKY" in text and "82.82" not in text


def test_the_report_pairs_3d_with_2d(results):
    for speaker, right in (("03", (1, 1, 0, 0)), ("08", (1, 1, 1, 0))):
        path = results / "emodb" / "acrnn2d-1conv" / f"{speaker}-seed0.json"
        sample_result(speaker, system="acrnn2d-1conv", right=right).save(path)
    assert summarise.main(["emodb", "--results", str(results)]) == 0
    text = (results / "emodb" / "report.md").read_text()
    (row,) = [line for line in text.splitlines() if line.startswith("| 3-D ACRNN, 1 conv less 2-D ACRNN, 1 conv ")]
    assert [cell.strip() for cell in row.split("|")[2:-1]] == ["2 in 2 folds", "+37.50", "", "", "", ""]  # two folds show nothing
