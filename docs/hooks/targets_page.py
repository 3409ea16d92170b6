"""The Makefile's targets and the modules that are commands -> a page of the reference."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from docs.hooks.sources import ROOT

URI = "reference/make.md"
_TARGET = re.compile(r"^([a-z0-9-]+):.*## (.*)$", re.MULTILINE)
_VARIABLE = re.compile(r"^([A-Z_]+) \?= ?(.*)$", re.MULTILINE)
_MAIN = '__name__ == "__main__"'


def page(root: Path = ROOT) -> str:
    """The page as Markdown."""
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = "\n".join(f"| `make {name}` | {words} |" for name, words in _TARGET.findall(makefile))
    variables = "\n".join(f"| `{name}` | {f'`{default}`' if default else ''} |" for name, default in _VARIABLE.findall(makefile))
    commands = "\n".join(f"| `python -m {name}` | {words} |" for name, words in modules(root).items())
    return f"""# Make targets and modules

These need a clone. The first target that is made also makes `.venv`, once.

| target | what it does |
| --- | --- |
{targets}

Variables go behind the target, such as `make train-emodb FOLDS=0-2`:

| variable | default |
| --- | --- |
{variables}

## Modules that are commands

Each shows its options with `--help`, or `-h`.

| command | what it does |
| --- | --- |
{commands}
"""


def modules(root: Path = ROOT) -> dict[str, str]:
    """The modules of a clone that can be run, by dotted name, and the first sentence of each."""
    found = {}
    for package in ("data_prep", "experiments"):
        for path in sorted((root / package).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if _MAIN in text or path.name == "__main__.py":
                name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__main__")
                sentence = (ast.get_docstring(ast.parse(text)) or "").split("\n\n")[0]
                found[name] = " ".join(sentence.split()).replace("|", "\\|")
    return found
