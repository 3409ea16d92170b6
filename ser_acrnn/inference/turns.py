"""Turns: of a process's threads one at a time makes features, while others read files or run networks.

NumPy gives up the interpreter's lock in every call and waits for it after each. Threads that make features at once wait longer than they
work: sixteen were no faster than one, on two processors. What they reach in turns stands in results/bench, group `predicting`.
"""

from __future__ import annotations

import os
import threading

# Held for milliseconds, and never while a file is read, a network runs or another lock is waited for.
turn = threading.Lock()
if hasattr(os, "register_at_fork"):  # else a process forked during another thread's turn would wait for that thread, which it lacks
    os.register_at_fork(before=turn.acquire, after_in_parent=turn.release, after_in_child=turn.release)
