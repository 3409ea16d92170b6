"""A prepared corpus seen through groups that folds split it by, where these are not its speakers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from ser_acrnn.data.prepared import DatasetError, PreparedCorpus
from ser_acrnn.features.normalisation import Statistics, statistics_of


class GroupedCorpus(PreparedCorpus):
    """A prepared corpus whose folds split it by something else than the speaker, such as the session.

    Args:
        corpus: A prepared corpus.
        groups: Utterance -> group, for all utterances.

    Raises:
        DatasetError: An utterance without a group.
    """

    def __init__(self, corpus: PreparedCorpus, groups: Mapping[str, str]) -> None:
        super().__init__(corpus.manifest, corpus.recipe)
        self.corpus = corpus
        self.group = corpus.manifest["utterance"].map(groups)
        if self.group.isna().any():
            raise DatasetError(
                f"{corpus.name}: no group of utterance(s) {list(corpus.manifest['utterance'][self.group.isna()][:3])}, expected one"
            )

    @override
    def utterances(self, groups: Iterable[str]) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
        rows = self.manifest[self.group.isin(self._known(groups))]
        names = set(rows["utterance"])
        yield from (item for item in self.corpus.utterances(self.corpus.group[rows.index]) if item[0] in names)

    @override
    def read(self, utterance: str) -> NDArray[np.float32]:
        return self.corpus.read(utterance)

    def statistics(self, groups: Iterable[str]) -> Statistics:
        """Mean and variance over some groups, computed by reading the utterances: a group may cut through speakers."""
        return statistics_of(values for _, _, values in self.utterances(groups))
