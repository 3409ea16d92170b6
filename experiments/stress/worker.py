"""A process that tries cases, so that one that crashes, hangs or fills the memory is a case's fault and ends nothing else."""

from __future__ import annotations

import multiprocessing
import os
import re
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from experiments.stress.cases import Case

HANGS_SECONDS = 5.0  # of processor time; a busy machine is not a fault
STANDS_SECONDS = 60.0  # without using the processor so long
MOST_RESIDENT = 1.5 * 2**30  # bytes
MOST_ADDRESSED = 16 * 2**30  # bytes, of which few are ever touched: what asks for more is refused before it harms the machine

Try = Callable[[int], Case]


def tried(make: Callable[[], Try], numbers: Sequence[int], hangs_seconds: float = HANGS_SECONDS) -> Iterator[Case]:
    """Tries cases in a process of their own; a new one follows one that a case has ended.

    Args:
        make: What the process calls once, to have what it tries cases with; it is pickled.
        numbers: Of the cases.
        hangs_seconds: Processor time after which a case hangs.

    Yields:
        The cases, in order.
    """
    worker: _Worker | None = None
    try:
        for number in numbers:
            if worker is None:
                worker = _Worker(make)
            case = worker.answer(number, hangs_seconds)
            yield case
            if not worker.is_alive:
                worker = None
    finally:
        if worker is not None:
            worker.end()


class _Worker:
    def __init__(self, make: Callable[[], Try]) -> None:
        context = multiprocessing.get_context("spawn")  # nothing of this process is in its memory
        self.connection, other = context.Pipe()
        self.process: Any = context.Process(target=_serve, args=(make, other), daemon=True)
        self.process.start()
        other.close()
        self.is_alive = True
        self.connection.recv()  # it has imported and made what it needs

    def answer(self, number: int, hangs_seconds: float) -> Case:
        self.connection.send(number)
        if not self._waited(hangs_seconds):
            self.end()
            return Case(number, "hangs", f"no answer after {hangs_seconds:g} s")
        try:
            case, resident = self.connection.recv()
        except EOFError:
            self.end()
            return Case(number, "crashes", f"the process ends with exit code {self.process.exitcode}")
        if resident > MOST_RESIDENT:
            self.end()
            return Case(number, case.ended, f"{case.fault + '; ' if case.fault else ''}takes {resident / 2**30:.1f} GB of memory")
        return case

    def _waited(self, hangs_seconds: float) -> bool:
        process = psutil.Process(self.process.pid)
        began, used = time.monotonic(), _used(process)
        while not self.connection.poll(hangs_seconds):
            if _used(process) - used >= hangs_seconds or time.monotonic() - began >= STANDS_SECONDS + hangs_seconds:
                return False
        return True

    def end(self) -> None:
        self.is_alive = False
        self.process.kill()
        self.process.join()
        self.connection.close()


def _used(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        times = process.cpu_times()
        return times.user + times.system
    return 0.0


def _serve(make: Callable[[], Try], connection: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSED, MOST_ADDRESSED))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    one = make()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what decoders print of damaged files
    connection.send(None)
    while True:
        number = connection.recv()
        _forget_peak()
        try:
            case = one(number)
        except Exception as error:  # what a case has not foreseen
            case = Case(number, "error", f"{type(error).__name__}: {error}"[:300])
        connection.send((case, _peak()))


def _forget_peak() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> float:
    """Bytes that were resident at most since `_forget_peak`, where Linux says so."""
    with suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        return 1024 * float(found[1]) if found else 0.0
    return 0.0
