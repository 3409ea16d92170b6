"""A corpus on its way: preparation on one and on all processors, epochs from the shards and from memory, and what they take of memory."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from data_prep import loader
from data_prep.corpora import iemocap
from data_prep.synthetic import emodb as synthetic
from data_prep.synthetic import iemocap as synthetic_iemocap
from experiments.bench import copies, epoch, preparation
from experiments.bench.harness import Row

LARGER = 4  # the corpus with so many copies of each utterance, to see whether memory grows with it


def rows(corpus: str | None, source: Path | None, scale: float | None) -> list[Row]:
    """Measures on a corpus on disk, or on a generated one.

    Args:
        corpus: Name of its loader; without it the embedded corpus is generated.
        source: Where it is.
        scale: Generate a look-alike of IEMOCAP of this scale instead.
    """
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if scale:
            name, source = iemocap.NAME, scratch / "corpus"
            synthetic_iemocap.write_iemocap_like(source, scale, workers=os.cpu_count() or 1)
            title = f"{loader.find(name).CORPUS.title} look-alike, scale {scale:g}"
        elif corpus and source:
            name, title = corpus, loader.find(corpus).CORPUS.title
        else:
            name, title, source = "synthetic", loader.find("synthetic").CORPUS.title, scratch / "corpus"
            synthetic.write_emodb_like(source)
        table = _preparation(name, source, scratch, title)
        prepared = next((scratch / "data").iterdir())
        larger = copies.write(prepared, LARGER, scratch / "copies" / prepared.name)
        return table + _epochs(prepared, title) + _epochs(larger, f"{title}, {LARGER} times")


def _preparation(name: str, source: Path, scratch: Path, title: str) -> list[Row]:
    made = preparation.measure(name, source, scratch / "data")
    size = f"{made['utterances']:.0f} utterances, {made['minutes']:.1f} min"
    one, pieces = (preparation.measure_command(name, source, scratch / str(jobs), jobs) for jobs in (1, os.cpu_count() or 1))
    return [
        Row(title, f"prepared, {size}", made["fresh"], "s"),
        Row(title, "prepared in pieces, a process each processor, imports included", pieces, "s", "one process", one / pieces),
        Row(title, "prepared", 60 * made["minutes"] / made["fresh"], "x real time"),
        Row(title, "imports before that", made["imports"], "s"),
        Row(title, "prepared again, nothing to do", made["again"], "s"),
        Row(title, "peak memory of the preparation", made["peak"], "MiB"),
    ]


def _epochs(prepared: Path, title: str) -> list[Row]:
    table = []
    for words, kind in (
        ("an epoch's batches from the shards", "stream"),
        ("an epoch's batches from memory", "memory"),
        ("an epoch of the system tiny, streamed", "train-streamed"),
        ("an epoch of the system tiny, in memory", "train"),
    ):
        found = epoch.measure(kind, prepared)
        size = f"{found['segments']:.0f} segments"
        table.append(Row(title, f"{words}, {size}", found["segments"] / found["seconds"], "segments/s"))
        table.append(Row(title, "until its first batch can be had", found["loading"], "s"))
        table.append(Row(title, f"peak memory of it, above {found['before']:.0f} MiB of imports", found["peak"] - found["before"], "MiB"))
    return table
