"""Time and memory of one epoch over a prepared corpus: its batches from the shards or from memory, alone and trained on; a process each.

python -m experiments.bench.epoch stream|memory|train|train-streamed PREPARED
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from experiments.bench.memory import PeakMemory

KINDS = ("stream", "memory", "train", "train-streamed")


def measure(kind: str, prepared: Path) -> dict[str, float]:
    """Reads or trains on all speakers of a corpus once.

    Args:
        kind: `stream`: batches in random order, read from the shards ahead of their use; `memory`: all segments are read, and then such
            batches taken of them; `train` and `train-streamed`: the system `tiny` for one epoch on either, validation included. One epoch
            before, unmeasured, pays for compilation and for the first touch of the files.
        prepared: A prepared corpus of log-Mels.

    Returns:
        `segments`; `loading`: seconds until the first batch can be had; `seconds` of the epoch; MiB: `peak`, and `before`, the memory
        after the imports.
    """
    words = [sys.executable, "-m", __name__, kind, str(prepared)]
    return json.loads(subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout)


def _measure_here(kind: str, prepared: Path) -> dict[str, float]:
    import psutil
    import tensorflow  # noqa: F401 - so that its import is not counted

    from experiments import catalogue
    from ser_acrnn.data.prepared import RecordCorpus
    from ser_acrnn.training import loop, systems

    corpus = RecordCorpus(prepared)
    preset = catalogue.system("tiny", catalogue.corpus(corpus.name))
    system, (first, *others) = systems.system_of(preset), corpus.speakers
    before, peak, started = psutil.Process().memory_info().rss / 2**20, PeakMemory(), time.perf_counter()
    held = {"largest_in_memory_bytes": 0 if "stream" in kind else 1 << 62}
    train = system.segments(corpus, others, training=True, **held)
    ends = [time.perf_counter()]
    if kind.startswith("train"):
        validation, model = system.segments(corpus, [first], **held), system.network(*corpus.statistics(others))
        config = replace(preset.training, epochs=2)
        loop.fit(model, train, validation, config, seed=0, on_epoch=lambda entry: ends.append(time.perf_counter()))
    else:
        for seed in range(2):
            read = _batches(train, preset.training.batch_size, seed)
            assert read == len(train.labels), read
            ends.append(time.perf_counter())
    loading, seconds = ends[0] - started, ends[-1] - ends[-2]
    return {"segments": len(train.labels), "loading": loading, "seconds": seconds, "before": before, "peak": peak.stop()}


def _batches(segments: Any, size: int, seed: int) -> int:
    """Takes all segments in random order; returns how many."""
    import numpy as np

    from ser_acrnn.data.streamed import StreamedFeatures, read_ahead

    order = np.random.default_rng(seed).permutation(len(segments.labels))
    taken = (segments.features[order[start : start + size]] for start in range(0, len(order), size))
    return sum(len(batch) for batch in (read_ahead(taken) if isinstance(segments.features, StreamedFeatures) else taken))


if __name__ == "__main__":
    print(json.dumps(_measure_here(sys.argv[1], Path(sys.argv[2]))))
