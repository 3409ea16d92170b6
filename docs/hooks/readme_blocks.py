"""The generated tables of README.md, where a page asks for one: `<!-- README headline emodb -->`."""

from __future__ import annotations

import re
from pathlib import Path

from docs.hooks.sources import ROOT

_WANTED = re.compile(r"<!-- README (.+?) -->")


def inserted(markdown: str, root: Path = ROOT) -> str:
    """The Markdown with README's blocks in place of their marks.

    Raises:
        ValueError: README has no such block.
    """
    if not _WANTED.search(markdown):
        return markdown
    readme = (root / "README.md").read_text(encoding="utf-8")

    def block(match: re.Match[str]) -> str:
        name = re.escape(match[1])
        found = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", readme, re.DOTALL)
        if not found:
            raise ValueError(f"README.md has no block {match[1]!r}, expected the marks <!-- {match[1]} --> and <!-- /{match[1]} -->")
        return found[1]

    return _WANTED.sub(block, markdown)
