"""What cannot be a recording, a hop between windows, or tempos, is named; nothing that stands beside it is kept from being judged."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest

from ser_acrnn import Predictor
from ser_acrnn.audio import AudioError
from ser_acrnn.export.checks import synthetic_waveforms

SOUND = synthetic_waveforms(1, seed=1)[0], 16_000


@pytest.fixture(scope="module")
def predictor():
    return Predictor(runtime="onnx")


def closed_file():
    file = io.BytesIO(b"RIFF")
    file.close()
    return file


class OfItsOwn:
    """What raises errors of its own when it is read, or taken for an array."""

    def read(self, size=-1):
        raise RuntimeError("the line is busy")

    seekable = staticmethod(lambda: False)


class NoArray:
    def __array__(self, dtype=None, copy=None):
        raise KeyError("samples")


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (closed_file, "cannot be read .*closed file"),
        (OfItsOwn, "cannot be read .the line is busy.*expected a file opened for reading bytes"),
        (lambda: (NoArray(), 16_000), "is no array of samples"),
        (lambda: (np.zeros((0, 2)), 16_000), "holds 0 samples"),
        (lambda: (np.zeros((2, 0)), 16_000), "holds 0 samples"),
        (lambda: {"array": np.ones(9), "sampling_rate": np.array([16_000, 8_000])}, "has 2 rates with it, expected one"),
        (lambda: (np.ones(9), "16000"), "has a sampling rate of '16000', a str, expected a number of hertz"),
        (lambda: None, "holds object instead of samples"),
    ],
)
def test_a_bad_one_among_many_is_an_error_in_its_place(predictor, bad, words):
    first, found, last = predictor.predict_many([SOUND, bad(), SOUND])
    assert isinstance(found, AudioError) and re.search(words, str(found))
    assert first == last and first.emotion in predictor.emotions


@pytest.mark.parametrize("hop_seconds", [0, -1, np.nan, np.inf, "1", None])
def test_a_hop_that_is_none_is_refused_in_one_line(predictor, hop_seconds):
    for judged in (
        predictor.timeline(SOUND, hop_seconds=hop_seconds),
        predictor.unfolding(SOUND, hop_seconds=hop_seconds),
        predictor.predict_stream([], hop_seconds=hop_seconds),
    ):
        with pytest.raises(ValueError, match=f"hop_seconds is {hop_seconds!r}, expected at least a sample"):
            next(judged)


@pytest.mark.parametrize("tempos", [(), (0.9, 1.1), (1.0, 0.0), (1.0, np.nan), (1.0, np.inf), 0.9, "1.0", (1, "1.1")])
def test_tempos_without_the_one_as_spoken_are_refused(tempos):
    with pytest.raises(ValueError, match=r"tempos are .*, expected positive rates, 1.0 among them"):
        Predictor(tempos=tempos)
