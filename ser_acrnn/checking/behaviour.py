"""Tests without labels: what must not change a decision, what is no speech, and whether an export says what its network says."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.checking import degradations
from ser_acrnn.checking.answers import Answers, Judge, answered
from ser_acrnn.checking.bounds import Bounds
from ser_acrnn.checking.outcomes import Outcome
from ser_acrnn.checking.sounds import SOUNDS, drawn
from ser_acrnn.checking.surroundings import SURROUNDINGS

SOUNDS_OF_A_KIND = 5
SILENT = ("silence", "white noise", "pink noise", "brown noise", "hum")
MUSIC = ("chords", "melody")
Change = Callable[[NDArray[np.float32], np.random.Generator], NDArray[np.float32]]


@dataclass(frozen=True)
class Invariance:
    """What must not change a decision.

    Attributes:
        name: Of the test.
        changes: What is done to a recording, by name; each is judged, and the one under which the fewest decisions stay counts.
        bound: Name of the bound.
    """

    name: str
    changes: Mapping[str, Change]
    bound: str


def _of(source: Mapping[str, Change], *names: str) -> dict[str, Change]:
    return {name: source[name] for name in names}


INVARIANCES = (
    Invariance("silence around", _of(SURROUNDINGS, "1 s of zeros on both sides"), "least_same_silence"),
    Invariance("level", _of(SURROUNDINGS, "40 dB fainter", "20 dB louder"), "least_same_level"),
    Invariance("noise", _of(degradations.DEGRADATIONS, "noise, 20 dB"), "least_same_noise"),
    Invariance("telephone band", _of(degradations.DEGRADATIONS, "telephone"), "least_same_band"),
    Invariance("codec", {**_of(degradations.DEGRADATIONS, "MP3"), "Opus": degradations.opus}, "least_same_codec"),
    Invariance("room", _of(degradations.DEGRADATIONS, "reverberation, 0.5 s"), "least_same_room"),
    Invariance("tempo", {f"{factor:g} times as fast": degradations.tempo(factor) for factor in (0.9, 1.1)}, "least_same_tempo"),
)


def invariances(
    judge: Judge,
    waveforms: Mapping[str, NDArray[np.float32]],
    speakers: Sequence[str],
    bounds: Bounds,
    on_condition: Callable[[], object] = lambda: None,
) -> Iterator[Outcome]:
    """Yields the share of decisions that stay under each change.

    Args:
        judge: The model.
        waveforms: Name -> samples of recordings that it judges.
        speakers: Who speaks in each.
        bounds: What passes.
        on_condition: Called after each change.
    """
    names = list(waveforms)
    before = answered(judge, list(waveforms.values()), names, speakers).decisions if waveforms else np.zeros(0)
    for invariance in INVARIANCES:
        about = "share of decisions that stay; of several changes the worst"
        if not waveforms:
            yield Outcome(invariance.name, about, reason="there are no recordings that are judged")
            continue
        stay = {}
        for name, change in invariance.changes.items():
            changed = [change(samples, _seeded(f"{name} {which}")) for which, samples in waveforms.items()]
            stay[name] = float(np.mean(answered(judge, changed, names, speakers, name).decisions == before))
            on_condition()
        yield Outcome(invariance.name, about, min(stay.values()), getattr(bounds, invariance.bound), details=stay, of_each=True)


def other_sounds(judge: Judge, bounds: Bounds) -> Iterator[Outcome]:
    """Yields the share of sounds without speech that are called an emotion, rather than refused or called unsure."""
    others = tuple(name for name in SOUNDS if name not in SILENT + MUSIC)
    for test, names in (("silence and noise", SILENT), ("music", MUSIC), ("sounds without speech", others)):
        sounds = {name: [drawn(name, draw) for draw in range(SOUNDS_OF_A_KIND)] for name in names}
        shares = {name: _named(answered(judge, several, [name] * len(several)), bounds) for name, several in sounds.items()}
        about = "share that is called an emotion, neither refused, nor unsure, nor with a low posterior"
        yield Outcome(test, about, float(np.mean(list(shares.values()))), bounds.most_named, at_least=False, details=shares)


def agreement(judge: Judge, export: Judge | None, waveforms: Mapping[str, NDArray[np.float32]], bounds: Bounds) -> Outcome:
    """Whether an export decides as its network does."""
    name, about = "agreement of the export", "share of decisions that an export has in common with its network"
    if export is None or not len(waveforms):
        return Outcome(name, about, reason="no export is given" if export is None else "there are no recordings that are judged")
    one, other = (answered(each, list(waveforms.values()), list(waveforms)) for each in (judge, export))
    both = one.judged & other.judged
    difference = float(np.abs(one.posteriors[both] - other.posteriors[both]).max(initial=0))
    return Outcome(
        name, about, float(np.mean(one.decisions == other.decisions)), bounds.least_agreement, details={"largest difference": difference}
    )


def _named(answers: Answers, bounds: Bounds) -> float:
    sure = np.nan_to_num(answers.posteriors).max(axis=1) >= bounds.least_confidence
    return float(np.mean(answers.judged & ~answers.unsure & sure))


def _seeded(name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(name.encode()))
