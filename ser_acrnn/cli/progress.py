"""How far a command is, and the time left: a bar on a terminal, elsewhere a line now and then; nothing of what ends at once."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, Self, TypeVar

Item = TypeVar("Item")

SILENT_SECONDS = 2.0
# Lines in a log: each time a third of the time is gone again, so that a short command has some and a long one few; at least every 10 min.
FIRST_LINE_SECONDS, SHARE_GONE, LONGEST_SECONDS = 30.0, 1 / 3, 600.0


class Progress:
    """Counts what is done of something, in a `with` block or until `close`.

    Args:
        total: Of what; None where that is not known.
        what: What is done, such as the name of a corpus.
        unit: What is counted, such as `files`.
        done: How much of it is there already, which says nothing of the time that the rest takes.
        shown: False counts alone.
    """

    def __init__(self, total: float | None, what: str = "", unit: str = "files", *, done: float = 0, shown: bool = True) -> None:
        self.total, self.done, self._first, self._what, self._unit = total, done, done, what, unit
        self._bar: Any = None
        if shown and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, initial=done, desc=what or None, unit=f" {unit}", delay=SILENT_SECONDS, dynamic_ncols=True)
        self._begun = time.monotonic()
        self._next = FIRST_LINE_SECONDS if shown else math.inf

    def update(self, more: float = 1, note: str = "") -> None:
        """Counts what has been done since, and shows a note beside it."""
        self.reach(self.done + more, note)

    def reach(self, done: float, note: str = "") -> None:
        """Counts up to what is done."""
        before, self.done = self.done, done
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(done - before)
            return
        gone = time.monotonic() - self._begun
        if gone >= self._next and (self.total is None or done < self.total):
            self._next = gone + min(LONGEST_SECONDS, SHARE_GONE * gone)
            print(self._line(gone, note), file=sys.stderr, flush=True)

    def over(self, items: Iterable[Item]) -> Iterator[Item]:
        """Passes items on, counts each when the next one is asked for, and closes at the end."""
        with self:
            for item in items:
                yield item
                self.update()

    def say(self, text: str) -> None:
        """Prints a line on standard error, not into the bar."""
        from tqdm import tqdm

        with tqdm.external_write_mode(file=sys.stderr):
            print(text, file=sys.stderr)

    def close(self) -> None:
        """Ends the bar."""
        if self._bar is not None:
            self._bar.close()

    def _line(self, gone: float, note: str) -> str:
        from tqdm import tqdm

        of = "" if self.total is None else f" of {self.total:.0f}"
        line = f"{self._what}: " * bool(self._what) + f"{self.done:.0f}{of} {self._unit}, {tqdm.format_interval(gone)} gone"
        if self.total is not None and self.done > self._first:
            line += f", {tqdm.format_interval(gone * (self.total - self.done) / (self.done - self._first))} left"
        return line + (f" ({note})" if note else "")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
