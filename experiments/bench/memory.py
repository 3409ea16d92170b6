"""Peak memory of a process and its descendants while something runs."""

from __future__ import annotations

import contextlib
import threading

import psutil


class PeakMemory(threading.Thread):
    """Adds up the resident memory of this process and its descendants twenty times a second, and once at the beginning and the end."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.me, self.peak, self.done = psutil.Process(), 0, threading.Event()
        self._look()
        self.start()

    def run(self) -> None:
        """Looks until `stop`."""
        while not self.done.wait(0.05):
            self._look()

    def stop(self) -> float:
        """Returns the peak in MiB."""
        self.done.set()
        self.join()
        self._look()
        return self.peak / 2**20

    def _look(self) -> None:
        total = 0
        for process in [self.me, *self.me.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        self.peak = max(self.peak, total)
