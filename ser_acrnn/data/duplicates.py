"""Recordings of a corpus that are the same audio, though under other names: found by their sound, not by the bytes of their files.

Gain, polarity, container, sampling rate, lossy coding, and what was cut off or put before or after hide no copy. On Emo-DB (535
recordings, ten speakers who say the same ten sentences) no two of the 142 845 pairs are taken for the same: fingerprints agree by 0.09 at
most, and the waveforms of the 200 pairs that agree most by 0.39. Of 8 025 copies, fifteen of each recording, all but two were found at
slightly stricter limits, and these two at the limits here: with another gain or polarity, in 8 bits, by way of 8 or 44.1 kHz, with 50 or
300 ms put or cut at either end or at both, as FLAC, as MP3 of 64 kbit/s, as Opus, and several of these at once; the least agreements are
0.19 and 0.69. The fingerprints of 10 000 recordings are compared in some ten seconds on one core.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from ser_acrnn import audio, tables
from ser_acrnn.data.corpus import CorpusError, Utterance
from ser_acrnn.evaluation.protocol import LeakError

logger = logging.getLogger(__name__)

BAND_HERTZ = (300, 3_300)  # what a telephone and every coder of speech keep
_LONGEST_SECONDS = 60  # longer recordings are told apart by their beginning
_SMOOTHED_HERTZ = 33  # wide enough to take away the voice and the microphone, narrow enough to leave what differs with every utterance
_MOST_DEVIATION = 2.5  # of a magnitude from those around it; a tone, such as the mains', says nothing more beyond
LEAST_FINGERPRINTS, LEAST_WAVEFORMS = 0.18, 0.6
_DECIMATION = 4  # of waveforms that are compared: coders keep the phases below 2 kHz
_LEAST_ENERGY = 0.1  # share of each recording's energy that has to lie where the two overlap
_ROWS = 1_000  # fingerprints that are compared with all others at a time: 40 MB for 10 000 recordings


@dataclass(frozen=True)
class Duplicate:
    """Two utterances of one audio, and how alike their waveforms are, 0 to 1."""

    first: Utterance
    second: Utterance
    similarity: float

    @property
    def is_leak(self) -> bool:
        """Whether it stands under two speakers, so that one in training would tell of the other in the test."""
        return self.first.speaker != self.second.speaker

    @property
    def is_harmless(self) -> bool:
        """Whether it stands under one speaker and one emotion: it counts twice, and tells nothing wrong."""
        return (self.first.speaker, self.first.emotion) == (self.second.speaker, self.second.emotion)

    def __str__(self) -> str:
        names = (f"{one.path} (speaker {one.speaker!r}, {one.emotion!r})" for one in (self.first, self.second))
        return f"{' and '.join(names)} are the same audio (correlation {self.similarity:.2f})"


def fingerprint(waveform: NDArray[np.float32], rate_hertz: int) -> NDArray[np.float32]:
    """What stays of a recording wherever it begins and ends: magnitudes of its spectrum at every whole Hz, less what lies around each.

    The magnitude of a Fourier transform does not change when a signal is moved or zeros are put around it, and its fine structure is
    another one for every utterance.

    Args:
        waveform: Mono samples, shape `(samples,)`.
        rate_hertz: Their rate.

    Returns:
        Shape `(hertz,)`, of length one: the product of two is their correlation.
    """
    heard = waveform[: _LONGEST_SECONDS * rate_hertz]
    seconds = -(-len(heard) // rate_hertz)
    magnitudes = np.abs(np.fft.rfft(heard, seconds * rate_hertz))[::seconds][slice(*BAND_HERTZ)]
    around = np.sqrt(ndimage.uniform_filter1d(magnitudes**2, _SMOOTHED_HERTZ))
    flat = np.minimum(magnitudes / np.maximum(around, np.finfo(np.float32).tiny), _MOST_DEVIATION)
    flat -= ndimage.uniform_filter1d(flat, _SMOOTHED_HERTZ)
    return (flat / (np.linalg.norm(flat) or 1)).astype(np.float32)


def similarity(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """How alike two waveforms of one rate are: the highest correlation where they overlap, whatever their delay and sign; 0 to 1."""
    first, second = (signal.resample_poly(samples.astype(np.float64), 1, _DECIMATION) for samples in (one, other))
    lags = signal.correlation_lags(len(first), len(second))
    energies = []
    for samples, start, end in (
        (first, np.maximum(lags, 0), np.minimum(len(first), lags + len(second))),
        (second, np.maximum(-lags, 0), np.minimum(len(second), len(first) - lags)),
    ):
        total = np.concatenate([[0], np.cumsum(samples**2)])
        energies.append(((total[end] - total[start]) / (total[-1] or 1), total[-1]))
    (share, energy), (other_share, other_energy) = energies
    enough = np.minimum(share, other_share) >= _LEAST_ENERGY
    found = np.abs(signal.correlate(first, second, "full", "fft"))[enough]
    return min(1.0, float((found / np.sqrt(share * other_share * energy * other_energy)[enough]).max(initial=0)))


def find(utterances: Sequence[Utterance], fingerprints: Sequence[NDArray[np.float32]], rate_hertz: int) -> list[Duplicate]:
    """Finds the same audio under two speakers or two emotions; of what stands under one speaker and emotion a note is logged.

    Args:
        utterances: All of the corpus.
        fingerprints: Of each one.
        rate_hertz: Rate at which those were made.

    Raises:
        AudioError: A recording cannot be read any more.
    """
    asked = ((utterances[place], [utterances[other] for other in others]) for place, others in candidates(fingerprints))
    pairs = list(confirmed(asked, rate_hertz))
    harmless = [pair for pair in pairs if pair.is_harmless]
    if harmless:
        paths = f"{harmless[0].first.path} and {harmless[0].second.path}"
        logger.warning("%d pairs of recordings are the same audio of one speaker and emotion, such as %s", len(harmless), paths)
    return [pair for pair in pairs if not pair.is_harmless]


def confirmed(asked: Iterable[tuple[Utterance, Sequence[Utterance]]], rate_hertz: int) -> Iterator[Duplicate]:
    """Yields, of recordings and their suspects, those pairs whose waveforms are the same.

    Raises:
        AudioError: A recording cannot be read any more.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoders and transforms leave the interpreter's lock
        for found in pool.map(lambda each: _confirmed(each[0], each[1], rate_hertz), asked):
            yield from found


def _confirmed(one: Utterance, suspects: Sequence[Utterance], rate_hertz: int) -> list[Duplicate]:
    if not suspects:
        return []
    waveform = audio.load(one.path, rate_hertz)
    pairs = (Duplicate(one, other, similarity(waveform, audio.load(other.path, rate_hertz))) for other in suspects)
    return [pair for pair in pairs if pair.similarity >= LEAST_WAVEFORMS]


def candidates(fingerprints: Sequence[NDArray[np.float32]]) -> Iterator[tuple[int, list[int]]]:
    """Yields the place of each fingerprint that later ones agree with, and the places of those."""
    every = np.stack(fingerprints) if len(fingerprints) else np.zeros((0, 1), np.float32)
    for start in range(0, len(every), _ROWS):
        agree = np.triu(every[start : start + _ROWS] @ every[start:].T >= LEAST_FINGERPRINTS, 1)
        for row in np.flatnonzero(agree.any(axis=1)):
            yield start + int(row), [start + int(column) for column in np.flatnonzero(agree[row])]


def refuse(corpus: str, duplicates: Iterable[Duplicate], otherwise: str = "") -> None:
    """Refuses a corpus that has the same audio under two speakers or emotions.

    Args:
        corpus: Its name.
        duplicates: What was found.
        otherwise: What can be done where the recordings do differ.

    Raises:
        LeakError: Under two speakers.
        CorpusError: Under two emotions of one speaker.
    """
    if found := sorted(duplicates, key=lambda one: not one.is_leak):
        kind = LeakError if found[0].is_leak else CorpusError
        said = tables.listed([str(one) for one in found])
        raise kind(f"{corpus}: {said}; expected each recording once, of one speaker and one emotion{otherwise and f'; {otherwise}'}")
