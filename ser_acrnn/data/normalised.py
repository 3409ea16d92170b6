"""A prepared corpus seen through its speakers' or its utterances' own mean and variance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

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

    def utterances(self, groups: Iterable[str]) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
        """See `PreparedCorpus.utterances`."""
        speakers = dict(zip(self.manifest["utterance"], self.manifest["speaker"], strict=True))
        for name, emotion, features in self.corpus.utterances(groups):
            found = self.corpus.speaker_statistics(speakers[name]) if self.by == "speaker" else statistics_of([features])
            yield name, emotion, normalise(features, found)

    def statistics(self, groups: Iterable[str]) -> Statistics:
        """Mean 0 and variance 1: nothing is left to normalise."""
        return np.zeros(self.features.shape, np.float32), np.ones(self.features.shape, np.float32)

    def speaker_statistics(self, speaker: str) -> Statistics:
        """See `statistics`."""
        return self.statistics([speaker])


def normalised(corpus: PreparedCorpus, normalisation: str) -> PreparedCorpus:
    """The corpus as a network of that `ModelConfig.normalisation` reads it."""
    return NormalisedCorpus(corpus, normalisation) if normalisation in ("speaker", "utterance") else corpus
