"""How much a server takes on before it says no, so that no sender can fill its memory or keep the others waiting."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of a server; what goes beyond is refused with a status of its own.

    Attributes:
        body_bytes: Of a request, 413 beyond.
        files: Recordings of one request, 413 beyond.
        recording_seconds: Length of a recording, 422 beyond.
        waiting: Recordings that wait for the network, 503 beyond.
        sending_seconds: Until a request has been sent whole, 408 beyond.
        answer_seconds: Until the network has answered, 504 beyond.
        streams: WebSockets at a time, closed with code 1013 beyond.
    """

    body_bytes: int = 50 * 2**20
    files: int = 100
    recording_seconds: float = 600.0
    waiting: int = 512
    sending_seconds: float = 30.0
    answer_seconds: float = 60.0
    streams: int = 16
