"""What a kind of fault consists of: parts, each a number of cases that are drawn by a seed and tried one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """A case that has been tried.

    Attributes:
        number: Its number, from 0: with the seed it says all.
        ended: How it ended, in a word or two that are counted, such as "refused".
        fault: What was wrong with that; "" where nothing was.
    """

    number: int
    ended: str
    fault: str = ""


@dataclass(frozen=True)
class Part:
    """One line of the report.

    Attributes:
        name: What is tried, such as "training".
        count: Cases at full scale.
        limit_seconds: After so long no further case is begun.
        tried: Tries the cases with some numbers, in order, by a seed, in a folder that is its own.
        why_not: Says why none can be tried on this machine; "" where they can.
    """

    name: str
    count: int
    limit_seconds: float
    tried: Callable[[Sequence[int], int, Path], Iterator[Case]]
    why_not: Callable[[], str] = str

    def scaled(self, scale: float) -> int:
        """Cases at another scale, at least one."""
        return max(1, round(self.count * scale))
