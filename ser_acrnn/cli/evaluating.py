"""`evaluate`: a network against recordings whose emotions are known."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ser_acrnn.cli.failures import named
from ser_acrnn.cli.judging import DEFAULT_MODEL, Model, Tempos
from ser_acrnn.cli.quiet import quiet

Labels = Annotated[Path, typer.Option(help="CSV with the columns path, speaker, emotion; paths are relative to it.")]

Adapt = Annotated[bool, typer.Option("--adapt", help="Adapt the network to each speaker's own recordings, without their emotions.")]


def add_to(app: typer.Typer) -> None:
    """Adds the subcommand."""
    app.command(epilog="Example: ser-acrnn evaluate --labels mine.csv")(evaluate)


def evaluate(labels: Labels, model: Model = DEFAULT_MODEL, adapt: Adapt = False, tempos: Tempos = False) -> None:
    """Judge recordings whose emotions are known: recall, UAR, WA and confusion. A network that normalises by the speaker always adapts."""
    with named():
        with quiet():
            from tqdm import tqdm

            from ser_acrnn.config import AS_SPOKEN, FIVE_TEMPOS
            from ser_acrnn.data.corpus import CorpusError, read_csv
            from ser_acrnn.evaluation import metrics, report
            from ser_acrnn.evaluation.intervals import ends, t_interval
            from ser_acrnn.inference.predictor import Predictor

            predictor = Predictor(model, tempos=FIVE_TEMPOS if tempos else AS_SPOKEN)
        utterances = read_csv(labels)
        if strangers := sorted({utterance.emotion for utterance in utterances} - set(predictor.emotions)):
            raise CorpusError(f"{labels}: has the emotion(s) {strangers}, expected some of {list(predictor.emotions)}")
        truth, decisions, speakers, problems = [], [], [], []
        enrolled = ""
        for utterance in tqdm(utterances, unit=" files", disable=not sys.stderr.isatty()):
            try:
                if (adapt or predictor.preprocessor.scope == "speaker") and utterance.speaker != enrolled:
                    own = [other.path for other in utterances if other.speaker == utterance.speaker]
                    predictor.enrol(own, on_unusable=lambda error: None)  # it is named when its turn comes to be judged
                    enrolled = utterance.speaker
                decision = predictor.predict(utterance.path).emotion
            except ValueError as error:
                problems.append(str(error))
                continue
            truth.append(utterance.emotion)
            decisions.append(decision)
            speakers.append(utterance.speaker)
        if not truth:
            raise CorpusError(f"{labels}: no recording can be used: {'; '.join(problems)}")
    counts = metrics.confusion(truth, decisions, predictor.emotions)
    rows = [
        [emotion, str(row.sum()), f"{100 * row[number] / row.sum():.1f}", *map(str, row)]
        for number, (emotion, row) in enumerate(zip(predictor.emotions, counts, strict=True))
        if row.sum()
    ]
    typer.echo(report.markdown_table(["truth", "utterances", "recall, %", *predictor.emotions], rows))
    uar, accuracy = metrics.unweighted_average_recall(truth, decisions), metrics.weighted_accuracy(truth, decisions)
    by_speaker = ""
    if len(set(speakers)) > 1:
        each = [100 * _of_speaker(name, speakers, truth, decisions) for name in sorted(set(speakers))]
        interval = ends(*t_interval(each))
        by_speaker = f"; mean over {len(each)} speakers {sum(each) / len(each):.1f} %" + (
            f" (95 % interval {interval})" if interval else ""
        )
    typer.echo(f"\nUAR {100 * uar:.1f} %, WA {100 * accuracy:.1f} % of {len(truth)} utterances{by_speaker}")
    if problems:
        typer.echo(f"{len(problems)} recordings could not be used: {'; '.join(problems)}", err=True)
        raise typer.Exit(1)


def _of_speaker(name: str, speakers: list[str], truth: list[str], decisions: list[str]) -> float:
    from ser_acrnn.evaluation import metrics

    chosen = [index for index, speaker in enumerate(speakers) if speaker == name]
    return metrics.unweighted_average_recall([truth[index] for index in chosen], [decisions[index] for index in chosen])
