"""Networks that the grid kept, judging recordings again: the options of commands that do so, their files, and the recordings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from experiments import catalogue
from experiments.grid.runs import Experiment
from experiments.options import GridOptions, Source
from ser_acrnn import audio, files
from ser_acrnn.evaluation import metrics
from ser_acrnn.evaluation.results import RunResult

if TYPE_CHECKING:  # heavy, and not needed for --help
    from ser_acrnn.inference.predictor import Predictor


@dataclass(frozen=True, kw_only=True)
class KeptOptions(GridOptions):
    """Which kept networks, and what they judge."""

    system: Annotated[str, typer.Option(help="row of the tables")]
    seed: Annotated[int, typer.Option(min=0, help="of the networks")] = 0
    folds: Annotated[
        Sequence[int] | None,
        typer.Option(parser=catalogue.number_list, metavar="LIST", help="some folds alone, such as 0-2 (default: all)"),
    ] = None
    source: Source


def show(path: Path, table: Callable[[Path, str], str], results: Path) -> None:
    """Prints the file of all decisions, `<results>/<folder>/<kind>/<system>.csv`, and the table of all of its kind."""
    print(f"{path}\n\n{table(results, path.parent.parent.name)}")


def write(tables: Sequence[pd.DataFrame], path: Path) -> Path:
    """Writes tables one below the other, and returns the path; the file appears when it is complete."""
    with files.replacing(path) as partial:
        pd.concat(tables).to_csv(partial, index=False)
    return path


def kept_runs(members: Sequence[Experiment], options: KeptOptions) -> list[list[tuple[Path, RunResult]]]:
    """For each fold the members' networks that the grid kept, of the seed that the options name, each with what its run left.

    Raises:
        ResultError: A result cannot be right.
        ValueError: A result or a network is missing, or there is no such fold.
    """
    if options.models is None:
        raise ValueError("--models is missing, expected the folder that the grid kept its networks in")
    number = len(members[0].folds)
    chosen = range(number) if options.folds is None else options.folds
    if beyond := [fold for fold in chosen if not 0 <= fold < number]:
        raise ValueError(f"--folds names {beyond}, expected numbers from 0 to {number - 1}")
    folds = [[member.run(fold, options.seed) for member in members] for fold in chosen]
    pairs = [[(run.file(options.models, ".keras"), run.file(options.results)) for run in runs] for runs in folds]
    missing = [str(path) for fold in pairs for pair in fold for path in pair if not path.is_file()]
    if missing:
        raise ValueError(f"missing: {', '.join(missing)}; expected finished runs and their networks")
    split = members[0].split
    return [[(network, RunResult.load_checked(result, split)) for network, result in fold] for fold in pairs]


def recordings_of(manifest: pd.DataFrame, source: Path) -> dict[str, Path]:
    """File of each utterance, each the one that was prepared."""
    found = {}
    for row in manifest.itertuples():
        found[row.utterance] = path = source / str(row.path)
        if not path.is_file():
            raise ValueError(f"{path}: no such file, expected the corpus's recordings below {source}")
        if files.sha256(path) != row.sha256:
            raise ValueError(f"{path}: is another recording than the prepared one, expected the sha256 {row.sha256}")
    return found


def scores_of(predictor: Predictor, waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """What a network says of utterances at the predictor's tempos, shape `(utterances, emotions)`; NaN of one that it refuses."""
    from ser_acrnn.inference.batching import segment_posteriors

    segments, heard = [], []
    for number, waveform in enumerate(waveforms):
        try:
            segments.append(predictor.preprocessor.segments(waveform, predictor.preprocessor.features.sampling_rate_hertz))
            heard.append(number)
        except audio.AudioError:
            continue
    scores = np.full((len(waveforms), len(predictor.emotions)), np.nan)
    if segments:
        owners = np.repeat(np.arange(len(segments)), [len(part) for part in segments])
        posteriors = segment_posteriors(predictor.model, np.concatenate(segments), tempos=predictor.tempos)
        scores[heard] = metrics.utterance_posteriors(posteriors, owners)
    return scores


def check_network(network: Path, result: RunResult, scores: NDArray[np.float64]) -> None:
    """Makes sure that a network is its run's, by what it says of the test utterances.

    Raises:
        ValueError: It decides otherwise.
    """
    try:
        result.check_network([result.emotions[index] for index in scores.argmax(axis=1)])
    except ValueError as error:
        raise ValueError(f"{network}: {error}") from error
