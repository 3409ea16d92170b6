"""Several prepared corpora as one, whose groups are the corpora: a fold leaves a corpus out, and training draws evenly from all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from typing_extensions import override

from ser_acrnn.data.prepared import DatasetError, PreparedCorpus

BETWEEN = "/"  # a corpus's name and the name of its utterance or speaker


class PooledCorpus(PreparedCorpus):
    """Utterances of several corpora that have one of some emotions; names of utterances and speakers begin with the corpus's.

    Args:
        corpora: Prepared by one recipe, none of them twice; or the degraded copies of such corpora, as many of each recording.
        emotions: Utterances with others are left out, also of the statistics of groups; those of a speaker are of all that is prepared.
        names: What they are called here, by default by their own names: copies are called like the corpora that they are of.

    Raises:
        DatasetError: No corpus, one twice, another recipe or number of copies, or a corpus that has none of the emotions.
    """

    def __init__(self, corpora: Sequence[PreparedCorpus], emotions: Sequence[str], names: Sequence[str] | None = None) -> None:
        called = [corpus.name for corpus in corpora] if names is None else list(names)
        self.corpora = dict(zip(called, corpora, strict=True))
        if not corpora or len(self.corpora) < len(corpora):
            raise DatasetError(f"the corpora are {called}, expected one or more, each once")
        hashes = {name: corpus.features.recipe_hash for name, corpus in self.corpora.items()}
        if len(set(hashes.values())) > 1:
            raise DatasetError(f"the corpora were prepared by the recipes {hashes}, expected one recipe")
        copies = {name: corpus.recipe.get("about", {}).get("copies") for name, corpus in self.corpora.items()}
        if len(set(copies.values())) > 1:
            raise DatasetError(f"of each recording the corpora hold the copies {copies}, expected as many of each")
        tables = [self._renamed(name, corpus, emotions) for name, corpus in self.corpora.items()]
        if empty := [name for name, table in zip(self.corpora, tables, strict=True) if table.empty]:
            raise DatasetError(f"{empty} have none of the emotions {list(emotions)}, expected some")
        sums = {name + BETWEEN + key: entry for name, own in self.corpora.items() for key, entry in own.recipe["speakers"].items()}
        recipe = {**corpora[0].recipe, "corpus": "+".join(self.corpora), "speakers": sums}
        super().__init__(pd.concat(tables, ignore_index=True), recipe)
        self.group = self.manifest["utterance"].str.partition(BETWEEN)[0]

    @staticmethod
    def _renamed(name: str, corpus: PreparedCorpus, emotions: Sequence[str]) -> pd.DataFrame:
        rows = corpus.manifest[corpus.manifest["emotion"].isin(emotions)]
        return rows.assign(**{column: name + BETWEEN + rows[column] for column in ("utterance", "speaker")})

    @override
    def utterances(self, groups: Iterable[str]) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
        for name in self._known(groups):
            for utterance, emotion, values in self.corpora[name].utterances(self.corpora[name].groups):
                if name + BETWEEN + utterance in self._rows:
                    yield name + BETWEEN + utterance, emotion, values

    @override
    def read(self, utterance: str) -> NDArray[np.float32]:
        self.row(utterance)
        name, _, own = utterance.partition(BETWEEN)
        return self.corpora[name].read(own)

    @override
    def statistics(self, groups: Iterable[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        speakers = self.manifest["speaker"][self.group.isin(self._known(groups))]
        return self._speakers_moments(sorted(speakers.unique()))

    def emotions_of(self, group: str) -> set[str]:
        """The emotions that a corpus has."""
        return set(self.manifest["emotion"][self.group == group])


def corpus_of(utterance: str) -> str:
    """The corpus that an utterance of a `PooledCorpus` is of."""
    return utterance.partition(BETWEEN)[0]
