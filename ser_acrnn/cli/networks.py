"""`models`, `info` and `export`: which networks there are, what is in one, and one for another runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ser_acrnn.cli.failures import Command, named
from ser_acrnn.cli.inputs import recordings
from ser_acrnn.cli.progress import Progress
from ser_acrnn.cli.running import tell
from ser_acrnn.files import check_no_input, check_target

MOST_SECONDS = 60.0  # up to which a recording is an utterance

Network = Annotated[str, typer.Argument(help="Name of a shipped network, see `ser-acrnn models`, or a .keras file.")]


Format = Literal["saved_model", "litert", "onnx", "keras"]
Quantize = Literal["int8", "float16"]


def add_to(app: typer.Typer) -> None:
    """Adds the subcommands."""
    app.command(cls=Command)(models)
    app.command(cls=Command, epilog="Example: ser-acrnn info acrnn3d-open")(info)
    app.command(cls=Command, epilog="Example: ser-acrnn export acrnn3d-open emotion.tflite --format litert --quantize int8")(export)


def models() -> None:
    """List the networks that ship with the package."""
    from ser_acrnn.pretrained import describe, list_pretrained

    for name in list_pretrained():
        typer.echo(f"{name}: {describe(name)}")


def info(model: Network) -> None:
    """Show what a network takes and says, and a shipped one's card."""
    from ser_acrnn.pretrained import list_pretrained, model_card

    with named():
        from ser_acrnn.inference.predictor import Predictor

        predictor = Predictor(model)
        network = predictor.network
        typer.echo(f"emotions: {', '.join(predictor.emotions)}")
        typer.echo(f"input: segments {network.segment_shape}, recipe {predictor.preprocessor.features.recipe_hash}")
        typer.echo(f"normalised by: {predictor.preprocessor.scope}")
        typer.echo(f"parameters: {network.parameters:,}")
        typer.echo(f"runs on: {network.runtime}")
        if model in list_pretrained():
            typer.echo(f"\n{model_card(model)}")


def export(
    model: Network,
    path: Annotated[Path, typer.Argument(help="File or, for saved_model, folder to write.")],
    format: Annotated[Format, typer.Option(help="Runtime to write for.")] = "litert",
    quantize: Annotated[Quantize | None, typer.Option(help="Numbers of LiteRT's weights, instead of float32.")] = None,
    waveform: Annotated[bool, typer.Option("--waveform", help="Put the features inside: the file takes raw audio at 16 kHz.")] = False,
    seconds: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=MOST_SECONDS,
            help="With --waveform, length of the audio; by default any, for litert, which needs one, a segment's 3.015.",
        ),
    ] = None,
    speech: Annotated[list[Path] | None, typer.Option(help="Recordings or folders to compare on, instead of generated input.")] = None,
    speaker: Annotated[
        list[Path] | None, typer.Option(help="Recordings of one speaker, to whom the network adapts before; by default to nobody.")
    ] = None,
) -> None:
    """Write a network for another runtime, open it there, and compare; refused when the posteriors differ."""
    with named():
        check_target(path / "saved_model.pb" if format == "saved_model" else path)
        import numpy as np

        from ser_acrnn.export import exporting as exporting
        from ser_acrnn.export import targets as targets
        from ser_acrnn.inference.predictor import Predictor

        own, heard = list(recordings(speaker or [])), list(recordings(speech or []))
        check_no_input([path, targets.check_file(path)], [model, *own, *heard])
        predictor = Predictor(model)
        listener = predictor.preprocessor
        if own:
            predictor.enrol(own)
        samples: exporting.Inputs | None = None
        if heard:
            files = Progress(len(heard), "speech").over(heard)
            given = [listener.waveform(file) if waveform else listener.segments(file) for file in files]
            samples = given if waveform else np.concatenate(given)
        with Progress(len(exporting.STEPS), "export", "steps") as progress:
            check = exporting.export(
                predictor.model,
                path,
                format,
                quantize=quantize,
                samples=samples,
                waveform=waveform,
                seconds=seconds,
                speaker=listener.speaker if waveform else None,
                on_step=lambda step: progress.update(note=step),
            )
    tell(
        f"{path}: on {check.segments} {'waveforms' if waveform else 'segments'} the largest difference of a posterior is "
        f"{check.max_difference:.1e}, {100 * check.agreement:.1f} % of the decisions agree; kept in {targets.check_file(path)}"
    )
