"""`evaluate`: a network, or predictions, against recordings whose emotions are known."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ser_acrnn.cli.failures import Command, named, option
from ser_acrnn.cli.inputs import labelled, table
from ser_acrnn.cli.judging import DEFAULT_MODEL, Model, Tempos
from ser_acrnn.cli.progress import Progress
from ser_acrnn.cli.running import say, shown, tell
from ser_acrnn.evaluation import drawing
from ser_acrnn.files import check_no_input, check_target, write_text

if TYPE_CHECKING:
    from pandas import DataFrame

    from ser_acrnn.evaluation import Evaluation
    from ser_acrnn.inference.predictor import Predictor

SPEAKER = "speaker"

Labels = Annotated[Path, typer.Option(help="CSV with the columns path, speaker, emotion; paths are relative to it.")]
Adapt = Annotated[bool, typer.Option("--adapt", help="Adapt the network to each speaker's own recordings, without their emotions.")]
By = Annotated[list[str] | None, typer.Option(help="Also by this column of the labels, such as sex; can be given again.", metavar="COLUMN")]
Predicted = Annotated[
    Path | None, typer.Option(help="What `ser-acrnn predict --csv` printed of the recordings, instead of a network.", metavar="CSV")
]
Against = Annotated[
    str | None,
    typer.Option(help="Also compare with another network, or with --predictions another CSV, speaker by speaker.", metavar="MODEL|CSV"),
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="JOY=HAPPY", help="The labels' name of an emotion and the network's, instead of the same; can be given again."
    ),
]
LabelsOnly = Annotated[bool, typer.Option("--labels-only", help="Decide among the emotions that the labels have.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON object instead of tables to read.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV instead: a row for all, and one for each value of each column.")]
Save = Annotated[Path | None, typer.Option(help="Also write the predictions to this CSV, for --predictions.", metavar="CSV")]
Plot = Annotated[Path | None, typer.Option(help="Also draw the confusion matrix: .png, .pdf, .svg.")]
Width = Annotated[
    float | None,
    typer.Option(
        parser=option(drawing.inches),
        metavar="LENGTH",
        help="Of --plot, such as 8.9cm or 3.5in; by default as wide as its emotions need.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Adds the subcommand."""
    app.command(cls=Command, epilog="Example: ser-acrnn evaluate --labels mine.csv")(evaluate)


@dataclass(frozen=True)
class Truth:
    """What the recordings are compared with, see `ser_acrnn.evaluate`."""

    labels: Path
    by: list[str]
    mapping: dict[str, str]
    labels_only: bool


def evaluate(
    context: typer.Context,
    labels: Labels,
    model: Model = DEFAULT_MODEL,
    adapt: Adapt = False,
    tempos: Tempos = False,
    by: By = None,
    mapped: Map = None,
    labels_only: LabelsOnly = False,
    predictions: Predicted = None,
    against: Against = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    save_predictions: Save = None,
    plot: Plot = None,
    width: Width = None,
) -> None:
    """Judge recordings whose emotions are known: recall, UAR, WA and confusion. A network that normalises by the speaker always adapts."""
    source = context.get_parameter_source("model")
    if predictions and (adapt or tempos or save_predictions or (source is not None and source.name != "DEFAULT")):
        raise typer.BadParameter(
            "--predictions were made by a network, expected neither --model nor --adapt nor --tempos nor --save-predictions with them"
        )
    if width is not None and not plot:
        raise typer.BadParameter("--width is of --plot")
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv exclude each other")
    if against == str(predictions or model):
        raise typer.BadParameter(f"--against is {against}, expected something else than what it is compared with")
    mapping = _mapping(mapped or [])
    problems: list[str] = []
    found: dict[str, Evaluation] = {}
    with named():
        if save_predictions:
            check_target(save_predictions)
        if plot:
            drawing.check_path(plot)
        labels = table(labels)
        check_no_input([save_predictions, plot], [labels, predictions, against, model, *labelled(labels)])
        truth = Truth(labels, _columns(labels, by or []), mapping, labels_only)
        names = [str(predictions or model), *([against] if against else [])]
        if predictions:
            found = {name: _of_predictions(name, truth) for name in names}
        else:
            # What is wrong with a network, or with the labels for one, is said before either has judged anything.
            networks = {name: _network(name, tempos) for name in names}
            known = {name: _known(network, truth) for name, network in networks.items()}
            for name, network in networks.items():
                found[name], said, more = _of_network(network, truth, known[name], adapt)
                problems += [problem for problem in more if problem not in problems]
                if save_predictions and len(found) == 1:
                    write_text(save_predictions, said.to_csv(index=False))
        (typer.echo if as_json or as_csv else tell)(_shown(found, as_json, as_csv))
        if plot:
            from ser_acrnn.evaluation import evaluation_figure

            drawing.save(evaluation_figure.draw(found, width_inches=width), plot, dots_per_inch=drawing.PRINT_DOTS_PER_INCH)
            say(f"figure: {plot}")
    if problems:
        say(shown(f"{len(problems)} recordings could not be used: {'; '.join(problems)}"))
        raise typer.Exit(1)


def _mapping(given: list[str]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for one in given:
        label, _, emotion = (part.strip() for part in one.partition("="))
        if not (label and emotion) or label in mapping:
            raise typer.BadParameter(f"--map is {one!r}, expected the labels' name and the network's, such as joy=happy, each name once")
        mapping[label] = emotion
    return mapping


def _columns(labels: Path, by: list[str]) -> list[str]:
    """What to break down by: the speakers always, where the labels have them."""
    from ser_acrnn import tables

    columns = list(dict.fromkeys(by))
    return columns if SPEAKER in columns or SPEAKER not in tables.read(labels).columns else [*columns, SPEAKER]


def _of_predictions(path: str, truth: Truth) -> Evaluation:
    from ser_acrnn.evaluation import evaluating

    return evaluating.evaluate(path, truth.labels, by=truth.by, mapping=truth.mapping, labels_only=truth.labels_only)


def _network(model: str, tempos: bool) -> Predictor:
    from ser_acrnn.config import AS_SPOKEN, FIVE_TEMPOS
    from ser_acrnn.inference.predictor import Predictor

    return Predictor(model, tempos=FIVE_TEMPOS if tempos else AS_SPOKEN)


def _known(predictor: Predictor, truth: Truth) -> DataFrame:
    """The labels in the network's own words."""
    from ser_acrnn.evaluation import predictions_table

    return predictions_table.read_labels(truth.labels, emotions=predictor.emotions, columns=truth.by, mapping=truth.mapping).frame


def _of_network(predictor: Predictor, truth: Truth, known: DataFrame, adapt: bool) -> tuple[Evaluation, DataFrame, list[str]]:
    """What a network is worth on the recordings that can be used, what it says of them, and what is wrong with the others."""
    from pandas import DataFrame

    from ser_acrnn.data.corpus import CorpusError, read_csv
    from ser_acrnn.evaluation import evaluating

    utterances = read_csv(truth.labels)
    said: list[dict[str, Any]] = []
    problems: list[str] = []
    enrolled = ""
    for utterance in Progress(len(utterances), predictor.name).over(utterances):
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
        raise CorpusError(f"{truth.labels}: no recording can be used: {'; '.join(problems)}")
    predictions = DataFrame(said)
    judged = known[known["path"].isin(predictions["path"])]
    found = evaluating.evaluate(predictions, judged, by=truth.by, emotions=predictor.emotions, labels_only=truth.labels_only)
    return found, predictions, problems


def _shown(found: dict[str, Evaluation], as_json: bool, as_csv: bool) -> str:
    """One evaluation, or two and their difference."""
    from ser_acrnn.evaluation import paired

    (name, first), *others = found.items()
    if as_csv:
        import pandas as pd

        frames = [one.to_frame() if not others else one.to_frame().assign(of=of) for of, one in found.items()]
        return pd.concat(frames).to_csv(index=False).rstrip("\n")
    pairs = [(other, second, paired.compare(first, second)) for other, second in others]
    if as_json:
        facts = first.to_dict()
        for other, second, difference in pairs:
            facts |= {"of": name, "against": {"of": other, **second.to_dict()}, "difference": difference.to_dict()}
        return json.dumps(facts)
    text = [first.to_markdown()]
    for other, second, difference in pairs:
        text = [f"{name}:\n\n{text[0]}", f"{other}:\n\n{second.to_markdown()}", difference.to_markdown(name, other)]
    return "\n\n".join(text)
