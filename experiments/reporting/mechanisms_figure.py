"""The figure of `experiments.reporting.mechanisms`: each mechanism's UAR and distance from Fig. 4 beside the paper's figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.reporting.reported import Row
from ser_acrnn.evaluation import drawing
from ser_acrnn.evaluation.summary import Published

SHORTEST = 58  # characters of a name


def draw(rows: Sequence[Row], published: Mapping[str, Published], names: Mapping[str, str], path: Path) -> None:
    """Draws a line a mechanism, a colour a system.

    Args:
        rows: All of them.
        published: The paper's figure of each system.
        names: Systems as tables call them.
        path: The PNG.
    """
    from matplotlib.figure import Figure

    mechanisms = list(dict.fromkeys(row.mechanism.name for row in rows))
    systems = list(dict.fromkeys(row.system for row in rows))
    figure = Figure(figsize=(13, 1.6 + 0.52 * len(mechanisms)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
    for number, system in enumerate(systems):
        colour = drawing.colour(number)
        paper = published[system]
        left.axvline(paper.mean, color=colour, linestyle=":", linewidth=1)
        for row in (row for row in rows if row.system == system):
            place = mechanisms.index(row.mechanism.name) + 0.14 * (number - (len(systems) - 1) / 2)
            ends = [[row.uar - row.low], [row.high - row.uar]] if not math.isnan(row.low) else None
            left.errorbar(row.uar, place, xerr=ends, fmt="o", color=colour, markersize=4, linewidth=1.2, capsize=2)
            if not math.isnan(row.distance):
                right.plot(row.distance, place, "o", color=colour, markersize=4)
        left.plot([], [], "o", color=colour, label=f"{names[system]} (paper {paper.mean:.1f} ± {paper.deviation:.1f}, dotted)")
    left.set_yticks(range(len(mechanisms)), [_broken(name) for name in mechanisms], fontsize=8)
    left.invert_yaxis()
    left.set_xlabel("UAR, %, with 95 % t interval over folds")
    right.set_xlabel("distance from Fig. 4, %")
    right.set_xlim(left=0)
    for axes in (left, right):
        axes.grid(axis="y", linewidth=0.3)
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=8)
    drawing.save(figure, path)


def _broken(name: str) -> str:
    """A name on as many lines as it needs."""
    lines = [""]
    for word in name.split():
        if len(lines[-1]) + len(word) > SHORTEST:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)
