"""The server's doors: recordings, a stream, the networks that can be had, health, metrics, and a page that describes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from io import BytesIO
from typing import Annotated, Any, Self

from fastapi import FastAPI, Query, Request, Response, WebSocket
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.requests import ClientDisconnect

from ser_acrnn import __version__
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.pretrained import describe, list_pretrained
from ser_acrnn.serving import bodies
from ser_acrnn.serving.answers import Network, Recording, Recordings, Timeline, Unusable, of_recording
from ser_acrnn.serving.batches import Answer, Batches, Busy
from ser_acrnn.serving.bodies import Refused
from ser_acrnn.serving.limits import Limits
from ser_acrnn.serving.metrics import Counted, Metrics
from ser_acrnn.serving.streams import LEAST_HOP_SECONDS, MOST_HOP_SECONDS, Streams

RETRY_SECONDS = 1
CLIENT_GONE = 499  # as other servers log it; nobody reads the answer
_AUDIO = {"schema": {"type": "string", "format": "binary"}}
_FORM = {"schema": {"type": "object", "properties": {"file": {"type": "array", "items": _AUDIO["schema"]}}, "required": ["file"]}}
_BODY = {"requestBody": {"required": True, "content": {"audio/*": _AUDIO, bodies.FORM: _FORM}}}
_STATUSES = {
    400: "A form without files, or one that is cut off.",
    408: "The body came too slowly.",
    413: "There is too much of it.",
    415: "The body is compressed.",
    422: "The recording, or each of several, cannot be used.",
    503: "Too many recordings wait.",
    504: "The network has not answered in time.",
}


class Asked(BaseModel):
    """What the address of `/predict` may ask for."""

    model_config = ConfigDict(extra="forbid")

    timeline: bool = Field(False, description="Judge each 3 s instead of the whole.")
    hop: float = Field(1.0, ge=LEAST_HOP_SECONDS, le=MOST_HOP_SECONDS, description="Seconds between two windows of a timeline.")

    @model_validator(mode="after")
    def _hop_is_of_timeline(self) -> Self:
        if "hop" in self.model_fields_set and not self.timeline:
            raise ValueError("hop is of timeline=true")
        return self


def make_app(predictor: Predictor, limits: Limits | None = None, threads: int = 1) -> FastAPI:
    """The server as an ASGI application.

    Args:
        predictor: Judges all that comes; `preprocessor.longest_seconds` is set to that of the limits.
        limits: Those of `Limits()` by default.
        threads: How many judge at the same time.

    Returns:
        `POST /predict`, `WS /stream`, `GET /models`, `/health`, `/metrics`, `/docs` and `/openapi.json`.
    """
    limits = limits or Limits()
    predictor.preprocessor.longest_seconds = limits.recording_seconds
    metrics, streams = Metrics(), Streams(predictor, limits.streams)
    batches = Batches(predictor, limits.waiting, metrics.together.observe, threads)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        streams.end()
        await asyncio.to_thread(batches.end)

    app = FastAPIOffline(title="ser-acrnn", version=__version__, description="Emotions in recordings of speech.", lifespan=lifespan)
    served = frozenset({"/predict", "/models", "/health", "/metrics", "/docs", "/openapi.json"})
    app.add_middleware(Counted, metrics=metrics, paths=served)
    responses: dict[int | str, dict[str, Any]] = {status: {"model": Unusable, "description": why} for status, why in _STATUSES.items()}

    @app.post("/predict", openapi_extra=_BODY, responses=responses, response_model=Recording | Timeline | Recordings)
    async def predict(
        request: Request,
        asked: Annotated[Asked, Query()],
    ) -> Response:
        """Names the emotion of one recording, which is the body, or of several, which are the files of a form."""
        return await _refusing(partial(_predict, request, batches, limits, metrics, asked.hop if asked.timeline else None))

    @app.websocket("/stream")
    async def stream(socket: WebSocket, format: str = "s16le", hop: str = "1") -> None:
        with metrics.streams.track_inprogress():
            await streams.serve(socket, format, hop)

    @app.get("/models")
    async def models() -> list[Network]:
        """Networks that ship, and the one that answers here."""
        shipped = {name: describe(name) for name in list_pretrained()}
        names = [*shipped, *([] if predictor.name in shipped else [predictor.name])]
        return [
            Network(
                name=name,
                description=shipped.get(name, "a network of one's own"),
                answers=name == predictor.name,
                emotions=list(predictor.emotions) if name == predictor.name else None,
            )
            for name in names
        ]

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Answers as long as the server does."""
        return {"status": "ok", "version": __version__, "model": predictor.name}

    @app.get("/metrics", response_class=Response)
    async def shown() -> Response:
        """Counts for Prometheus."""
        return Response(metrics.shown(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return app


async def _predict(request: Request, batches: Batches, limits: Limits, metrics: Metrics, hop_seconds: float | None) -> Response:
    recordings, are_several = await bodies.recordings(request, limits)
    async with asyncio.timeout(limits.answer_seconds):
        said = await asyncio.gather(*(_judged(recording, hop_seconds, batches, metrics) for recording in recordings))
    answers = [of_recording(recording.name, one) for recording, one in zip(recordings, said, strict=True)]
    unusable = sum(isinstance(answer, Unusable) for answer in answers)
    metrics.recordings.labels("judged").inc(len(answers) - unusable)
    metrics.recordings.labels("refused").inc(unusable)
    status = 422 if unusable == len(answers) else 200
    return _json(Recordings(predictions=answers) if are_several else answers[0], status)


async def _judged(recording: BytesIO, hop_seconds: float | None, batches: Batches, metrics: Metrics) -> Answer:
    with metrics.waiting.track_inprogress():
        return await batches.judged(recording, hop_seconds)


async def _refusing(answer: Callable[[], Awaitable[Response]]) -> Response:
    """An answer, or the status of what is in its way; the connection is closed then, as what was sent may not have been read."""
    headers = {"Connection": "close"}
    try:
        return await answer()
    except Refused as error:
        return _json(Unusable(error=str(error)), error.status, headers)
    except Busy:
        headers["Retry-After"] = str(RETRY_SECONDS)
        return _json(Unusable(error="too many recordings wait, expected fewer; try again later"), 503, headers)
    except TimeoutError:
        return _json(Unusable(error="the network has not answered in time; try again later, or send less"), 504, headers)
    except ClientDisconnect:
        return Response(status_code=CLIENT_GONE)


def _json(answer: BaseModel, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(answer.model_dump_json(exclude_none=status != 200), status, headers, "application/json")
