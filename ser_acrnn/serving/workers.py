"""Several processes that answer at one address, each with a network of its own: Python computes on one processor a process, nearly."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import tempfile
import threading
from functools import partial
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.serving.app import make_app
from ser_acrnn.serving.limits import Limits
from ser_acrnn.serving.metrics import FOLDER

_ALIVE_SECONDS = 60  # within which a worker says that it lives, or is replaced; it may have to start beside much else


def run_workers(model: str, limits: Limits, threads: int, workers: int, listener: socket.socket, **settings: Any) -> None:
    """Answers until SIGINT or SIGTERM; a worker that ends before is replaced.

    Args:
        model: Name or path of the network, which each worker loads.
        limits: Of each worker.
        threads: How many judge at the same time in each.
        workers: How many there are.
        listener: Where they listen.
        settings: Of uvicorn.

    Raises:
        FileNotFoundError: There is no folder for temporary files, where the workers keep their counts.
    """
    with tempfile.TemporaryDirectory(prefix="ser_acrnn-") as folder:
        os.environ[FOLDER] = folder
        make = partial(_make_worker, model, limits, threads)
        Multiprocess(
            uvicorn.Config(make, factory=True, workers=workers, timeout_worker_healthcheck=_ALIVE_SECONDS, **settings), [listener]
        ).run()


def _make_worker(model: str, limits: Limits, threads: int) -> FastAPI:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    return make_app(Predictor(model), limits, threads)


def _end_with_parent() -> None:
    """Ends a worker whose parent was killed, who could not tell it to."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
