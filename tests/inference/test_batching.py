"""Batches over several recordings: full ones, and every recording gets its own rows back, in order."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from ser_acrnn.inference.batching import ahead, in_batches


def segments(number: int, value: int) -> np.ndarray:
    return np.full((number, 2), value, np.float32) + np.arange(number, dtype=np.float32)[:, None]


class Network:
    """Two arrays with a row a segment; notes how large the batches were."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.sizes.append(len(batch))
        return batch * 2, batch[:, :1] + 1


@pytest.mark.parametrize("lengths", [[1], [4], [3, 1], [1] * 9, [9, 1, 0, 3], [0, 0, 2], [4, 4], [2, 0, 2, 0], []])
def test_every_recording_gets_its_rows_in_order(lengths: list[int]) -> None:
    network = Network()
    recordings = [(number, segments(length, 100 * number)) for number, length in enumerate(lengths)]
    found = list(in_batches(recordings, network, 4))
    assert [tag for tag, _ in found] == list(range(len(lengths)))
    for (_, rows), (_, values) in zip(found, recordings, strict=True):
        if not len(values):
            assert rows == []
            continue
        np.testing.assert_array_equal(rows[0], values * 2)
        np.testing.assert_array_equal(rows[1], values[:, :1] + 1)
    total = sum(lengths)
    assert network.sizes == [4] * (total // 4) + [total % 4] * bool(total % 4)


def test_a_recording_comes_as_soon_as_its_batch_is_full_and_no_more_is_read() -> None:
    read = []

    def recordings() -> Iterator[tuple[int, np.ndarray]]:
        for number in range(10):
            read.append(number)
            yield number, segments(2, number)

    stream = in_batches(recordings(), Network(), 4)
    assert next(stream)[0] == 0 and read == [0, 1]
    assert next(stream)[0] == 1 and read == [0, 1]
    assert next(stream)[0] == 2 and read == [0, 1, 2, 3]


def test_one_item_is_computed_ahead_and_what_goes_wrong_comes_in_its_place() -> None:
    begun: list[tuple[int, bool]] = []

    def items() -> Iterator[int]:
        for number in range(3):
            begun.append((number, threading.current_thread() is threading.main_thread()))
            yield number
        raise ValueError("no more")

    found = ahead(items())
    assert next(found) == 0
    assert next(found) == 1 and len(begun) >= 2
    assert next(found) == 2 and begun == [(0, False), (1, False), (2, False)]
    with pytest.raises(ValueError, match="no more"):
        next(found)


def test_who_stops_early_leaves_no_thread() -> None:
    found = ahead(iter(range(10)))
    assert next(found) == 0
    found.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]
    assert list(ahead([])) == []
