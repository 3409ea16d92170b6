"""`predict` and `embed`: recordings in, emotions or embeddings out."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from ser_acrnn.cli.failures import named
from ser_acrnn.cli.quiet import quiet

if TYPE_CHECKING:
    from ser_acrnn.predictor import Judgement, Prediction, Predictor

DEFAULT_MODEL = "acrnn3d-emodb"
AUDIO_SUFFIXES = (".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".rf64", ".snd", ".w64", ".wav")
Found = TypeVar("Found")

Files = Annotated[list[Path], typer.Argument(help="Audio files of any length, rate and number of channels, or folders of them.")]
Model = Annotated[str, typer.Option(help="Name of a shipped network, see `ser-acrnn models`, or a .keras file.")]
Speaker = Annotated[bool, typer.Option("--same-speaker", help="All recordings are of one speaker, by whose audio they are normalised.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]


def add_to(app: typer.Typer) -> None:
    """Adds the subcommands."""
    app.command(epilog="Examples: ser-acrnn predict a.wav b.flac | ser-acrnn predict --timeline --csv talk.mp3")(predict)
    app.command(epilog="Example: ser-acrnn embed folder/ > embeddings.csv")(embed)


def predict(
    files: Files,
    model: Model = DEFAULT_MODEL,
    same_speaker: Speaker = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    timeline: Annotated[bool, typer.Option("--timeline", help="Judge each 3 s, every second, instead of the whole.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Also draw the recording, the attention and the posteriors; of one file.")] = None,
) -> None:
    """Name the emotion of recordings; those that cannot be used are listed at the end, with exit code 1."""
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv exclude each other")
    paths = list(recordings(files))
    if plot and len(paths) != 1:
        raise typer.BadParameter(f"--plot draws one recording, not {len(paths)}")
    predictor = _predictor(model, paths if same_speaker else [])
    print_rows: Callable[[Iterator[dict[str, Any]]], None] = _print_json if as_json else _print_csv if as_csv else _print_text
    failures: dict[Path, str] = {}
    if timeline:
        moments = _each(paths, lambda path: list(predictor.timeline(path)), failures)
        print_rows(_moment_row(path, moment, predictor) for path, found in moments for moment in found)
    else:
        print_rows(_row(path, prediction) for path, prediction in _each(paths, predictor.predict, failures))
    if plot and not failures:
        from ser_acrnn import attention_figure, figures

        with named():
            figures.save(attention_figure.draw(predictor, paths[0]), plot)
        typer.echo(f"figure: {plot}", err=True)
    _end(failures, len(paths))


def embed(files: Files, model: Model = DEFAULT_MODEL, same_speaker: Speaker = False) -> None:
    """Print the 64 numbers of the embedding layer of each recording, as CSV."""
    paths = list(recordings(files))
    predictor = _predictor(model, paths if same_speaker else [])
    from ser_acrnn.embedding import COLUMN, Embedder

    embedder = Embedder(predictor)
    failures: dict[Path, str] = {}
    found = _each(paths, lambda path: embedder.embed(path).tolist(), failures)
    _print_csv({"path": str(path), **{COLUMN.format(unit): f"{value:.6g}" for unit, value in enumerate(row)}} for path, row in found)
    _end(failures, len(paths))


def recordings(files: Sequence[Path]) -> Iterator[Path]:
    """The files, and those that folders hold, by their suffix, sorted."""
    for path in files:
        if not path.is_dir():
            yield path
            continue
        found = sorted(inside for inside in path.rglob("*") if inside.suffix.lower() in AUDIO_SUFFIXES)
        if not found:
            raise typer.BadParameter(f"{path}: holds no audio file, expected some of {' '.join(AUDIO_SUFFIXES)}")
        yield from found


def _predictor(model: str, speaker: Sequence[Path]) -> Predictor:
    """Loads the network, and enrols the speaker whose recordings are given."""
    with named():
        with quiet():
            from ser_acrnn.predictor import Predictor

            predictor = Predictor(model)
        if speaker:
            predictor.enrol(speaker)
        elif predictor.scope == "speaker":
            raise ValueError(f"{model}: normalises by the speaker's own audio, expected --same-speaker and recordings of one speaker")
    return predictor


def _each(paths: Sequence[Path], judge: Callable[[Path], Found], failures: dict[Path, str]) -> Iterator[tuple[Path, Found]]:
    """Judges one after the other, with a progress bar for several; what fails is kept for the end."""
    from tqdm import tqdm

    for path in tqdm(paths, unit=" files", disable=len(paths) == 1 or not sys.stderr.isatty()):
        try:
            found = judge(path)
        except ValueError as error:
            failures[path] = str(error)
        else:
            yield path, found


def _end(failures: dict[Path, str], total: int) -> None:
    if failures:
        typer.echo(f"{len(failures)} of {total} recordings could not be used:", err=True)
        for reason in failures.values():
            typer.echo(f"  {reason}", err=True)
        raise typer.Exit(1)


def _row(path: Path, prediction: Prediction) -> dict[str, Any]:
    seconds = round(prediction.segments[-1].end_seconds, 3)
    return {"path": str(path), "seconds": seconds, "emotion": prediction.emotion, **_rounded(prediction.posteriors)}


def _moment_row(path: Path, moment: Judgement, predictor: Predictor) -> dict[str, Any]:
    place = {"path": str(path), "start": round(moment.start_seconds, 3), "end": round(moment.end_seconds, 3)}
    posteriors = _rounded(moment.posteriors) or dict.fromkeys(predictor.emotions)
    return {**place, "emotion": moment.emotion, **posteriors, "flaw": moment.flaw}


def _rounded(posteriors: dict[str, float]) -> dict[str, Any]:
    return {emotion: round(value, 4) for emotion, value in posteriors.items()}


def _print_json(rows: Iterator[dict[str, Any]]) -> None:
    """A list, with an entry a line."""
    lines = [json.dumps(row) for row in rows]
    typer.echo("[\n " + ",\n ".join(lines) + "\n]" if lines else "[]")


def _print_csv(rows: Iterator[dict[str, Any]]) -> None:
    writer: csv.DictWriter | None = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(sys.stdout, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)


def _print_text(rows: Iterator[dict[str, Any]]) -> None:
    for row in rows:
        place = f"{row['path']} {row['start']:.1f}-{row['end']:.1f} s" if "start" in row else row["path"]
        shares = {name: value for name, value in row.items() if name not in ("path", "seconds", "start", "end", "emotion", "flaw")}
        if row["emotion"] is None:
            typer.echo(f"{place}: - ({row['flaw']})")
        else:
            ranked = sorted(shares.items(), key=lambda item: -item[1])
            typer.echo(f"{place}: {row['emotion']} ({', '.join(f'{emotion} {share:.2f}' for emotion, share in ranked)})")
