"""Time and memory of preparing a corpus, measured in processes of their own.

python -m experiments.bench.preparation NAME SOURCE DATA
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from experiments.bench.memory import PeakMemory


def measure(name: str, source: Path, data: Path) -> dict[str, float]:
    """Prepares a corpus twice in a fresh process.

    Args:
        name: The name of its loader.
        source: The corpus on disk.
        data: Where the prepared corpus goes, `<data>/<its name>`; stays there.

    Returns:
        `utterances`, `minutes` of audio; seconds: `imports`, `fresh` (from nothing), `again` (nothing to do); MiB: `peak`, the most
        memory of the process.
    """
    words = [sys.executable, "-m", __name__, name, str(source), str(data)]
    return json.loads(subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout)


def measure_command(name: str, source: Path, data: Path, jobs: int) -> float:
    """Seconds of the whole command that prepares a corpus, in one process or in pieces in several.

    Args:
        name: The name of its loader.
        source: The corpus on disk.
        data: Where the prepared corpus goes.
        jobs: Processes.
    """
    words = ["data_prep.prepare"] if jobs == 1 else ["experiments.jobs.run_preparation", "--jobs", str(jobs), "--work", str(data / "work")]
    words = [sys.executable, "-m", words[0], name, "--source", str(source), "--data", str(data), *words[1:]]
    started = time.perf_counter()
    subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def _measure_here(name: str, source: Path, data: Path) -> dict[str, float]:
    started = time.perf_counter()
    import tensorflow  # noqa: F401 - so that its import is not counted

    from data_prep import loader, prepare
    from ser_acrnn.data.prepared import RecordCorpus

    peak = PeakMemory()
    marks = [time.perf_counter()]
    for _ in range(2):
        reading = loader.find(name).read(source)
        link = prepare.prepare(reading.name, reading.utterances, data, source=source)
        marks.append(time.perf_counter())
    manifest = RecordCorpus(link).manifest
    return {
        "utterances": len(manifest),
        "minutes": manifest["seconds"].sum() / 60,
        "imports": marks[0] - started,
        "fresh": marks[1] - marks[0],
        "again": marks[2] - marks[1],
        "peak": peak.stop(),
    }


if __name__ == "__main__":
    print(json.dumps(_measure_here(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
