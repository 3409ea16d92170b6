"""The server on loopback: its start, how many recordings of two seconds it answers, how long each takes at half of that, and its memory.

As one process and as a worker for each processor. Those who ask share the machine with the server, and the processor's time of both is
told; each keeps its connection. A request is one recording, or a form with several.
"""

from __future__ import annotations

import http.client
import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import psutil
import soundfile
from numpy.typing import NDArray

from experiments.bench.harness import Row
from experiments.bench.predicting import FILE_SECONDS, voice

RATE_HERTZ = 16_000
ASKING = 16  # connections
TOGETHER = 16  # recordings of a form
HALF = 0.5  # of what it can answer, where the time of an answer is measured
LOOKS = 4  # at the memory, evenly over the last requests


@dataclass(frozen=True)
class _Served:
    process: subprocess.Popen[str]
    port: int
    started: float

    def megabytes(self) -> float:
        """What is resident now, in all its processes."""
        return sum(each.memory_info().rss for each in self._processes()) / 2**20

    def seconds(self) -> NDArray[np.float64]:
        """Processor time so far, of the server and of this process, who asks."""
        spent = [[each.cpu_times() for each in who] for who in (self._processes(), [psutil.Process()])]
        return np.array([sum(each.user + each.system for each in times) for times in spent])

    def _processes(self) -> list[psutil.Process]:
        first = psutil.Process(self.process.pid)
        return [first, *first.children()]


def rows(quick: bool) -> list[Row]:
    """Measures the network that ships, with one worker and, where there are several processors, with one for each."""
    return [row for workers in sorted({1, os.cpu_count() or 1}) for row in _rows(workers, quick)]


def _rows(workers: int, quick: bool) -> list[Row]:
    seconds, requests = (2.0, 200) if quick else (20.0, 50_000)
    one, several = _one(), _form(TOGETHER)
    by = f"{workers} workers: " if workers > 1 else ""
    with _server(workers) as served:
        table = [
            Row("serving", f"{by}first answer after the start", _first_answer(served, one), "s"),
            Row("serving", f"{by}memory after the first answer", served.megabytes(), "MiB"),
        ]
        rates = []
        for ask, connections, number in ((one, ASKING, 1), (several, 4, TOGETHER)):
            what, before = f"{by}recordings of {FILE_SECONDS:g} s, {number} a request", served.seconds()
            rates.append(number * len(_asked(served, ask, connections, seconds)) / seconds)
            used = 1_000 * (served.seconds() - before) / (rates[-1] * seconds)
            beside = ("1 a request", rates[-1] / rates[0]) if number > 1 else ("", None)
            table.append(Row("serving", what, rates[-1], "a second", *beside))
            table += [
                Row("serving", f"{what}: processor of {who}", own, "ms each") for who, own in zip(("server", "who asks"), used, strict=True)
            ]
        rate = rates[0]
        times = 1_000 * np.array(_asked(served, one, ASKING, seconds, every_seconds=ASKING / (HALF * rate)))
        for share in (50, 99):
            what = f"{by}{share} % of the answers at half of that rate within"
            table.append(Row("serving", what, float(np.percentile(times, share)), "ms"))
        before, answered = served.megabytes(), 0
        for look in range(1, LOOKS + 1):
            while answered < requests * look / LOOKS:
                answered += len(_asked(served, one, ASKING, min(seconds, requests / LOOKS / rate)))
            table.append(Row("serving", f"{by}more memory after {answered:,} more requests", served.megabytes() - before, "MiB"))
    return table


@contextmanager
def _server(workers: int) -> Iterator[_Served]:
    began = time.perf_counter()
    words = [sys.executable, "-m", "ser_acrnn", "serve", "--port", "0", "--workers", str(workers)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.match(r"http://127\.0\.0\.1:(\d+)", line)
        if not found:
            raise ValueError(f"the server says {line!r}, expected its address")
        yield _Served(process, int(found[1]), began)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _first_answer(served: _Served, ask: Callable[[http.client.HTTPConnection], None]) -> float:
    ask(http.client.HTTPConnection("127.0.0.1", served.port))
    return time.perf_counter() - served.started


def _asked(
    served: _Served, ask: Callable[[http.client.HTTPConnection], None], connections: int, seconds: float, every_seconds: float = 0.0
) -> list[float]:
    """How long each answer took of those that connections ask for at a time, as fast as they can, or each once in so many seconds."""
    until, taken = time.perf_counter() + seconds, []

    def keep_asking(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", served.port)
        due = time.perf_counter() + number / connections * every_seconds
        while (now := time.perf_counter()) < until:
            if every_seconds:
                time.sleep(max(0.0, due - now))
                due, now = due + every_seconds, max(due, now)  # a late answer counts from when it should have been asked for
            ask(connection)
            taken.append(time.perf_counter() - now)

    threads = [threading.Thread(target=keep_asking, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken


def _one() -> Callable[[http.client.HTTPConnection], None]:
    return _asking(_recording(), "audio/wav")


def _form(number: int) -> Callable[[http.client.HTTPConnection], None]:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    return _asking((head + _recording() + b"\r\n") * number + b"--x--\r\n", "multipart/form-data; boundary=x")


def _asking(body: bytes, kind: str) -> Callable[[http.client.HTTPConnection], None]:
    def ask(connection: http.client.HTTPConnection) -> None:
        connection.request("POST", "/predict", body, {"Content-Type": kind})
        response = connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise ValueError(f"the server answers {response.status}, {answer[:200]!r}, expected 200")

    return ask


def _recording() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, voice(FILE_SECONDS, RATE_HERTZ), RATE_HERTZ, format="WAV")
    return file.getvalue()
