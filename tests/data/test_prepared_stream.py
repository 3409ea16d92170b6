"""The stream of a prepared corpus: the segments of memory in order or shuffled, and no further than it must read."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_prepared import SPEAKERS, TRAINING, other_recipe

from ser_acrnn.config import EMODB_EMOTIONS
from ser_acrnn.data.prepared import (
    RecordCorpus,
    load_segments,
    stream_segments,
)


@pytest.fixture(scope="module")
def corpus(prepared: Path) -> RecordCorpus:
    return RecordCorpus(prepared)


@pytest.fixture
def copy(prepared: Path, tmp_path: Path) -> Path:
    """The prepared corpus, to be damaged."""
    return Path(shutil.copytree(prepared, tmp_path / "copy"))


def streamed(corpus: RecordCorpus, speakers: Iterable[str] = SPEAKERS, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    batches = list(stream_segments(corpus, speakers, EMODB_EMOTIONS, **options).as_numpy_iterator())
    return np.concatenate([features for features, _ in batches]), np.concatenate([labels for _, labels in batches])


def order(segments: np.ndarray) -> list[bytes]:
    return [segment.tobytes() for segment in segments]


@pytest.mark.parametrize(("hop_seconds", "channels"), [(None, 3), (1.5, 3), (1.5, 1)])
def test_the_stream_gives_the_segments_of_memory_in_their_order(corpus: RecordCorpus, hop_seconds: float | None, channels: int) -> None:
    memory = load_segments(corpus, TRAINING, EMODB_EMOTIONS, channels=channels, hop_seconds=hop_seconds)
    features, labels = streamed(corpus, TRAINING, channels=channels, hop_seconds=hop_seconds, batch_size=7)
    assert features.dtype == np.float32
    assert features.shape == memory.features.shape
    assert features.tobytes() == memory.features.tobytes()
    np.testing.assert_array_equal(labels, memory.labels)


def test_the_streams_shapes_are_known_before_it_runs(corpus: RecordCorpus) -> None:
    features, labels = stream_segments(corpus, TRAINING, EMODB_EMOTIONS, channels=1).element_spec
    assert features.shape.as_list() == [None, 300, 40, 1]
    assert labels.shape.as_list() == [None]


def test_batches_are_full_but_the_last(corpus: RecordCorpus) -> None:
    sizes = [len(labels) for _, labels in stream_segments(corpus, TRAINING, EMODB_EMOTIONS, batch_size=8)]
    assert sizes == [8, 8, 1]


def test_a_shuffled_stream_has_the_same_segments_in_the_seeds_order(corpus: RecordCorpus) -> None:
    memory = load_segments(corpus, TRAINING, EMODB_EMOTIONS)
    label_of = dict(zip(order(memory.features), memory.labels, strict=True))
    orders = []
    for seed in (0, 0, 1):
        data = stream_segments(corpus, TRAINING, EMODB_EMOTIONS, shuffle_seed=seed, batch_size=9)
        for _ in range(2):  # passes
            passed = list(data.as_numpy_iterator())
            shuffled = order(np.concatenate([features for features, _ in passed]))
            assert sorted(shuffled) == sorted(label_of)
            assert [label_of[piece] for piece in shuffled] == list(np.concatenate([labels for _, labels in passed]))
            orders.append(shuffled)
    first, second, same_first, same_second, other, _ = orders
    assert first == same_first
    assert second == same_second  # also with seed 0, which is a seed
    assert first != second
    assert first != other
    assert first != list(label_of)


def test_a_small_buffer_loses_nothing(corpus: RecordCorpus) -> None:
    features, _ = streamed(corpus, TRAINING, shuffle_seed=1, shuffle_segments=3)
    assert sorted(order(features)) == sorted(order(load_segments(corpus, TRAINING, EMODB_EMOTIONS).features))


@pytest.mark.parametrize("hop_seconds", [None, 1.5])
def test_the_stream_reads_no_further_than_it_must(copy: Path, hop_seconds: float | None) -> None:
    """The first batches arrive although the last speaker's shard cannot be read; only its turn fails."""
    (copy / "speaker-10.tfrecord").write_bytes(b"damaged" * 100)
    memory = load_segments(RecordCorpus(copy), ["03"], EMODB_EMOTIONS, hop_seconds=hop_seconds)
    data = stream_segments(RecordCorpus(copy), SPEAKERS, EMODB_EMOTIONS, hop_seconds=hop_seconds, batch_size=2)
    batches = iter(data.as_numpy_iterator())
    first = np.concatenate([next(batches)[0] for _ in range(5)])
    np.testing.assert_array_equal(first, memory.features[:10])
    with pytest.raises(Exception, match="corrupted record"):
        list(batches)


@pytest.mark.parametrize(("damage", "words"), [("cut", "truncated record"), ("missing", r"speaker-10\.tfrecord")])
def test_the_stream_does_not_pass_a_damaged_shard(copy: Path, damage: str, words: str) -> None:
    shard = copy / "speaker-10.tfrecord"
    if damage == "cut":
        shard.write_bytes(shard.read_bytes()[:-100])
    else:
        shard.unlink()
    with pytest.raises(Exception, match=words):
        streamed(RecordCorpus(copy), SPEAKERS)


def test_the_stream_refuses_a_shard_of_another_recipe_with_both_hashes(copy: Path) -> None:
    hashes = other_recipe(copy, "08")
    with pytest.raises(Exception) as caught:
        streamed(RecordCorpus(copy), TRAINING)
    assert all(part in str(caught.value) for part in hashes)


def test_labels_follow_the_order_of_the_names_given(corpus: RecordCorpus) -> None:
    turned = EMODB_EMOTIONS[::-1]
    segments, other = load_segments(corpus, ["03"], EMODB_EMOTIONS), load_segments(corpus, ["03"], turned)
    assert [EMODB_EMOTIONS[label] for label in segments.labels] == [turned[label] for label in other.labels]
    np.testing.assert_array_equal(streamed(corpus, ["03"])[1], segments.labels)
