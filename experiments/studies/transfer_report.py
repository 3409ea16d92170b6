"""Results of `transfer_curve` -> the table and the figure of UAR over examples of each emotion, with intervals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_prep.loader import Corpus
from ser_acrnn import files
from ser_acrnn.evaluation import drawing, report
from ser_acrnn.evaluation.comparison import PairedDifference, paired_differences
from ser_acrnn.evaluation.intervals import TESTED, around, compared
from ser_acrnn.evaluation.summary import Summary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLES = {
    "scratch": "from scratch",
    "whole": "fine-tuned as a whole",
    "staged": "fine-tuned in stages",
    "probe": "linear, on embeddings",
}
_COLOURS = {"scratch": "0.4", "whole": drawing.colour(0), "staged": drawing.colour(2), "probe": drawing.colour(1)}
_MARKS = {"scratch": "s", "whole": "o", "staged": "D", "probe": "^"}
OPPONENT = "scratch"
TESTS = (
    "Means are over test groups, and the differences paired by draw. Interval and p: t test over groups, from three on. p after Holm: "
    "corrected over all differences of the table. The verdict is a gain or a loss where that is below 5 %."
)


def system(method: str, examples: int) -> str:
    """Name of a method with so many examples, as result files and their folders have it."""
    return f"{method}.{examples:03d}"


def found(summary: Summary) -> tuple[list[str], list[int]]:
    """Methods and numbers of examples that there are results of, in order."""
    pairs = [name.rsplit(".", 1) for name in summary.rows]
    return [method for method in TITLES if method in {name for name, _ in pairs}], sorted({int(number) for _, number in pairs})


def scores(summary: Summary, method: str, examples: int) -> tuple[float, float, float]:
    """Mean UAR over test groups in percent, and its t interval; NaN where there is none, or fewer than three groups."""
    row = summary.rows.get(system(method, examples))
    return (row.uar, row.low, row.high) if row else (np.nan, np.nan, np.nan)


def differences(summary: Summary) -> dict[tuple[str, int], PairedDifference]:
    """All methods less from scratch, on the same draws, by method and number of examples: one family."""
    methods, numbers = found(summary)
    places = [(method, number) for method in methods if method != OPPONENT for number in numbers]
    pairs = paired_differences(summary.results, [(system(method, number), system(OPPONENT, number)) for method, number in places])
    compared = {pair.first: pair for pair in pairs}
    return {place: compared[system(*place)] for place in places if system(*place) in compared}


def table(summary: Summary) -> str:
    """A row a number of examples, a column a method, and the paired differences, as Markdown."""
    methods, numbers = found(summary)
    pairs = differences(summary)
    others = [method for method in methods if method in {method for method, _ in pairs}]
    rows = []
    for number in numbers:
        means = [scores(summary, method, number) for method in methods]
        cells = ["" if np.isnan(mean) else around(mean, low, high) for mean, low, high in means]
        for method in others:
            cells += compared(pairs.get((method, number)))
        first = summary.rows.get(system(methods[0], number))
        rows.append([str(number), *cells, f"{first.runs} in {first.folds} groups" if first else "0 in 0 groups"])
    heads = ["examples of each emotion", *(TITLES[method] for method in methods)]
    heads += [head for method in others for head in (f"{TITLES[method]} less {TITLES[OPPONENT]}", *TESTED)]
    return report.markdown_table([*heads, "draws"], rows)


def figure(summary: Summary, title: str) -> Figure:
    """UAR over examples of each emotion, and beside it the paired differences, both with intervals."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator

    methods, numbers = found(summary)
    pairs = differences(summary)
    drawn = Figure(figsize=(9.5, 3.8), layout="constrained")
    left, right = drawn.subplots(1, 2, width_ratios=(1.25, 1))
    for place, method in enumerate(methods):
        style = {"color": _COLOURS[method], "marker": _MARKS[method], "capsize": 3, "linewidth": 1.5, "markersize": 5}
        at = np.array(numbers) * 1.05 ** (place - (len(methods) - 1) / 2)  # side by side, so that no interval hides another
        mean, low, high = np.array([scores(summary, method, number) for number in numbers]).T
        left.errorbar(at, mean, [mean - low, high - mean], label=TITLES[method], **style)
        if mine := {number: pair for (name, number), pair in pairs.items() if name == method}:
            mean, low, high = np.array([(pair.mean, pair.low, pair.high) for pair in mine.values()]).T
            at = np.array(list(mine)) * 1.05 ** (place - (len(methods) - 1) / 2)
            right.errorbar(at, mean, [mean - low, high - mean], label=TITLES[method], **style)
    chance = 100 / len(summary.results[0].emotions)
    left.axhline(chance, color="black", linestyle=":", linewidth=1, label=f"chance, {chance:.1f} %")
    right.axhline(0, color="black", linewidth=0.8)
    left.set_ylabel("UAR on unheard speakers, %")
    right.set_ylabel("UAR points beyond training from scratch")
    left.set_ylim(0, 100)
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xticks(numbers, [str(number) for number in numbers])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlim(numbers[0] / 1.4, numbers[-1] * 1.4)
        axes.set_xlabel("labelled examples of each emotion")
        axes.grid(axis="y", linewidth=0.4, alpha=0.6)
    left.legend(fontsize=8, loc="upper left")
    drawn.suptitle(title, fontsize=11)
    return drawn


def write(summary: Summary, directory: Path, corpus: Corpus, init: str, sha256: str, settings: str) -> Path:
    """Writes `transfer.md` and `transfer.png`.

    Args:
        summary: The summary of the command's results.
        directory: Where to.
        corpus: The corpus of the results.
        init: The trained network.
        sha256: The checksum of its file.
        settings: A sentence on how the trainings were set.

    Returns:
        `transfer.md`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    drawing.save(figure(summary, f"{init} on {corpus.title}{', generated audio' if corpus.caveat else ''}"), directory / "transfer.png")
    text = [f"# {init} on {corpus.title}, {summary.results[0].protocol}", ""]
    text += [corpus.caveat, ""] if corpus.caveat else []
    text += [
        f"Network: `{init}`, sha256 `{sha256}`. UAR in percent on speakers of whom nothing was seen, with 95 % intervals. {TESTS}",
        "",
        table(summary),
        "",
        "Each draw takes its examples among all speakers who neither test nor validate; fewer examples are a part of more. All methods get "
        "the same examples, normalised by their own mean and variance. From scratch is the same network with weights drawn anew; with the "
        "same augmentation, number of updates and schedule it differs from fine-tuning as a whole by the weights that it begins with, and "
        "by nothing else. In stages, the head learns first, then all but the convolutions, then everything, a third of the updates each. "
        "All take their last weights.",
        "",
        f"{settings} {report.made_with(summary.results)}",
        "",
        "![UAR over examples of each emotion](transfer.png)",
        "",
    ]
    path = directory / "transfer.md"
    files.write_text(path, "\n".join(text))
    return path
