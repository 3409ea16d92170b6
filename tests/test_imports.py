"""Imports point one way: from the library to nothing else of the project, and around no corner back."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("ser_acrnn", "data_prep", "experiments")  # each may import itself and those before
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}


def imported(path):
    """Modules of the project that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = {f"{node.module}.{name.name}" for name in node.names}
            found |= {name if name in FILES else node.module for name in names}
    return found & FILES.keys()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_itself_and_those_before(package):
    allowed = PACKAGES[: PACKAGES.index(package) + 1]
    for name, path in FILES.items():
        if name.split(".")[0] == package:
            assert {other.split(".")[0] for other in imported(path)} <= set(allowed), name


def test_no_module_imports_itself_by_way_of_others():
    # A package's `__init__` names what its modules hold, and is imported with each of them.
    folders = {name for name in FILES if FILES[name].name == "__init__.py"}
    modules = {name: imported(path) - {name} - folders for name, path in FILES.items() if name not in folders}
    order = list(TopologicalSorter(modules).static_order())
    assert len(order) == len(modules) > 100
    assert (
        order.index("ser_acrnn.features.log_mels")
        < order.index("ser_acrnn.inference.preprocessor")
        < order.index("ser_acrnn.inference.predictor")
    )


def test_inside_the_library_a_module_imports_from_folders_before_its_own():
    lines = [line for line in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    place = {line.split("`")[1].strip("/").removesuffix(".py"): number for number, line in enumerate(lines)}
    library = {name: path for name, path in FILES.items() if name.startswith("ser_acrnn.")}
    assert place.keys() == {name.split(".")[1] for name in library} - {"_version"}
    for name, path in library.items():
        for other in imported(path) - {"ser_acrnn", "ser_acrnn._version"}:
            assert name == "ser_acrnn._version" or place[other.split(".")[1]] <= place[name.split(".")[1]], f"{name} imports {other}"
