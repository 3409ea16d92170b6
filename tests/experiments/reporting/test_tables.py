"""The paper's tables as pages."""

from dataclasses import replace

import pytest
from sample_results import sample_result

from experiments import catalogue
from experiments.reporting import summarise, tables
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.evaluation.summary import Summary

EMODB = catalogue.corpus("emodb")


def network(speaker, system="acrnn3d-5conv", **more):
    return sample_result(speaker, system=system, **more)


@pytest.fixture
def results():
    wrong = {"right": (1, 0, 1, 0)}
    return [
        *(network(speaker) for speaker in ("03", "13", "14")),
        *(network(speaker, "acrnn2d-5conv", **wrong) for speaker in ("03", "13")),
        *(network(speaker, "tiny") for speaker in ("03", "13")),
    ]


@pytest.mark.usefixtures("unsaved_figures")
def test_table_2_has_all_its_systems_beside_the_letter_and_pairs(results, tmp_path):
    text = tables.write("table2", EMODB, Summary.of(results), tmp_path).read_text()
    assert text.startswith("# Table II, systems: Emo-DB, leave-one-speaker-out\n")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    assert rows[2][:3] == ["DNN-ELM", "71.56 ± 8.43", "not run"]
    assert rows[3][:3] == ["2-D ACRNN, 5 conv", "79.38 ± 7.78", "50.00 ± 0.00"]
    assert rows[4][:3] == ["3-D ACRNN, 5 conv", "82.82 ± 4.99", "100.00 ± 0.00"]
    assert rows[4][-2:] == ["+17.18", "3"]
    assert "tiny" not in text
    assert "| 3-D ACRNN, 5 conv less 2-D ACRNN, 5 conv | 2 in 2 folds  | +50.00" in text
    assert "5 runs, " in text


def test_confusion_stands_beside_fig_4_on_its_speakers_and_on_all(results, tmp_path):
    text = tables.write("table2", EMODB, Summary.of(results), tmp_path).read_text()
    assert "Fig. 4 of the paper" in text and "82.82 (caption)" in text
    lines = {line.split("|")[1].strip(): line.split("|")[4].strip() for line in text.splitlines() if "ACRNN, 5 conv, ours" in line}
    assert lines == {"3-D ACRNN, 5 conv, ours, speakers 13-16": "2", "3-D ACRNN, 5 conv, ours, all test speakers": "3"}
    assert (tmp_path / "table2-confusion.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("unsaved_figures")
def test_without_the_letters_depth_the_depth_with_most_runs_is_shown_and_named(tmp_path):
    shallow = [network(speaker, "acrnn3d-1conv") for speaker in ("03", "08")] + [network("03", "acrnn2d-5conv")]
    text = tables.write("table2", EMODB, Summary.of(shallow), tmp_path).read_text()
    assert "3-D ACRNN, 1 conv, ours, all test speakers" in text and "ours, speakers 13-16" not in text
    assert "| 3-D ACRNN, 5 conv | 82.82 ± 4.99 | not run" in text


@pytest.mark.usefixtures("unsaved_figures")
def test_table_1_has_seven_depths_paired_with_one_convolution(tmp_path):
    runs = [network(speaker, f"acrnn3d-{layers}conv") for layers in (1, 3) for speaker in ("03", "08")]
    text = tables.write("table1", EMODB, Summary.of(runs), tmp_path).read_text()
    assert text.count("not run") == 5 and "3-D ACRNN, 3 conv less 3-D ACRNN, 1 conv" in text
    assert "| 3-D ACRNN, 7 conv | 80.84 ± 5.09" in text


@pytest.mark.usefixtures("unsaved_figures")
def test_what_does_not_add_up_is_said(results, tmp_path):
    text = tables.write("table2", EMODB, Summary.of(results), tmp_path).read_text()
    assert "averages 82.1 %, its caption says 82.82 %" in text
    assert "55/28/35/32/34/32/41 utterances" in text and "257 of 535" in text and "pools 2 x 4" in text
    iemocap = [network(speaker, "acrnn3d-6conv", corpus="iemocap") for speaker in ("1F", "1M")]
    text = tables.write("table2", catalogue.corpus("iemocap"), Summary.of(iemocap), tmp_path).read_text()
    assert "averages 62.8 %, its caption says 64.74 %" in text and "55/28" not in text


def test_no_page_without_runs_or_of_a_corpus_that_the_letter_lacks(results, tmp_path):
    assert tables.write("table1", EMODB, Summary.of([network("03", "tiny")]), tmp_path) is None
    assert tables.write("table2", catalogue.corpus("synthetic"), Summary.of(results), tmp_path) is None
    assert tables.write("table2", EMODB, Summary.of([network("part0", protocol="leaky-random")]), tmp_path) is None


@pytest.mark.usefixtures("unsaved_figures")
def test_the_command_shows_the_table_and_writes_its_page(results, tmp_path, capsys):
    for result in results:
        result.save(tmp_path / "emodb" / result.system / f"{result.fold['test']}-seed0.json")
    assert summarise.main(["emodb", "--results", str(tmp_path), "--table", "table2"]) == 0
    assert "# Table II" in capsys.readouterr().out
    assert (tmp_path / "emodb" / "table2.md").is_file() and (tmp_path / "emodb" / "table1.md").is_file()


@pytest.mark.usefixtures("unsaved_figures")
def test_the_readme_gets_the_flattery_of_the_random_split(results, tmp_path):
    for folder, runs in (("emodb", results), ("emodb.leaky-random", [network("part0", "tiny", protocol="leaky-random")])):
        for result in runs:
            result.save(tmp_path / folder / result.system / f"{result.fold['test']}-seed0.json")
    readme = tmp_path / "README.md"
    readme.write_text("<!-- results emodb -->\n<!-- /results emodb -->\n<!-- leaky emodb -->\n<!-- /leaky emodb -->\n")
    assert summarise.main(["emodb", "--results", str(tmp_path), "--pages", str(readme)]) == 0
    leaky = readme.read_text().split("<!-- leaky emodb -->")[1]
    assert "UAR (runs), leave-one-speaker-out" in leaky and "UAR (runs), under it" in leaky
    assert "| leaky-random | tiny   | 100.00 ± 0.00 (2)                 | 100.00 (1)" in leaky and "ACRNN" not in leaky
    assert RunResult.load(tmp_path / "emodb.leaky-random" / "tiny" / "part0-seed0.json").protocol == "leaky-random"


def judged_and_choosing(system, epoch_choice):
    """Two speakers, each validating the other's fold; validation UAR 60 %, test UAR 100 %."""
    folds = [{"train": ["x"], "validation": first, "test": second} for first, second in (("03", "08"), ("08", "03"))]
    runs = [replace(network(fold["test"], system), fold=fold) for fold in folds]
    return [replace(run, config={**run.config, "training": {"epoch_choice": epoch_choice}}) for run in runs]


@pytest.mark.usefixtures("unsaved_figures")
def test_the_pages_and_the_readme_say_what_the_speaker_who_chooses_the_epoch_would_flatter(results, tmp_path):
    deep, light = judged_and_choosing("acrnn3d-5conv", "validation"), judged_and_choosing("lite-augmented", "last")
    page = tables.write("table2", EMODB, Summary.of(deep), tmp_path).read_text()
    assert "## The speaker who chooses the epoch" in page
    (row,) = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("|") and "best UAR" in line]
    assert row == ["3-D ACRNN, 5 conv", "best UAR", "60.00 ± 0.00", "100.00", "-40.00", "", "", "", "82.82 ± 4.99", "2"]
    assert "The speaker who chooses the epoch" not in tables.write("table2", EMODB, Summary.of(results), tmp_path).read_text()

    for result in [*deep, *light]:
        result.save(tmp_path / "emodb" / result.system / f"{result.fold['test']}-seed0.json")
    readme = tmp_path / "README.md"
    readme.write_text("<!-- results emodb -->\n<!-- /results emodb -->\n<!-- selection emodb -->\n<!-- /selection emodb -->\n")
    assert summarise.main(["emodb", "--results", str(tmp_path), "--pages", str(readme)]) == 0
    block = readme.read_text().split("<!-- selection emodb -->")[1]
    assert "| lite-augmented    | last, fixed | 60.00" in block and "| 3-D ACRNN, 5 conv | best UAR " in block


@pytest.mark.usefixtures("unsaved_figures")
def test_the_readme_begins_with_what_a_reader_asks_for_first(results, tmp_path):
    for result in [*results, network("03", "best-by-utterance")]:
        result.save(tmp_path / "emodb" / result.system / f"{result.fold['test']}-seed{result.seed}.json")
    readme = tmp_path / "README.md"
    readme.write_text("<!-- headline emodb -->\n<!-- /headline emodb -->\n<!-- results emodb -->\n<!-- /results emodb -->\n")
    assert summarise.main(["emodb", "--results", str(tmp_path), "--pages", str(readme)]) == 0
    rows = [line.split("|")[1:-1] for line in readme.read_text().split("<!-- /headline")[0].splitlines() if line.startswith("| ")]
    named = {row[0].partition(":")[0].strip(): [cell.strip() for cell in row[1:]] for row in rows[2:]}
    assert list(named) == [name for name in catalogue.titles(catalogue.HEADLINES).values() if name in named]
    assert named["best-by-utterance"] == ["100.00", "", "1 x 1", ""]
    assert named["3-D ACRNN, 5 conv"][3] == "82.82 ± 4.99" and "best" not in named
