"""`serve`: a network behind HTTP, for applications."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ser_acrnn.cli.failures import Command, named
from ser_acrnn.cli.judging import DEFAULT_MODEL, Model, predictor

if TYPE_CHECKING:
    from ser_acrnn.inference.predictor import Predictor

BACKLOG = 2_048  # connections that wait to be taken
MOST_THREADS = 256
NEEDED = ("fastapi", "fastapi_offline", "multipart", "prometheus_client", "uvicorn", "websockets")


def add_to(app: typer.Typer) -> None:
    """Adds the subcommand."""
    app.command(cls=Command, epilog="Example: ser-acrnn serve --port 8000, then: curl --data-binary @a.wav http://127.0.0.1:8000/predict")(
        serve
    )


def serve(
    model: Model = DEFAULT_MODEL,
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 lets others in, and there are no passwords.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen at; 0 for any that is free.")] = 8000,
    megabytes: Annotated[int, typer.Option(min=1, max=4_096, help="Of one request at most, in MiB.")] = 50,
    seconds: Annotated[float, typer.Option(min=1, max=86_400, help="Length of one recording at most, in seconds.")] = 600.0,
    waiting: Annotated[int, typer.Option(min=1, max=100_000, help="Recordings that may wait; beyond, status 503.")] = 512,
    threads: Annotated[
        int | None, typer.Option(min=1, max=MOST_THREADS, help="That judge at the same time; by default one a processor, with Keras one.")
    ] = None,
) -> None:
    """Answer recordings over HTTP: POST /predict, a WebSocket /stream, /models, /health, /metrics, and /docs, which describes them."""
    with named():
        if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
            raise ValueError(f"serve needs {', '.join(missing)}, not installed here: pip install 'ser_acrnn[serve]'")
    network = predictor(model, [])
    import uvicorn

    from ser_acrnn.serving.app import make_app
    from ser_acrnn.serving.limits import Limits

    limits = Limits(body_bytes=megabytes * 2**20, recording_seconds=seconds, waiting=waiting)
    config = uvicorn.Config(
        make_app(network, limits, threads or _threads(network)),
        host,
        port,
        access_log=False,
        log_config=None,
        log_level="warning",
        ws_max_size=2**20,
    )
    with named(), _listening(host, port) as listener:
        typer.echo(f"http://{host}:{listener.getsockname()[1]} (its page: /docs)")
        sys.stdout.flush()
        uvicorn.Server(config).run([listener])


def _threads(predictor: Predictor) -> int:
    """As many as there are processors; Keras computes in as many itself."""
    return (os.cpu_count() or 1) if predictor.network.runtime == "onnx" else 1


def _listening(host: str, port: int) -> socket.socket:
    """A socket at an address.

    Raises:
        OSError: It cannot be had; the error names the address.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, error.strerror or str(error), f"{host}:{port}") from error
    return listener
