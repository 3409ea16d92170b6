"""Evaluations -> a figure of their confusion matrices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ser_acrnn.evaluation import drawing
from ser_acrnn.evaluation.evaluating import Evaluation
from ser_acrnn.evaluation.figures import confusion_panel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CELL_INCHES = 0.36
NAMES_INCHES = 1.1  # the emotions' names beside and below the cells
BAR_INCHES = 0.6
LARGEST_POINTS = 8.0  # of the numbers


def draw(found: Mapping[str, Evaluation], *, width_inches: float | None = None) -> Figure:
    """The confusion matrices of evaluations, side by side, in percent of the truth; without rows of what the truth lacks.

    Args:
        found: Evaluations by their titles.
        width_inches: Of the figure; None: what names and numbers need.
    """
    from matplotlib.figure import Figure

    columns = sum(len(one.emotions) for one in found.values())
    names = NAMES_INCHES * len(found) + BAR_INCHES
    cell = CELL_INCHES if width_inches is None else max(0.1, (width_inches - names) / columns)
    height = NAMES_INCHES - 0.1 + cell * max(len(one.emotions) for one in found.values())
    points = min(LARGEST_POINTS, cell * 72 / 2)  # three digits fit in
    with drawing.printed():
        figure = Figure(figsize=(width_inches or names + cell * columns, height), layout="constrained")
        widths = [len(one.emotions) for one in found.values()]
        panels = figure.subplots(1, len(found), squeeze=False, width_ratios=widths)[0]
        for axes, (title, one) in zip(panels, found.items(), strict=True):
            counts = one.by_emotion()
            truths = [f"{emotion} ({count})" for emotion, count in counts["utterances"].items()]
            percent = 100 * counts[list(one.emotions)].to_numpy() / counts[["utterances"]].to_numpy()
            image = confusion_panel(axes, truths, one.emotions, np.asarray(percent), fontsize=points, decimals=0)
            if len(found) > 1:
                axes.set_title(title)
        figure.colorbar(image, ax=list(panels), label="% of the truth", fraction=0.046, shrink=0.8 if len(found) == 1 else 0.6)
    return figure
