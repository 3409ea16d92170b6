"""What the children of a grid are told, so that on JAX they share one accelerator and compile each network once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

# Of the accelerator's memory, for all children together; the rest is the driver's and the libraries'.
SHARED_MEMORY = 0.9
# Each of them decides on a process's memory; JAX refuses the first two together.
MEMORY_VARIABLES = ("XLA_CLIENT_MEM_FRACTION", "XLA_PYTHON_CLIENT_MEM_FRACTION", "XLA_PYTHON_CLIENT_PREALLOCATE")


def environment(jobs: int, folder: Path, given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment variables to add for a child; only JAX reads them.

    Each child takes its share of the accelerator's memory, where JAX would take three quarters.

    Args:
        jobs: Children at a time.
        folder: One that the children share, such as that of their logs; see `compilation_cache`.
        given: The variables that are set, which stay as they are.
    """
    added = compilation_cache(folder)
    if not any(name in given for name in MEMORY_VARIABLES):
        added["XLA_CLIENT_MEM_FRACTION"] = f"{SHARED_MEMORY / jobs:.3f}"
    return {name: value for name, value in added.items() if name not in given}


def compilation_cache(folder: Path) -> dict[str, str]:
    """The variables by which what one process compiled is found by the next ones in `<folder>/jax-cache`, however small or quick it was."""
    return {
        "JAX_COMPILATION_CACHE_DIR": str(folder.absolute() / "jax-cache"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
