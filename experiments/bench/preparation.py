"""Time and memory of preparing a corpus laid out as Emo-DB, measured in a process of its own.

python -m experiments.bench.preparation SOURCE
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil


def measure(source: Path) -> dict[str, float]:
    """Prepares a corpus twice in a fresh process.

    Returns:
        `utterances`; seconds: `imports`, `fresh` (from nothing), `again` (nothing to do); MiB: `peak`, the highest sum of the memory of
        the process and its workers.
    """
    child = subprocess.run([sys.executable, "-m", __name__, str(source)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(child.stdout)


def _measure_here(source: Path) -> dict[str, float]:
    started = time.perf_counter()
    import tensorflow  # noqa: F401 - so that its import is not counted

    from data_prep import emodb, prepare

    peak = _PeakMemory()
    marks = [time.perf_counter()]
    utterances = emodb.utterances(source)
    with tempfile.TemporaryDirectory() as data:
        for _ in range(2):
            prepare.prepare("emodb", utterances, data, source=source)
            marks.append(time.perf_counter())
    return {
        "utterances": len(utterances),
        "imports": marks[0] - started,
        "fresh": marks[1] - marks[0],
        "again": marks[2] - marks[1],
        "peak": peak.stop(),
    }


class _PeakMemory(threading.Thread):
    """Adds up the resident memory of this process and its descendants twenty times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.done = 0, threading.Event()
        self.start()

    def run(self) -> None:
        """Samples until `stop`."""
        me = psutil.Process()
        while not self.done.wait(0.05):
            total = 0
            for process in [me, *me.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    total += process.memory_info().rss
            self.peak = max(self.peak, total)

    def stop(self) -> float:
        """Returns the peak in MiB."""
        self.done.set()
        self.join()
        return self.peak / 2**20


if __name__ == "__main__":
    print(json.dumps(_measure_here(Path(sys.argv[1]))))
