"""Native libraries without their talk: TensorFlow's on standard error, its log levels and what comes before; ONNX Runtime's to its makers.

Errors are exceptions and stay. `TF_CPP_MIN_LOG_LEVEL=0` and `ORT_DISABLE_TELEMETRY=0` in the environment, or a library imported before,
leave everything as it is.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_ERRORS_ALONE = "3"
# Otherwise ONNX Runtime, from 1.29 on, tells Microsoft of each use, and leaves a file in the folder of temporary files.
TELEMETRY = "ORT_DISABLE_TELEMETRY"
# How a line of a native library's log begins, and one that goes on from it.
_TALK = (
    rb"WARNING: All log messages before absl::InitializeLog\(\)|[IWE]\d{4} [\d:.]+ +\d+ \S+:\d+\]"
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] |To enable the following instructions: |INFO: Created TensorFlow Lite "
)


def install() -> None:
    """Has both imported in silence, whenever that is."""
    os.environ.setdefault(TELEMETRY, "1")
    if "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, _Finder())


@contextlib.contextmanager
def without_talk() -> Iterator[None]:
    """Keeps what native libraries log from standard error for a while; what else is written there comes at the end."""
    import re
    import tempfile

    try:
        kept = os.dup(2)
    except OSError:  # it is closed, as a service's may be
        yield
        return
    _flush()
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            yield
        finally:
            _flush()
            os.dup2(kept, 2)
            os.close(kept)
            written.seek(0)
            others = b"".join(line for line in written if not re.match(_TALK, line))
            if others:
                os.write(2, others)


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()


class _Finder(MetaPathFinder):
    """Finds TensorFlow as it is found without it, once, and wraps its loader."""

    def find_spec(self, fullname: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None and os.environ.setdefault(LEVEL, _ERRORS_ALONE) == _ERRORS_ALONE:
            spec.loader = _Quiet(spec.loader)
        return spec


class _Quiet(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        import logging

        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        with without_talk():
            self._loader.exec_module(module)
        for name in ("tensorflow", "absl"):  # such as of retracing, and of what an export leaves out
            logging.getLogger(name).setLevel(logging.ERROR)
