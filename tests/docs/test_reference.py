"""What the reference says is what the code has: systems, formats, commands, the walk, the drawing, the pins."""

from __future__ import annotations

import configparser
import dataclasses
import json
import re

import pandas as pd
import pytest

from docs.hooks import (
    api_pages,
    command_page,
    durations,
    planted_table,
    readme_blocks,
    results_list,
    runs_table,
    speed_table,
    systems_page,
    targets_page,
)
from docs.hooks.sources import ROOT
from experiments import catalogue
from ser_acrnn.data import tfrecords
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.pretrained import list_pretrained


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def columns(heading: str) -> list[list[str]]:
    """The first table below a heading of the page of formats, by column."""
    part = page("reference/formats.md").split(f" {heading}\n")[1].split("\n#")[0]
    rows = [re.split(r" *\| *", line.strip("| ")) for line in part.splitlines() if line.startswith("|")][2:]
    return [[row[place].strip("`") for row in rows] for place in range(len(rows[0]))]


def test_every_system_has_a_line():
    for name in catalogue.SYSTEMS:
        assert len(systems_page.description(name)) > 10, name
    table = systems_page.table()
    measured = {path.parent.name for path in ROOT.glob("results/emodb*/*/*-seed*.json")}
    assert measured and not [name for name in {*measured, *catalogue.HEADLINES, *catalogue.HEADLINES_ADAPTED} if f"`{name}`" not in table]
    with pytest.raises(KeyError, match="nothing"):
        systems_page.description("nothing")


def test_no_line_is_of_a_system_that_is_gone():
    assert set(systems_page.DESCRIPTIONS) <= set(catalogue.SYSTEMS)


def test_a_change_is_told_by_the_fields_that_differ():
    assert systems_page.description("lite-by-speaker.mixup") == "`lite-by-speaker` with `mixup = 0.4`"
    assert systems_page.description("acrnn2d-1conv") == "the paper's network with 1 convolution, on log-Mels alone"


def test_the_formats_are_those_of_the_code(prepared):
    assert dict(zip(*columns("speaker-&lt;id&gt;.tfrecord")[:2], strict=True)) == tfrecords.SCHEMA
    assert columns("manifest.csv")[0] == list(pd.read_csv(prepared / "manifest.csv").columns)
    assert columns("recipe.json")[0] == list(json.loads((prepared / "recipe.json").read_text(encoding="utf-8")))
    assert columns("Result files")[0] == [field.name for field in dataclasses.fields(RunResult)]
    index = json.loads((ROOT / "ser_acrnn/pretrained/index.json").read_text(encoding="utf-8"))
    assert all(list(about) == columns("Networks")[0] for about in index.values())


def test_the_command_page_has_every_option(capsys):
    from ser_acrnn import cli

    text = command_page.page()
    for name in re.findall(r"^## `(.*)`$", text, re.MULTILINE):
        assert cli.main([name, "--help"]) == 0
        printed = capsys.readouterr().out
        part = text.split(f"## `{name}`")[1].split("\n## ")[0]
        for option in set(re.findall(r"(?<![\w-])--[a-z-]+", printed)) - {"--help"}:
            assert option in part, f"{name} {option}"
    cli.main(["--help"])
    listed = re.findall(r"^  ([a-z-]+)  ", capsys.readouterr().out.split("Commands:")[1], re.MULTILINE)
    assert listed == re.findall(r"^## `(.*)`$", text, re.MULTILINE)


def test_every_folder_and_public_name_of_the_library_is_in_the_reference():
    import ser_acrnn

    made = api_pages.pages()
    names = api_pages.public_names("ser_acrnn")
    folders = {path.parent.name for path in (ROOT / "ser_acrnn").glob("*/__init__.py")}
    assert set(ser_acrnn.__all__) - {"__version__"} == set(names) | folders
    assert {f"reference/api/{folder}.md" for folder in folders - {"cli"}} == set(made) - {"reference/api/index.md"}
    for path in (ROOT / "ser_acrnn").glob("*/[!_]*.py"):
        if path.parent.name != "cli":
            assert f"::: ser_acrnn.{path.parent.name}.{path.stem}\n" in made[f"reference/api/{path.parent.name}.md"]
    assert names["Predictor"] == "ser_acrnn.inference.predictor.Predictor"


def test_every_target_and_module_is_in_the_reference():
    text = targets_page.page()
    for target in re.findall(r"^([a-z0-9-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE):
        assert f"| `make {target}` |" in text
    assert "| `python -m experiments.bench` |" in text and all(targets_page.modules().values())


def test_the_walk_leads_there_in_at_most_four_files():
    walks = page("develop/walk.md").split("\n## ")[1:]
    assert len(walks) == 3
    for walk in walks:
        steps = re.findall(r"^(\d)\. `([^`]*)`: `(.*)`$", walk, re.MULTILINE)
        assert [number for number, _, _ in steps] == [str(place) for place in range(1, len(steps) + 1)] and 2 <= len(steps) <= 4
        for _, path, words in steps:
            assert words in (ROOT / path).read_text(encoding="utf-8"), f"{path} does not have {words!r}"


def test_the_drawing_has_the_network_s_shapes():
    import ser_acrnn

    network = ser_acrnn.acrnn(ser_acrnn.preset("paper-emodb").model)
    drawn = page("assets/network.svg")
    for name in ("normalise", "conv_5", "linear", "blstm", "embedding", "emotion"):
        shape = tuple(network.get_layer(name).output.shape[1:])
        assert f">{shape}<" in drawn, f"{name} {shape}"


def test_generated_tables_hold_what_is_committed():
    assert "| training step, 5 conv | ours, bfloat16 | TensorFlow 1 restatement |" in speed_table.table()
    assert "](../../results/bench/2026-11-25.md)" in speed_table.records()
    assert all(table.count("\n") == 3 for table in map(runs_table.table, runs_table.TABLES.values()))
    assert "](../../results/emodb/report.md)" in results_list.listed()
    assert "| all |" in durations.table()
    assert re.search(r"\| all three +\| \d+ of 100 +\|", planted_table.table())
    assert "| DNN-ELM: the paper's baseline" in readme_blocks.inserted("<!-- README headline emodb -->")
    with pytest.raises(ValueError, match="no block 'nothing'"):
        readme_blocks.inserted("<!-- README nothing -->")


def test_a_notebook_becomes_a_page():
    pytest.importorskip("nbconvert")
    from docs.hooks import notebook_pages

    text, pictures = notebook_pages.as_markdown(ROOT / "notebooks/quick_start.ipynb", "notebooks/quick_start.ipynb")
    assert text.startswith("# Quick start") and "notebooks/quick_start.ipynb` with the outputs" in text and "<style" not in text
    assert pictures and all(data.startswith(b"\x89PNG") and f"]({name})" in text for name, data in pictures.items())


def test_durations_are_added_up_by_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(durations, "ROOT", tmp_path)
    (tmp_path / "tests").mkdir()
    cases = [
        ("tests.audio.test_audio", 1.5),
        ("tests.audio.test_windows.TestX", 2.0),
        ("tests.test_import", 0.4),
        ("ser_acrnn.audio.files", 0.6),
    ]
    rows = "".join(f'<testcase classname="{name}" name="x" time="{seconds}"/>' for name, seconds in cases)
    (tmp_path / "tests.xml").write_text(f"<testsuites><testsuite>{rows}</testsuite></testsuites>")
    durations.main([str(tmp_path / "tests.xml"), "a machine"])
    table = durations.table(tmp_path)
    assert all(row in table for row in ("| `tests/audio` | 2 | 4 |", "| `docstrings` | 1 | 1 |", "| `tests` | 1 | 0 |", "| all | 4 | 5 |"))


def test_what_builds_the_pages_is_pinned():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    wanted = [re.split(r"[\[ <>=]", line)[0].lower() for line in setup["options.extras_require"]["docs"].split("\n") if line]
    pins = dict(line.lower().split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").split("\n") if "==" in line)
    assert wanted and set(wanted) <= set(pins)
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert f"ruff=={pins['ruff']}" in hooks and list_pretrained()
