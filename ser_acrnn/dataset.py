"""A prepared corpus -> segments in memory or a streaming tf.data pipeline, and a fold's normalisation statistics.

A corpus is read from its shards (`RecordCorpus`) or, on a host without TensorFlow, from a packed `.npz` (`PackedCorpus`); both give
the same segments.
"""

from __future__ import annotations

import io
import json
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ser_acrnn import tfrecords
from ser_acrnn.config import FeatureConfig
from ser_acrnn.features import segment, segment_starts, with_deltas

MANIFEST, RECIPE = "manifest.csv", "recipe.json"


class DatasetError(ValueError):
    """A prepared corpus that is not there, incomplete, or lacks what was asked of it."""


@dataclass(frozen=True)
class Segments:
    """Equally long pieces of utterances.

    Attributes:
        features: float32 `(segments, 300, mels, channels)`.
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


class PreparedCorpus(ABC):
    """What a prepared corpus offers, wherever its features are kept.

    Attributes:
        name: Of the corpus.
        manifest: A row an utterance: `utterance, speaker, session, emotion, path, sha256, seconds, segments`.
        recipe: What `recipe.json` holds.
        features: The recipe's configuration.
    """

    def __init__(self, manifest: pd.DataFrame, recipe: dict[str, Any]) -> None:
        self.manifest = manifest
        self.recipe = recipe
        self.name: str = recipe["corpus"]
        self.features = FeatureConfig.from_dict(recipe["features"])
        if self.features.recipe_hash != recipe["recipe_hash"]:
            raise DatasetError(
                f"{self.name}: {RECIPE} gives the hash {recipe['recipe_hash']}, but its features hash to {self.features.recipe_hash}"
            )

    @property
    def speakers(self) -> list[str]:
        """Names of the speakers, sorted."""
        return sorted(self.manifest["speaker"].unique())

    @abstractmethod
    def utterances(self, speakers: Iterable[str]) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
        """Yields id, emotion and features `(frames, mels, 3)` of the speakers' utterances, in the manifest's order."""

    def statistics(self, speakers: Iterable[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and variance of each coefficient over all frames of the speakers' utterances; no padding is in them.

        Args:
            speakers: The fold's training speakers.

        Returns:
            Two arrays of shape `(mels, 3)`, computed from the sums that preparation left a speaker.
        """
        sums = [self.recipe["speakers"][speaker] for speaker in self._known(speakers)]
        frames = sum(entry["frames"] for entry in sums)
        mean = np.sum([entry["sum"] for entry in sums], axis=0) / frames
        variance = np.sum([entry["sum_of_squares"] for entry in sums], axis=0) / frames - mean**2
        return mean.astype(np.float32), np.maximum(variance, 1e-10).astype(np.float32)

    def _known(self, speakers: Iterable[str]) -> list[str]:
        wanted = sorted(set(speakers))
        unknown = [speaker for speaker in wanted if speaker not in self.recipe["speakers"]]
        if unknown or not wanted:
            raise DatasetError(f"{self.name}: no speaker(s) {unknown}, expected some of {self.speakers}")
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

    def utterances(self, speakers: Iterable[str]) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
        """See `PreparedCorpus.utterances`."""
        expected = self.manifest["speaker"].value_counts()
        for speaker in self._known(speakers):
            [shard], read = self.shards([speaker]), 0
            for record in tfrecords.read_shard(shard, self.features):
                read += 1
                yield record["utterance"], record["emotion"], record["features"]
            if read != expected[speaker]:  # a TFRecord file that was cut between two records looks complete
                raise tfrecords.RecordError(f"{shard}: holds {read} utterances, expected {expected[speaker]}; prepare the corpus again")


class PackedCorpus(PreparedCorpus):
    """A prepared corpus in one `.npz` with its static log-Mels; deltas are recomputed. Needs no TensorFlow.

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

    def utterances(self, speakers: Iterable[str]) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
        """See `PreparedCorpus.utterances`."""
        wanted = set(self._known(speakers))
        for row, (name, speaker, emotion) in enumerate(self.manifest[["utterance", "speaker", "emotion"]].itertuples(index=False)):
            if speaker in wanted:
                static = self.static[self.starts[row] : self.starts[row + 1]]
                yield name, emotion, with_deltas(static, self.features)


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
    static = [features[..., 0] for _, _, features in corpus.utterances(corpus.speakers)]
    starts = np.cumsum([0, *(len(frames) for frames in static)])
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as stream:
        np.savez(
            stream,
            static=np.concatenate(static),
            starts=starts,
            manifest=np.array(corpus.manifest.to_csv(index=False)),
            recipe=np.array(json.dumps(corpus.recipe)),
        )
    partial.replace(path)


def load_segments(
    corpus: PreparedCorpus, speakers: Iterable[str], emotions: Sequence[str], *, channels: int = 3, hop_seconds: float | None = None
) -> Segments:
    """Reads all segments of some speakers into memory.

    Args:
        corpus: A prepared corpus.
        speakers: Whose.
        emotions: Names of the classes, in the order of the network's outputs.
        channels: 3, or 1 for the static log-Mels alone.
        hop_seconds: Shift between segments; without it they do not overlap (`ser_acrnn.features.segment_starts`).

    Raises:
        DatasetError: An emotion that is not in `emotions`, or an unknown speaker.
    """
    number = {emotion: index for index, emotion in enumerate(emotions)}
    pieces, owners, labels = [], [], []
    ids: list[str] = []
    for name, emotion, features in corpus.utterances(speakers):
        if emotion not in number:
            raise DatasetError(f"{corpus.name}: utterance {name} has the emotion {emotion!r}, expected one of {list(emotions)}")
        cut = segment(features[..., :channels], corpus.features, hop_seconds)
        pieces.append(cut)
        owners.append(np.full(len(cut), len(ids)))
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
        length = config.segment_frames
        features = tf.pad(features, [[0, tf.maximum(0, length - tf.shape(features)[0])], [0, 0], [0, 0]])
        starts = tf.numpy_function(lambda frames: np.array(segment_starts(int(frames), config, hop_seconds)), [record["frames"]], tf.int64)
        starts.set_shape([None])
        segments = tf.map_fn(lambda start: features[start : start + length], starts, fn_output_signature=tf.float32)
        segments = tf.ensure_shape(segments, (None, length, config.mels, channels))
        return tf.data.Dataset.from_tensor_slices((segments, tf.fill([tf.size(starts)], label)))

    data = tf.data.TFRecordDataset([str(shard) for shard in corpus.shards(speakers)]).flat_map(cut)
    if shuffle_seed is not None:
        data = data.shuffle(shuffle_segments, seed=shuffle_seed, reshuffle_each_iteration=True)
    return data.batch(batch_size).prefetch(2)


def _read_manifest(source: Path | io.StringIO) -> pd.DataFrame:
    return pd.read_csv(
        source, dtype=dict.fromkeys(("utterance", "speaker", "session", "emotion", "path", "sha256"), str), keep_default_na=False
    )
