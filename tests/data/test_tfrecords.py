"""Records: what is written is read, bit for bit, and what is damaged or of another recipe is refused."""

from __future__ import annotations

import dataclasses
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from ser_acrnn import audio
from ser_acrnn.config.features import FEATURE_RECIPES, RECIPES, FrameConfig, Recipe
from ser_acrnn.data.tfrecords import SCHEMA, RecordError, Shard, shard_name, write_shard
from ser_acrnn.features.extraction import extract

PAPER, RELEASED = FEATURE_RECIPES["paper"], FEATURE_RECIPES["released-code"]


def record(name: str, frames: int, config: Recipe = PAPER, **changes: Any) -> dict[str, Any]:
    values = np.random.default_rng(frames).standard_normal((frames, *config.shape)).astype(np.float32)
    fields = {"utterance": name, "speaker": "03", "session": "", "emotion": "sad", "sha256": 64 * "a", "recipe": config.recipe_hash}
    return {**fields, "frames": frames, "features": values, **changes}


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    """Three records of different lengths."""
    path = tmp_path / shard_name("03")
    write_shard(path, [record("a", 79), record("b", 300), record("c", 1)])
    return path


def read(path: Path, config: Recipe = PAPER) -> list[dict[str, Any]]:
    return list(Shard(path, config))


def test_a_disk_that_takes_no_more_is_named(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        with pytest.raises(OSError, match=r"s\.tfrecord: cannot be written \(.*File too large"):
            write_shard(tmp_path / "s.tfrecord", [record(name, 300) for name in "abc"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert os.listdir(tmp_path) == []


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("recipe", sorted(RECIPES.keys() - {"paper-by-speaker"}))
def test_from_wav_to_features_not_a_bit_is_lost(tmp_path: Path, recipe: str) -> None:
    config = RECIPES[recipe]
    swelling = np.random.default_rng(0).uniform(-0.5, 0.5, 20_000) * (1.05 + np.sin(np.arange(20_000) / 2_000)) / 2.05
    soundfile.write(tmp_path / "a.wav", swelling, 16_000)
    values = extract(audio.load(tmp_path / "a.wav"), config)
    write_shard(tmp_path / "s", [record("a", len(values), config, features=values)])
    assert same_bits(read(tmp_path / "s", config)[0]["features"], values)
    assert same_bits(Shard(tmp_path / "s", config).read("a"), values)
    assert values.shape[1:] == config.shape


def test_all_fields_are_read_as_written_in_order(tmp_path: Path) -> None:
    special = np.array([np.nan, np.inf, -0.0, 1e-45, 3e38], np.float32)  # bits, not values
    written = [
        record("a", 2, session="Ses01", emotion="ängstlich", speaker="Jörg"),
        record("b", 1, features=np.resize(special, (1, 40, 3))),
        record("c", 5),
    ]
    write_shard(tmp_path / "s", iter(written))
    decoded = read(tmp_path / "s")
    for original, one in zip(written, decoded, strict=True):
        assert set(one) == set(SCHEMA)
        for name in SCHEMA:
            if name == "features":
                assert same_bits(one[name], original[name])
            else:
                assert one[name] == original[name]


def test_features_are_read_in_any_order_as_often_as_asked(tmp_path: Path) -> None:
    written = {
        "zero": record("zero", 3, features=np.zeros((3, 40, 3))),  # whose bytes stand in every head too
        "Jörg": record("Jörg", 300, speaker="Jörg"),
        "none": record("none", 0),
        "c": record("c", 1),
    }
    write_shard(tmp_path / "s", written.values())
    shard = Shard(tmp_path / "s", PAPER)
    for name in ("c", "Jörg", "zero", "c", "none", "Jörg"):
        assert same_bits(shard.read(name), written[name]["features"].astype(np.float32))
    assert [one["utterance"] for one in shard] == list(written)
    with pytest.raises(RecordError, match=r"/s: holds no utterance 'd', expected the manifest's"):
        shard.read("d")


def test_a_shard_that_is_damaged_is_refused_before_a_sound_record_is_read(shard: Path) -> None:
    data = bytearray(shard.read_bytes())
    data[-3] ^= 1
    shard.write_bytes(data)
    with pytest.raises(RecordError, match="the shard is damaged"):
        Shard(shard, PAPER).read("a")


@pytest.mark.parametrize("change", ["replaced", "overwritten", "lengthened", "removed"])
def test_a_shard_that_changes_while_it_is_in_use_is_refused(shard: Path, change: str) -> None:
    opened = Shard(shard, PAPER)
    assert len(opened.read("a")) == 79
    data = shard.read_bytes()
    if change == "replaced":
        write_shard(shard, [record("a", 79), record("b", 300), record("c", 1)])  # the same bytes, in another file
    elif change == "overwritten":
        with shard.open("r+b") as stream:
            stream.write(data[:200])
    elif change == "lengthened":
        shard.write_bytes(data + data)
    else:
        shard.unlink()
    words = "no such shard" if change == "removed" else "has changed since it was first read, expected the same shard until the end"
    for ask in (lambda: opened.read("a"), lambda: list(opened)):
        with pytest.raises(RecordError, match=words) as caught:
            ask()
        assert str(shard) in str(caught.value)


def test_any_layout_of_the_array_is_written_the_same(tmp_path: Path) -> None:
    values = record("a", 7)["features"]
    write_shard(tmp_path / "s", [record("a", 7)])
    for other in (np.asfortranarray(values), values.astype(">f4"), values.astype(np.float64)):
        write_shard(tmp_path / "t", [record("a", 7, features=other)])
        assert (tmp_path / "t").read_bytes() == (tmp_path / "s").read_bytes()


def test_the_same_records_give_the_same_bytes(shard: Path, tmp_path: Path) -> None:
    shuffled_fields = [dict(reversed(record(name, frames).items())) for name, frames in (("a", 79), ("b", 300), ("c", 1))]
    write_shard(tmp_path / "again", shuffled_fields)
    assert (tmp_path / "again").read_bytes() == shard.read_bytes()


def test_another_recipe_is_refused_with_both_hashes(shard: Path) -> None:
    with pytest.raises(RecordError) as caught:
        read(shard, RELEASED)
    for part in (str(shard), "utterance a", PAPER.recipe_hash, RELEASED.recipe_hash):
        assert part in str(caught.value)
    for other in (dataclasses.replace(PAPER, mels=26), FrameConfig()):  # whose frames have another shape
        with pytest.raises(RecordError, match=f"made by the recipe {PAPER.recipe_hash}, expected {other.recipe_hash}"):
            read(shard, other)


def test_a_single_record_of_another_recipe_is_noticed(tmp_path: Path) -> None:
    write_shard(tmp_path / "s", [record("a", 3), record("odd", 3, RELEASED)])
    with pytest.raises(RecordError, match=f"utterance odd was made by the recipe {RELEASED.recipe_hash}, expected {PAPER.recipe_hash}"):
        read(tmp_path / "s")


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no such shard, expected a TFRecord file") as caught:
        read(tmp_path / "none")
    assert str(tmp_path / "none") in str(caught.value)


@pytest.mark.parametrize("place", [5, 100, 20_000, -3])
def test_a_flipped_bit_is_noticed(shard: Path, place: int) -> None:
    data = bytearray(shard.read_bytes())
    data[place] ^= 1
    shard.write_bytes(data)
    refused(shard)


@pytest.mark.parametrize("cut", [100, 5_000, -1, -5, -2_000])
def test_a_cut_off_shard_is_noticed(shard: Path, cut: int) -> None:
    shard.write_bytes(shard.read_bytes()[:cut])
    refused(shard)


@pytest.mark.parametrize("content", [b"no TFRecord, but long enough to hold a header", b"\x00" * 100])
def test_another_kind_of_file_is_noticed(shard: Path, content: bytes) -> None:
    shard.write_bytes(content)
    refused(shard)


def refused(path: Path) -> None:
    with pytest.raises(RecordError, match=r"the shard is damaged .*expected a complete TFRecord; prepare the corpus again") as caught:
        read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("raw", [tf.train.Example().SerializeToString(), b"\xff\xff\xff", b""])
def test_records_of_another_schema_are_refused(tmp_path: Path, raw: bytes) -> None:
    with tf.io.TFRecordWriter(str(tmp_path / "s")) as writer:
        writer.write(raw)
    with pytest.raises(RecordError) as caught:
        read(tmp_path / "s")
    assert str(tmp_path / "s") in str(caught.value)


def failing() -> Iterator[dict[str, Any]]:
    yield record("a", 500)
    raise KeyboardInterrupt


def test_a_writer_that_fails_leaves_no_shard(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_shard(tmp_path / "s.tfrecord", failing())
    assert not (tmp_path / "s.tfrecord").exists()
    assert not list(tmp_path.glob("*.tfrecord"))  # nor anything else that a reader of shards would take for one
    write_shard(tmp_path / "s.tfrecord", [record("b", 2)])
    assert [one["utterance"] for one in read(tmp_path / "s.tfrecord")] == ["b"]
    assert os.listdir(tmp_path) == ["s.tfrecord"]


def test_a_writer_that_fails_leaves_the_old_shard(shard: Path) -> None:
    before = shard.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        write_shard(shard, failing())
    with pytest.raises(KeyError):
        write_shard(shard, [{"utterance": "incomplete"}])
    assert shard.read_bytes() == before


def test_nothing_stands_under_the_name_before_the_shard_is_complete(tmp_path: Path) -> None:
    def watching() -> Iterator[dict[str, Any]]:
        for number in range(3):
            assert not (tmp_path / "s").exists()
            yield record(str(number), 300)

    write_shard(tmp_path / "s", watching())
    assert len(read(tmp_path / "s")) == 3


def test_a_shard_without_records_is_read_as_that(tmp_path: Path) -> None:
    write_shard(tmp_path / "s", [])
    assert read(tmp_path / "s") == []
