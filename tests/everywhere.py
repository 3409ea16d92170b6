"""Runs the tests under the settings of other machines: one thread and two, oneDNN on and off, files and tests in random orders.

    python tests/everywhere.py [--threads 1,2] [--onednn 1,0] [--times 5] [--stochastic-alone] [words of pytest ...]

In each setting all tests run once, no two networks sharing a graph, then those marked `stochastic` several times, each time with another
seed of networks and draws: what holds for one seed alone is not tested. The command that repeats a run that failed is printed.
"""

from __future__ import annotations

import argparse
import itertools
import os
import secrets
import shlex
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
TIMES = 5  # in each of the four settings: twenty times


def environment(threads: int, onednn: int, order: int) -> dict[str, str]:
    """What decides on a setting, before Python starts; the order of sets of strings goes with that of the tests."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    return {**dict.fromkeys(names, str(threads)), "TF_ENABLE_ONEDNN_OPTS": str(onednn), "PYTHONHASHSEED": str(order)}


def run(setting: dict[str, str], words: list[str]) -> bool:
    """Runs pytest in a process of its own, says how it ended, and whether all passed."""
    command = [sys.executable, "-m", "pytest", "-q", "--disable-warnings", *words]
    typed = " ".join(f"{name}={value}" for name, value in setting.items()) + " python -m pytest " + shlex.join(words)
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | setting, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        print(done.stdout)
    print(f"{'failed' if done.returncode else 'passed'} in {time.monotonic() - started:.0f} s: {typed}", flush=True)
    return done.returncode == 0


def main(arguments: list[str] | None = None) -> int:
    """Runs all that is asked for, also after a failure; 1 where a run failed."""
    parser = argparse.ArgumentParser(prog="python tests/everywhere.py", description=str(__doc__).split("\n\n")[0])
    parser.add_argument("--threads", default="1,2", help="numbers of threads (default: %(default)s)")
    parser.add_argument("--onednn", default="1,0", help="1 with, 0 without oneDNN (default: %(default)s)")
    parser.add_argument("--times", type=int, default=TIMES, help="of the stochastic tests in each setting (default: %(default)s)")
    parser.add_argument("--stochastic-alone", action="store_true", help="without the run of all tests")
    options, words = parser.parse_known_args(arguments)
    passed = []
    for threads, onednn in itertools.product(options.threads.split(","), options.onednn.split(",")):
        for seed in range(bool(options.stochastic_alone), options.times + 1):
            order = secrets.randbelow(2**32)
            which = ["-m", "stochastic"] if seed else ["--own-graphs"]
            passed.append(run(environment(int(threads), int(onednn), order), [*which, f"--seed={seed}", f"--shuffle={order}", *words]))
    print(f"{sum(passed)} of {len(passed)} runs passed")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
