"""Threads that share a predictor take turns in making features: with equal answers, and nobody waits who need not."""

from __future__ import annotations

import io
import multiprocessing
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import soundfile

from ser_acrnn import Predictor
from ser_acrnn.export.checks import synthetic_waveforms
from ser_acrnn.inference.turns import turn

RATE_HERTZ, PATIENCE_SECONDS = 16_000, 60
SOUNDS = [(samples, RATE_HERTZ) for samples in synthetic_waveforms(6, seed=1)]


@pytest.fixture(scope="module")
def predictor():
    return Predictor(runtime="onnx")


def test_sixteen_threads_say_what_one_says(predictor):
    expected = [predictor.predict(sound) for sound in SOUNDS]
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(predictor.predict, SOUNDS * 8)) == expected * 8
    assert not turn.locked()


def test_an_error_ends_its_turn(predictor):
    with pytest.raises(ValueError, match="of speech, expected"):
        predictor.predict((SOUNDS[0][0][:100], RATE_HERTZ))
    assert not turn.locked()


class Slow(io.BytesIO):
    """A file that does not come until it may."""

    def __init__(self, data):
        super().__init__(data)
        self.asked, self.may_come = threading.Event(), threading.Event()

    def _wait(self):
        self.asked.set()
        assert self.may_come.wait(PATIENCE_SECONDS)

    def read(self, size=-1):
        self._wait()
        return super().read(size)

    def readinto(self, buffer):
        self._wait()
        return super().readinto(buffer)


def test_while_a_file_does_not_come_others_are_judged(predictor):
    written = io.BytesIO()
    soundfile.write(written, *SOUNDS[1], format="WAV", subtype="FLOAT")
    slow = Slow(written.getvalue())
    with ThreadPoolExecutor(2) as pool:
        waits = pool.submit(predictor.predict, slow)
        try:
            assert slow.asked.wait(PATIENCE_SECONDS)
            expected = pool.submit(predictor.predict, SOUNDS[1]).result(PATIENCE_SECONDS)
            assert not waits.done()
        finally:
            slow.may_come.set()
        assert waits.result(PATIENCE_SECONDS).emotion == expected.emotion


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system that forks")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")  # of forking where threads are
def test_a_process_forked_during_another_threads_turn_judges(predictor):
    expected, context = predictor.predict(SOUNDS[1]), multiprocessing.get_context("fork")
    queue, taken, may_end = context.SimpleQueue(), threading.Event(), threading.Event()

    def hold():
        with turn:
            taken.set()
            may_end.wait(0.5)  # a fork waits for the end of it

    holder = threading.Thread(target=hold)
    holder.start()
    assert taken.wait(PATIENCE_SECONDS)
    child = context.Process(target=lambda: queue.put(predictor.predict(SOUNDS[1])))
    child.start()
    may_end.set()
    holder.join()
    child.join(PATIENCE_SECONDS)
    if child.is_alive():
        child.kill()
        pytest.fail("waits for ever")
    assert queue.get() == expected
