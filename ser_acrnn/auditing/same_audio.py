"""The same audio in two parts, or under two emotions, though under other names: found by its sound where the files are at hand."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from ser_acrnn import audio
from ser_acrnn.auditing.findings import Finding, named, numbers, sentence, where
from ser_acrnn.auditing.split import PARTS, Recording, Split, SplitError
from ser_acrnn.data import duplicates
from ser_acrnn.data.corpus import Utterance

RATE_HERTZ = 16_000
Pair = tuple[str, str]


def findings(split: Split, folder: Path, on_file: Callable[[], object] = lambda: None) -> tuple[list[tuple[Finding, bool]], list[str]]:
    """Compares all recordings of a split.

    Args:
        split: The split; segments of files are not compared.
        folder: Where its files are: at their paths, or at any ends of these.
        on_file: Called for each recording that was heard.

    Returns:
        What was found, each with whether it is wrong; and what could not be compared.

    Raises:
        SplitError: None of the files is there.
    """
    mentions = {one.key: one for one in split.recordings if not one.segment}
    problems = []
    if segments := {one.key for one in split.recordings if one.segment}:
        problems.append(f"audio: {len(segments)} segments of files were not compared by their sound: {named(sorted(segments))}")
    there = {key: path for key, one in mentions.items() if (path := located(one, folder))}
    if mentions and not there:
        first = next((one.path or one.id for one in split.recordings), "")
        raise SplitError(f"{folder}: holds none of the {len(mentions)} recordings, expected {first!r} or the end of that path in it")
    if shared := _of_one_file(there):
        problems.append(f"audio: {len(shared)} recordings are found at a file that others are found at as well: {named(shared)}")
        there = {key: path for key, path in there.items() if key not in shared}
    if absent := sorted(mentions.keys() - there.keys() - set(shared)):
        problems.append(f"audio: {len(absent)} of {len(mentions)} recordings are not in {folder}: {named(absent)}")
    utterances, fingerprints = [], []
    for key, found in _fingerprints(there, on_file):
        if isinstance(found, audio.AudioError):
            problems.append(f"audio: {found}")
        else:
            utterances.append(Utterance(key, there[key], mentions[key].speaker, mentions[key].emotion))
            fingerprints.append(found)
    pairs = [(pair.first.id, pair.second.id) for pair in _pairs(utterances, fingerprints)]
    return [*_between_parts(split, pairs), *_labelled_differently(mentions, pairs)], problems


def located(recording: Recording, folder: Path) -> Path | None:
    """A recording's file in a folder: its path there, or as much of the path's end as is there; None where none is."""
    parts = PurePosixPath((recording.path or recording.id).replace("\\", "/")).parts
    places = (folder.joinpath(*parts[start:]) for start in range(len(parts)) if parts[start] != "/")
    return next((place for place in places if os.path.isfile(place)), None)


def _of_one_file(there: dict[str, Path]) -> list[str]:
    """Recordings whose file is another one's as well, so that nobody can say which of them it is."""
    times = Counter(there.values())
    return sorted(key for key, path in there.items() if times[path] > 1)


def _fingerprints(there: dict[str, Path], on_file: Callable[[], object]) -> Iterator[tuple[str, NDArray[np.float32] | audio.AudioError]]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoders and transforms leave the interpreter's lock
        for key, found in zip(there, pool.map(_fingerprint, there.values()), strict=True):
            on_file()
            yield key, found


def _fingerprint(path: Path) -> NDArray[np.float32] | audio.AudioError:
    try:
        return duplicates.fingerprint(audio.load(path, RATE_HERTZ), RATE_HERTZ)
    except audio.AudioError as error:
        return error


def _pairs(utterances: list[Utterance], fingerprints: list[NDArray[np.float32]]) -> Iterator[duplicates.Duplicate]:
    places = duplicates.candidates(fingerprints)
    asked = ((utterances[place], [utterances[other] for other in others]) for place, others in places)
    return duplicates.confirmed(asked, RATE_HERTZ)


def _between_parts(split: Split, pairs: Iterable[Pair]) -> Iterator[tuple[Finding, bool]]:
    found: dict[str, list[str]] = {}
    for fold in split.folds:
        part = {one.key: part for part in PARTS for one in fold.part(part)}
        apart = [(one, other) for one, other in pairs if one in part and other in part and part[one] != part[other]]
        if apart:
            found[fold.name] = [f"{one} ({part[one]}) and {other} ({part[other]})" for one, other in apart]
    if found:
        names = tuple(sorted({name for each in found.values() for name in each}))
        counts = numbers([len(each) for each in found.values()])
        text = f"{where(list(found), len(split.folds))}{_pairs_of(counts)} in two parts that are the same audio: {named(names)}"
        yield Finding("audio", sentence(text), len(names), names, tuple(found), PARTS), True


def _labelled_differently(mentions: dict[str, Recording], pairs: Iterable[Pair]) -> Iterator[tuple[Finding, bool]]:
    for kind, role in (("label-conflicts", "emotion"), ("speaker-conflicts", "speaker")):
        said = [(one, other, getattr(mentions[one], role), getattr(mentions[other], role)) for one, other in pairs]
        names = tuple(sorted(f"{one} ({first!r}) and {other} ({second!r})" for one, other, first, second in said if first != second))
        if names:
            text = f"{_pairs_of(str(len(names)))} that are the same audio under two {role}s: {named(names)}"
            yield Finding(kind, sentence(text), len(names), names), True


def _pairs_of(count: str) -> str:
    return "there is 1 pair of recordings" if count == "1" else f"there are {count} pairs of recordings"
