"""`serve` and `page`: a network behind HTTP, for applications and for people."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ser_acrnn.cli.failures import Command, named
from ser_acrnn.cli.judging import DEFAULT_MODEL, Model, predictor

if TYPE_CHECKING:
    from ser_acrnn.inference.predictor import Predictor

BACKLOG = 2_048  # connections that wait to be taken
MOST_THREADS = 256
MOST_WORKERS = 64
QUIET: dict[str, Any] = {"access_log": False, "log_config": None, "log_level": "warning"}
CLOSING_SECONDS = 1  # for pages that are open, at the end
NEEDED = ("fastapi", "fastapi_offline", "multipart", "prometheus_client", "uvicorn", "websockets")
NEEDED_BY_PAGE = ("gradio", "matplotlib", "uvicorn")


def _some_host(host: str) -> str:
    if not host.strip():
        raise typer.BadParameter("expected an address such as 127.0.0.1, or 0.0.0.0 for all that this computer has")
    return host


Host = Annotated[str, typer.Option(callback=_some_host, help="Address to listen at; 0.0.0.0 lets others in, and there are no passwords.")]


def add_to(app: typer.Typer) -> None:
    """Adds the subcommands."""
    app.command(cls=Command, epilog="Example: ser-acrnn serve --port 8000, then: curl --data-binary @a.wav http://127.0.0.1:8000/predict")(
        serve
    )
    app.command(cls=Command, epilog="Example: ser-acrnn page, then open http://127.0.0.1:7860 in a browser")(page)


def serve(
    model: Model = DEFAULT_MODEL,
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen at; 0 for any that is free.")] = 8000,
    megabytes: Annotated[int, typer.Option(min=1, max=4_096, help="Of one request at most, in MiB.")] = 50,
    seconds: Annotated[float, typer.Option(min=1, max=86_400, help="Length of one recording at most, in seconds.")] = 600.0,
    waiting: Annotated[int, typer.Option(min=1, max=100_000, help="Recordings that may wait; beyond, status 503.")] = 512,
    threads: Annotated[
        int | None, typer.Option(min=1, max=MOST_THREADS, help="That judge at the same time; by default one a processor, with Keras one.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=MOST_WORKERS, help="Processes that answer, each with a network and with these limits.")
    ] = 1,
) -> None:
    """Answer recordings over HTTP: POST /predict, a WebSocket /stream, /models, /health, /metrics, and /docs, which describes them."""
    _check_installed("serve", NEEDED)
    network = predictor(model, [])
    from ser_acrnn.serving.app import make_app
    from ser_acrnn.serving.limits import Limits

    limits = Limits(body_bytes=megabytes * 2**20, recording_seconds=seconds, waiting=waiting)
    threads = threads or _threads(network, workers)
    with named(), _listening(host, port) as listener:
        _say_where(listener, host, " (its page: /docs)")
        if workers > 1:
            from ser_acrnn.serving.workers import run_workers

            del network
            run_workers(model, limits, threads, workers, listener, ws_max_size=2**20, **QUIET)
        else:
            _run(make_app(network, limits, threads), listener, ws_max_size=2**20)


def page(
    model: Model = DEFAULT_MODEL,
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen at; 0 for any that is free.")] = 7860,
    megabytes: Annotated[int, typer.Option(min=1, max=4_096, help="Of one recording at most, in MiB.")] = 1_024,
    seconds: Annotated[float, typer.Option(min=1, max=86_400, help="Length of one recording at most, in seconds.")] = 7_200.0,
) -> None:
    """Show a page in the browser: a recording or the microphone in, what the network hears of it out. Needs the extra [page]."""
    _check_installed("page", NEEDED_BY_PAGE)
    with named(), tempfile.TemporaryDirectory(prefix="ser_acrnn-") as folder:
        from ser_acrnn.page.app import make_page
        from ser_acrnn.page.judging import Judge

        app = make_page(Judge(model, seconds), Path(folder), megabytes * 2**20)
        with _listening(host, port) as listener:
            _say_where(listener, host)
            _run(app, listener, timeout_graceful_shutdown=CLOSING_SECONDS)


def _check_installed(command: str, needed: Sequence[str]) -> None:
    with named():
        if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
            raise ValueError(f"{command} needs {', '.join(missing)}, not installed here: pip install 'ser_acrnn[{command}]'")


def _say_where(listener: socket.socket, host: str, beside: str = "") -> None:
    typer.echo(f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}{beside}")
    sys.stdout.flush()


def _run(app: Any, listener: socket.socket, **settings: Any) -> None:
    """Serves an application until SIGINT or SIGTERM."""
    import uvicorn

    uvicorn.Server(uvicorn.Config(app, **QUIET, **settings)).run([listener])


def _threads(predictor: Predictor, workers: int) -> int:
    """Those of a worker: together as many as there are processors; Keras computes in as many itself."""
    return max(1, (os.cpu_count() or 1) // workers) if predictor.network.runtime == "onnx" else 1


def _listening(host: str, port: int) -> socket.socket:
    """A socket at an address.

    Raises:
        OSError: It cannot be had; the error names the address.
    """
    # With the protocol named, asyncio sends each part of an answer at once: otherwise its end waits 40 ms for word of its beginning.
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, error.strerror or str(error), f"{host}:{port}") from error
    return listener
