"""A prepared corpus with degraded copies of its utterances beside them, as training reads it; who is judged is read without."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from typing_extensions import override

from ser_acrnn.data.prepared import DatasetError, PreparedCorpus


class CorpusWithCopies(PreparedCorpus):
    """Utterances of a prepared corpus, and behind them their degraded copies; statistics are the corpus's alone.

    Args:
        corpus: A prepared corpus, grouped or not.
        copies: The prepared corpus of its copies, grouped alike.
    """

    def __init__(self, corpus: PreparedCorpus, copies: PreparedCorpus) -> None:
        super().__init__(pd.concat([corpus.manifest, copies.manifest], ignore_index=True), corpus.recipe)
        self.group = pd.concat([corpus.group, copies.group], ignore_index=True)
        self.corpus, self.copies = corpus, copies
        self._copied = set(copies.manifest["utterance"])

    @override
    def utterances(self, groups: Iterable[str]) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
        wanted = self._known(groups)
        yield from self.corpus.utterances(wanted)
        yield from self.copies.utterances(wanted)

    @override
    def checksums(self, groups: Iterable[str]) -> list[str]:
        wanted = self._known(groups)
        return self.corpus.checksums(wanted) + self.copies.checksums(wanted)

    @override
    def read(self, utterance: str) -> NDArray[np.float32]:
        return (self.copies if utterance in self._copied else self.corpus).read(utterance)


def with_copies(corpus: PreparedCorpus, copies: PreparedCorpus | None, number: int | None) -> PreparedCorpus:
    """The corpus as a training reads it that wants so many degraded copies of each utterance; None: the corpus itself.

    Args:
        corpus: A prepared corpus, grouped or not.
        copies: Its copies (`python -m data_prep.prepare --copies`), grouped alike.
        number: `TrainConfig.copies`.

    Raises:
        DatasetError: There are none, or they are of another recipe, another number, or of other recordings.
    """
    if number is None:
        return corpus
    if copies is None:
        raise DatasetError(f"{corpus.name}: there are no degraded copies, expected {number} of each utterance; prepare them with --copies")
    if copies.features != corpus.features:
        recipes = copies.features.recipe_hash, corpus.features.recipe_hash
        raise DatasetError("{}: was prepared by the recipe {}, expected {} as {}".format(copies.name, *recipes, corpus.name))
    if (found := copies.recipe["about"].get("copies")) != number:
        raise DatasetError(f"{copies.name}: holds {found} copies of each utterance, expected {number}")
    # In another group, a copy of who is tested would train.
    known, copied = (set(zip(one.manifest["sha256"], one.group, one.manifest["emotion"], strict=True)) for one in (corpus, copies))
    if strangers := copied - known:
        raise DatasetError(
            f"{copies.name}: has copies of {len(strangers)} recordings that {corpus.name} lacks, or has in another group or as another "
            "emotion; prepare both again"
        )
    if missing := known - copied:  # an epoch is counted as if every recording had its copies
        first = corpus.manifest["utterance"][corpus.manifest["sha256"].isin([sha256 for sha256, *_ in missing])].iloc[0]
        raise DatasetError(
            f"{copies.name}: has no copies of {len(missing)} of the {len(known)} recordings of {corpus.name}, such as {first}, expected "
            "them of all; prepare both again"
        )
    return CorpusWithCopies(corpus, copies)
