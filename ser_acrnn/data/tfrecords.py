"""The record schema: one TFRecord example an utterance, one dict of fields used by writer and reader; one shard a speaker."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_acrnn import files
from ser_acrnn.config.features import FramingConfig

# Field -> type. `features` are the raw little-endian float32 bytes of (frames, coefficients, channels): as a list of floats they would
# be forty times slower to write.
SCHEMA = {
    "utterance": "bytes",
    "speaker": "bytes",
    "session": "bytes",
    "emotion": "bytes",
    "sha256": "bytes",
    "recipe": "bytes",
    "frames": "int64",
    "features": "bytes",
}

# Of a TFRecord file: a record's length and the length's checksum stand before it, the record's checksum behind it.
BYTES_BEFORE, BYTES_BEHIND = 12, 4


class RecordError(ValueError):
    """A shard that is damaged or was made by another recipe; the message names the shard and both values."""


def shard_name(speaker: str) -> str:
    """File name of a speaker's shard."""
    return f"speaker-{speaker}.tfrecord"


def write_shard(path: str | Path, records: Iterable[dict[str, Any]]) -> None:
    """Writes a shard atomically: it appears under its name only when it is complete.

    Args:
        path: The shard.
        records: A dict an utterance, with the fields of `SCHEMA`; `features` float32 of shape `(frames, *config.shape)`. They are
            written as they come; an error that they raise leaves nothing.

    Raises:
        OSError: It cannot be written; nothing is left of it.
    """
    import tensorflow as tf

    try:
        with files.replacing(path) as partial, tf.io.TFRecordWriter(str(partial)) as writer:
            for record in records:
                writer.write(_encode(record))
    except tf.errors.OpError as error:  # of a full disk, and what else the system refuses
        raise OSError(f"{path}: cannot be written ({error.message})") from error


def _encode(record: dict[str, Any]) -> bytes:
    import tensorflow as tf

    fields = {}
    for name, kind in SCHEMA.items():
        value = record[name]
        if kind == "int64":
            fields[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        else:
            raw = value.encode() if isinstance(value, str) else np.ascontiguousarray(value, dtype="<f4").tobytes()
            fields[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[raw]))
    return tf.train.Example(features=tf.train.Features(feature=fields)).SerializeToString(deterministic=True)


class Shard:
    """A shard whose records are read in the order in which they were written, and whose features are read in any order.

    Before one utterance is read by itself, all have been read in order once, and were found to be complete. No file stays open.

    Args:
        path: The shard.
        config: The recipe that it must have been made by.
    """

    def __init__(self, path: str | Path, config: FramingConfig) -> None:
        self.path, self.config = Path(path), config
        self._recipe_hash = config.recipe_hash  # computed once: it takes as long as to decode a record
        self._state: tuple[int, int, int] | None = None  # of the file when it was read in order
        self._places: dict[str, tuple[int, int]] = {}  # of each utterance's features: their first byte, and frames

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Reads the shard in order.

        Yields:
            A dict an utterance, as `write_shard` takes it.

        Raises:
            RecordError: The shard is missing, damaged, of another recipe, or has changed since it was first read.
        """
        import tensorflow as tf

        state, places, start = files.state(self._there()), {}, 0
        self._refuse_change(state)
        try:
            for raw in tf.data.TFRecordDataset(str(self.path)).as_numpy_iterator():
                record = self._record(raw)
                # A frame is longer than what stands before the first one; to look for all of them would take as long as to read them.
                places[record["utterance"]] = (start + BYTES_BEFORE + raw.find(record["features"][:1].data), record["frames"])
                start += BYTES_BEFORE + len(raw) + BYTES_BEHIND
                yield record
        except tf.errors.DataLossError as error:
            raise RecordError(
                f"{self.path}: the shard is damaged ({error.message}), expected a complete TFRecord; prepare the corpus again"
            ) from error
        except tf.errors.OpError as error:
            raise RecordError(f"{self.path}: cannot be read ({error.message}), expected a TFRecord file") from error
        self._state, self._places = state, places

    def read(self, utterance: str) -> NDArray[np.float32]:
        """Reads the features of one utterance, `(frames, *config.shape)`; several threads may do so.

        Raises:
            RecordError: As `__iter__`; or the shard holds no such utterance.
        """
        if self._state is None:
            for _ in self:
                pass
        if utterance not in self._places:
            raise RecordError(f"{self.path}: holds no utterance {utterance!r}, expected the manifest's; prepare the corpus again")
        first, frames = self._places[utterance]
        with self._there().open("rb", buffering=0) as stream:
            self._refuse_change(files.state(stream.fileno()))
            stream.seek(first)
            return np.fromfile(stream, "<f4", frames * math.prod(self.config.shape)).reshape(frames, *self.config.shape)

    def _there(self) -> Path:
        if not self.path.is_file():
            raise RecordError(f"{self.path}: no such shard, expected a TFRecord file; prepare the corpus again")
        return self.path

    def _refuse_change(self, state: tuple[int, int, int]) -> None:
        if self._state not in (None, state):
            raise RecordError(f"{self.path}: has changed since it was first read, expected the same shard until the end; start again")

    def _record(self, raw: bytes) -> dict[str, Any]:
        import tensorflow as tf
        from google.protobuf.message import DecodeError

        try:
            return self._decode(tf.train.Example.FromString(raw))
        except (DecodeError, IndexError, UnicodeDecodeError) as error:
            raise RecordError(f"{self.path}: holds a record of another schema ({error}), expected the fields {list(SCHEMA)}") from error

    def _decode(self, example: Any) -> dict[str, Any]:
        fields = example.features.feature
        record: dict[str, Any] = {}
        for name, kind in SCHEMA.items():
            record[name] = fields[name].int64_list.value[0] if kind == "int64" else fields[name].bytes_list.value[0]
        record.update({name: record[name].decode() for name in SCHEMA if SCHEMA[name] == "bytes" and name != "features"})
        if record["recipe"] != self._recipe_hash:
            raise RecordError(
                f"{self.path}: utterance {record['utterance']} was made by the recipe {record['recipe']}, expected {self._recipe_hash}"
            )
        features: NDArray[np.float32] = np.frombuffer(record["features"], dtype="<f4").reshape(record["frames"], *self.config.shape)
        return {**record, "features": features}
