"""Changed systems: each differs from its base in what its name says, and stands on a page of its own."""

from dataclasses import replace

import pandas as pd
import pytest
from sample_results import sample_result

from experiments import catalogue
from experiments.catalogue import ablations
from experiments.reporting import summarise, tables
from experiments.studies import robustness
from ser_acrnn.config.features import FEATURE_RECIPES
from ser_acrnn.evaluation.summary import Summary

EMODB = catalogue.corpus("emodb")


@pytest.mark.parametrize(("base", "change"), [(base, change) for base, changes in ablations.CHANGES.items() for change in changes])
def test_a_change_changes_something_and_nothing_else(base, change):
    system = f"{base}.{change}"
    before, after = ablations.BASES[base], catalogue.SYSTEMS[system].preset
    assert after != before and catalogue.entry(system).base == base and not catalogue.entry(base).base
    planned = ablations.CHANGES[base][change]
    for part in ("features", "model", "training"):
        named = set(planned.get(part, {})) | ({"augmentation"} if part == "training" and "augmentation" in planned else set())
        old, new = getattr(before, part).to_dict(), getattr(after, part).to_dict()
        assert {field for field in old | new if old.get(field) != new.get(field)} == named


def test_the_narrow_network_has_the_papers_settings():
    narrow, paper = catalogue.SYSTEMS["narrow"].preset, catalogue.SYSTEMS["acrnn3d-1conv"].preset
    assert (narrow.features, replace(narrow.training, patience=paper.training.patience)) == (paper.features, paper.training)
    widths = {name: getattr(paper.model, name) for name in ("conv", "linear_units", "blstm_units")}
    assert replace(narrow.model, **widths) == paper.model
    for change, recipe in (("features-released", "released-code"), ("waveform-unstandardised", "paper-unstandardised")):
        assert catalogue.SYSTEMS[f"narrow.{change}"].preset.features == FEATURE_RECIPES[recipe]


def runs(system, right, validation):
    results = [sample_result(speaker, system=system, right=right) for speaker in ("03", "08", "09")]
    return [
        replace(result, validation_curve=[{**entry, "validation_uar": validation} for entry in result.validation_curve])
        for result in results
    ]


def test_the_page_has_what_validation_and_test_speakers_say(tmp_path):
    results = [*runs("lite-augmented", (1, 1, 1, 1), 0.8), *runs("lite-augmented.no-masks", (1, 1, 1, 0), 0.7)]
    text = tables.ablation_page(EMODB, Summary.of(results), tmp_path).read_text()
    (row,) = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| no-masks")]
    assert row[1] == "3 in 3 folds"
    assert row[2:6] == ["-10.00 (-10.0 to -10.0)", "< 0.001", "< 0.001", "loss"]
    assert row[6:] == ["-25.00 (-25.0 to -25.0)", "< 0.001", "< 0.001", "loss"]
    assert "## lite-augmented\n" in text and "lite-by-speaker" not in text
    assert tables.ablation_page(EMODB, Summary.of(results[:3]), tmp_path) is None


def test_the_overview_leaves_changed_systems_to_their_page_and_the_readme_gets_the_robustness(tmp_path, capsys):
    for result in [*runs("lite-augmented", (1, 1, 1, 1), 0.8), *runs("lite-augmented.no-masks", (1, 1, 1, 0), 0.7)]:
        result.save(tmp_path / "emodb" / result.system / f"{result.fold['test']}-seed0.json")
    judged = [["as recorded", speaker, f"{speaker}u0", "angry", "angry"] for speaker in ("03", "08", "09")]
    (tmp_path / "emodb" / robustness.FOLDER).mkdir()
    pd.DataFrame(judged, columns=robustness.COLUMNS).to_csv(tmp_path / "emodb" / robustness.FOLDER / "lite-augmented.csv", index=False)
    readme = tmp_path / "README.md"
    names = ("results emodb", "robustness emodb", "ablations emodb lite-augmented")
    marks = [f"<!-- {name} -->\n<!-- /{name} -->\n" for name in names]
    readme.write_text("\n".join(marks))
    assert summarise.main(["emodb", "--results", str(tmp_path), "--pages", str(readme)]) == 0
    assert "no-masks" not in capsys.readouterr().out and (tmp_path / "emodb" / "ablations.md").is_file()
    assert "| as recorded " in readme.read_text() and "100.0 (100.0 to 100.0)" in readme.read_text()
    assert "| no-masks | 3 in 3 folds" in readme.read_text().split("<!-- ablations emodb lite-augmented -->")[1]
    (tmp_path / "changes" / "emodb").mkdir(parents=True)
    runs("lite-augmented.no-masks", (1, 1, 1, 1), 0.8)[0].save(tmp_path / "changes" / "emodb" / "lite-augmented.no-masks" / "03-seed0.json")
    assert summarise.main(["emodb", "--results", str(tmp_path / "changes")]) == 0
    assert "| lite-augmented.no-masks | 1 x 1" in capsys.readouterr().out  # what it is a change of is not there
