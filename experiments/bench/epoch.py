"""Time and memory of one epoch over a prepared corpus: streamed from its shards, held in memory, and trained on; a process each.

python -m experiments.bench.epoch stream|memory|train PREPARED REPEATS
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from experiments.bench.memory import PeakMemory

KINDS = ("stream", "memory", "train")


def measure(kind: str, prepared: Path, repeats: int = 1) -> dict[str, float]:
    """Reads or trains on all speakers of a corpus once.

    Args:
        kind: `stream`: shuffled batches through `stream_segments`; `memory`: `load_segments` alone; `train`: the system `tiny` for one
            epoch on segments in memory, validation included. What is streamed or trained on has been so once before, unmeasured, so that
            no first step's compilation counts.
        prepared: A prepared corpus of log-Mels.
        repeats: As if the corpus were that many times as large: `stream` and `memory` read each shard so often.

    Returns:
        `segments`; `seconds` of the epoch; MiB: `peak`, and `before`, the memory after the imports.
    """
    words = [sys.executable, "-m", __name__, kind, str(prepared), str(repeats)]
    return json.loads(subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout)


def _measure_here(kind: str, prepared: Path, repeats: int) -> dict[str, float]:
    import psutil
    import tensorflow  # noqa: F401 - so that its import is not counted

    from experiments import catalogue
    from ser_acrnn.data.prepared import RecordCorpus, load_segments, stream_segments
    from ser_acrnn.training import loop, systems

    corpus = RecordCorpus(prepared)
    preset = catalogue.system("tiny", catalogue.corpus(corpus.name))
    emotions = preset.model.emotions
    before, peak, ends = psutil.Process().memory_info().rss / 2**20, PeakMemory(), [time.perf_counter()]
    if kind == "stream":
        for times in (1, repeats):
            data = stream_segments(corpus, corpus.speakers, emotions, shuffle_seed=0).repeat(times)
            segments = sum(len(labels) for _, labels in data)
            ends.append(time.perf_counter())
    elif kind == "memory":
        held = [load_segments(corpus, corpus.speakers, emotions) for _ in range(repeats)]
        segments = sum(len(part.labels) for part in held)
        ends.append(time.perf_counter())
    else:
        config = replace(preset.training, epochs=2)
        method = systems.system_of(preset)
        train, validation = method.segments(corpus, corpus.speakers[1:], training=True), method.segments(corpus, corpus.speakers[:1])
        model = method.network(*corpus.statistics(corpus.speakers[1:]))
        loop.fit(model, train, validation, config, seed=0, on_epoch=lambda entry: ends.append(time.perf_counter()))
        segments = len(train.labels)
    return {"segments": segments, "seconds": ends[-1] - ends[-2], "before": before, "peak": peak.stop()}


if __name__ == "__main__":
    print(json.dumps(_measure_here(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
