"""Copies planted among real recordings: how many of them `ser-acrnn audit --audio` finds, what else it names, and how long it takes.

python -m experiments.studies.planted_copies crema_d --source path/to/crema_d
"""

from __future__ import annotations

import csv
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import soundfile
import typer
from numpy.typing import NDArray

from data_prep import command, loader
from experiments.options import RESULTS, Results, Source
from ser_acrnn import __version__, audio, files
from ser_acrnn.auditing import audit
from ser_acrnn.cli.progress import Progress
from ser_acrnn.data.corpus import Utterance
from ser_acrnn.evaluation import report

FOLDER = "audit"  # below the root of the results, a file a corpus
RATE_HERTZ = 16_000
CUT_SECONDS = 0.05
Samples = NDArray[np.float32]


def _quieter(samples: Samples, rng: np.random.Generator) -> Samples:
    """Between 1 and 20 dB."""
    return samples * np.float32(10 ** (-rng.uniform(1, 20) / 20))


def _cut(samples: Samples, rng: np.random.Generator) -> Samples:
    """At the beginning or at the end."""
    least = round(CUT_SECONDS * RATE_HERTZ)
    return samples[least:] if rng.random() < 0.5 else samples[:-least]


# What a copy is made by, and the suffix of its file.
KINDS: dict[str, tuple[tuple[Callable[[Samples, np.random.Generator], Samples], ...], str]] = {
    "1 to 20 dB quieter": ((_quieter,), ".wav"),
    "50 ms cut off": ((_cut,), ".wav"),
    "FLAC": ((), ".flac"),
    "all three": ((_cut, _quieter), ".flac"),
}


def planted(utterances: Sequence[Utterance], folder: Path, each: int, seed: int) -> dict[str, list[tuple[Utterance, Path]]]:
    """Writes copies, of another recording each.

    Args:
        utterances: What is copied.
        folder: Where the copies are written.
        each: How many copies of each kind.
        seed: Of all draws.

    Returns:
        Kind -> the recordings that were copied, with their copies.

    Raises:
        ValueError: There are fewer recordings than copies.
        AudioError: One cannot be read.
    """
    if len(utterances) < each * len(KINDS):
        raise ValueError(f"--each is {each} and there are {len(utterances)} recordings, expected {each * len(KINDS)} or more")
    rng = np.random.default_rng(seed)
    chosen = iter(rng.permutation(len(utterances)))
    found: dict[str, list[tuple[Utterance, Path]]] = {}
    for number, (kind, (changes, suffix)) in enumerate(KINDS.items()):
        found[kind] = []
        for place in range(each):
            one = utterances[next(chosen)]
            samples = audio.load(one.path, RATE_HERTZ)
            for change in changes:
                samples = change(samples, rng)
            path = folder / f"copy-{number}-{place:03}{suffix}"
            soundfile.write(path, samples, RATE_HERTZ, subtype="PCM_16")
            found[kind].append((one, path))
    return found


def measured(utterances: Sequence[Utterance], each: int, seed: int) -> dict[str, Any]:
    """Audits a split in which the copies of each part's recordings are in the other one.

    Args:
        utterances: Recordings of a corpus; those of every other speaker are tested.
        each: See `planted`.
        seed: See `planted`.

    Returns:
        How many copies of each kind were planted and found, what else was named, and the time that the audit took.
    """
    speakers = sorted({one.speaker for one in utterances})
    part = {speaker: ("train", "test")[place % 2] for place, speaker in enumerate(speakers)}
    other = {"train": "test", "test": "train"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copies = planted(utterances, folder, each, seed)
        rows = [(str(one.path.resolve()), one.speaker, one.emotion, part[one.speaker]) for one in utterances]
        pairs: dict[str, str] = {}
        for kind, made in copies.items():
            for one, path in made:
                there = other[part[one.speaker]]
                rows.append((str(path), one.speaker, one.emotion, there))
                names = f"{one.path.resolve()} ({part[one.speaker]})", f"{path} ({there})"
                pairs |= {" and ".join(names): kind, " and ".join(reversed(names)): kind}
        with (folder / "split.csv").open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([("path", "speaker", "emotion", "part"), *rows])
        with Progress(len(rows), "audit") as progress:
            started, used = time.perf_counter(), time.process_time()
            found = audit(folder / "split.csv", audio="/", on_file=progress.update)
            seconds, used = time.perf_counter() - started, time.process_time() - used
    named = [name for finding in found.findings if finding.kind == "audio" for name in finding.names]
    return {
        "recordings": len(utterances),
        "seed": seed,
        "kinds": {kind: {"planted": each, "found": sum(pairs.get(name) == kind for name in named)} for kind in KINDS},
        "others": sorted(re.sub(r"\S*/", "", name) for name in named if name not in pairs),
        "processor_seconds": round(used, 1),
        "wall_seconds": round(seconds, 1),
        "processors": os.cpu_count(),
        "version": __version__,
    }


def table(root: Path) -> str:
    """How many copies of each kind were found among the recordings of each corpus, as Markdown."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((root / FOLDER).glob("*.json"))]
    head = ["found of planted", *(f"{facts['corpus']}, {facts['recordings']} recordings" for facts in found)]
    rows = [[kind, *(f"{facts['kinds'][kind]['found']} of {facts['kinds'][kind]['planted']}" for facts in found)] for kind in KINDS]
    rows += [
        ["pairs named that were not planted", *(str(len(facts["others"])) for facts in found)],
        ["seconds of processor", *(f"{facts['processor_seconds']:.0f}" for facts in found)],
    ]
    return report.markdown_table(head, rows) if found else ""


@command.entry
def main(
    corpus: Annotated[str, typer.Argument(help=f"one of {', '.join(loader.names())}")],
    source: Source,
    recordings: Annotated[int, typer.Option(min=1, help="drawn from the corpus")] = 5000,
    each: Annotated[int, typer.Option(min=1, help="copies of each kind")] = 100,
    seed: Annotated[int, typer.Option(help="of the draws")] = 0,
    results: Results = RESULTS,
) -> None:
    """Plants, audits, and prints the table.

    Raises:
        CorpusError: The corpus cannot be read, or holds fewer recordings.
    """
    module = loader.find(corpus)
    every = module.read(source).utterances
    if len(every) < recordings:
        raise ValueError(f"{source}: holds {len(every)} recordings, expected --recordings {recordings} or more")
    places = sorted(np.random.default_rng(seed).choice(len(every), recordings, replace=False))
    facts = {"corpus": module.CORPUS.title, **measured([every[place] for place in places], each, seed)}
    path = results / FOLDER / f"{corpus}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(path, json.dumps(facts, indent=1) + "\n")
    print(f"{path}\n\n{table(results)}")


if __name__ == "__main__":
    sys.exit(main())
