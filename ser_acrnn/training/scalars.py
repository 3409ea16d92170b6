"""Scalars of a training for TensorBoard, written without TensorFlow."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

logger = logging.getLogger(__name__)

NAMES = ("loss", "validation_loss", "validation_uar")


class Log(Protocol):
    """What takes the entries of a curve."""

    def __call__(self, entry: Mapping[str, Any]) -> None:
        """Writes the scalars of an entry at its epoch."""


def require() -> None:
    """Refuses to log where TensorBoard is missing.

    Raises:
        ValueError: It is not installed.
    """
    if find_spec("tensorboard") is None:
        raise ValueError("tensorboard is not installed, expected it for scalars: pip install 'ser_acrnn[tensorboard]'")


@contextmanager
def written(directory: Path | None) -> Iterator[Log]:
    """What writes `NAMES` of entries to a folder; nothing where none is given or TensorBoard is not installed."""
    if directory is None:
        yield lambda entry: None
        return
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError:
        logger.info("tensorboard is not installed: no scalars are logged to %s", directory)
        yield lambda entry: None
        return
    writer = EventFileWriter(str(directory))

    def log(entry: Mapping[str, Any]) -> None:
        values = [Summary.Value(tag=name, simple_value=entry[name]) for name in NAMES if entry.get(name) is not None]
        writer.add_event(Event(wall_time=time.time(), step=entry["epoch"], summary=Summary(value=values)))
        writer.flush()

    try:
        yield log
    finally:
        writer.close()
