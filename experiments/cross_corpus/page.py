"""Results across corpora -> tables, a heat map, and the page that holds them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_prep.loader import find
from experiments import catalogue
from experiments.cross_corpus import confidence, differences
from experiments.cross_corpus import results as found
from experiments.cross_corpus.recordings import SETS, shared
from experiments.cross_corpus.results import CONDITIONS, FOLDER, decisions, parts
from experiments.reporting.pages import NONE_YET
from ser_acrnn import files
from ser_acrnn.evaluation import drawing, metrics, report
from ser_acrnn.evaluation.results import RunResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURE = "four-emotions.png"
Row = tuple[str, str, tuple[str, ...]]  # judge, condition, training corpora


def uar(results: Iterable[RunResult], row: Row, test: str, wanted: Sequence[str]) -> tuple[float, int]:
    """UAR in percent over those of some emotions that training and tested corpora share, and how many these are; NaN without a result.

    A machine was trained on these emotions alone. A network knows others too, and decides for the likeliest of these.
    """
    judge, condition, train = row
    mine = [one for one in results if one.system == f"{judge}.{condition}" and tuple(one.fold["train"]) == train and one.corpus == test]
    emotions = shared(wanted, [find(name).CORPUS.emotions for name in train], find(test).CORPUS.emotions)
    fitting = sorted((one for one in mine if set(emotions) <= set(one.emotions)), key=lambda one: len(one.emotions))
    if not fitting:
        return float("nan"), len(emotions)
    return 100 * metrics.unweighted_average_recall(*decisions(fitting[0], emotions)), len(emotions)


def rows_of(results: Iterable[RunResult]) -> list[Row]:
    """The rows of a table: machines before networks, then by what was heard, then by what was trained on, one corpus before several."""
    rows = {(*parts(one.system), tuple(one.fold["train"])) for one in results}
    order = list(CONDITIONS)
    return sorted(rows, key=lambda row: (not row[0].startswith("opensmile"), row[0], order.index(row[1]), len(row[2]), row[2]))


def _title(corpora: Sequence[str]) -> str:
    return " + ".join(catalogue.corpus(name).title for name in corpora)


def matrix(results: Sequence[RunResult], wanted: Sequence[str]) -> tuple[list[tuple[str, str, str]], list[str], np.ndarray]:
    """Rows (judge, condition, what it was trained on), tested corpora, and UAR in percent with the number of emotions behind it.

    Returns:
        Rows, names of the tested corpora, and shape `(rows, tested, 2)`; NaN where there is no result.
    """
    tested = sorted({one.corpus for one in results})
    lines: dict[tuple[str, str, str], list[tuple[float, int]]] = {}
    for judge, condition, train in rows_of(results):
        machine = judge.startswith("opensmile")
        name = "all but the tested one" if machine and len(train) > 1 else _title(train)
        line = lines.setdefault((judge, condition, name), [(float("nan"), 0)] * len(tested))
        for place, test in enumerate(tested):
            if test not in train and not np.isnan((value := uar(results, (judge, condition, train), test, wanted))[0]):
                line[place] = value
    return list(lines), tested, np.array(list(lines.values()))


def table(results: Sequence[RunResult], wanted: Sequence[str]) -> str:
    """The matrix as Markdown; the number of emotions stands behind a figure where it is not that of all wanted ones."""
    rows, tested, values = matrix(results, wanted)
    cells = [
        ["" if np.isnan(value) else f"{value:.1f}" + (f" ({int(number)})" if number != len(wanted) else "") for value, number in line]
        for line in values
    ]
    heads = ["judge", "heard before", "trained on", *(catalogue.corpus(name).title for name in tested)]
    return report.markdown_table(
        heads, [[f"`{judge}`", condition, train, *line] for (judge, condition, train), line in zip(rows, cells, strict=True)]
    )


def figure(results: Sequence[RunResult], wanted: Sequence[str]) -> Figure:
    """The matrix in colours, from chance to all right."""
    from matplotlib.figure import Figure

    rows, tested, values = matrix(results, wanted)
    drawn = Figure(figsize=(3.6 + 1.1 * len(tested), 1.2 + 0.27 * len(rows)), layout="constrained")
    axes = drawn.subplots()
    image = axes.imshow(values[..., 0], vmin=100 / len(wanted), vmax=100, cmap="Blues", aspect="auto")
    axes.set_xticks(range(len(tested)), [catalogue.corpus(name).title for name in tested], rotation=30, ha="right")
    axes.set_yticks(range(len(rows)), [f"{judge}, {condition}: {train}" for judge, condition, train in rows], fontsize=7)
    axes.set_xlabel("judged on")
    for row, column in np.ndindex(*values.shape[:2]):
        if not np.isnan(value := values[row, column, 0]):
            axes.text(column, row, f"{value:.1f}", ha="center", va="center", fontsize=7, color="white" if value > 70 else "black")
    drawn.colorbar(image, label="UAR, %", fraction=0.046)
    return drawn


def recordings_table(results: Sequence[RunResult]) -> str:
    """How many recordings of how many speakers were judged of each corpus."""
    rows = []
    for test in sorted({one.corpus for one in results}):
        every = {one["id"]: one["speaker"] for result in results if result.corpus == test for one in result.utterances}
        corpus = catalogue.corpus(test)
        rows.append([corpus.title, str(len(every)), str(len(set(every.values()))), corpus.licence])
    return report.markdown_table(["corpus", "recordings", "speakers", "licence"], rows)


def write(root: Path, page: Path) -> list[Path]:
    """Writes the page and its figure from the results.

    Args:
        root: Root of the results.
        page: The page.

    Returns:
        The page, and where there are results the figure.

    Raises:
        ResultError: A result is not what its name says.
    """
    results, picture = found.collect(root), root / FOLDER / FIGURE
    heard = "\n".join(f"- **{name}**: {words}" for name, words in CONDITIONS.items())
    if results:
        drawing.save(figure(results, SETS["four"]), picture)
    files.write_text(
        page,
        f"""# Across corpora

Trained on some corpora and judged on another one, in percent UAR over the emotions that both have. Made from the committed results, which
hold what was said of each recording, by `python -m experiments.cross_corpus --page {page}`; nothing here is typed.

No figure was chosen by the tested corpus: a machine's complexity is what the training corpora say, left out one by one, or where there is
one alone a fifth of its speakers after the other; the networks are those that ship, and those of recipes of
`experiments.studies.open_corpora`, each trained without the corpus that it is judged on. No audio stands in two corpora, by bytes or by
sound.

{heard}

Functionals are standardised by the training recordings (unadapted) or by what was heard of the speaker; of networks, batch norm adapts to
it, and of one that normalises by the speaker mean and variance of the log-Mels too. A half is drawn at random, and each is judged by the
other.

{_tables(results, Path(os.path.relpath(picture, page.parent)).as_posix()) if results else NONE_YET}
""",
    )
    return [page, picture] if results else [page]


def _tables(results: Sequence[RunResult], picture: str) -> str:
    return f"""## What is judged

{recordings_table(results)}

Where these are fewer than a corpus has, they were drawn evenly over speakers and emotions, by the checksums of their files; machines were
trained on the same ones.

## Four emotions

Angry, sad, happy, neutral; chance is 25.

{table(results, SETS["four"])}

![UAR by training corpus and tested corpus]({picture})

## Six emotions

With fear and disgust, chance is 16.7. Where training and tested corpora share fewer of them, the number stands in brackets.

{table(results, SETS["six"])}
{_compared(results)}{_sure(results)}
{report.made_with(results)}"""


def _compared(results: Sequence[RunResult]) -> str:
    if not (rows := differences.table(results)):
        return ""
    return f"""
## Networks compared

On corpora that neither has heard, under the same condition on the same recordings: UAR of each speaker, differences averaged over speakers
with Student's t interval, the p-value of the paired t test, and the same after Holm's correction over the table.

{rows}
"""


def _sure(results: Sequence[RunResult]) -> str:
    if not (rows := confidence.table(results)):
        return ""
    return f"""
## How sure the networks are

Of all recordings, over all emotions that the network knows: the share of right decisions, the mean posterior of what was decided, and the
expected calibration error, the mean distance of the two in ten bins of confidence.

{rows}
"""
