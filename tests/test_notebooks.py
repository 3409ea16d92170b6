"""The notebooks as they are committed: valid, executed without errors, and free of what only one machine knows."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
# Folders in which people keep clones, and environments their packages.
MACHINE_PATH = re.compile(r"(?<![\w./])/(home|root|work|tmp|Users|mnt|opt|usr|var|private|data)/\w|[A-Z]:\\\\?Users|site-packages")


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_the_three_are_there():
    assert [path.stem for path in NOTEBOOKS] == ["quick_start", "table_2", "transfer_learning"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_valid_and_was_executed_from_top_to_bottom(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert [cell.execution_count for cell in code(notebook)] == list(range(1, 1 + len(code(notebook))))
    kinds = [output.output_type for cell in code(notebook) for output in cell.outputs]
    assert "error" not in kinds and len(kinds) >= 5
    assert any("image/png" in output.get("data", {}) for cell in code(notebook) for output in cell.outputs)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_code_compiles(path):
    for number, cell in enumerate(code(nbformat.read(path, as_version=4))):
        ast.parse(cell.source, f"{path.name}, cell {number}")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_keeps_nothing_of_the_machine(path):
    notebook = nbformat.read(path, as_version=4)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert all(not cell.metadata for cell in notebook.cells)
    for cell in code(notebook):
        for output in cell.outputs:
            texts = [output.get("text", ""), *(value for kind, value in output.get("data", {}).items() if kind.startswith("text/"))]
            assert not [text for text in texts if MACHINE_PATH.search(text)], cell.source
            assert output.get("name") != "stderr"
    assert path.stat().st_size < 500_000


@pytest.mark.parametrize("text", ["in /home/me/x", "/tmp/a.wav", "'/opt/x'", "lib/python3.11/site-packages/keras"])
def test_a_machine_path_is_recognised(text):
    assert MACHINE_PATH.search(text)


@pytest.mark.parametrize("text", ["build/notebooks/data/x", "../ser_acrnn/pretrained", "results/emodb/table2.md", "and/or"])
def test_a_relative_path_is_none(text):
    assert not MACHINE_PATH.search(text)
