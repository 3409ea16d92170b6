"""How a figure is taken: interleaved with its yardstick in one process, as a ratio; and what a benchmark hands on."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ser_acrnn.evaluation import report


@dataclass(frozen=True)
class Row:
    """One line of the benchmark's table.

    Attributes:
        group: What it is about, such as "features".
        what: What was measured.
        figure: The measurement.
        unit: The unit of its figures.
        yardstick: What it is compared with, measured in the same run.
        ratio: How many times better than the yardstick; None without one.
    """

    group: str
    what: str
    figure: float
    unit: str
    yardstick: str = ""
    ratio: float | None = None


def interleaved(functions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Calls the functions in turn, so that whatever else the machine does falls on all of them.

    Args:
        functions: Name -> what to time. Each is called once before, untimed.
        rounds: Timed calls of each.

    Returns:
        Median seconds of each.
    """
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(rounds):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}


def table(rows: Sequence[Row]) -> str:
    """The benchmark's table in Markdown."""
    lines = [
        [row.group, row.what, f"{row.figure:.3g} {row.unit}", "" if row.ratio is None else f"{row.ratio:.2f} x {row.yardstick}"]
        for row in rows
    ]
    return report.markdown_table(["group", "what", "figure", "beside"], lines)
