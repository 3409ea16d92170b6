"""The recordings of several corpora: which are drawn, what emotions corpora share, and that no corpus holds another one's audio."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep.loader import find
from ser_acrnn import audio, files, tables
from ser_acrnn.data import duplicates
from ser_acrnn.data.corpus import Utterance
from ser_acrnn.evaluation.protocol import LeakError

FOUR = ("angry", "sad", "happy", "neutral")
SIX = (*FOUR, "fear", "disgust")
SETS = {"four": FOUR, "six": SIX}
RATE_HERTZ = 16_000


@dataclass(frozen=True)
class Recording:
    """An utterance of one of several corpora.

    Attributes:
        corpus: Name of the corpus.
        utterance: Its name there.
        speaker: Name of the speaker, unlike that of any other corpus's.
        emotion: Label.
        path: The audio file.
        sha256: Of the file.
    """

    corpus: str
    utterance: str
    speaker: str
    emotion: str
    path: Path
    sha256: str


def read(corpus: str, source: Path, most: int) -> list[Recording]:
    """Reads the recordings of a corpus that have one of the six emotions, and draws some of them.

    Args:
        corpus: Name of its loader.
        source: The corpus on disk.
        most: How many are drawn at most.

    Raises:
        CorpusError: The corpus cannot be read.
    """
    utterances = [one for one in find(corpus).read(source).utterances if one.emotion in SIX]
    found = [Recording(corpus, one.id, f"{corpus}/{one.speaker}", one.emotion, one.path, files.sha256(one.path)) for one in utterances]
    return drawn(found, most)


def drawn(recordings: Iterable[Recording], most: int) -> list[Recording]:
    """Some recordings, evenly over speakers and emotions: the first of each speaker and emotion by sha256, then the second, and so on.

    Fewer are a part of more, and nothing but the audio decides which.
    """
    cells = defaultdict(list)
    for recording in recordings:
        cells[recording.speaker, recording.emotion].append(recording)
    ranked = [(rank, one.sha256, one) for cell in cells.values() for rank, one in enumerate(sorted(cell, key=lambda one: one.sha256))]
    chosen = [one for _, _, one in sorted(ranked, key=lambda item: item[:2])[:most]]
    return sorted(chosen, key=lambda one: (one.speaker, one.utterance))


def shared(wanted: Sequence[str], trained: Iterable[Iterable[str]], tested: Iterable[str]) -> tuple[str, ...]:
    """Those of some emotions that the tested corpus has and one of the training corpora at least, in the order of the wanted ones."""
    known, asked = {emotion for emotions in trained for emotion in emotions}, set(tested)
    return tuple(emotion for emotion in wanted if emotion in known & asked)


def emotions_of(recordings: Iterable[Recording]) -> set[str]:
    """The emotions that occur."""
    return {recording.emotion for recording in recordings}


def check_leaks(corpora: Mapping[str, Sequence[Recording]]) -> None:
    """Makes sure that no audio stands in two corpora, by its bytes or by its sound.

    Speakers cannot be shared: each name is its corpus's own.

    Args:
        corpora: Name -> recordings.

    Raises:
        LeakError: Some does; the message names the recordings.
        AudioError: A recording cannot be read.
    """
    every = [one for recordings in corpora.values() for one in recordings]
    owner = {one.path: one.corpus for one in every}
    utterances = [Utterance(f"{one.corpus}/{one.utterance}", one.path, one.speaker, one.emotion) for one in every]
    heard = [duplicates.fingerprint(audio.load(one.path, RATE_HERTZ), RATE_HERTZ) for one in every]
    pairs = duplicates.find(utterances, heard, RATE_HERTZ)
    if leaks := [str(pair) for pair in pairs if owner[pair.first.path] != owner[pair.second.path]]:
        raise LeakError(f"{' and '.join(corpora)}: {tables.listed(leaks)}; expected each recording in one corpus")
