"""Peak memory of a process and its descendants while something runs."""

from __future__ import annotations

import contextlib
import threading

import psutil


class PeakMemory(threading.Thread):
    """Adds up the resident memory of this process and its descendants twenty times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.done = 0, threading.Event()
        self.start()

    def run(self) -> None:
        """Samples until `stop`."""
        me = psutil.Process()
        while not self.done.wait(0.05):
            total = 0
            for process in [me, *me.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    total += process.memory_info().rss
            self.peak = max(self.peak, total)

    def stop(self) -> float:
        """Returns the peak in MiB."""
        self.done.set()
        self.join()
        return self.peak / 2**20
