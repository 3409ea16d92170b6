"""A prepared corpus: its utterances in order or one by one, and a fold's normalisation statistics.

It is read from its shards (`RecordCorpus`) or, on a host without TensorFlow, from a packed `.npz` (`PackedCorpus`); both give the same.
"""

from __future__ import annotations

import io
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from typing_extensions import override

from ser_acrnn import files
from ser_acrnn.config.features import FEATURE_RECIPES, Recipe, recipe_from_dict, recipe_name
from ser_acrnn.data import tfrecords
from ser_acrnn.data.manifest import MANIFEST, RECIPE, DatasetError, read_manifest, read_recipe
from ser_acrnn.data.stored_rows import StoredRows
from ser_acrnn.features.extraction import static_part, with_dynamics
from ser_acrnn.features.normalisation import Statistics, moments


def prepared_name(corpus: str, config: Recipe) -> str:
    """Name of a corpus's prepared folder: the corpus's own for the recipe "paper", with the recipe behind a dot for any other."""
    return corpus if config == FEATURE_RECIPES["paper"] else f"{corpus}.{recipe_name(config)}"


class PreparedCorpus(ABC):
    """What a prepared corpus offers, wherever its features are kept.

    A group is what a fold splits by: the speaker, unless the corpus was grouped otherwise (`ser_acrnn.data.grouped`).

    Attributes:
        name: Of the corpus.
        group: The group of each row of the manifest.
        manifest: A row an utterance: `utterance, speaker, session, emotion, path, sha256, seconds, segments`.
        recipe: What `recipe.json` holds.
        features: The recipe's configuration.
    """

    def __init__(self, manifest: pd.DataFrame, recipe: dict[str, Any]) -> None:
        self.manifest = manifest
        self.recipe = recipe
        self.group: pd.Series = manifest["speaker"]
        self.name: str = recipe["corpus"]
        self.features: Recipe = recipe_from_dict(recipe["features"])
        if self.features.recipe_hash != recipe["recipe_hash"]:
            raise DatasetError(
                f"{self.name}: {RECIPE} gives the hash {recipe['recipe_hash']}, but its features hash to {self.features.recipe_hash}"
            )

    @property
    def speakers(self) -> list[str]:
        """Names of the speakers, sorted."""
        return sorted(self.manifest["speaker"].unique())

    @property
    def groups(self) -> list[str]:
        """Names of the groups, sorted."""
        return sorted(self.group.unique())

    @abstractmethod
    def utterances(self, groups: Iterable[str]) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
        """Yields id, emotion and features `(frames, coefficients, channels)` of the groups' utterances, in the manifest's order."""

    @abstractmethod
    def read(self, utterance: str) -> NDArray[np.float32]:
        """Features `(frames, coefficients, channels)` of one utterance by its id, as `utterances` yields them.

        Raises:
            DatasetError: There is no such utterance.
        """

    def row(self, utterance: str) -> int:
        """Number of the manifest's row of an utterance.

        Raises:
            DatasetError: There is no such utterance.
        """
        if utterance not in self._rows:
            raise DatasetError(f"{self.name}: no utterance {utterance!r}, expected one of the {len(self._rows)} of the manifest")
        return self._rows[utterance]

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.manifest["utterance"])}

    @cached_property
    def _speakers(self) -> list[str]:
        return list(self.manifest["speaker"])  # a list is asked faster than a table

    def statistics(self, groups: Iterable[str]) -> Statistics:
        """Mean and variance of each coefficient over all frames of the groups' utterances; no padding is in them.

        Args:
            groups: The fold's training groups.

        Returns:
            Two arrays of shape `(coefficients, channels)`, computed from the sums that preparation left a speaker.
        """
        return self._speakers_moments(self._known(groups))

    def speaker_statistics(self, speaker: str) -> Statistics:
        """The same over all utterances of one speaker."""
        return self._speakers_moments([speaker])

    def speakers_of(self, utterances: Sequence[str]) -> list[str]:
        """Who speaks each of some utterances, by their ids."""
        return [self.speaker_of(name) for name in utterances]

    def speaker_of(self, utterance: str) -> str:
        """Who speaks an utterance, by its id."""
        return self._speakers[self.row(utterance)]

    def _speakers_moments(self, speakers: Iterable[str]) -> Statistics:
        sums = [self.recipe["speakers"][speaker] for speaker in speakers]
        return moments(*(np.sum([entry[name] for entry in sums], axis=0) for name in ("frames", "sum", "sum_of_squares")))

    def checksums(self, groups: Iterable[str]) -> list[str]:
        """Of the shards that hold the groups' utterances: they change with any audio, label or recipe."""
        speakers = sorted(self.manifest["speaker"][self.group.isin(self._known(groups))].unique())
        return [self.recipe["speakers"][speaker]["shard_sha256"] for speaker in speakers]

    def _known(self, groups: Iterable[str]) -> list[str]:
        wanted, known = sorted(set(groups)), self.groups
        unknown = [group for group in wanted if group not in known]
        if unknown or not wanted:
            raise DatasetError(f"{self.name}: no speaker(s) or group(s) {unknown}, expected some of {known}")
        return wanted


class RecordCorpus(PreparedCorpus):
    """A prepared corpus in its folder: `speaker-<id>.tfrecord`, `manifest.csv`, `recipe.json`. Reading it needs TensorFlow.

    Args:
        directory: The folder.

    Raises:
        DatasetError: It is not a prepared corpus.
    """

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory).resolve()  # one set, also when preparation switches the link in the meantime
        missing = [name for name in (MANIFEST, RECIPE) if not (self.directory / name).is_file()]
        if missing:
            raise DatasetError(f"{self.directory}: lacks {missing}, expected a prepared corpus")
        recipe, manifest = self.directory / RECIPE, read_manifest(self.directory / MANIFEST, str(self.directory / MANIFEST))
        super().__init__(manifest, read_recipe(recipe.read_bytes(), str(recipe), manifest))
        self._shards: dict[str, tfrecords.Shard] = {}

    def shards(self, speakers: Iterable[str]) -> list[Path]:
        """The speakers' shards, sorted."""
        return [self.directory / tfrecords.shard_name(speaker) for speaker in self._known(speakers)]

    @override
    def utterances(self, groups: Iterable[str]) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
        expected = self.manifest["speaker"].value_counts()
        labels = dict(zip(self.manifest["utterance"], self.manifest["emotion"], strict=True))
        for speaker in self._known(groups):
            shard, read = self._shard(speaker), 0
            for record in shard:
                read += 1
                if (label := labels.get(record["utterance"])) != record["emotion"]:
                    raise DatasetError(
                        f"{self.directory / MANIFEST}: {record['utterance']} is {label!r}, expected {record['emotion']!r} as "
                        f"{shard.path.name} has it; prepare the corpus again"
                    )
                yield record["utterance"], record["emotion"], record["features"]
            if read != expected[speaker]:  # a TFRecord file that was cut between two records looks complete
                raise tfrecords.RecordError(
                    f"{shard.path}: holds {read} utterances, expected {expected[speaker]}; prepare the corpus again"
                )

    @override
    def read(self, utterance: str) -> NDArray[np.float32]:
        return self._shard(self.speaker_of(utterance)).read(utterance)

    def _shard(self, speaker: str) -> tfrecords.Shard:
        if speaker not in self._shards:
            self._shards[speaker] = tfrecords.Shard(self.directory / tfrecords.shard_name(speaker), self.features)
        return self._shards[speaker]


class PackedCorpus(PreparedCorpus):
    """A prepared corpus in one `.npz` with its static features, read when they are asked for; deltas are recomputed. Needs no TensorFlow.

    Args:
        path: A file that `pack` wrote.

    Raises:
        DatasetError: It is not such a file.
    """

    def __init__(self, path: str | Path) -> None:
        try:
            with np.load(path, allow_pickle=False) as arrays:
                self.starts, manifest, recipe = arrays["starts"], str(arrays["manifest"]), str(arrays["recipe"])
            self.static = StoredRows(path, "static")
        except files.DAMAGED_ARCHIVE as error:
            raise DatasetError(f"{path}: cannot be read as a packed corpus ({error})") from error
        rows = read_manifest(io.StringIO(manifest), f"{path}/{MANIFEST}")
        super().__init__(rows, read_recipe(recipe.encode(), f"{path}/{RECIPE}", rows))

    @override
    def utterances(self, groups: Iterable[str]) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
        wanted = set(self._known(groups))
        for row, (name, speaker, emotion) in enumerate(self.manifest[["utterance", "speaker", "emotion"]].itertuples(index=False)):
            if speaker in wanted:
                yield name, emotion, self._features(row)

    @override
    def read(self, utterance: str) -> NDArray[np.float32]:
        return self._features(self.row(utterance))

    def _features(self, row: int) -> NDArray[np.float32]:
        return with_dynamics(self.static.read(self.starts[row], self.starts[row + 1]), self.features)


def open_corpus(path: str | Path) -> PreparedCorpus:
    """Opens a prepared corpus: a folder of shards, or a packed `.npz`.

    Raises:
        DatasetError: It is neither.
    """
    return PackedCorpus(path) if Path(path).suffix == ".npz" else RecordCorpus(path)


def pack(corpus: PreparedCorpus, path: str | Path) -> None:
    """Writes a corpus as one `.npz` for `PackedCorpus`.

    Args:
        corpus: A prepared corpus.
        path: The file, ending in `.npz`.
    """
    static = [static_part(features, corpus.features) for _, _, features in corpus.utterances(corpus.speakers)]
    starts = np.cumsum([0, *(len(frames) for frames in static)])
    with files.replacing(path) as partial, partial.open("wb") as stream:
        np.savez(
            stream,
            static=np.concatenate(static),
            starts=starts,
            manifest=np.array(corpus.manifest.to_csv(index=False)),
            recipe=np.array(json.dumps(corpus.recipe)),
        )


class Readable(Protocol):
    """What segments are read from: a prepared corpus, or what a fold lets one read of it."""

    name: str

    def utterances(self, groups: Iterable[str]) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
        """Yields name, emotion and features of each utterance of some groups."""

    def read(self, utterance: str) -> NDArray[np.float32]:
        """Reads the features of one utterance."""


class Speaking(Protocol):
    """What is asked who speaks: a prepared corpus, or what a fold lets one know of it."""

    def speakers_of(self, utterances: Sequence[str]) -> list[str]:
        """Who speaks each of some utterances."""

    def speaker_statistics(self, speaker: str) -> Statistics:
        """Mean and variance of all audio of a speaker."""
