"""All committed reports -> a list of links to them."""

from __future__ import annotations

from pathlib import Path

from docs.hooks.sources import ROOT
from docs.hooks.speed_table import FOLDER as SPEED

MARK = "<!-- reports -->"


def listed(root: Path = ROOT) -> str:
    """A line a report, under the heading that it has; those of speed have a page of their own."""
    lines = []
    for path in sorted(root.glob("results/**/*.md")):
        name = path.relative_to(root).as_posix()
        if not name.startswith(f"{SPEED}/"):
            heading = next(line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("# "))
            lines.append(f"- [{heading.removeprefix('# ')}](../../{name}), `{name}`")
    return "\n".join(lines)
