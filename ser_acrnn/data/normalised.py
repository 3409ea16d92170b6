"""A prepared corpus seen through its speakers' or its utterances' own mean and variance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from ser_acrnn.data.prepared import PreparedCorpus
from ser_acrnn.features.normalisation import Statistics, normalise, statistics_of


class NormalisedCorpus(PreparedCorpus):
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

    @override
    def utterances(self, groups: Iterable[str]) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
        for name, emotion, features in self.corpus.utterances(groups):
            yield name, emotion, self._normalised(name, features)

    @override
    def read(self, utterance: str) -> NDArray[np.float32]:
        return self._normalised(utterance, self.corpus.read(utterance))

    def _normalised(self, utterance: str, features: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.by == "utterance":
            return normalise(features, statistics_of([features]))
        return normalise(features, self.corpus.speaker_statistics(self.speaker_of(utterance)))

    def statistics(self, groups: Iterable[str]) -> Statistics:
        """Mean 0 and variance 1: nothing is left to normalise."""
        return np.zeros(self.features.shape, np.float32), np.ones(self.features.shape, np.float32)

    @override
    def speaker_statistics(self, speaker: str) -> Statistics:
        return self.statistics([speaker])


def normalised(corpus: PreparedCorpus, normalisation: str) -> PreparedCorpus:
    """The corpus as a network of that `ModelConfig.normalisation` reads it."""
    return NormalisedCorpus(corpus, normalisation) if normalisation in ("speaker", "utterance") else corpus
