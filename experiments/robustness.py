"""How a system bears noise, telephone, coding and reverberation: its kept networks judge their test speakers' degraded recordings.

python -m experiments.run_grid --prepared build/data/emodb --system lite-by-utterance --seeds 0 --models build/models
python -m experiments.robustness --prepared build/data/emodb --system lite-by-utterance --source ../emodb --models build/models
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from experiments import catalogue
from experiments.degradations import DEGRADATIONS
from experiments.runs import Experiment, add_arguments, open_experiment
from ser_acrnn import audio, metrics, report
from ser_acrnn.config import TrainConfig
from ser_acrnn.ensembles import averaged
from ser_acrnn.results import RunResult

FOLDER = "robustness"  # below a corpus's results
COLUMNS = ["condition", "speaker", "utterance", "emotion", "decision"]


def judge_fold(members: Sequence[tuple[Path, RunResult]], recordings: dict[str, Path]) -> pd.DataFrame:
    """Judges one test speaker's recordings under each condition.

    A network that adapts to the speaker, or normalises by one, is given that speaker's audio in the same condition.

    Args:
        members: The fold's networks that judge together, `.keras` files, each with what its run left.
        recordings: File of each test utterance.

    Returns:
        The columns `COLUMNS`.

    Raises:
        ValueError: A network is not the one that its result is of: it decides otherwise on the recordings as they are.
    """
    result = members[0][1]
    posteriors = np.array([_posteriors(network, run, recordings) for network, run in members])
    tables = []
    for condition, scores in zip(DEGRADATIONS, posteriors.swapaxes(0, 1), strict=True):
        decisions = [result.emotions[index] for index in averaged(scores).argmax(axis=1)]
        names = [utterance["id"] for utterance in result.utterances]
        tables.append(pd.DataFrame(dict(zip(COLUMNS, (condition, result.fold["test"], names, result.truth, decisions), strict=True))))
    return pd.concat(tables)


def _posteriors(network: Path, result: RunResult, recordings: dict[str, Path]) -> NDArray[np.float64]:
    """What a network says of each utterance under each condition, `(conditions, utterances, emotions)`."""
    from ser_acrnn.models import segment_posteriors
    from ser_acrnn.predictor import Predictor

    training = TrainConfig.from_dict(result.config["training"])
    adapt = training.judging_batch_norm == "speaker"
    predictor = Predictor(network, tempos=training.judging_tempos)
    rate = predictor.features.sampling_rate_hertz
    names = [utterance["id"] for utterance in result.utterances]
    clean = [audio.load(recordings[name], rate) for name in names]
    found = []
    for condition, degrade in DEGRADATIONS.items():
        seeds = [zlib.crc32(f"{condition} {name}".encode()) for name in names]
        waveforms = [degrade(waveform, np.random.default_rng(seed)) for waveform, seed in zip(clean, seeds, strict=True)]
        if adapt or predictor.scope == "speaker":
            predictor.enrol(waveforms, adapt=adapt)
        segments = [predictor.segments(waveform) for waveform in waveforms]
        owners = np.repeat(np.arange(len(names)), [len(part) for part in segments])
        found.append(
            metrics.utterance_posteriors(segment_posteriors(predictor.model, np.concatenate(segments), tempos=predictor.tempos), owners)
        )
    as_recorded = [result.emotions[index] for index in found[0].argmax(axis=1)]
    differing = sum(mine != its for mine, its in zip(as_recorded, result.decisions, strict=True))
    if differing > 0.01 * len(names):  # a rounding error may turn a tie
        raise ValueError(
            f"{network}: decides otherwise on {differing} of {len(names)} utterances than the run's result, expected its network"
        )
    return np.array(found)


def table(root: Path, folder: str) -> str:
    """UAR under each condition of all systems that were judged so, as Markdown; empty where none was."""
    found = {path.stem: pd.read_csv(path, dtype=str) for path in sorted((root / folder / FOLDER).glob("*.csv"))}
    if not found:
        return ""
    systems = catalogue.order(found)
    names = catalogue.titles(systems)
    rows = []
    for condition in DEGRADATIONS:
        cells = []
        for system in systems:
            judged = found[system][found[system]["condition"] == condition]
            folds = [100 * metrics.unweighted_average_recall(part["emotion"], part["decision"]) for _, part in judged.groupby("speaker")]
            low, high = metrics.bootstrap_interval(folds, np.arange(len(folds))) if len(folds) > 1 else (np.nan, np.nan)
            cells.append(f"{np.mean(folds):.1f} ({low:.1f} to {high:.1f})" if folds else "")
        rows.append([condition, *cells])
    return report.markdown_table(["UAR, mean over folds (95 % interval)", *(names[system] for system in systems)], rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m experiments.robustness", description=str(__doc__).split("\n\n")[0])
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


def run(options: argparse.Namespace) -> Path:
    """Judges every fold, and returns the file that holds all decisions.

    Raises:
        ValueError: A result, a network or a recording is missing or is another one.
    """
    members = [open_experiment(options, system) for system in catalogue.trained([options.system])]
    folds = kept_runs(members, options)
    recordings = recordings_of(members[0].corpus.manifest, options.source)
    judged = [judge_fold(fold, recordings) for fold in tqdm(folds, desc=options.system, unit=" folds")]
    return write(judged, options.results / members[0].key(0, options.seed).folder / FOLDER / f"{options.system}.csv")


def write(tables: Sequence[pd.DataFrame], path: Path) -> Path:
    """Writes tables one below the other, and returns the path; the file appears when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    pd.concat(tables).to_csv(partial, index=False)
    partial.replace(path)
    return path


def kept_runs(members: Sequence[Experiment], options: argparse.Namespace) -> list[list[tuple[Path, RunResult]]]:
    """For each fold the members' networks that the grid kept, of the seed that the options name, each with what its run left.

    Raises:
        ValueError: A result or a network is missing.
    """
    if options.models is None:
        raise ValueError("--models is missing, expected the folder that the grid kept its networks in")
    folds = [[member.key(fold, options.seed) for member in members] for fold in range(len(members[0].folds))]
    files = [[(key.file(options.models, ".keras"), key.file(options.results)) for key in keys] for keys in folds]
    missing = [str(path) for fold in files for pair in fold for path in pair if not path.is_file()]
    if missing:
        raise ValueError(f"missing: {', '.join(missing)}; expected the finished runs of all folds and their networks")
    return [[(network, RunResult.load(result)) for network, result in fold] for fold in files]


def recordings_of(manifest: pd.DataFrame, source: Path) -> dict[str, Path]:
    """File of each utterance, each the one that was prepared."""
    files = {}
    for row in manifest.itertuples():
        files[row.utterance] = path = source / str(row.path)
        if not path.is_file():
            raise ValueError(f"{path}: no such file, expected the corpus's recordings below {source}")
        if hashlib.sha256(path.read_bytes()).hexdigest() != row.sha256:
            raise ValueError(f"{path}: is another recording than the prepared one, expected the sha256 {row.sha256}")
    return files


if __name__ == "__main__":
    sys.exit(main())
