"""A WebSocket that takes samples and answers each window of them, as `Predictor.predict_stream` does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from fastapi import WebSocket, WebSocketDisconnect
from numpy.typing import NDArray

from ser_acrnn.inference.predictions import WindowPrediction
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.serving.answers import of_window

logger = logging.getLogger(__name__)

Chunks: TypeAlias = "queue.Queue[NDArray[np.float32] | None]"
FORMATS = {"s16le": ("<i2", 2.0**15), "f32le": ("<f4", 1.0)}
ASKED = {"format", "hop"}  # what the address may hold
LEAST_HOP_SECONDS, MOST_HOP_SECONDS = 0.1, 3_600.0
REFUSED, TRY_LATER, FAILED = 1008, 1013, 1011  # codes with which a WebSocket is closed
_LONGEST_REASON = 120  # bytes, with which a WebSocket is closed
_LOOK_SECONDS = 0.5  # between two looks whether anybody still listens
_CHUNKS = 64  # that may wait; a sender that is faster than the network is made to wait


class Streams:
    """Open WebSockets.

    Args:
        predictor: Judges them all.
        most: WebSockets at a time.
    """

    def __init__(self, predictor: Predictor, most: int) -> None:
        self.predictor, self.most, self.open = predictor, most, 0
        self._threads = ThreadPoolExecutor(2 * most, thread_name_prefix="stream")

    async def serve(self, socket: WebSocket, kind: str, hop: str) -> None:
        """Judges what comes until the sender closes, or sends the text `end` to have the rest judged."""
        await socket.accept()
        if unknown := sorted(socket.query_params.keys() - ASKED):
            await socket.close(REFUSED, _shortened(f"the address asks for {', '.join(unknown)}, expected {' and '.join(sorted(ASKED))}"))
            return
        try:
            hop_seconds = float(hop)
        except ValueError:
            hop_seconds = math.nan
        if kind not in FORMATS or not LEAST_HOP_SECONDS <= hop_seconds <= MOST_HOP_SECONDS:
            expected = f"format {' or '.join(FORMATS)}, hop {LEAST_HOP_SECONDS:g} to {MOST_HOP_SECONDS:g} seconds"
            await socket.close(REFUSED, _shortened(f"format is {kind[:20]!r} and hop {hop[:20]!r}, expected {expected}"))
            return
        if self.open >= self.most:
            await socket.close(TRY_LATER, f"{self.most} streams are open, try again later")
            return
        self.open += 1
        chunks: Chunks = queue.Queue(_CHUNKS)
        answering = asyncio.create_task(self._answer(socket, chunks, hop_seconds))
        try:
            try:
                await self._receive(socket, chunks, answering, kind)
            finally:
                await self._put(None, chunks, answering)
            await answering
            await socket.close()
        except WebSocketDisconnect:
            await asyncio.gather(answering, return_exceptions=True)
        except ValueError as error:
            await socket.close(REFUSED, _shortened(str(error)))
        except Exception:
            logger.exception("a stream ends")
            await socket.close(FAILED, "the server has failed")
        finally:
            answering.cancel()
            self.open -= 1

    def end(self) -> None:
        """Begins no more work."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _receive(self, socket: WebSocket, chunks: Chunks, answering: asyncio.Task[None], kind: str) -> None:
        dtype, scale = FORMATS[kind]
        size, rest = np.dtype(dtype).itemsize, b""
        while not answering.done():
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1000))
            if message.get("text") == "end":
                return
            if message.get("bytes") is None:
                raise ValueError("a message is text, expected samples as bytes, or the text 'end'")
            data = rest + message["bytes"]
            whole = len(data) - len(data) % size
            rest = data[whole:]
            with np.errstate(all="ignore"):  # what is not finite is named when it is judged
                samples = (np.frombuffer(data[:whole], dtype) / scale).astype(np.float32)
            await self._put(samples, chunks, answering)

    async def _answer(self, socket: WebSocket, chunks: Chunks, hop_seconds: float) -> None:
        said = self.predictor.predict_stream(_until_none(chunks), hop_seconds=hop_seconds)
        while (window := await self._in_thread(_next, said)) is not None:
            await socket.send_text(of_window(window).model_dump_json())

    async def _put(self, chunk: NDArray[np.float32] | None, chunks: Chunks, answering: asyncio.Task[None]) -> None:
        """Waits for room, as long as somebody may make some."""
        while not answering.done():
            with contextlib.suppress(queue.Full):
                await self._in_thread(partial(chunks.put, chunk, timeout=_LOOK_SECONDS))
                return

    async def _in_thread(self, call: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)


def _shortened(reason: str) -> str:
    """A reason with which a WebSocket can be closed; what is beyond its bytes is left out, in whole characters."""
    return reason.encode(errors="replace")[:_LONGEST_REASON].decode(errors="ignore")


def _until_none(chunks: Chunks) -> Iterator[NDArray[np.float32]]:
    while (chunk := chunks.get()) is not None:
        yield chunk


def _next(said: Iterator[WindowPrediction]) -> WindowPrediction | None:
    return next(said, None)
