"""Whether cost grows with the corpus: preparation and an epoch at one, two, four and eight times as much audio."""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path

from data_prep.corpora import iemocap
from data_prep.synthetic import iemocap as synthetic_iemocap
from experiments.bench import epoch, preparation
from experiments.bench.harness import Row

TIMES = (1, 2, 4, 8)
GROUP = "growth"


def rows(scale: float, rounds: int) -> list[Row]:
    """Measures on look-alikes of IEMOCAP, each in a process of its own.

    Args:
        scale: The scale of the smallest corpus; the largest is eight times as large.
        rounds: Measurements of each, of which the median counts.
    """
    table: list[Row] = []
    first: dict[str, tuple[float, float]] = {}
    for times in TIMES:
        with tempfile.TemporaryDirectory() as folder:
            source, data = Path(folder, "corpus"), Path(folder, "data")
            synthetic_iemocap.write_iemocap_like(source, scale * times, workers=os.cpu_count() or 1)
            found = [preparation.measure(iemocap.NAME, source, data / str(number)) for number in range(rounds)]
            minutes, prepared = found[0]["minutes"], next((data / "0").iterdir())
            measured = {"prepared": (minutes, "min of audio", statistics.median(one["fresh"] for one in found))}
            for kind, words in (("stream", "an epoch's batches from the shards"), ("train", "an epoch of the system tiny")):
                passes = [epoch.measure(kind, prepared) for _ in range(rounds)]
                measured[words] = (passes[0]["segments"], "segments", statistics.median(one["seconds"] for one in passes))
        for words, (size, unit, seconds) in measured.items():
            size_before, seconds_before = first.setdefault(words, (size, seconds))
            beside = ("linear growth", seconds_before / size_before * size / seconds) if times > 1 else ("", None)
            table.append(Row(GROUP, f"{words}, {size:.0f} {unit}", seconds, "s", *beside))
    return table
