"""`predict` and `embed`: recordings in, emotions or embeddings out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from ser_acrnn.cli.failures import Command, named, option
from ser_acrnn.cli.inputs import recordings
from ser_acrnn.cli.printing import POSTERIORS, print_csv, printer
from ser_acrnn.cli.progress import Progress
from ser_acrnn.cli.running import say, shown
from ser_acrnn.evaluation import drawing
from ser_acrnn.files import check_no_input
from ser_acrnn.pretrained import DEFAULT_MODEL

if TYPE_CHECKING:
    from ser_acrnn.inference.predictions import Prediction, WindowPrediction
    from ser_acrnn.inference.predictor import Predictor

HOP_SECONDS = 1.0
MOST_SECONDS = 86_400.0  # between two judgements
HEARD = ("speech_seconds", "signal_to_noise_decibels", "unfamiliarity", "unsure")
Found = TypeVar("Found")

Files = Annotated[
    list[Path], typer.Argument(help="Audio files of any length, rate and number of channels, or folders of them; - for standard input.")
]
Model = Annotated[str, typer.Option(help="Name of a shipped network, see `ser-acrnn models`, or a .keras file.")]
Speaker = Annotated[
    bool, typer.Option("--same-speaker", help="All recordings are of one speaker, to whose audio, unlabelled, the network adapts.")
]
Runtime = Annotated[
    Literal["auto", "onnx", "keras"],
    typer.Option(help="What the network runs on; auto is onnx, ONNX Runtime, where there is a file for it, and keras otherwise."),
]
Tempos = Annotated[bool, typer.Option("--tempos", help="Hear each 3 s at five tempos and average; takes longer.")]
Width = Annotated[
    float | None,
    typer.Option(
        parser=option(drawing.inches),
        metavar="LENGTH",
        help="Of --plot, such as 8.9cm, 3.5in (a paper's column) or 7.16in (both, by default).",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON lines, an object for each recording or window; also for errors.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]


def add_to(app: typer.Typer) -> None:
    """Adds the subcommands."""
    app.command(cls=Command, epilog="Examples: ser-acrnn predict a.wav b.flac | ser-acrnn predict --timeline --csv talk.mp3")(predict)
    app.command(cls=Command, epilog="Example: ser-acrnn embed folder/ > embeddings.csv")(embed)


def predict(
    files: Files,
    model: Model = DEFAULT_MODEL,
    same_speaker: Speaker = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    timeline: Annotated[bool, typer.Option("--timeline", help="Judge each 3 s, every second, instead of the whole.")] = False,
    hop: Annotated[
        float | None, typer.Option(min=0.01, max=MOST_SECONDS, help="Seconds between two windows of --timeline, by default 1.")
    ] = None,
    tempos: Tempos = False,
    runtime: Runtime = "auto",
    plot: Annotated[
        Path | None, typer.Option(help="Also draw the recording, the attention and the posteriors, of one file: .png, .pdf, .svg.")
    ] = None,
    width: Width = None,
) -> None:
    """Name the emotion of recordings; those that cannot be used are listed at the end, with exit code 1."""
    show = printer(as_json, as_csv)
    with named():
        paths = list(recordings(files))
    if plot and len(paths) != 1:
        raise typer.BadParameter(f"--plot draws one recording, not {len(paths)}")
    if hop is not None and not timeline:
        raise typer.BadParameter("--hop is of --timeline")
    if width is not None and not plot:
        raise typer.BadParameter("--width is of --plot")
    if plot:
        with named():
            drawing.check_path(plot)
            check_no_input([plot], [*paths, model])
    network = predictor(model, paths if same_speaker else [], five_tempos=tempos, runtime=runtime)
    report = Report(len(paths))
    said: list[Prediction] = []
    if timeline:
        found = _moments(network, paths, hop or HOP_SECONDS, report)
        show(
            failed_row(path, moment) if isinstance(moment, ValueError) else moment_row(shown(path), moment, network.emotions)
            for path, moment in found
        )
    else:
        judged = report.counted(zip(paths, network.predict_many(paths), strict=True))
        show(_rows(judged, report, said))
    if plot and not report.failures:
        with named():
            from ser_acrnn.inference import attention_figure

            whole = said[0] if said else None
            figure = attention_figure.draw(network, paths[0], prediction=whole, width_inches=width or drawing.PAGE_INCHES)
            drawing.save(figure, plot, dots_per_inch=drawing.PRINT_DOTS_PER_INCH)
        say(f"figure: {plot}")
    report.end()


def _rows(judged: Iterable[tuple[Path, Prediction | ValueError]], report: Report, first: list[Prediction]) -> Iterator[dict[str, Any]]:
    """What is said of each recording, the first of which is kept."""
    for path, one in judged:
        if isinstance(one, ValueError):
            yield failed_row(path, one)
            continue
        if not first:
            first.append(one)
        yield row(path, one, report)


def embed(files: Files, model: Model = DEFAULT_MODEL, same_speaker: Speaker = False) -> None:
    """Print the 64 numbers of the embedding layer of each recording, as CSV."""
    with named():
        paths = list(recordings(files))
    network = predictor(model, paths if same_speaker else [])
    from ser_acrnn.inference.embedder import COLUMN, Embedder

    report = Report(len(paths))
    found = report.counted(zip(paths, Embedder(network).embed_many(paths), strict=True))
    rows = ((path, numbers) for path, numbers in found if not isinstance(numbers, ValueError))
    print_csv({"path": shown(path), **{COLUMN.format(unit): f"{value:.6g}" for unit, value in enumerate(own)}} for path, own in rows)
    report.end()


class Report:
    """How many of the recordings are done; and what could not be used of them, for the end.

    Args:
        total: Number of recordings.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.failures: list[str] = []
        self.notes: list[str] = []
        self._progress = Progress(total, shown=total > 1)

    def counted(self, found: Iterable[tuple[Path, Found | ValueError]]) -> Iterator[tuple[Path, Found | ValueError]]:
        """Passes on what was found of each recording, and keeps the errors."""
        for path, result in found:
            yield path, result
            self.done(result if isinstance(result, ValueError) else None)

    def done(self, error: ValueError | None = None) -> None:
        """Counts a recording, and keeps why it could not be used."""
        self._progress.update()
        if error is not None:
            self.failures.append(shown(error))

    def end(self) -> None:
        """Lists the recordings that could not be used, and ends with exit code 1 if there are some."""
        self._progress.close()
        for note in self.notes:
            say(note)
        if self.failures:
            say(f"{len(self.failures)} of {self.total} recordings could not be used:")
            for reason in self.failures:
                say(f"  {reason}")
            raise typer.Exit(1)


def predictor(
    model: str,
    speaker: Sequence[Path],
    enrolling: str = "--same-speaker and recordings of one speaker",
    *,
    five_tempos: bool = False,
    runtime: Runtime = "auto",
) -> Predictor:
    """Loads the network, and enrols the speaker whose recordings are given; `enrolling` says how to give them."""
    with named():
        from ser_acrnn.audio import AudioError
        from ser_acrnn.config import AS_SPOKEN, FIVE_TEMPOS
        from ser_acrnn.inference.predictor import Predictor

        network = Predictor(model, runtime=runtime, tempos=FIVE_TEMPOS if five_tempos else AS_SPOKEN)
        if speaker:
            try:
                network.enrol(speaker, on_unusable=lambda error: None)  # it is named when its turn comes to be judged
            except AudioError:  # of none that can be used, as above
                if network.preprocessor.scope == "speaker":
                    raise
        elif network.preprocessor.scope == "speaker":
            raise ValueError(f"{model}: normalises by the speaker's own audio, expected {enrolling}")
    return network


def _moments(
    network: Predictor, paths: Sequence[Path], hop_seconds: float, report: Report
) -> Iterator[tuple[Path, WindowPrediction | ValueError]]:
    """What is said of each window of each recording, as soon as it is; one that fails on the way has its beginning and the error."""
    for path in paths:
        judged = False
        try:
            for moment in network.timeline(path, hop_seconds=hop_seconds):
                judged |= not moment.flaw
                yield path, moment
            if not judged:
                network.predict(path)  # says why, as of a recording that is judged as a whole
                raise ValueError(f"{path}: holds no window that can be judged")
        except ValueError as error:
            yield path, error
            report.done(error)
        else:
            report.done()


def failed_row(path: Path, error: ValueError) -> dict[str, Any]:
    """Why nothing is said of a recording."""
    return {"path": shown(path), "error": shown(error)}


def row(path: Path, prediction: Prediction, report: Report) -> dict[str, Any]:
    """What is said of a recording; its windows that are not judged are noted in the report."""
    if flawed := [piece for piece in prediction.segments if piece.flaw]:
        first = flawed[0]
        count = f"{len(flawed)} of {len(prediction.segments)} windows are not judged"
        report.notes.append(f"{shown(path)}: {count}, the first at {first.start_seconds:.1f} s because it {first.flaw}")
    facts = {"seconds": round(prediction.seconds, 3), **_heard(prediction)}
    return {"path": shown(path), **facts, "emotion": prediction.emotion, POSTERIORS: _rounded(prediction.posteriors)}


def moment_row(source: str, moment: WindowPrediction, emotions: Sequence[str]) -> dict[str, Any]:
    """What is said of a window; its posteriors are None where it is not judged."""
    place = {"path": source, "start": round(moment.start_seconds, 3), "end": round(moment.end_seconds, 3), **_heard(moment)}
    posteriors = _rounded(moment.posteriors) or dict.fromkeys(emotions)
    return {**place, "emotion": moment.emotion, POSTERIORS: posteriors, "flaw": moment.flaw}


def _heard(said: Prediction | WindowPrediction) -> dict[str, float | bool]:
    """How much speech there is, how far above the noise, how unlike what the network knows, and whether too much so, by column."""
    found = round(said.speech_seconds, 2), round(said.signal_to_noise_decibels, 1), round(said.unfamiliarity, 2), said.unsure
    return dict(zip(HEARD, found, strict=True))


def _rounded(posteriors: dict[str, float]) -> dict[str, Any]:
    return {emotion: round(value, 4) for emotion, value in posteriors.items()}
