"""Recordings of many requests -> one network: what comes while all threads work waits, and is judged together when one is free."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO

from ser_acrnn.audio import AudioError
from ser_acrnn.features.spectrum import hastened
from ser_acrnn.inference.predictions import Prediction, WindowPrediction
from ser_acrnn.inference.predictor import Predictor

MOST_TOGETHER = 8  # recordings, a batch of short ones: more would keep the first of them waiting, and other threads without work

Answer = Prediction | list[WindowPrediction] | AudioError


class Busy(Exception):
    """So many recordings wait that another one would wait too long."""


@dataclass(frozen=True)
class _Asked:
    recording: BytesIO
    hop_seconds: float | None
    answered: asyncio.Future[Answer]
    loop: asyncio.AbstractEventLoop


class Batches:
    """Threads that judge what requests ask for.

    Args:
        predictor: It belongs to the threads from now on, but for its streams.
        most_waiting: Recordings that may wait.
        on_batch: Called with the number of recordings that are judged together.
        threads: How many there are; what they do in NumPy and ONNX Runtime, nearly all of it, is done at the same time.
    """

    def __init__(self, predictor: Predictor, most_waiting: int, on_batch: Callable[[int], object] = int, threads: int = 1) -> None:
        self.predictor, self._on_batch = predictor, on_batch
        self._waiting: queue.Queue[_Asked | None] = queue.Queue(most_waiting)
        self._threads = [threading.Thread(target=self._work, name=f"network-{number}", daemon=True) for number in range(threads)]
        for thread in self._threads:
            thread.start()

    async def judged(self, recording: BytesIO, hop_seconds: float | None = None) -> Answer:
        """What the network says of a recording; with a hop, of each window of it.

        Raises:
            Busy: Too many wait.
        """
        loop = asyncio.get_running_loop()
        asked = _Asked(recording, hop_seconds, loop.create_future(), loop)
        try:
            self._waiting.put_nowait(asked)
        except queue.Full:
            raise Busy from None
        return await asked.answered

    def end(self) -> None:
        """Judges what waits, and ends the threads."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        for first in hastened(iter(self._waiting.get, None)):
            together, goes_on = self._those_that_wait_beside(first)
            self._on_batch(len(together))
            whole = [asked for asked in together if asked.hop_seconds is None]
            self._answer(whole, self._recordings)
            for asked in together:
                if asked.hop_seconds is not None:
                    self._answer([asked], self._windows)
            if not goes_on:
                return

    def _those_that_wait_beside(self, first: _Asked) -> tuple[list[_Asked], bool]:
        """Recordings to be judged together, and whether more may come."""
        together = [first]
        while len(together) < MOST_TOGETHER:
            try:
                asked = self._waiting.get_nowait()
            except queue.Empty:
                break
            if asked is None:
                return together, False
            together.append(asked)
        # Whoever asked may have gone away, or waited too long.
        return [asked for asked in together if not asked.answered.cancelled()], True

    def _recordings(self, asked: Sequence[_Asked]) -> list[Answer]:
        return list(self.predictor.predict_many([one.recording for one in asked]))

    def _windows(self, asked: Sequence[_Asked]) -> list[Answer]:
        try:
            return [self._timeline(one) for one in asked]
        except AudioError as error:
            return [error]

    def _timeline(self, asked: _Asked) -> Answer:
        windows = []
        for window in self.predictor.timeline(asked.recording, hop_seconds=asked.hop_seconds or 1.0):
            windows.append(window)
            if asked.answered.cancelled():  # whoever asked has gone away, or waited too long
                return windows
        if windows:
            return windows
        asked.recording.seek(0)
        return self.predictor.predict(asked.recording)  # says why there is none

    def _answer(self, asked: Sequence[_Asked], judge: Callable[[Sequence[_Asked]], list[Answer]]) -> None:
        """Gives each its answer; what nobody foresaw is an answer too, so that the thread lives on."""
        if not asked:
            return
        answers: Sequence[Answer | Exception]
        try:
            answers = judge(asked)
        except Exception as error:
            answers = [error] * len(asked)
        for one, answer in zip(asked, answers, strict=True):
            one.loop.call_soon_threadsafe(_settle, one.answered, answer)


def _settle(answered: asyncio.Future[Answer], answer: Answer | Exception) -> None:
    if answered.done():
        return
    if isinstance(answer, Exception) and not isinstance(answer, AudioError):
        answered.set_exception(answer)
    else:
        answered.set_result(answer)
