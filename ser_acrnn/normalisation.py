"""Whose mean and variance standardise an utterance: a prepared corpus seen through its speakers' or its utterances' own statistics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.dataset import PreparedCorpus, moments


def standardise(features: NDArray[np.float32], mean: NDArray[np.float32], variance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features of mean 0 and variance 1 by given statistics, `(frames, coefficients, channels)` and twice `(coefficients, channels)`."""
    return np.asarray((features - mean) / np.sqrt(variance), np.float32)


def own_statistics(features: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and variance of each coefficient over an utterance's own frames, each of shape `(coefficients, channels)`."""
    wide = features.astype(np.float64)
    return moments(len(wide), wide.sum(axis=0), (wide**2).sum(axis=0))


class StandardisedCorpus(PreparedCorpus):
    """A prepared corpus whose utterances are standardised by their speaker's own audio, or by themselves.

    No label is used, and no utterance of one speaker for another one's. A speaker's statistics are of all audio that the corpus has of
    that speaker: what is tested so has been enrolled before.

    Args:
        corpus: A prepared corpus, grouped or not.
        by: `"speaker"` or `"utterance"`.
    """

    def __init__(self, corpus: PreparedCorpus, by: str) -> None:
        super().__init__(corpus.manifest, corpus.recipe)
        self.corpus = corpus
        self.group = corpus.group
        self.by = by

    def utterances(self, groups: Iterable[str]) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
        """See `PreparedCorpus.utterances`."""
        speakers = dict(zip(self.manifest["utterance"], self.manifest["speaker"], strict=True))
        for name, emotion, features in self.corpus.utterances(groups):
            found = self.corpus.speaker_statistics(speakers[name]) if self.by == "speaker" else own_statistics(features)
            yield name, emotion, standardise(features, *found)

    def statistics(self, groups: Iterable[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean 0 and variance 1: nothing is left to normalise."""
        return np.zeros(self.features.shape, np.float32), np.ones(self.features.shape, np.float32)

    def speaker_statistics(self, speaker: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `statistics`."""
        return self.statistics([speaker])


def normalised(corpus: PreparedCorpus, normalisation: str) -> PreparedCorpus:
    """The corpus as a network of that `ModelConfig.normalisation` reads it."""
    return corpus if normalisation == "training" else StandardisedCorpus(corpus, normalisation)
