"""Windows of a stream, however it is cut into pieces."""

import numpy as np
import pytest

from ser_acrnn.audio.windows import mono_chunk, windows


def cut(samples, sizes):
    pieces, start = [], 0
    for size in sizes:
        pieces.append(samples[start : start + size])
        start += size
    return [*pieces, samples[start:]]


@pytest.mark.parametrize(
    ("total", "length", "hop", "starts"),
    [
        (10, 4, 2, [0, 2, 4, 6]),
        (11, 4, 2, [0, 2, 4, 6, 7]),
        (4, 4, 3, [0]),
        (5, 4, 3, [0, 1]),
        (12, 3, 5, [0, 5, 9]),
        (13, 3, 5, [0, 5, 10]),
    ],
)
def test_every_cut_gives_the_same_windows(total, length, hop, starts):
    samples = np.arange(total, dtype=np.float32)
    for sizes in ([], [1] * total, [3, 0, 5], [total - 1]):
        found = list(windows(cut(samples, sizes), length, hop))
        assert [first for first, _ in found] == starts
        for first, values in found:
            np.testing.assert_array_equal(values, samples[first : first + length])


def test_a_stream_shorter_than_a_window_is_one_and_none_gives_none():
    ((first, values),) = windows([np.ones(2, np.float32), np.zeros(1, np.float32)], 4, 2)
    assert first == 0 and values.tolist() == [1, 1, 0]
    assert list(windows([], 4, 2)) == list(windows([np.zeros(0, np.float32)], 4, 2)) == []


def test_a_window_comes_with_its_last_sample_and_no_more_than_a_window_is_kept():
    heard = []

    def pieces():
        for number in range(1000):
            heard.append(number)
            yield np.full(1, number, np.float32)

    stream = windows(pieces(), 100, 50)
    for expected in (99, 149, 199):
        first, values = next(stream)
        assert heard[-1] == expected and first == expected - 99
        assert (values.base if values.base is not None else values).size <= 150


def test_impossible_sizes_are_refused():
    with pytest.raises(ValueError, match="windows of 4 samples every 0"):
        list(windows([np.zeros(3, np.float32)], 4, 0))


def test_live_audio_comes_as_mono_samples_of_any_kind():
    values = np.array([0.5, -0.25, 0], np.float32)
    for chunk in (values, values.tolist(), (values * 32_768).astype(np.int16), values.astype(np.float64)):
        found = mono_chunk(chunk)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, values)
    for wrong in (np.zeros((2, 3)), ["a"], np.zeros(3, complex)):
        with pytest.raises(ValueError, match="expected"):
            mono_chunk(wrong)


@pytest.mark.parametrize("raw", [bytes(8), bytearray(8), memoryview(bytes(8))])
def test_raw_bytes_are_no_samples_and_it_is_said_how_they_are_made(raw):
    with pytest.raises(ValueError, match=r"a chunk is (bytes|bytearray|memoryview), .*they are numpy\.frombuffer\(chunk, 'int16'\)"):
        mono_chunk(raw)
    assert len(mono_chunk(np.frombuffer(raw, "int16"))) == 4
