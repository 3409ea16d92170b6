"""`evaluate`: a network against recordings whose emotions are known."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ser_acrnn.cli.failures import Command, named
from ser_acrnn.cli.judging import DEFAULT_MODEL, Model, Tempos
from ser_acrnn.cli.quiet import quiet

if TYPE_CHECKING:
    from ser_acrnn.evaluation import Evaluation

Labels = Annotated[Path, typer.Option(help="CSV with the columns path, speaker, emotion; paths are relative to it.")]
Adapt = Annotated[bool, typer.Option("--adapt", help="Adapt the network to each speaker's own recordings, without their emotions.")]
By = Annotated[list[str] | None, typer.Option(help="Also by this column of the labels, such as sex; can be given again.", metavar="COLUMN")]
Predicted = Annotated[
    Path | None, typer.Option(help="What `ser-acrnn predict --csv` printed of the recordings, instead of a network.", metavar="CSV")
]


def add_to(app: typer.Typer) -> None:
    """Adds the subcommand."""
    app.command(cls=Command, epilog="Example: ser-acrnn evaluate --labels mine.csv")(evaluate)


def evaluate(
    context: typer.Context,
    labels: Labels,
    model: Model = DEFAULT_MODEL,
    adapt: Adapt = False,
    tempos: Tempos = False,
    by: By = None,
    predictions: Predicted = None,
) -> None:
    """Judge recordings whose emotions are known: recall, UAR, WA and confusion. A network that normalises by the speaker always adapts."""
    source = context.get_parameter_source("model")
    if predictions and (adapt or tempos or (source is not None and source.name != "DEFAULT")):
        raise typer.BadParameter("--predictions were made by a network, expected neither --model nor --adapt nor --tempos with them")
    problems: list[str] = []
    with named():
        if predictions:
            from ser_acrnn.evaluation import evaluating

            found = evaluating.evaluate(predictions, labels, by=by or ())
        else:
            found, problems = _of_network(labels, model, adapt, tempos, by or [])
    typer.echo(found.to_markdown())
    if problems:
        typer.echo(f"{len(problems)} recordings could not be used: {'; '.join(problems)}", err=True)
        raise typer.Exit(1)


def _of_network(labels: Path, model: str, adapt: bool, tempos: bool, by: list[str]) -> tuple[Evaluation, list[str]]:
    """What a network is worth on the recordings that can be used, and what is wrong with the others."""
    with quiet():
        from pandas import DataFrame
        from tqdm import tqdm

        from ser_acrnn.config import AS_SPOKEN, FIVE_TEMPOS
        from ser_acrnn.data.corpus import CorpusError, read_csv
        from ser_acrnn.evaluation import evaluating, predictions_table
        from ser_acrnn.inference.predictor import Predictor

        predictor = Predictor(model, tempos=FIVE_TEMPOS if tempos else AS_SPOKEN)
    utterances = read_csv(labels)
    known = predictions_table.read_labels(labels, emotions=predictor.emotions, columns=by).frame
    said: list[dict[str, Any]] = []
    problems: list[str] = []
    enrolled = ""
    for utterance in tqdm(utterances, unit=" files", disable=not sys.stderr.isatty()):
        try:
            if (adapt or predictor.preprocessor.scope == "speaker") and utterance.speaker != enrolled:
                own = [other.path for other in utterances if other.speaker == utterance.speaker]
                predictor.enrol(own, on_unusable=lambda error: None)  # it is named when its turn comes to be judged
                enrolled = utterance.speaker
            prediction = predictor.predict(utterance.path)
        except ValueError as error:
            problems.append(str(error))
            continue
        said.append({"path": str(utterance.path.resolve()), "emotion": prediction.emotion, **prediction.posteriors})
    if not said:
        raise CorpusError(f"{labels}: no recording can be used: {'; '.join(problems)}")
    predictions = DataFrame(said)
    judged = known[known["path"].isin(predictions["path"])]
    return evaluating.evaluate(predictions, judged, by=by, emotions=predictor.emotions), problems
