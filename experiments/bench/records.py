"""TFRecords: segments written, read in order and read in random order in a second."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.bench.harness import Row
from ser_acrnn.config import FeatureConfig
from ser_acrnn.data import tfrecords
from ser_acrnn.data.prepared import MANIFEST, RECIPE, RecordCorpus
from ser_acrnn.data.segments import cut_segments
from ser_acrnn.features.log_mels import segment

SPEAKERS, SECONDS, BATCH = 8, 6, 40  # two segments an utterance


def rows(quick: bool) -> list[Row]:
    """Measures on utterances of noise in a temporary folder."""
    import tensorflow as tf

    config, utterances = FeatureConfig(), 60 if quick else 250
    random = np.random.default_rng(0)
    values = random.standard_normal((SECONDS * 100, *config.shape)).astype(np.float32)
    count = SPEAKERS * utterances * SECONDS // 3
    with tempfile.TemporaryDirectory() as folder:
        manifest = [
            {"utterance": f"{speaker}-{number}", "speaker": str(speaker), "session": "", "emotion": "sad", "sha256": "", "path": ""}
            for speaker in range(SPEAKERS)
            for number in range(utterances)
        ]
        pd.DataFrame(manifest).to_csv(Path(folder, MANIFEST), index=False)
        sums = {"frames": len(values), "sum": values.sum(axis=0).tolist(), "sum_of_squares": np.square(values).sum(axis=0).tolist()}
        speakers = {str(speaker): {**sums, "shard_sha256": ""} for speaker in range(SPEAKERS)}
        recipe = {"corpus": "noise", "features": config.to_dict(), "recipe_hash": config.recipe_hash, "speakers": speakers}
        Path(folder, RECIPE).write_text(json.dumps(recipe), encoding="utf-8")
        tf.zeros(1)  # the runtime's start is not ours
        started = time.perf_counter()
        for speaker in range(SPEAKERS):
            mine = [row for row in manifest if row["speaker"] == str(speaker)]
            facts = {"recipe": config.recipe_hash, "frames": len(values), "features": values}
            tfrecords.write_shard(Path(folder, tfrecords.shard_name(str(speaker))), [{**row, **facts} for row in mine])
        table = [Row("records", "written", count / (time.perf_counter() - started), "segments/s")]
        corpus = RecordCorpus(folder)
        segments = cut_segments(
            corpus, corpus.speakers, ("sad", "angry"), lambda values: segment(values, config), largest_in_memory_bytes=0
        )
        assert len(segments.labels) == count, (len(segments.labels), count)
        for words, order in (("read in order", np.arange(count)), ("read in random order", random.permutation(count))):
            best = 0.0
            for _ in range(1 if quick else 3):
                started = time.perf_counter()
                for start in range(0, count, BATCH):
                    segments.features[order[start : start + BATCH]]
                best = max(best, count / (time.perf_counter() - started))
            table.append(Row("records", words, best, "segments/s"))
    return table
