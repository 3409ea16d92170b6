"""The library's folders -> a page each, whose contents mkdocstrings takes from the docstrings."""

from __future__ import annotations

import ast
from pathlib import Path

from docs.hooks.sources import ROOT

FOLDER = "reference/api"
LIBRARY = "ser_acrnn"
_WITHOUT = {"cli"}  # the command has a page of its own
_ALL = "    options:\n      show_root_heading: false\n"
_DOCSTRING = "    options:\n      members: false\n      show_root_heading: false\n      show_root_toc_entry: false\n"


def pages(root: Path = ROOT) -> dict[str, str]:
    """The pages: one of the package and one of each folder, with all its modules.

    Returns:
        Path below `docs/` -> Markdown.
    """
    folders = [path.parent for path in sorted((root / LIBRARY).glob("*/__init__.py")) if path.parent.name not in _WITHOUT]
    rows = "\n".join(f"| [`{LIBRARY}.{folder.name}`]({folder.name}.md) | {_first_sentence(folder / '__init__.py')} |" for folder in folders)
    found = {
        f"{FOLDER}/index.md": f"# The package\n\n::: {LIBRARY}\n{_DOCSTRING}\n"
        f"## Names of the package\n\nWhat `import {LIBRARY}` offers without further imports:\n\n{_names(LIBRARY, root)}\n\n"
        f"## Folders\n\n| folder | what belongs there |\n| --- | --- |\n{rows}\n\n{_modules(root / LIBRARY, LIBRARY)}"
    }
    for folder in folders:
        package = f"{LIBRARY}.{folder.name}"
        text = f"# `{package}`\n\n::: {package}\n"
        if modules := _modules(folder, package):
            names = _names(package, root)
            text += _DOCSTRING + (f"\nNames that `{package}` itself offers:\n\n{names}\n" if names else "") + f"\n{modules}"
        else:
            text += _ALL
        found[f"{FOLDER}/{folder.name}.md"] = text
    return found


def public_names(package: str, root: Path = ROOT) -> dict[str, str]:
    """Names that a package's `__init__.pyi`, or else its `__init__.py`, takes from its modules.

    Args:
        package: Its dotted name.
        root: Of the repository.

    Returns:
        Name -> dotted name of what it is, where that is defined; modules of the package are left out.
    """
    folder = root.joinpath(*package.split("."))
    stub = folder / "__init__.pyi"
    tree = ast.parse((stub if stub.is_file() else folder / "__init__.py").read_text(encoding="utf-8"))
    found = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            source = f"{package}.{node.module}" if node.level else node.module
            if source.startswith(f"{package}.") and not source.endswith("._version"):
                further = public_names(source, root) if root.joinpath(*source.split(".")).is_dir() else {}
                found |= {alias.asname or alias.name: further.get(alias.name, f"{source}.{alias.name}") for alias in node.names}
    return found


def _names(package: str, root: Path) -> str:
    """Links to what has an entry of its own: modules, classes, functions; constants and types stand without."""
    names = public_names(package, root)
    links = {name: f"[`{name}`][{home}]" if _is_documented(home, root) else f"`{name}`" for name, home in names.items()}
    return ", ".join(links[name] for name in sorted(links, key=str.lower))


def _is_documented(home: str, root: Path) -> bool:
    place = root.joinpath(*home.split("."))
    if place.is_dir() or place.with_suffix(".py").is_file():
        return True
    module = place.parent / "__init__.py" if place.parent.is_dir() else place.parent.with_suffix(".py")
    defined = ast.parse(module.read_text(encoding="utf-8")).body
    return any(isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == place.name for node in defined)


def _modules(folder: Path, package: str) -> str:
    modules = [path.stem for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")]
    return "\n".join(f"::: {package}.{module}\n" for module in modules)


def _first_sentence(path: Path) -> str:
    text = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")[0].replace("\n", " ")
    return text.replace("|", "\\|")
