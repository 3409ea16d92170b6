"""Networks in a forked process, whose threads stayed with the process that it was forked from: refused, since they would wait for ever."""

from __future__ import annotations

import functools
import os


class ForkedError(ValueError):
    """A network is asked in a process that was forked after networks had been opened; the message says what to do instead."""


@functools.cache
def _home() -> int:
    """The process that opened its first network, or the one that it was forked from, which had."""
    return os.getpid()


def check_process() -> None:
    """Refuses to open or to ask a network where it would hang.

    Raises:
        ForkedError: A process from which this one was forked had opened a network.
    """
    if os.getpid() != _home():
        raise ForkedError(
            f"process {os.getpid()} was forked from {_home()} after that had opened a network, whose threads it lacks; expected "
            "multiprocessing.get_context('spawn'), or the first Predictor of all made in the forked process"
        )
