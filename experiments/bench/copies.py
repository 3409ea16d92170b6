"""A prepared corpus several times as large: each utterance so often, under names of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from ser_acrnn import files
from ser_acrnn.data import tfrecords
from ser_acrnn.data.prepared import MANIFEST, RECIPE, RecordCorpus


def write(prepared: Path, times: int, folder: Path) -> Path:
    """Writes the larger corpus, a speaker for a speaker, with the same statistics.

    Args:
        prepared: A prepared corpus in shards.
        times: How often each utterance is there.
        folder: Where it is written.

    Returns:
        Its folder.
    """
    corpus = RecordCorpus(prepared)
    folder.mkdir(parents=True, exist_ok=True)
    parts, speakers = [], {}
    for speaker in corpus.speakers:
        [source], shard = corpus.shards([speaker]), folder / tfrecords.shard_name(speaker)
        records = list(tfrecords.Shard(source, corpus.features))
        named = ({**record, "utterance": f"{record['utterance']}-{copy}"} for copy in range(times) for record in records)
        tfrecords.write_shard(shard, named)
        rows = corpus.manifest[corpus.manifest["speaker"] == speaker]
        parts += [rows.assign(utterance=rows["utterance"] + f"-{copy}") for copy in range(times)]
        sums = corpus.recipe["speakers"][speaker]
        larger = {name: _times(sums[name], times) for name in ("frames", "sum", "sum_of_squares")}
        speakers[speaker] = {**sums, **larger, "shard_sha256": files.sha256(shard)}
    pd.concat(parts).to_csv(folder / MANIFEST, index=False)
    files.write_text(folder / RECIPE, json.dumps({**corpus.recipe, "speakers": speakers}))
    return folder


def _times(value: float | list, factor: int) -> float | list:
    return [_times(one, factor) for one in value] if isinstance(value, list) else value * factor
