"""Finished runs -> tables beside the published numbers, figures, Markdown and CSV; everything is computed from the result files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ser_acrnn import metrics
from ser_acrnn.comparison import PairedDifference, paired_difference
from ser_acrnn.results import RunResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Published:
    """A published number: UAR in percent, mean and standard deviation, and the table that it stands in."""

    mean: float
    deviation: float
    table: str


def scores(results: Sequence[RunResult]) -> pd.DataFrame:
    """One row a run: `system, speaker, seed, uar, wa, f1` (0 to 1), `chosen_epoch, epochs, precision, backend, device, wall_seconds`."""
    rows = [
        {
            "system": result.system,
            "speaker": result.fold["test"],
            "seed": result.seed,
            "uar": metrics.unweighted_average_recall(result.truth, result.decisions),
            "wa": metrics.weighted_accuracy(result.truth, result.decisions),
            "f1": metrics.macro_f1(result.truth, result.decisions),
            "chosen_epoch": result.chosen_epoch,
            "epochs": len(result.validation_curve),
            "precision": result.precision,
            "backend": result.backend,
            "device": result.device,
            "wall_seconds": result.wall_seconds,
        }
        for result in results
    ]
    return pd.DataFrame(rows).sort_values(["system", "speaker", "seed"], ignore_index=True)


@dataclass(frozen=True)
class SystemSummary:
    """One system on one corpus; rates in percent, NaN where there is nothing to compute from.

    Attributes:
        system: Its name.
        runs: Finished runs.
        folds: Test speakers among them.
        seeds: Seeds among them.
        uar: Mean over runs, the letter's figure.
        std_runs: Sample standard deviation over runs.
        std_folds: Sample standard deviation over the folds' means.
        low: Lower end of the 95 % bootstrap interval over speakers.
        high: Its upper end.
        pooled_uar: UAR of all test decisions put together.
        wa: Weighted accuracy, mean over runs.
        f1: Macro F1, mean over runs.
        paper: Published mean.
        paper_std: Published standard deviation.
    """

    system: str
    runs: int
    folds: int
    seeds: int
    uar: float
    std_runs: float
    std_folds: float
    low: float
    high: float
    pooled_uar: float
    wa: float
    f1: float
    paper: float
    paper_std: float

    @property
    def difference(self) -> float:
        """Ours less the published mean."""
        return self.uar - self.paper


def summary(results: Sequence[RunResult], published: Mapping[str, Published] | None = None) -> list[SystemSummary]:
    """One row a system, in the order in which the results name them.

    Args:
        results: Of one corpus.
        published: Number of each system that has one.
    """
    nothing = Published(math.nan, math.nan, "")
    rows = []
    for system in dict.fromkeys(result.system for result in results):
        mine = [result for result in results if result.system == system]
        runs = scores(mine)
        by_fold = runs.groupby("speaker")["uar"].mean()
        low, high = metrics.bootstrap_interval(runs["uar"], runs["speaker"]) if len(by_fold) > 1 else (math.nan, math.nan)
        paper = (published or {}).get(system, nothing)
        rows.append(
            SystemSummary(
                system=system,
                runs=len(runs),
                folds=len(by_fold),
                seeds=runs["seed"].nunique(),
                uar=100 * runs["uar"].mean(),
                std_runs=100 * runs["uar"].std(),
                std_folds=100 * by_fold.std(),
                low=100 * low,
                high=100 * high,
                pooled_uar=100 * metrics.unweighted_average_recall(*pooled(mine)),
                wa=100 * runs["wa"].mean(),
                f1=100 * runs["f1"].mean(),
                paper=paper.mean,
                paper_std=paper.deviation,
            )
        )
    return rows


def pooled(results: Sequence[RunResult]) -> tuple[list[str], list[str]]:
    """Truth and decisions of all test utterances of some runs, one after the other."""
    truth = [emotion for result in results for emotion in result.truth]
    return truth, [emotion for result in results for emotion in result.decisions]


def confusion_percent(results: Sequence[RunResult]) -> NDArray[np.float64]:
    """Confusion pooled over runs, rows = truth, in percent of the row; a class that never occurs has a row of zeros."""
    counts = metrics.confusion(*pooled(results), results[0].emotions).astype(float)
    return 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def overview(table: Sequence[SystemSummary], names: Mapping[str, str]) -> str:
    """The summary as a Markdown table."""
    rows = [
        [
            names.get(row.system, row.system),
            f"{row.folds} x {row.seeds}" if row.runs == row.folds * row.seeds else f"{row.runs} runs, {row.folds} folds",
            _spread(row.uar, row.std_runs),
            _number(row.std_folds),
            "" if math.isnan(row.low) else f"{row.low:.1f} to {row.high:.1f}",
            _number(row.pooled_uar),
            _number(row.wa),
            _number(row.f1),
            _spread(row.paper, row.paper_std),
            _number(row.difference, "+"),
        ]
        for row in table
    ]
    heads = [
        "system",
        "folds x seeds",
        "UAR, mean ± std over runs",
        "std over folds",
        "95 % interval over speakers",
        "UAR pooled",
        "WA",
        "macro F1",
        "paper's UAR",
        "difference",
    ]
    return markdown_table(heads, rows)


def paired_table(comparisons: Sequence[PairedDifference], names: Mapping[str, str]) -> str:
    """Paired comparisons as a Markdown table."""
    rows = [
        [
            f"{names.get(pair.first, pair.first)} less {names.get(pair.second, pair.second)}",
            f"{pair.runs} in {pair.folds} folds",
            f"{pair.mean:+.2f}",
            f"{pair.low:+.1f} to {pair.high:+.1f}",
            f"{pair.p_value:.3f}",
        ]
        for pair in comparisons
    ]
    return markdown_table(["UAR points", "pairs of runs", "mean difference", "95 % interval over speakers", "Wilcoxon p over folds"], rows)


def tables(
    results: Sequence[RunResult], published: Mapping[str, Published], names: Mapping[str, str], pairs: Sequence[tuple[str, str]] = ()
) -> str:
    """The overview, and below it the paired comparisons of those pairs of systems that share runs."""
    text = overview(summary(results, published), names)
    comparisons = [found for first, second in pairs if (found := paired_difference(results, first, second))]
    return f"{text}\n\nPaired by fold and seed:\n\n{paired_table(comparisons, names)}" if comparisons else text


def fold_table(runs: pd.DataFrame) -> str:
    """UAR in percent of one system's runs as a Markdown table, a row a test speaker, a column a seed."""
    grid = runs.pivot(index="speaker", columns="seed", values="uar") * 100
    epochs = runs.groupby("speaker")["chosen_epoch"].apply(lambda chosen: ", ".join(str(epoch) for epoch in chosen))
    rows = [
        [speaker, *(_number(value) for value in row), f"{np.nanmean(row):.2f}", epochs[speaker]]
        for speaker, row in zip(grid.index, grid.to_numpy(), strict=True)
    ]
    return markdown_table(["test speaker", *(f"seed {seed}" for seed in grid.columns), "mean", "chosen epochs"], rows)


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its columns padded to be read as text too."""
    widths = [max(len(str(line[column])) for line in [heads, *rows]) for column in range(len(heads))]
    lines = [[str(cell).ljust(width) for cell, width in zip(line, widths, strict=True)] for line in [heads, *rows]]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def confusion_figure(results: Sequence[RunResult], title: str) -> Figure:
    """The confusion matrix, rows = truth, in percent, with each row's number of decisions."""
    emotions = results[0].emotions
    percent = confusion_percent(results)
    counts = metrics.confusion(*pooled(results), emotions).sum(axis=1)
    figure = _figure(figsize=(1.6 + 0.72 * len(emotions), 1.5 + 0.62 * len(emotions)))
    axes = figure.subplots()
    image = axes.imshow(percent, vmin=0, vmax=100, cmap="Blues")
    axes.set_xticks(range(len(emotions)), emotions, rotation=45, ha="right")
    axes.set_yticks(range(len(emotions)), [f"{emotion} ({count})" for emotion, count in zip(emotions, counts, strict=True)])
    axes.set_xlabel("decision")
    axes.set_ylabel("truth (decisions)")
    axes.set_title(title)
    for row, column in np.ndindex(*percent.shape):
        colour = "white" if percent[row, column] > 55 else "black"
        axes.text(column, row, f"{percent[row, column]:.1f}", ha="center", va="center", fontsize=8, color=colour)
    figure.colorbar(image, label="% of the truth", fraction=0.046)
    return figure


def curves_figure(results: Sequence[RunResult], title: str) -> Figure:
    """Training loss, validation loss and validation UAR by epoch, a thin line a run, their mean, and the chosen epochs."""
    figure = _figure(figsize=(11, 3.4))
    panels = (("loss", "training cross-entropy"), ("validation_loss", "validation cross-entropy"), ("validation_uar", "validation UAR, %"))
    longest = max(len(result.validation_curve) for result in results)
    for axes, (field, label) in zip(figure.subplots(1, 3), panels, strict=True):
        factor = 100 if field == "validation_uar" else 1
        lines = np.full((len(results), longest), np.nan)
        for number, result in enumerate(results):
            values = [math.nan if entry[field] is None else factor * entry[field] for entry in result.validation_curve]
            lines[number, : len(values)] = values
            axes.plot(range(1, len(values) + 1), values, color="tab:blue", alpha=min(1, 6 / len(results)), linewidth=0.7)
            if field == "validation_uar":
                axes.plot(result.chosen_epoch, values[result.chosen_epoch - 1], "o", color="tab:orange", markersize=3)
        lines = lines[~np.isnan(lines).all(axis=1)]
        every = np.flatnonzero(~np.isnan(lines).any(axis=0))
        axes.plot(every + 1, lines[:, every].mean(axis=0), color="black", linewidth=1.5, label="mean while all runs last")
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
    axes.plot([], [], "o", color="tab:orange", markersize=3, label="chosen epoch")
    axes.legend(fontsize=8)
    figure.suptitle(title)
    return figure


def folds_figure(table: pd.DataFrame, names: Mapping[str, str], published: Mapping[str, Published]) -> Figure:
    """UAR of each run by test speaker, a colour a system, with the systems' means and the published means."""
    systems, speakers = list(dict.fromkeys(table["system"])), sorted(table["speaker"].unique())
    figure = _figure(figsize=(1.5 + 0.8 * len(speakers) + 1.5, 4))
    axes = figure.subplots()
    for number, system in enumerate(systems):
        runs, colour = table[table["system"] == system], f"C{number % 10}"
        offset = 0.7 * ((number + 0.5) / len(systems) - 0.5)
        axes.plot(runs["speaker"].map(speakers.index) + offset, 100 * runs["uar"], "o", color=colour, markersize=4, alpha=0.7)
        mean = 100 * runs["uar"].mean()
        axes.axhline(mean, color=colour, linewidth=1.2, label=f"{names.get(system, system)}: {mean:.1f}")
        if system in published:
            axes.axhline(published[system].mean, color=colour, linewidth=1.2, linestyle=":", label=f"  paper: {published[system].mean:.1f}")
    axes.set_xticks(range(len(speakers)), speakers)
    axes.set_xlabel("test speaker")
    axes.set_ylabel("UAR, %")
    axes.set_ylim(0, 100)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def write(
    results: Sequence[RunResult],
    directory: str | Path,
    title: str,
    *,
    published: Mapping[str, Published] | None = None,
    names: Mapping[str, str] | None = None,
    caveat: str = "",
    pairs: Sequence[tuple[str, str]] = (),
    expected_runs: int = 0,
) -> Path:
    """Writes the whole report of one corpus: `report.md`, `summary.csv`, `runs.csv` and PNG figures beside them.

    Args:
        results: All runs of the corpus.
        directory: Where to write.
        title: The corpus, as the headline has it.
        published: See `summary`.
        names: Systems as the tables call them.
        caveat: Printed above the first table.
        pairs: Systems to compare on the folds and seeds that both have.
        expected_runs: Runs of a complete system; those with fewer are named. 0: no matter.

    Returns:
        `report.md`.
    """
    directory, published, names = Path(directory), published or {}, names or {}
    directory.mkdir(parents=True, exist_ok=True)
    runs, table = scores(results), summary(results, published)
    runs.round(6).to_csv(directory / "runs.csv", index=False)
    pd.DataFrame([{**asdict(row), "difference": row.difference} for row in table]).round(4).to_csv(directory / "summary.csv", index=False)
    _save(folds_figure(runs, names, published), directory / "folds.png")

    text = [f"# {title}: speaker-independent results", ""]
    text += [caveat, ""] if caveat else []
    text += [tables(results, published, names, pairs), "", *_explanation(results), "", *_incomplete(table, names, expected_runs)]
    text += ["![UAR of every run by test speaker](folds.png)", ""]
    for system in (row.system for row in table):
        mine = [result for result in results if result.system == system]
        name = names.get(system, system)
        _save(confusion_figure(mine, f"{title}, {name}"), directory / f"{system}-confusion.png")
        _save(curves_figure(mine, f"{title}, {name}"), directory / f"{system}-curves.png")
        text += [f"## {name}", "", fold_table(runs[runs["system"] == system]), ""]
        text += [f"![Confusion of {name}]({system}-confusion.png)", "", f"![Training curves of {name}]({system}-curves.png)", ""]
    path = directory / "report.md"
    path.write_text("\n".join(text), encoding="utf-8")
    return path


def _explanation(results: Sequence[RunResult]) -> list[str]:
    made_with = sorted({f"{result.backend}, {result.device}, {result.precision}" for result in results})
    hours = sum(result.wall_seconds for result in results) / 3600
    return [
        "All figures in percent. UAR: mean recall over the classes that the test speaker has; averaged over runs, a run being one test "
        "speaker and one seed. Standard deviations are sample standard deviations. The interval is a bootstrap over speakers. Pooled: "
        "the recalls of all test decisions put together. The epoch is chosen on another speaker than the one tested.",
        "",
        f"{len(results)} runs, {hours:.1f} hours of training; {'; '.join(made_with)}.",
    ]


def _incomplete(table: Sequence[SystemSummary], names: Mapping[str, str], expected_runs: int) -> list[str]:
    short = [f"{names.get(row.system, row.system)} ({row.runs})" for row in table if row.runs < expected_runs]
    return [f"Not yet complete, with fewer than {expected_runs} runs: {', '.join(short)}.", ""] if short else []


def _number(value: float, sign: str = "") -> str:
    return "" if math.isnan(value) else f"{value:{sign}.2f}"


def _spread(mean: float, deviation: float) -> str:
    return _number(mean) if math.isnan(deviation) else f"{mean:.2f} ± {deviation:.2f}"


def _figure(figsize: tuple[float, float]) -> Figure:
    from matplotlib.figure import Figure  # heavy, and not needed for tables

    return Figure(figsize=figsize, layout="constrained")


def _save(figure: Figure, path: Path) -> None:
    # Without the version of matplotlib in the file, an unchanged figure stays byte for byte the same.
    figure.savefig(path, dpi=110, metadata={"Software": None})
