"""`check`: how a model behaves, test by test, with stated bounds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ser_acrnn.cli.evaluating import Labels
from ser_acrnn.cli.failures import Command, named
from ser_acrnn.cli.inputs import labelled, table
from ser_acrnn.cli.progress import Progress
from ser_acrnn.cli.running import shown, tell
from ser_acrnn.files import check_no_input, check_target, write_text

if TYPE_CHECKING:
    from ser_acrnn.checking import Report

Checked = Annotated[
    str | None,
    typer.Argument(
        help="A shipped network, a .keras file, an export, an ONNX file of (batch, samples), or module:function of samples; by default "
        "--predictions."
    ),
]
Predicted = Annotated[Path | None, typer.Option(help="Instead of a model, what `ser-acrnn predict --csv` printed.", metavar="CSV")]


def add_to(app: typer.Typer) -> None:
    """Adds the subcommand."""
    app.command(cls=Command, epilog="Example: ser-acrnn check acrnn3d-open --labels mine.csv --html check.html")(check)


def check(
    labels: Labels,
    model: Checked = None,
    predictions: Predicted = None,
    export: Annotated[Path | None, typer.Option(help="Export of the network, which also has to say the same.")] = None,
    emotions: Annotated[
        str, typer.Option(help="Of an ONNX file that names none, or of a function, with commas between; by default those that it names.")
    ] = "",
    changed: Annotated[int, typer.Option(min=1, help="Recordings that are judged again under each change.")] = 100,
    html: Annotated[Path | None, typer.Option(help="Also write a page with figures.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Also write the report as Markdown.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Test how a model behaves: right and fair, steady, quiet where nobody speaks. Exit code 0: no test failed; 1: one did."""
    if (model is None) is (predictions is None):
        raise typer.BadParameter("expected either a MODEL or --predictions")
    if predictions is not None and (export is not None or emotions):
        raise typer.BadParameter("--predictions are of no model, expected neither --export nor --emotions with them")
    with named():
        for path in filter(None, (html, markdown)):
            check_target(path)
        labels, predictions = table(labels), predictions and table(predictions)
        check_no_input([html, markdown], [labels, predictions, model, export, *labelled(labels)])
        if predictions is not None:
            from ser_acrnn.checking.checking import check_predictions

            report = check_predictions(predictions, labels)
        else:
            report = _of_model(str(model), labels, export, [name.strip() for name in emotions.split(",") if name.strip()], changed)
        report = replace(report, model=shown(report.model), labels=shown(report.labels))
        if html:
            from ser_acrnn.checking import pages

            write_text(html, pages.page(report))
        if markdown:
            write_text(markdown, report.to_markdown())
    if as_json:
        typer.echo(json.dumps(report.to_dict(), indent=2, ensure_ascii=False))
    else:
        tell(report.to_markdown().removesuffix("\n"))
    if not report.passed:
        raise typer.Exit(1)


def _of_model(model: str, labels: Path, export: Path | None, emotions: list[str], changed: int) -> Report:
    from ser_acrnn.checking import checking, judges

    judge = judges.opened(model, emotions)
    network = judge if isinstance(judge, judges.NetworkJudge) else None
    other = None if export is None else judges.exported(export, network)
    with Progress(None, unit="steps") as progress:
        return checking.check(judge, labels, export=other, most_changed=changed, on_step=progress.update)
