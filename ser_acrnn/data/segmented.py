"""A prepared corpus seen as its 3 s segments, each an utterance of its own: what a split of segments, which leaks, is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from ser_acrnn.config.features import FeatureConfig
from ser_acrnn.data.prepared import DatasetError, PreparedCorpus
from ser_acrnn.features.log_mels import segment_starts


class SegmentedCorpus(PreparedCorpus):
    """A prepared corpus whose utterances are segments, named `<utterance>#<number>`.

    Args:
        corpus: A prepared corpus of log-Mels, not grouped.

    Raises:
        DatasetError: Its features are not log-Mels.
    """

    def __init__(self, corpus: PreparedCorpus) -> None:
        if not isinstance(corpus.features, FeatureConfig):
            raise DatasetError(f"{corpus.name}: was prepared by the recipe {corpus.features.recipe_hash}, expected log-Mels to cut")
        rows = corpus.manifest.loc[corpus.manifest.index.repeat(corpus.manifest["segments"])].reset_index(drop=True)
        number = rows.groupby("utterance").cumcount().astype(str)
        named = {name: rows[name] + "#" + number for name in ("utterance", "sha256")}
        super().__init__(rows.assign(**named, segments=1), corpus.recipe)
        self.corpus = corpus
        self._pieces = list(zip(rows["utterance"], rows.groupby("utterance").cumcount(), strict=True))

    @override
    def utterances(self, groups: Iterable[str]) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
        config = self.features
        assert isinstance(config, FeatureConfig)
        for name, emotion, values in self.corpus.utterances(self._known(groups)):
            starts = segment_starts(len(values), config)
            for number, start in enumerate(starts):
                yield f"{name}#{number}", emotion, values[start : start + config.segment_frames]

    @override
    def read(self, utterance: str) -> NDArray[np.float32]:
        config = self.features
        assert isinstance(config, FeatureConfig)
        whole, number = self._pieces[self.row(utterance)]
        values = self.corpus.read(whole)
        start = segment_starts(len(values), config)[number]
        return values[start : start + config.segment_frames]
