"""`record`: a microphone in, an emotion out every second, until Ctrl-C."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from ser_acrnn.cli.failures import Command, named
from ser_acrnn.cli.inputs import recordings
from ser_acrnn.cli.judging import DEFAULT_MODEL, HOP_SECONDS, MOST_SECONDS, AsCsv, AsJson, Model, moment_row, predictor
from ser_acrnn.cli.printing import printer
from ser_acrnn.cli.running import say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pieces: TypeAlias = Iterable[NDArray[Any]]


def add_to(app: typer.Typer) -> None:
    """Adds the subcommand."""
    app.command(cls=Command, epilog="Example: ser-acrnn record --seconds 60 --save talk.wav")(record)


def record(
    model: Model = DEFAULT_MODEL,
    seconds: Annotated[float | None, typer.Option(min=0.001, help="Seconds to listen; by default until Ctrl-C.")] = None,
    hop: Annotated[
        float, typer.Option(min=0.01, max=MOST_SECONDS, help="Seconds between two judgements, each of the last 3 s.")
    ] = HOP_SECONDS,
    device: Annotated[str | None, typer.Option(help="Number, or part of the name, of an input device; by default the system's.")] = None,
    save: Annotated[Path | None, typer.Option(help="Also write what is heard to this file, which must not exist: .wav, .flac, ...")] = None,
    enrol: Annotated[
        list[Path] | None, typer.Option(help="Recordings of the speaker, to whom the network adapts; by default to nobody.")
    ] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Listen to a microphone and name the emotion of the last 3 s, again and again. Needs the extra [record]."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    show = printer(as_json, as_csv)
    with named():
        import numpy as np

        from ser_acrnn.audio import microphone

        chosen = int(device) if device and device.isdecimal() else device
        microphone.check(chosen)
        network = predictor(model, list(recordings(enrol or [])), "--enrol and recordings of the speaker")
        rate = network.preprocessor.features.sampling_rate_hertz
        list(network.timeline(np.random.default_rng(0).normal(size=rate), rate))  # compiles, so that the first judgement does not come late
        with _until_interrupted() as stop, _saved(save, rate) as keep:
            heard = keep(microphone.listen(chosen, seconds=seconds, stop=stop, sampling_rate_hertz=rate))
            show(moment_row("microphone", moment, network.emotions) for moment in network.predict_stream(heard, hop_seconds=hop))
    if save and save.is_file():
        say(f"recording: {save}")


@contextmanager
def _until_interrupted() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets, so that the last judgement is made and the file closed; the second one ends at once."""
    stop = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def end(*_: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, end)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _saved(path: Path | None, rate_hertz: int) -> Iterator[Callable[[Pieces], Pieces]]:
    """What passes samples on, and writes them to a file, if one is wanted."""
    if path is None:
        yield iter
        return
    import soundfile

    if path.exists():
        raise ValueError(f"{path}: exists, expected a new file to record to")
    try:
        file = soundfile.SoundFile(os.fsencode(path), "w", rate_hertz, 1)
    except (soundfile.LibsndfileError, TypeError, OSError) as error:
        raise ValueError(f"{path}: cannot be written ({error}), expected a file such as recording.wav in a folder that is there") from error

    failed: list[str] = []

    def keep(pieces: Pieces) -> Pieces:
        for piece in pieces:
            try:
                if not failed:
                    file.write(piece)
            except (soundfile.LibsndfileError, RuntimeError, OSError) as error:  # what is heard is judged all the same
                failed.append(str(error))
            yield piece

    try:
        with file:
            yield keep
    finally:
        if not file.frames:  # nothing was heard
            path.unlink()
    if failed:
        raise ValueError(f"{path}: ends early, it could not be written on ({failed[0]}), expected room for it")
