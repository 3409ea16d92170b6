"""How long a user waits before anything happens: importing the package, and the command's help."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from experiments.bench.harness import Row


def rows(quick: bool) -> list[Row]:
    """Measures whole processes; the interpreter's own start is the yardstick."""
    rounds = 3 if quick else 11
    bare = _seconds([sys.executable, "-c", "pass"], rounds)
    commands = {
        "import ser_acrnn": [sys.executable, "-c", "import ser_acrnn"],
        "ser-acrnn --help": [sys.executable, "-m", "ser_acrnn.cli", "--help"],
    }
    table = [Row("start", "python -c pass", bare, "s")]
    for name, command in commands.items():
        found = _seconds(command, rounds)
        table.append(Row("start", name, found, "s", "the interpreter alone", bare / found))
    return table


def _seconds(command: Sequence[str], rounds: int) -> float:
    found = []
    for _ in range(rounds):
        started = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""})
        found.append(time.perf_counter() - started)
    return statistics.median(found)
