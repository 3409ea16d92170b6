"""Finished runs -> the report: tables beside the published numbers, figures, Markdown and CSV, computed from the result files alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from ser_acrnn import files
from ser_acrnn.evaluation import drawing, figures
from ser_acrnn.evaluation.calibration import Calibration, calibration, reliability
from ser_acrnn.evaluation.comparison import PairedDifference, paired_differences
from ser_acrnn.evaluation.intervals import TESTED, ends, tested
from ser_acrnn.evaluation.markdown import markdown_table
from ser_acrnn.evaluation.protocol import LEAVE_ONE_SPEAKER_OUT, TESTS
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.evaluation.summary import Summary, SystemSummary, confusion_percent

# What `write` leaves beside the figures of each system.
FILES = ("report.md", "runs.csv", "summary.csv", "folds.png", "reliability.png")
UAR_HEAD = "UAR, mean over folds ± std over runs"
PAIRED = (
    "Differences are the mean over folds of each fold's mean over seeds. Interval and p: paired t test over folds, from three folds on. "
    "p after Holm: corrected over the rows of the table. The verdict is a gain or a loss where that is below 5 %."
)
_TRAINING = (
    "The training loss is the mean over an epoch's batches, augmentation and dropout included. Where kept networks judge in another way, "
    "epochs and losses are those of their training."
)


def overview(summary: Summary, names: Mapping[str, str]) -> str:
    """The summary as a Markdown table that names the protocol; without the paper's columns where it has nothing of these systems."""
    published = not all(math.isnan(row.paper) for row in summary.rows.values())
    rows = [
        [
            names.get(row.system, row.system),
            folds_by_seeds(row),
            spread(row.uar, row.std_runs),
            number(row.std_folds),
            ends(row.low, row.high),
            number(row.pooled_uar),
            number(row.wa),
            number(row.f1),
            *([spread(row.paper, row.paper_std), number(row.difference, "+")] if published else []),
        ]
        for row in summary.rows.values()
    ]
    heads = [
        "system",
        f"{summary.results[0].protocol}, folds x seeds",
        UAR_HEAD,
        "std over folds",
        "95 % interval over folds",
        "UAR pooled",
        "WA",
        "macro F1",
        *(["paper's UAR", "difference"] if published else []),
    ]
    return markdown_table(heads, rows)


def folds_by_seeds(row: SystemSummary) -> str:
    """How many runs a row is about: `10 x 3`, or where some are missing their number and that of the folds."""
    return f"{row.folds} x {row.seeds}" if row.runs == row.folds * row.seeds else f"{row.runs} runs, {row.folds} folds"


def paired_table(comparisons: Sequence[PairedDifference], names: Mapping[str, str]) -> str:
    """Paired comparisons of one family as a Markdown table."""
    rows = [
        [
            f"{names.get(pair.first, pair.first)} less {names.get(pair.second, pair.second)}",
            f"{pair.runs} in {pair.folds} folds",
            f"{pair.mean:+.2f}",
            ends(pair.low, pair.high, "+"),
            *tested(pair),
        ]
        for pair in comparisons
    ]
    return markdown_table(["UAR points", "pairs of runs", "mean difference", "95 % interval over folds", *TESTED], rows)


def tables(summary: Summary, names: Mapping[str, str], pairs: Sequence[tuple[str, str]] = ()) -> str:
    """The overview, with a row of its own for the seeds of a system that judge together, and paired comparisons.

    Args:
        summary: The summary of all runs of a corpus.
        names: Systems as the tables call them.
        pairs: Systems to compare; those that share runs are.
    """
    text = overview(summary.with_seeds, names)
    comparisons = paired_differences(summary.results, pairs)
    return f"{text}\n\nPaired by fold and seed:\n\n{paired_table(comparisons, names)}\n\n{PAIRED}" if comparisons else text


def recall_table(summary: Summary, names: Mapping[str, str]) -> str:
    """Recall of each emotion by each system, all runs put together, and in brackets what it is taken for most often otherwise."""
    emotions, rows = summary.results[0].emotions, []
    for system, runs in summary.by_system.items():
        percent, cells = confusion_percent(runs), []
        for row, truth in enumerate(percent):
            wrong = int(np.delete(truth, row).argmax())
            wrong += wrong >= row
            cells.append(f"{truth[row]:.1f} ({emotions[wrong]} {truth[wrong]:.1f})")
        rows.append([names.get(system, system), *cells])
    return markdown_table(["recall, % (taken for)", *emotions], rows)


def calibration_table(calibrations: Sequence[Calibration], names: Mapping[str, str]) -> str:
    """Expected calibration error and log loss before and after the temperature, as Markdown."""
    rows = [
        [
            names.get(found.system, found.system),
            str(len(found.temperatures)),
            "validation speaker" if found.on_validation else "other test speakers",
            f"{np.median(found.temperatures):.2f} ({min(found.temperatures):.2f} to {max(found.temperatures):.2f})",
            *(f"{100 * reliability(judged).error:.1f}" for judged in (found.before, found.after)),
            *(f"{judged.log_loss:.3f}" for judged in (found.before, found.after)),
        ]
        for found in calibrations
    ]
    heads = ["system", "runs", "fitted on", "temperature, median (range)", "calibration error, %", "scaled", "log loss", "scaled"]
    return markdown_table(heads, rows)


def training_table(summary: Summary, names: Mapping[str, str]) -> str:
    """How long each system was trained, and how well it knew its training speakers in the end; without those that only judge together."""
    rows = []
    for system, runs in summary.by_system.items():
        if not (mine := [run for run in runs if run.validation_curve]):
            continue
        chosen = [result.chosen_epoch for result in mine]
        losses = np.array([[_loss(result, result.chosen_epoch), _loss(result, len(result.validation_curve))] for result in mine], float)
        known = losses[~np.isnan(losses).any(axis=1)]
        rows.append(
            [
                names.get(system, system),
                str(len(mine)),
                f"{np.median(chosen):.0f} ({min(chosen)} to {max(chosen)})",
                f"{np.mean([len(result.validation_curve) for result in mine]):.1f}",
                *([f"{value:.3f}" for value in known.mean(axis=0)] if len(known) else ["", ""]),
                f"{np.median([result.wall_seconds for result in mine]) / 60:.1f}",
            ]
        )
    heads = ["system", "runs", "chosen epoch, median (range)", "epochs, mean", "training loss there", "in the last", "minutes, median"]
    return markdown_table(heads, rows)


def _loss(result: RunResult, epoch: int) -> float | None:
    """Training loss of an epoch; None where it was not recorded."""
    return next(entry["loss"] for entry in result.validation_curve if entry["epoch"] == epoch)


def fold_table(runs: pd.DataFrame) -> str:
    """UAR in percent of one system's runs as a Markdown table, a row a fold, a column a seed, and the means of both."""
    grid = runs.pivot(index="speaker", columns="seed", values="uar") * 100
    epochs = runs.groupby("speaker")["chosen_epoch"].apply(lambda chosen: ", ".join(str(epoch) for epoch in chosen))
    rows = [
        [speaker, *(number(value) for value in row), f"{np.nanmean(row):.2f}", epochs[speaker]]
        for speaker, row in zip(grid.index, grid.to_numpy(), strict=True)
    ]
    rows.append(["mean", *(f"{mean:.2f}" for mean in grid.mean()), f"{grid.mean(axis=1).mean():.2f}", ""])
    return markdown_table(["tested", *(f"seed {seed}" for seed in grid.columns), "mean", "chosen epochs"], rows)


def write(
    summary: Summary,
    directory: str | Path,
    title: str,
    *,
    names: Mapping[str, str] | None = None,
    caveat: str = "",
    pairs: Sequence[tuple[str, str]] = (),
    expected_runs: Mapping[str, int] | None = None,
) -> Path:
    """Writes the whole report of one corpus: `report.md`, `summary.csv`, `runs.csv` and PNG figures beside them.

    Args:
        summary: The summary of all runs of the corpus.
        directory: Where to write.
        title: The corpus, as the headline has it.
        names: Systems as the tables call them.
        caveat: Printed above the first table.
        pairs: Systems to compare on the folds and seeds that both have.
        expected_runs: Runs of each system when it is complete; those with fewer are named. None: no matter.

    Returns:
        `report.md`.
    """
    directory, names, protocol = Path(directory), names or {}, summary.results[0].protocol
    directory.mkdir(parents=True, exist_ok=True)
    files.write_text(directory / "runs.csv", summary.scores.round(6).to_csv(index=False))
    facts = [{"protocol": protocol, **asdict(row), "difference": row.difference} for row in summary.with_seeds.rows.values()]
    files.write_text(directory / "summary.csv", pd.DataFrame(facts).round(4).to_csv(index=False))
    drawing.save(figures.folds_figure(summary, names), directory / "folds.png")

    text = [f"# {title}, {protocol}", ""]
    title = title if protocol == LEAVE_ONE_SPEAKER_OUT else f"{title}, {protocol}"
    text += [caveat, ""] if caveat else []
    text += [tables(summary, names, pairs), "", *_explanation(summary.results), "", *_incomplete(summary, names, expected_runs or {})]
    text += ["![UAR by system and fold](folds.png)", ""]
    text += ["## Recall by emotion", "", recall_table(summary.with_seeds, names), "", *_calibration(summary.with_seeds, names, directory)]
    text += ["## Training", "", training_table(summary, names), "", _TRAINING, ""]
    for system, mine in summary.by_system.items():
        name, by_fold = names.get(system, system), fold_table(summary.scores[summary.scores["system"] == system])
        drawing.save(figures.confusion_figure(mine, f"{title}, {name}"), directory / f"{system}-confusion.png")
        text += [f"## {name}", "", by_fold, "", f"![Confusion of {name}]({system}-confusion.png)", ""]
        if any(result.validation_curve for result in mine):
            drawing.save(figures.curves_figure(mine, f"{title}, {name}"), directory / f"{system}-curves.png")
            text += [f"![Training curves of {name}]({system}-curves.png)", ""]
    path = directory / "report.md"
    files.write_text(path, "\n".join(text))
    return path


def _explanation(results: Sequence[RunResult]) -> list[str]:
    tested, chooser = TESTS[results[0].protocol]
    machines = dict.fromkeys(result.system for result in results if result.chosen)
    systems = dict.fromkeys(result.system for result in results if result.system not in machines)
    unwatched = dict.fromkeys(result.system for result in results if result.fold["validation"] is None and result.system not in machines)
    fixed = "all others train, and the last epoch is taken"
    chosen = "all others train, and choose the complexity by leaving out one of them after the other"
    how = f"{tested}, chooses the epoch on {chooser} and trains on the rest."
    if unwatched == systems:
        how = f"{tested}; {fixed if systems else chosen}."
    some = f" In {', '.join(unwatched)} nobody validates: {fixed}." if unwatched and unwatched != systems else ""
    some += f" In {', '.join(machines)} there are no epochs: {chosen}." if machines and systems else ""
    return [
        f"{results[0].protocol}: {how} All figures in percent. UAR: mean recall over the classes that the test "
        "part of the fold has, averaged over the runs of a fold, which are its seeds, and then over folds, as are WA and F1. Standard "
        "deviations are sample standard deviations. The interval is a t interval over the folds' means; with fewer than three folds "
        f"there is none. Pooled: the recalls of all test decisions put together. Chance: {_chance(results)}.{some}",
        "",
        made_with(results),
    ]


def _chance(results: Sequence[RunResult]) -> str:
    """UAR of decisions that are made without listening."""
    emotions = {emotion for result in results for emotion in result.truth}
    return f"a UAR of {100 / len(emotions):.2f}, 100 by the {len(emotions)} emotions"


def _calibration(summary: Summary, names: Mapping[str, str], directory: Path) -> list[str]:
    calibrations = [found for runs in summary.by_system.values() if (found := calibration(runs))]
    if not calibrations:
        return []
    drawing.save(figures.reliability_figure(calibrations, names), directory / "reliability.png")
    return [
        "## Calibration",
        "",
        calibration_table(calibrations, names),
        "",
        "An utterance's posteriors are the maxima over its segments, scaled to sum to one. Each run's temperature has the least log loss "
        "on its validation speaker, or, where there are no posteriors of one, on the test speakers of the other folds, judged by those "
        "folds' networks; it is applied to its test speaker, and no decision changes.",
        "",
        "![Confidence and accuracy](reliability.png)",
        "",
    ]


def made_with(results: Sequence[RunResult]) -> str:
    """How many runs, how long they took, and on what they were computed."""
    hours = sum(result.wall_seconds for result in results) / 3600
    places = sorted({f"{result.backend}, {result.device}, {result.precision}" for result in results})
    return f"{len(results)} runs, {hours:.1f} hours of training; {'; '.join(places)}."


def _incomplete(summary: Summary, names: Mapping[str, str], expected: Mapping[str, int]) -> list[str]:
    parts = []
    for runs in sorted(set(expected.values()), reverse=True):
        mine = [row for row in summary.rows.values() if row.runs < runs == expected.get(row.system)]
        short = [f"{names.get(row.system, row.system)} ({row.runs})" for row in mine]
        parts += [f"with fewer than {runs} runs: {', '.join(short)}"] if short else []
    return [f"Not yet complete, {'; '.join(parts)}.", ""] if parts else []


def number(value: float, sign: str = "") -> str:
    """Two decimals, or nothing for NaN."""
    return "" if math.isnan(value) else f"{value:{sign}.2f}"


def spread(mean: float, deviation: float) -> str:
    """Mean and deviation; the mean alone where there is no deviation."""
    return number(mean) if math.isnan(deviation) else f"{mean:.2f} ± {deviation:.2f}"
