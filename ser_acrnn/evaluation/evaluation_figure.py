"""Evaluations -> a figure of their confusion matrices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ser_acrnn.evaluation.evaluating import Evaluation
from ser_acrnn.evaluation.figures import confusions_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(found: Mapping[str, Evaluation]) -> Figure:
    """The confusion matrices of evaluations with the same emotions, by their titles, side by side; without what the truth lacks."""
    panels = []
    for title, one in found.items():
        counts = one.by_emotion()
        truths = [f"{emotion} ({count})" for emotion, count in counts["utterances"].items()]
        percent = 100 * counts[list(one.emotions)].div(counts["utterances"], axis="index")
        panels.append((title, truths, percent.to_numpy()))
    return confusions_figure(panels, one.emotions)
