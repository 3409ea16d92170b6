"""The library's rooms -> a page each, whose contents mkdocstrings takes from the docstrings."""

from __future__ import annotations

import ast
from pathlib import Path

from docs.hooks.sources import ROOT

FOLDER = "reference/api"
LIBRARY = "ser_acrnn"
_WITHOUT = {"cli"}  # the command has a page of its own
_ALL = "    options:\n      show_root_heading: false\n"
_OPTIONS = "    options:\n      members: false\n      show_root_heading: false\n      show_root_toc_entry: false\n"


def pages(root: Path = ROOT) -> dict[str, str]:
    """The pages: one of the package and one of each folder, with all its modules.

    Returns:
        Path below `docs/` -> Markdown.
    """
    folders = [path.parent for path in sorted((root / LIBRARY).glob("*/__init__.py")) if path.parent.name not in _WITHOUT]
    rows = "\n".join(f"| [`{LIBRARY}.{folder.name}`]({folder.name}.md) | {_first_sentence(folder / '__init__.py')} |" for folder in folders)
    found = {
        f"{FOLDER}/index.md": f"# The package\n\n::: {LIBRARY}\n{_OPTIONS}\n"
        f"## Names of the package\n\nWhat `import {LIBRARY}` offers without further imports:\n\n"
        f"{_names(root / LIBRARY, LIBRARY)}\n\n## Folders\n\n| folder | what belongs there |\n| --- | --- |\n{rows}\n"
    }
    for folder in folders:
        package = f"{LIBRARY}.{folder.name}"
        modules = [path.stem for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")]
        names = _names(folder, package)
        text = f"# `{package}`\n\n::: {package}\n{_OPTIONS if modules else _ALL}\n"
        if names and modules:
            text += f"Names that `{package}` itself offers:\n\n{names}\n\n"
        text += "\n".join(f"::: {package}.{module}\n" for module in modules)
        found[f"{FOLDER}/{folder.name}.md"] = text
    return found


def public_names(folder: Path, package: str) -> dict[str, str]:
    """Names that a package's `__init__.pyi`, or else its `__init__.py`, takes from its modules.

    Args:
        folder: Of the package.
        package: Its dotted name.

    Returns:
        Name -> dotted name of what it is; modules of the package are left out.
    """
    stub = folder / "__init__.pyi"
    tree = ast.parse((stub if stub.is_file() else folder / "__init__.py").read_text(encoding="utf-8"))
    found = {}
    for node in tree.body:
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        source = f"{package}.{node.module}" if node.level else node.module
        if source.startswith(LIBRARY) and not source.endswith("_version"):
            found |= {alias.asname or alias.name: f"{source}.{alias.name}" for alias in node.names}
    return found


def _names(folder: Path, package: str) -> str:
    names = public_names(folder, package)
    links = {name: f"`{name}`" if name.isupper() else f"[`{name}`][{_home(target, folder)}]" for name, target in names.items()}
    return ", ".join(links[name] for name in sorted(links, key=str.lower))


def _home(target: str, folder: Path) -> str:
    """Where a name is defined that a folder's `__init__` takes from another `__init__`."""
    package, _, name = target.rpartition(".")
    if package.count(".") != 1 or folder.name != LIBRARY:
        return target
    return public_names(folder / package.split(".")[1], package).get(name, target)


def _first_sentence(path: Path) -> str:
    text = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")[0].replace("\n", " ")
    return text.replace("|", "\\|")
