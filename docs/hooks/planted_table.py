"""Copies that were planted among real recordings -> a table of how many of them the audit finds."""

from __future__ import annotations

from pathlib import Path

from docs.hooks.sources import ROOT
from experiments.studies import planted_copies

MARK = "<!-- planted -->"


def table(root: Path = ROOT) -> str:
    """A row a kind of copy."""
    return planted_copies.table(root / "results")
