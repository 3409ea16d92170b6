"""What a server counts for Prometheus: requests, how long they took, what was judged together, what waits; of all its workers together."""

from __future__ import annotations

import os
import time
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
TOGETHER = (1, 2, 4, 8)
FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # environment variable, set where there are workers: they keep their counts in this folder
_OTHER = "other"  # path of all that is not served, so that no sender makes new series


class Metrics:
    """The server's series, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("ser_acrnn_requests", "Requests answered.", ["path", "status"], registry=self.registry)
        self.seconds = Histogram("ser_acrnn_request_seconds", "From request to answer.", ["path"], buckets=SECONDS, registry=self.registry)
        self.recordings = Counter("ser_acrnn_recordings", "Recordings by how they ended.", ["ended"], registry=self.registry)
        self.together = Histogram("ser_acrnn_together", "Recordings judged together.", buckets=TOGETHER, registry=self.registry)
        self.streams = self._now("ser_acrnn_streams", "WebSockets open.")
        self.waiting = self._now("ser_acrnn_waiting", "Recordings that wait for their answer.")

    def shown(self) -> bytes:
        """All series in Prometheus's text format."""
        if not (folder := os.environ.get(FOLDER)):
            return generate_latest(self.registry)
        for path in Path(folder).glob("gauge_live*.db"):
            if not _lives(process := int(path.stem.rpartition("_")[2])):
                mark_process_dead(process)
        together = CollectorRegistry()
        MultiProcessCollector(together)
        return generate_latest(together)

    def _now(self, name: str, what: str) -> Gauge:
        return Gauge(name, what, registry=self.registry, multiprocess_mode="livesum")


class Counted:
    """Counts the requests of an application.

    Args:
        app: The application.
        metrics: Where they are counted.
        paths: Paths that are served.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: frozenset[str]) -> None:
        self.app, self.metrics, self.paths = app, metrics, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path, began, status = scope["path"] if scope["path"] in self.paths else _OTHER, time.perf_counter(), 500

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, counted)
        finally:
            self.metrics.requests.labels(path, str(status)).inc()
            self.metrics.seconds.labels(path).observe(time.perf_counter() - began)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
