"""Markdown tables, by the standard library alone."""

from __future__ import annotations

from collections.abc import Sequence


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its columns padded to be read as text too; names such as emotions' may have bars and line breaks in them."""
    cells = [[" ".join(str(cell).splitlines()).replace("|", "\\|") for cell in line] for line in [heads, *rows]]
    widths = [max(len(line[column]) for line in cells) for column in range(len(heads))]
    lines = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in cells]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
