"""The record schema: one TFRecord example an utterance, one dict of fields used by writer and reader; one shard a speaker."""

from __future__ import annotations

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
    """
    import tensorflow as tf

    with files.replacing(path) as partial, tf.io.TFRecordWriter(str(partial)) as writer:
        for record in records:
            writer.write(_encode(record))


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


def parse(serialised: Any, config: FramingConfig) -> dict[str, Any]:
    """Decodes one example inside a tf.data pipeline.

    Args:
        serialised: Scalar string tensor.
        config: The recipe, for the shape of a frame.

    Returns:
        The fields of `SCHEMA` as tensors, `features` as float32 of shape `(frames, *config.shape)`.
    """
    import tensorflow as tf

    types = {"bytes": tf.string, "int64": tf.int64}
    fields = tf.io.parse_single_example(serialised, {name: tf.io.FixedLenFeature([], types[kind]) for name, kind in SCHEMA.items()})
    values = tf.io.decode_raw(fields["features"], tf.float32, little_endian=True)
    return {**fields, "features": tf.reshape(values, (-1, *config.shape))}


def read_shard(path: str | Path, config: FramingConfig) -> Iterator[dict[str, Any]]:
    """Reads a shard in the order in which it was written.

    Args:
        path: The shard.
        config: The recipe that it must have been made by.

    Yields:
        A dict an utterance, as `write_shard` takes it.

    Raises:
        RecordError: The shard is missing, damaged, or of another recipe.
    """
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    if not Path(path).is_file():
        raise RecordError(f"{path}: no such shard, expected a TFRecord file; prepare the corpus again")
    try:
        for raw in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            try:
                example = tf.train.Example.FromString(raw)
                record = _decode(example, path, config)
            except (DecodeError, IndexError, UnicodeDecodeError) as error:
                raise RecordError(f"{path}: holds a record of another schema ({error}), expected the fields {list(SCHEMA)}") from error
            yield record
    except tf.errors.DataLossError as error:
        raise RecordError(
            f"{path}: the shard is damaged ({error.message}), expected a complete TFRecord; prepare the corpus again"
        ) from error


def _decode(example: Any, path: str | Path, config: FramingConfig) -> dict[str, Any]:
    fields = example.features.feature
    record: dict[str, Any] = {}
    for name, kind in SCHEMA.items():
        record[name] = fields[name].int64_list.value[0] if kind == "int64" else fields[name].bytes_list.value[0]
    record.update({name: record[name].decode() for name in SCHEMA if SCHEMA[name] == "bytes" and name != "features"})
    if record["recipe"] != config.recipe_hash:
        raise RecordError(
            f"{path}: utterance {record['utterance']} was made by the recipe {record['recipe']}, expected {config.recipe_hash}"
        )
    features: NDArray[np.float32] = np.frombuffer(record["features"], dtype="<f4").reshape(record["frames"], *config.shape)
    return {**record, "features": features}
