"""A prepared corpus -> segments in memory or a streaming tf.data pipeline, and a fold's normalisation statistics.

A corpus is read from its shards (`RecordCorpus`) or, on a host without TensorFlow, from a packed `.npz` (`PackedCorpus`); both give
the same segments.
"""

from __future__ import annotations

import io
import json
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ser_acrnn import files
from ser_acrnn.config.features import FEATURE_RECIPES, FeatureConfig, Recipe, recipe_from_dict, recipe_name
from ser_acrnn.data import tfrecords
from ser_acrnn.features.extraction import static_part, with_dynamics
from ser_acrnn.features.log_mels import hop_frames, segment
from ser_acrnn.features.normalisation import Statistics, moments, statistics_of

MANIFEST, RECIPE = "manifest.csv", "recipe.json"


class DatasetError(ValueError):
    """A prepared corpus that is not there, incomplete, or lacks what was asked of it."""


@dataclass(frozen=True)
class Segments:
    """Equally long pieces of utterances.

    Attributes:
        features: float32 `(segments, frames, coefficients, channels)`, such as `(segments, 300, 40, 3)`.
        labels: Class number of each segment, `(segments,)`.
        utterance: Number of the utterance of each segment, `(segments,)`.
        utterance_ids: Names of the utterances.
        utterance_labels: Class number of each utterance, `(utterances,)`.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    utterance: NDArray[np.int64]
    utterance_ids: tuple[str, ...]
    utterance_labels: NDArray[np.int64]


def prepared_name(corpus: str, config: Recipe) -> str:
    """Name of a corpus's prepared folder: the corpus's own for the recipe "paper", with the recipe behind a dot for any other."""
    return corpus if config == FEATURE_RECIPES["paper"] else f"{corpus}.{recipe_name(config)}"


class PreparedCorpus(ABC):
    """What a prepared corpus offers, wherever its features are kept.

    A group is what a fold splits by: the speaker, unless the corpus was grouped otherwise (`GroupedCorpus`).

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
        speaker = dict(zip(self.manifest["utterance"], self.manifest["speaker"], strict=True))
        return [speaker[name] for name in utterances]

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
        super().__init__(_read_manifest(self.directory / MANIFEST), json.loads((self.directory / RECIPE).read_text(encoding="utf-8")))

    def shards(self, speakers: Iterable[str]) -> list[Path]:
        """The speakers' shards, sorted."""
        return [self.directory / tfrecords.shard_name(speaker) for speaker in self._known(speakers)]

    def utterances(self, groups: Iterable[str]) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
        """See `PreparedCorpus.utterances`."""
        expected = self.manifest["speaker"].value_counts()
        for speaker in self._known(groups):
            [shard], read = self.shards([speaker]), 0
            for record in tfrecords.read_shard(shard, self.features):
                read += 1
                yield record["utterance"], record["emotion"], record["features"]
            if read != expected[speaker]:  # a TFRecord file that was cut between two records looks complete
                raise tfrecords.RecordError(f"{shard}: holds {read} utterances, expected {expected[speaker]}; prepare the corpus again")


class PackedCorpus(PreparedCorpus):
    """A prepared corpus in one `.npz` with its static features; deltas are recomputed. Needs no TensorFlow.

    Args:
        path: A file that `pack` wrote.

    Raises:
        DatasetError: It is not such a file.
    """

    def __init__(self, path: str | Path) -> None:
        try:
            with np.load(path, allow_pickle=False) as arrays:
                self.static, self.starts = arrays["static"], arrays["starts"]
                manifest, recipe = str(arrays["manifest"]), str(arrays["recipe"])
        except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
            raise DatasetError(f"{path}: cannot be read as a packed corpus ({error})") from error
        super().__init__(_read_manifest(io.StringIO(manifest)), json.loads(recipe))

    def utterances(self, groups: Iterable[str]) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
        """See `PreparedCorpus.utterances`."""
        wanted = set(self._known(groups))
        for row, (name, speaker, emotion) in enumerate(self.manifest[["utterance", "speaker", "emotion"]].itertuples(index=False)):
            if speaker in wanted:
                static = self.static[self.starts[row] : self.starts[row + 1]]
                yield name, emotion, with_dynamics(static, self.features)


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

    def utterances(self, groups: Iterable[str]) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
        """See `PreparedCorpus.utterances`."""
        rows = self.manifest[self.group.isin(self._known(groups))]
        names = set(rows["utterance"])
        yield from (item for item in self.corpus.utterances(rows["speaker"]) if item[0] in names)

    def statistics(self, groups: Iterable[str]) -> Statistics:
        """See `PreparedCorpus.statistics`; computed by reading the utterances: a group may cut through speakers."""
        return statistics_of(values for _, _, values in self.utterances(groups))


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
        """See `PreparedCorpus.utterances`."""


class Speaking(Protocol):
    """What is asked who speaks: a prepared corpus, or what a fold lets one know of it."""

    def speakers_of(self, utterances: Sequence[str]) -> list[str]:
        """See `PreparedCorpus.speakers_of`."""

    def speaker_statistics(self, speaker: str) -> Statistics:
        """See `PreparedCorpus.speaker_statistics`."""


def load_segments(
    corpus: PreparedCorpus, speakers: Iterable[str], emotions: Sequence[str], *, channels: int = 3, hop_seconds: float | None = None
) -> Segments:
    """Reads all 3 s segments of some speakers into memory.

    Args:
        corpus: A prepared corpus of log-Mels.
        speakers: Whose.
        emotions: Names of the classes, in the order of the network's outputs.
        channels: 3, or 1 for the static log-Mels alone.
        hop_seconds: Shift between segments; without it they do not overlap (`ser_acrnn.features.log_mels.segment_starts`).

    Raises:
        DatasetError: An emotion that is not in `emotions`, an unknown speaker, or a corpus of other features.
    """
    config = corpus.features
    if not isinstance(config, FeatureConfig):
        raise DatasetError(f"{corpus.name}: was prepared by the recipe {recipe_name(config)!r}, expected log-Mels")
    return cut_segments(corpus, speakers, emotions, lambda values: segment(values[..., :channels], config, hop_seconds))


def cut_segments(
    corpus: Readable, groups: Iterable[str], emotions: Sequence[str], cut: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> Segments:
    """Reads all segments of some groups into memory.

    Args:
        corpus: A prepared corpus.
        groups: Whose.
        emotions: Names of the classes, in the order of the network's outputs.
        cut: An utterance's features -> its segments, `(segments, frames, coefficients, channels)`, at least one.

    Raises:
        DatasetError: An emotion that is not in `emotions`, or an unknown group.
    """
    number = {emotion: index for index, emotion in enumerate(emotions)}
    pieces, owners, labels = [], [], []
    ids: list[str] = []
    for name, emotion, features in corpus.utterances(groups):
        if emotion not in number:
            raise DatasetError(f"{corpus.name}: utterance {name} has the emotion {emotion!r}, expected one of {list(emotions)}")
        pieces.append(cut(features))
        owners.append(np.full(len(pieces[-1]), len(ids)))
        ids.append(name)
        labels.append(number[emotion])
    utterance, utterance_labels = np.concatenate(owners), np.array(labels)
    return Segments(np.concatenate(pieces), utterance_labels[utterance], utterance, tuple(ids), utterance_labels)


def stream_segments(
    corpus: RecordCorpus,
    speakers: Iterable[str],
    emotions: Sequence[str],
    *,
    channels: int = 3,
    hop_seconds: float | None = None,
    batch_size: int = 40,
    shuffle_seed: int | None = None,
    shuffle_segments: int = 2_000,
) -> Any:
    """The same segments as `load_segments` as a tf.data pipeline whose memory does not grow with the corpus.

    Args:
        corpus: A corpus in shards.
        speakers: Whose.
        emotions: Names of the classes.
        channels: 3 or 1.
        hop_seconds: Shift between segments.
        batch_size: Segments a batch; the last batch of a pass may be smaller.
        shuffle_seed: Shuffles, differently at each pass, the same way for the same seed and `tf.random.set_seed`; without it the order
            is `load_segments`'.
        shuffle_segments: Size of the shuffle buffer.

    Returns:
        `tf.data.Dataset` of (features `(batch, 300, mels, channels)`, labels `(batch,)`), prefetched. A damaged shard, an emotion that is
        not in `emotions` or another recipe ends the iteration with TensorFlow's own error.
    """
    import tensorflow as tf

    config = corpus.features
    if not isinstance(config, FeatureConfig):
        raise DatasetError(f"{corpus.name}: was prepared by the recipe {recipe_name(config)!r}, expected log-Mels")
    length, hop = config.segment_frames, hop_frames(config, hop_seconds)
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(list(emotions), tf.range(len(emotions), dtype=tf.int64)), -1)

    def cut(serialised: Any) -> Any:
        record = tfrecords.parse(serialised, config)
        label = table.lookup(record["emotion"])
        message = f"{corpus.name}: an utterance's emotion is none of {list(emotions)}"
        recipe = f"{corpus.name}: an utterance was made by another recipe, expected {config.recipe_hash}, found"
        checks = [
            tf.debugging.assert_non_negative(label, message),
            tf.debugging.Assert(record["recipe"] == config.recipe_hash, [recipe, record["recipe"]]),
        ]
        with tf.control_dependencies(checks):
            features = tf.identity(record["features"][..., :channels])
        frames = tf.shape(features)[0]
        features = tf.pad(features, [[0, tf.maximum(0, length - frames)], [0, 0], [0, 0]])
        last = tf.maximum(0, frames - length)
        starts = tf.concat([tf.range(0, last, hop), [last]], 0)  # as `segment_starts`
        segments = tf.gather(features, starts[:, None] + tf.range(length))
        return tf.ensure_shape(segments, (None, length, config.mels, channels)), tf.fill([tf.size(starts)], label)

    data = tf.data.TFRecordDataset([str(shard) for shard in corpus.shards(speakers)])
    data = data.map(cut, num_parallel_calls=2, deterministic=True).unbatch()
    if shuffle_seed is not None:
        data = data.shuffle(shuffle_segments, seed=shuffle_seed, reshuffle_each_iteration=True)
    data = data.batch(batch_size).prefetch(2)
    options = tf.data.Options()
    options.autotune.enabled = False  # it stalls short epochs
    return data.with_options(options)


def _read_manifest(source: Path | io.StringIO) -> pd.DataFrame:
    return pd.read_csv(
        source, dtype=dict.fromkeys(("utterance", "speaker", "session", "emotion", "path", "sha256"), str), keep_default_na=False
    )
