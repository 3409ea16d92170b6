"""A speaker's shard and its entry: what they are made from, the key that tells whether they still are, how they are found or built.

Memory does not grow with a speaker: a few utterances are in flight at a time, and records are written as they come.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from data_prep import degraded
from ser_acrnn import __version__, audio, files
from ser_acrnn.cli.progress import Progress
from ser_acrnn.config.features import Recipe
from ser_acrnn.data import tfrecords
from ser_acrnn.data.corpus import Utterance
from ser_acrnn.features import extraction

AHEAD = 8  # utterances a thread that may be in flight: the threads stay busy while records are written

ParallelMap = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
Entry = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """An utterance with its path as the manifest shows it and its audio's checksum, or with what is wrong with it."""

    utterance: Utterance
    shown: str
    sha256: str
    problem: str = ""


class _RefusedError(Exception):
    """A recording of the speaker is unusable, and may not be left out."""


@contextmanager
def workers(jobs: int) -> Iterator[ParallelMap]:
    """Yields an ordered parallel map that runs ahead of its reader by `AHEAD` items a thread.

    Threads help where reading waits for a disk or a network: what Python does between transforms and products does not run in parallel,
    and both cores of a processor are used by pieces of the corpus in processes of their own, see `data_prep.pieces`. Products take one
    thread each, or the threads of one would wait for those of another; the matrices are too small to gain by a second.
    """
    with threadpool_limits(1, user_api="blas"):
        if jobs <= 1:
            yield map
            return
        with ThreadPoolExecutor(jobs) as pool:
            yield partial(_ahead, pool, AHEAD * jobs)


def _ahead(pool: ThreadPoolExecutor, most: int, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    rest = iter(items)
    pending = deque(pool.submit(function, item) for item in islice(rest, most))
    while pending:
        done = pending.popleft().result()
        pending.extend(pool.submit(function, item) for item in islice(rest, 1))
        yield done


def sources(utterances: Iterable[Utterance], root: str | Path | None, run: ParallelMap) -> dict[str, list[Source]]:
    """Speaker -> sources, read for their checksums.

    Args:
        utterances: Sorted by speaker.
        root: Folder that the manifest's paths are relative to; without it they stand as they are.
        run: What `workers` yields.
    """
    found = run(_checksum, ((utterance, root) for utterance in utterances))
    return {speaker: list(group) for speaker, group in groupby(found, key=lambda source: source.utterance.speaker)}


def with_problems(groups: Mapping[str, Sequence[Source]], problems: Mapping[str, str]) -> dict[str, list[Source]]:
    """The same sources, some of them unusable.

    Args:
        groups: Speaker -> sources.
        problems: Name of an utterance -> what is wrong with it.
    """
    return {
        speaker: [replace(one, problem=problems.get(one.utterance.id, one.problem)) for one in group] for speaker, group in groups.items()
    }


def key(group: Sequence[Source], config: Recipe) -> str:
    """Changes with whatever a shard is computed from."""
    names = ("id", "emotion", "session", "copy")
    facts = [[*(getattr(item.utterance, name) for name in names), item.shown, item.sha256] for item in group]
    facts += [[item.utterance.id, item.problem] for item in group if item.sha256 and item.problem]  # that is not of its bytes
    return files.sha256_of(json.dumps([__version__, config.recipe_hash, facts]))


def complete(
    groups: Mapping[str, Sequence[Source]],
    keys: Mapping[str, str],
    folder: Path,
    earlier: Sequence[Path],
    config: Recipe,
    *,
    skip_bad: bool,
    run: ParallelMap,
    progress: Progress,
) -> dict[str, Entry]:
    """Finds or builds the shards of a folder; writes nothing more once a recording is known that refuses the corpus.

    Args:
        groups: Speaker -> sources.
        keys: Speaker -> key.
        folder: Where the shards have to be.
        earlier: Other folders, whose shards are linked where they still hold; need not exist.
        config: The feature recipe.
        skip_bad: Unusable recordings are left out, instead of refusing the corpus.
        run: What `workers` yields.
        progress: Goes on by one an utterance.

    Returns:
        Speaker -> entry, in the order of `groups`; `left_out` lists the unusable recordings of all speakers.
    """
    entries: dict[str, Entry] = {}
    for speaker, group in groups.items():
        entry = existing(speaker, keys[speaker], folder, *earlier)
        if entry is not None and (skip_bad or not entry["left_out"]):
            entries[speaker] = entry
            progress.update(len(group))
    missing = {speaker: group for speaker, group in groups.items() if speaker not in entries}
    levels = {speaker: _level(group, config, run) for speaker, group in missing.items()}
    extracted = run(_extract, ((source, config, levels[speaker]) for speaker, group in missing.items() for source in group))
    refused = False
    for speaker, group in missing.items():
        entry = {"key": keys[speaker], "frames": 0, "sum": np.zeros(config.shape), "sum_of_squares": np.zeros(config.shape)}
        entry |= {"utterances": [], "left_out": []}
        records = _records(entry, zip(group, islice(extracted, len(group)), strict=True), config, progress)
        entries[speaker] = entry
        if not refused:
            refused = not _write(speaker, entry, records, folder, skip_bad)
        for _ in records:  # not written any more, but all that is wrong is told at once
            pass
    return {speaker: entries[speaker] for speaker in groups}


def existing(speaker: str, key: str, folder: Path, *earlier: Path) -> Entry | None:
    """The entry of a shard that needs no work: one in the folder, or one of other folders, which is then linked into this one."""
    for place in (folder, *earlier):
        entry_path, shard = place / entry_name(speaker), place / tfrecords.shard_name(speaker)
        if not (entry_path.is_file() and shard.is_file()):
            continue
        try:
            entry = json.loads(entry_path.read_text(encoding="utf-8"))
            its = entry["key"], entry["sha256"]
        except (KeyError, TypeError, ValueError):  # damaged: the shard is made again
            continue
        if its != (key, files.sha256(shard)):
            continue
        if place != folder:
            for path in (shard, entry_path):
                with files.replacing(folder / path.name) as linked:
                    os.link(path.resolve(), linked)
        return entry
    return None


def _write(speaker: str, entry: Entry, records: Iterator[dict[str, Any]], folder: Path, skip_bad: bool) -> bool:
    """Writes shard and entry; False, and nothing is written, where a recording refuses the corpus."""
    shard = folder / tfrecords.shard_name(speaker)
    try:
        tfrecords.write_shard(shard, records if skip_bad else _refusing(records, entry))
    except _RefusedError:
        return False
    entry |= {name: entry[name].tolist() for name in ("sum", "sum_of_squares")}
    entry["sha256"] = files.sha256(shard)
    files.write_text(folder / entry_name(speaker), json.dumps(entry))
    return True


def _refusing(records: Iterator[dict[str, Any]], entry: Entry) -> Iterator[dict[str, Any]]:
    for record in records:
        if entry["left_out"]:
            raise _RefusedError
        yield record
    if entry["left_out"]:
        raise _RefusedError


def _records(entry: Entry, extracted: Iterable[tuple[Source, Any]], config: Recipe, progress: Progress) -> Iterator[dict[str, Any]]:
    """Yields the record of each usable recording, and enters it, or what is wrong with the recording, into the entry."""
    for source, (problem, values, seconds) in extracted:
        progress.update()
        utterance = source.utterance
        if problem:
            entry["left_out"].append({"utterance": utterance.id, "reason": problem})
            continue
        wide = values.astype(np.float64)
        entry["sum"] = entry["sum"] + wide.sum(axis=0)
        entry["sum_of_squares"] = entry["sum_of_squares"] + (wide**2).sum(axis=0)
        entry["frames"] += len(values)
        fields = {"utterance": utterance.id, "speaker": utterance.speaker, "session": utterance.session, "emotion": utterance.emotion}
        segments = extraction.segments_of(values, config)
        row = {"path": source.shown, "sha256": source.sha256, "seconds": round(seconds, 4), "segments": segments}
        entry["utterances"].append({**fields, **row})
        yield {**fields, "sha256": source.sha256, "recipe": config.recipe_hash, "frames": len(values), "features": values}


def _checksum(task: tuple[Utterance, str | Path | None]) -> Source:
    utterance, root = task
    shown = str(utterance.path) if root is None else os.path.relpath(utterance.path, root)
    try:
        return Source(utterance, shown, files.sha256(utterance.path))
    except OSError as error:
        return Source(utterance, shown, "", f"{utterance.path}: cannot be read ({error.strerror})")


def _level(group: Sequence[Source], config: Recipe, run: ParallelMap) -> tuple[float, float] | None:
    """Mean and standard deviation of all samples of a speaker, where the recipe wants them; without what cannot be read."""
    if config.standardise_waveform != "speaker":
        return None
    samples, total, squares = np.sum([found for found in run(_sums, ((source, config) for source in group))], axis=0)
    mean = total / samples if samples else 0.0
    deviation = np.sqrt(squares / samples - mean**2) if samples else 0.0
    return mean, deviation or 1.0


def _sums(task: tuple[Source, Recipe]) -> tuple[float, float, float]:
    """Number, sum and sum of squares of a recording's samples."""
    source, config = task
    try:
        waveform = np.asarray(_load(source.utterance, config), np.float64)
    except (audio.AudioError, OSError):  # what is wrong with it is told when its features are wanted
        return 0, 0, 0
    return len(waveform), waveform.sum(), float(waveform @ waveform)


def _extract(task: tuple[Source, Recipe, tuple[float, float] | None]) -> tuple[str, NDArray[np.float32], float]:
    source, config, level = task
    nothing = np.zeros((0, *config.shape), np.float32)
    if source.problem:
        return source.problem, nothing, 0.0
    try:
        waveform = _load(source.utterance, config)
    except audio.AudioError as error:
        return str(error), nothing, 0.0
    try:
        return "", extraction.extract(waveform, config, level), len(waveform) / config.sampling_rate_hertz
    except ValueError as error:
        copy = f", its degraded copy {source.utterance.copy}" if source.utterance.copy else ""
        return f"{source.utterance.path}{copy}: {error}", nothing, 0.0


def _load(utterance: Utterance, config: Recipe) -> NDArray[np.float32]:
    """The recording, or the degraded copy of it that the utterance is."""
    waveform = audio.load(utterance.path, config.sampling_rate_hertz)
    return degraded.degrade(waveform, utterance) if utterance.copy else waveform


def entry_name(speaker: str) -> str:
    """File name of a speaker's entry: a shard's key, checksum, sums, and rows of the manifest."""
    return f"speaker-{speaker}.json"
