"""Networks that the grid kept, judging recordings again: the commands that do so, their files, and the recordings."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.grid.runs import Experiment, add_arguments
from ser_acrnn import files
from ser_acrnn.evaluation import metrics
from ser_acrnn.evaluation.results import RunResult

if TYPE_CHECKING:  # heavy, and not needed for --help
    from ser_acrnn.inference.predictor import Predictor


def command(
    module: str, purpose: str, run: Callable[[argparse.Namespace], Path], table: Callable[[Path, str], str], arguments: Sequence[str] | None
) -> int:
    """Runs a command on the kept networks of a system, and prints what it found; returns its exit code.

    Args:
        module: The module's name.
        purpose: What it does.
        run: Judges, and returns the file that holds all decisions, two folders below the results' root.
        table: Root and folder of the results -> the table.
        arguments: The command line.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=purpose)
    add_arguments(parser)
    parser.add_argument("--system", required=True, help="row of the tables")
    parser.add_argument("--seed", type=int, default=0, help="of the networks (default: %(default)s)")
    parser.add_argument("--source", type=Path, required=True, help="folder of the corpus's audio")
    options = parser.parse_args(arguments)
    try:
        path = run(options)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{path}\n\n{table(options.results, path.parent.parent.name)}")
    return 0


def write(tables: Sequence[pd.DataFrame], path: Path) -> Path:
    """Writes tables one below the other, and returns the path; the file appears when it is complete."""
    with files.replacing(path) as partial:
        pd.concat(tables).to_csv(partial, index=False)
    return path


def kept_runs(members: Sequence[Experiment], options: argparse.Namespace) -> list[list[tuple[Path, RunResult]]]:
    """For each fold the members' networks that the grid kept, of the seed that the options name, each with what its run left.

    Raises:
        ResultError: A result cannot be right.
        ValueError: A result or a network is missing.
    """
    if options.models is None:
        raise ValueError("--models is missing, expected the folder that the grid kept its networks in")
    folds = [[member.run(fold, options.seed) for member in members] for fold in range(len(members[0].folds))]
    pairs = [[(run.file(options.models, ".keras"), run.file(options.results)) for run in runs] for runs in folds]
    missing = [str(path) for fold in pairs for pair in fold for path in pair if not path.is_file()]
    if missing:
        raise ValueError(f"missing: {', '.join(missing)}; expected the finished runs of all folds and their networks")
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
    """What a network says of utterances at the predictor's tempos, shape `(utterances, emotions)`."""
    from ser_acrnn.inference.batching import segment_posteriors

    segments = [predictor.preprocessor.segments(waveform) for waveform in waveforms]
    owners = np.repeat(np.arange(len(segments)), [len(part) for part in segments])
    return metrics.utterance_posteriors(segment_posteriors(predictor.model, np.concatenate(segments), tempos=predictor.tempos), owners)


def check_network(network: Path, result: RunResult, scores: NDArray[np.float64]) -> None:
    """Makes sure that a network is its run's, by what it says of the test utterances.

    Raises:
        ValueError: It decides otherwise.
    """
    try:
        result.check_network([result.emotions[index] for index in scores.argmax(axis=1)])
    except ValueError as error:
        raise ValueError(f"{network}: {error}") from error
