"""How a network learns from several corpora at once: which corpus a segment is of, what that one knows, whose voices are exchanged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from ser_acrnn.augmentation.log_mels import Augmenter
from ser_acrnn.data.pooled import corpus_of
from ser_acrnn.data.prepared import Readable, Speaking
from ser_acrnn.data.segments import LARGEST_IN_MEMORY_BYTES, Segments
from ser_acrnn.training.systems import Acrnn, Augment


class PooledAcrnn(Acrnn):
    """The network on a `ser_acrnn.data.pooled.PooledCorpus`.

    A segment is given mean and variance of voices of all corpora alike, so that microphones and rooms of one tell nothing of an emotion.
    """

    @override
    def segments(
        self, corpus: Readable, groups: Iterable[str], *, training: bool = False, largest_in_memory_bytes: int = LARGEST_IN_MEMORY_BYTES
    ) -> Segments:
        found = super().segments(corpus, groups, training=training, largest_in_memory_bytes=largest_in_memory_bytes)
        names, number = np.unique([corpus_of(name) for name in found.utterance_ids], return_inverse=True)
        known = np.zeros((len(names), len(self.preset.model.emotions)), bool)
        known[number, found.utterance_labels] = True
        return replace(found, corpus=number[found.utterance], known=known)

    @override
    def augment(self, corpus: Speaking, train: Segments, mean: NDArray[np.float32]) -> Augment | None:
        augment = super().augment(corpus, train, mean)
        if not isinstance(augment, Augmenter) or augment.voices is None:
            return augment
        speakers = sorted(set(corpus.speakers_of(train.utterance_ids)))  # as the voices are numbered
        of_corpus = Counter(map(corpus_of, speakers))
        share = np.array([1 / (len(of_corpus) * of_corpus[corpus_of(speaker)]) for speaker in speakers])
        return replace(augment, voices=replace(augment.voices, share=share))
