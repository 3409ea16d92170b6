"""Finished runs -> matplotlib figures: confusion, training curves, UAR by fold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.evaluation import metrics
from ser_acrnn.evaluation.calibration import Calibration, reliability
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.evaluation.summary import Summary, confusion_percent, pooled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

PANELS_A_ROW = 6


def confusion_figure(results: Sequence[RunResult], title: str) -> Figure:
    """The confusion matrix pooled over runs, rows = truth, in percent, with each row's number of decisions."""
    emotions = results[0].emotions
    counts = metrics.confusion(*pooled(results), emotions).sum(axis=1)
    truths = [f"{emotion} ({count})" for emotion, count in zip(emotions, counts, strict=True)]
    return confusions_figure([(title, truths, confusion_percent(results))], emotions)


def confusions_figure(panels: Sequence[tuple[str, Sequence[str], NDArray[np.float64]]], emotions: Sequence[str]) -> Figure:
    """Confusion matrices side by side.

    Args:
        panels: Title, names of the rows, and percent of the truth, shape `(emotions, emotions)`, of each.
        emotions: Names of the columns.
    """
    figure = _figure(figsize=(len(panels) * (1.6 + 0.72 * len(emotions)), 1.5 + 0.62 * len(emotions)))
    for axes, (title, truths, percent) in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels, strict=True):
        image = confusion_panel(axes, truths, emotions, percent)
        axes.set_title(title, fontsize=10)
    figure.colorbar(image, label="% of the truth", fraction=0.046)
    return figure


def confusion_panel(
    axes: Axes, truths: Sequence[str], emotions: Sequence[str], percent: NDArray[np.float64], *, fontsize: float = 8, decimals: int = 1
) -> AxesImage:
    """Draws one confusion matrix, with the numbers in its cells."""
    image = axes.imshow(percent, vmin=0, vmax=100, cmap="Blues")
    axes.set_xticks(range(len(emotions)), emotions, rotation=45, ha="right")
    axes.set_yticks(range(len(truths)), truths)
    axes.set_xlabel("decision")
    axes.set_ylabel("truth (decisions)")
    for row, column in np.ndindex(*percent.shape):
        colour = "white" if percent[row, column] > 55 else "black"
        axes.text(column, row, f"{percent[row, column]:.{decimals}f}", ha="center", va="center", fontsize=fontsize, color=colour)
    return image


def curves_figure(results: Sequence[RunResult], title: str) -> Figure:
    """Training loss, validation loss and validation UAR by epoch, a thin line a run, their mean, and the chosen epochs."""
    figure = _figure(figsize=(11, 3.4))
    panels = [("loss", "training cross-entropy"), ("validation_loss", "validation cross-entropy"), ("validation_uar", "validation UAR, %")]
    if not any("validation_uar" in entry for result in results for entry in result.validation_curve):  # nobody validates
        panels = panels[:1]
    longest = max(len(result.validation_curve) for result in results)
    for axes, (field, label) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        factor = 100 if field == "validation_uar" else 1
        lines = np.full((len(results), longest), np.nan)
        for number, result in enumerate(results):
            found = [entry.get(field) for entry in result.validation_curve]
            values = [math.nan if value is None else factor * value for value in found]
            lines[number, : len(values)] = values
            axes.plot(range(1, len(values) + 1), values, color="tab:blue", alpha=min(1, 6 / len(results)), linewidth=0.7)
            if field == "validation_uar":
                axes.plot(result.chosen_epoch, values[result.chosen_epoch - 1], "o", color="tab:orange", markersize=3)
        lines = lines[~np.isnan(lines).all(axis=1)]
        every = np.flatnonzero(~np.isnan(lines).any(axis=0))
        axes.plot(every + 1, lines[:, every].mean(axis=0), color="black", linewidth=1.5, label="mean while all runs last")
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
    if len(panels) > 1:
        axes.plot([], [], "o", color="tab:orange", markersize=3, label="chosen epoch")
    axes.legend(fontsize=8)
    figure.suptitle(title)
    return figure


def reliability_figure(calibrations: Sequence[Calibration], names: Mapping[str, str]) -> Figure:
    """Accuracy by confidence, a panel a system, before and after the temperature; an area shows the share of utterances in each bin."""
    columns = min(len(calibrations), PANELS_A_ROW)
    rows = -(-len(calibrations) // columns)
    figure = _figure(figsize=(0.6 + 3.1 * columns, 0.4 + 3.1 * rows))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for number, axes in enumerate(grid.flat):
        if number >= len(calibrations):
            axes.remove()
            continue
        found = calibrations[number]
        axes.plot([0, 100], [0, 100], color="grey", linewidth=0.8, linestyle=":")
        for label, judged, colour in (("as judged", found.before, "tab:blue"), ("at the temperature", found.after, "tab:orange")):
            bins = reliability(judged)
            axes.plot(100 * bins.confidence, 100 * bins.accuracy, "o-", markersize=4, linewidth=1.2, color=colour, label=label)
            axes.stairs(100 * bins.share, np.linspace(0, 100, len(bins.share) + 1), color=colour, alpha=0.25, fill=True)
        axes.set_xlim(0, 100)
        axes.set_ylim(0, 100)
        axes.set_title(names.get(found.system, found.system), fontsize=10)
    figure.supxlabel("confidence, %", fontsize=10)
    figure.supylabel("right decisions, % (areas: share of utterances)", fontsize=10)
    figure.axes[0].legend(fontsize=8, loc="upper left")
    return figure


def folds_figure(summary: Summary, names: Mapping[str, str]) -> Figure:
    """UAR of each system, a row, on each test part, a column, its seeds averaged; and the mean over these beside the published one."""
    runs = summary.scores
    systems, speakers = list(summary.rows), sorted(runs["speaker"].unique())
    by_fold = 100 * runs.pivot_table(index="system", columns="speaker", values="uar", aggfunc="mean").loc[systems, speakers].to_numpy()
    means = np.nanmean(by_fold, axis=1)
    paper = [row.paper for row in summary.rows.values()]
    columns = [("mean", means)] + ([("paper", np.array(paper))] if not np.isnan(paper).all() else [])
    shown = np.column_stack([by_fold, np.full(len(systems), np.nan), *(values for _, values in columns)])
    figure = _figure(figsize=(3 + 0.55 * shown.shape[1], 1 + 0.3 * len(systems)))
    axes = figure.subplots()
    image = axes.imshow(shown, cmap="viridis", vmin=0, vmax=100, aspect="auto")
    for row, column in np.argwhere(~np.isnan(shown)):
        colour = "white" if shown[row, column] < 60 else "black"
        axes.text(column, row, f"{shown[row, column]:.0f}", ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(shown.shape[1]), [*speakers, "", *(head for head, _ in columns)])
    axes.set_yticks(range(len(systems)), [names.get(system, system) for system in systems])
    axes.set_xlabel("tested")
    figure.colorbar(image, label="UAR, %", fraction=0.046)
    return figure


def _figure(figsize: tuple[float, float]) -> Figure:
    from matplotlib.figure import Figure  # heavy, and not needed for tables

    return Figure(figsize=figsize, layout="constrained")
