"""Features that stay in their corpus: any rows of them are those of memory, bit for bit; and what is read ahead comes in order."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from short_corpus import EMOTIONS, SMALL, SPEAKERS, ShortCorpus, as_records

from ser_acrnn.data.grouped import GroupedCorpus
from ser_acrnn.data.in_memory import MemoryCorpus
from ser_acrnn.data.normalised import NormalisedCorpus
from ser_acrnn.data.prepared import PackedCorpus, PreparedCorpus, RecordCorpus, pack
from ser_acrnn.data.segmented import SegmentedCorpus
from ser_acrnn.data.segments import Segments, cut_segments
from ser_acrnn.data.streamed import StreamedFeatures, read_ahead
from ser_acrnn.features.log_mels import segment, segment_starts

FEATURES = SMALL.features
KINDS = ("records", "packed", "in memory", "sessions", "by speaker", "by utterance", "pieces", "pieces in parts, by speaker")


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> RecordCorpus:
    return RecordCorpus(as_records(ShortCorpus(), tmp_path_factory.mktemp("records")))


@pytest.fixture(scope="module")
def corpora(records: RecordCorpus, tmp_path_factory: pytest.TempPathFactory) -> dict[str, PreparedCorpus]:
    path = tmp_path_factory.mktemp("packed") / "short.npz"
    pack(records, path)
    values = [values for _, _, values in records.utterances(SPEAKERS)]
    names = list(records.manifest["utterance"])
    pieces = SegmentedCorpus(records)
    parts = {name: f"part{number % 2}" for number, name in enumerate(pieces.manifest["utterance"])}
    made = (
        records,
        PackedCorpus(path),
        MemoryCorpus("short", records.manifest, values, FEATURES),
        GroupedCorpus(records, {name: f"session{number % 3}" for number, name in enumerate(names)}),
        NormalisedCorpus(records, "speaker"),
        NormalisedCorpus(records, "utterance"),
        pieces,
        NormalisedCorpus(GroupedCorpus(pieces, parts), "speaker"),
    )
    return dict(zip(KINDS, made, strict=True))


def cut(corpus: PreparedCorpus, channels: int = 3, hop_seconds: float | None = None, bound: int | None = 0) -> Segments:
    groups = corpus.groups[:-1]
    return cut_segments(
        corpus, groups, EMOTIONS, lambda values: segment(values[..., :channels], FEATURES, hop_seconds), largest_in_memory_bytes=bound
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("channels", "hop_seconds"), [(3, None), (3, 0.1), (1, 0.1)])
def test_any_rows_are_those_of_memory(corpora: dict[str, PreparedCorpus], kind: str, channels: int, hop_seconds: float | None) -> None:
    corpus = corpora[kind]
    streamed = cut(corpus, channels, hop_seconds)
    read = list(corpus.utterances(corpus.groups[:-1]))
    pieces = [segment(values[..., :channels], FEATURES, hop_seconds) for _, _, values in read]
    memory = np.concatenate(pieces)
    assert isinstance(streamed.features, StreamedFeatures)
    assert streamed.features.shape == memory.shape and len(streamed.features) == len(memory) and streamed.features.nbytes == memory.nbytes
    assert streamed.utterance_ids == tuple(name for name, _, _ in read)
    assert streamed.utterance.tolist() == [number for number, own in enumerate(pieces) for _ in own]
    assert [EMOTIONS[label] for label in streamed.labels] == [read[number][1] for number in streamed.utterance]
    rng, some = np.random.default_rng(0), len(memory)
    for rows in (
        rng.permutation(some),
        rng.integers(0, some, 7),  # as balanced sampling draws them, with some twice
        np.array([3, 3, 0, 3]),
        np.array([], np.int64),
        streamed.labels == 1,
        slice(None),
        slice(some - 5, some + 11),
        slice(some, some + 16),
    ):
        found = streamed.features[rows]
        assert (found.dtype, found.shape) == (np.float32, memory[rows].shape)
        assert found.tobytes() == memory[rows].tobytes()


def test_a_batch_can_be_changed_without_changing_the_next(records: RecordCorpus) -> None:
    features, rows = cut(records).features, np.array([1, 4, 1])
    before = features[rows].copy()
    features[rows][:] = 7
    assert features[rows].tobytes() == before.tobytes()


def test_a_batch_reads_each_of_its_utterances_once(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = ShortCorpus()
    streamed = cut(corpus, hop_seconds=0.1)
    asked: list[str] = []
    read = corpus.read
    monkeypatch.setattr(corpus, "read", lambda utterance: [asked.append(utterance), read(utterance)][1])
    own = np.flatnonzero(streamed.utterance == 2)
    assert len(own) > 1
    streamed.features[np.concatenate([own, [0], own])]
    assert sorted(asked) == sorted([streamed.utterance_ids[0], streamed.utterance_ids[2]])


def test_what_is_larger_than_the_bound_stays_in_the_corpus(records: RecordCorpus) -> None:
    size = cut(records, bound=None).features.nbytes
    speakers = records.groups[:-1]
    count = sum(len(segment_starts(len(values), FEATURES)) for _, _, values in records.utterances(speakers))
    assert size == count * 40 * 8 * 3 * 4
    assert isinstance(cut(records, bound=size).features, np.ndarray)
    assert isinstance(cut(records, bound=size - 1).features, StreamedFeatures)


@pytest.mark.parametrize("number", [1, 2, 5])
def test_what_is_read_ahead_comes_in_order_and_no_further_ahead_than_told(number: int) -> None:
    made: list[int] = []
    threads = set()

    def items() -> Iterator[int]:
        for item in range(9):
            threads.add(threading.get_ident())
            made.append(item)
            yield item

    for taken, item in enumerate(read_ahead(items(), number), start=1):
        assert item == taken - 1
        assert len(made) <= taken + number
    assert made == list(range(9))
    assert len(threads) == 1 and threading.get_ident() not in threads
    assert list(read_ahead(iter(()), number)) == []


def test_an_error_comes_in_the_place_of_its_item_and_ends_what_is_read_ahead() -> None:
    def items() -> Iterator[int]:
        yield from (0, 1)
        raise ValueError("the third")

    ahead = read_ahead(items())
    assert [next(ahead), next(ahead)] == [0, 1]
    with pytest.raises(ValueError, match="the third"):
        next(ahead)


def test_what_is_left_half_way_leaves_no_thread() -> None:
    before = threading.active_count()
    ahead = read_ahead(iter(range(100)))
    assert next(ahead) == 0 and threading.active_count() == before + 1
    ahead.close()
    assert threading.active_count() == before
