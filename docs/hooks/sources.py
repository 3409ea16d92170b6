"""Which files outside `docs/` are pages of the site, and under which name; and which pictures they show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
IMAGE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")
# A whole file of the repository -> the page that it is.
NAMED = {"CONTRIBUTING.md": "develop/contributing.md", "CHANGELOG.md": "develop/changelog.md"}
# What is linked as a file of the repository, and is on a page of the site.
STANDS_ON = {"README.md": "index.md"}
NOTEBOOKS = "start/notebooks"


def pages(root: Path = ROOT) -> dict[str, str]:
    """The pages that are made of committed files outside `docs/`: reports, cards of the networks that ship, notebooks.

    Returns:
        Path in the repository -> path below `docs/` that the page would have there.
    """
    found = dict(NAMED)
    found |= {path: path for path in _below(root, "results/**/*.md")}
    found |= {path: f"results/cards/{Path(path).name}" for path in _below(root, "ser_acrnn/pretrained/*.md")}
    found |= {path: f"{NOTEBOOKS}/{Path(path).stem}.md" for path in _below(root, "notebooks/*.ipynb")}
    return found


def pictures(page: str, uri: str, text: str, root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Pictures that a page outside `docs/` shows: path in the repository, and path below `docs/`.

    Args:
        page: Its path in the repository.
        uri: Its path below `docs/`.
        text: Its Markdown.
        root: Of the repository.
    """
    for target in IMAGE.findall(text):
        path = PurePosixPath(page).parent / target
        if (root / path).is_file():
            yield str(path), str(PurePosixPath(uri).parent / target)


def outside_pictures(texts: Iterable[tuple[str, str]], root: Path = ROOT) -> dict[str, str]:
    """Pictures outside `docs/` that pages inside show, such as `../results/emodb/attention.png`.

    Args:
        texts: Of each page the path in the repository and the Markdown.
        root: Of the repository.

    Returns:
        Path in the repository -> path below `docs/`.
    """
    found = {}
    for page, text in texts:
        for target in IMAGE.findall(text):
            path = normal(PurePosixPath(page).parent / target)
            if not path.startswith(("docs/", "..")) and (root / path).is_file():
                found[path] = f"assets/{path}"
    return found


def normal(path: PurePosixPath) -> str:
    """The path without `..`, as far as it stays in the repository."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _below(root: Path, pattern: str) -> list[str]:
    return [path.relative_to(root).as_posix() for path in sorted(root.glob(pattern))]
