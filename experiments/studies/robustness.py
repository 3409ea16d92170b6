"""How a system bears noise, telephone, coding and reverberation: its kept networks judge their test speakers' degraded recordings.

python -m experiments.grid.run_grid --prepared build/data/emodb --system lite-by-utterance --seeds 0 --models build/models
python -m experiments.studies.robustness --prepared build/data/emodb --system lite-by-utterance --source ../emodb --models build/models
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_prep import command
from experiments import catalogue
from experiments.grid.runs import named_experiment
from experiments.studies.checkpoints import KeptOptions, check_network, kept_runs, recordings_of, scores_of, show, write
from ser_acrnn import audio
from ser_acrnn.checking.degradations import DEGRADATIONS
from ser_acrnn.cli.progress import Progress
from ser_acrnn.config import TrainConfig
from ser_acrnn.evaluation import metrics, report
from ser_acrnn.evaluation.ensembles import averaged
from ser_acrnn.evaluation.intervals import around, rate_interval
from ser_acrnn.evaluation.results import RunResult

FOLDER = "robustness"  # below a corpus's results
COLUMNS = ["condition", "speaker", "utterance", "emotion", "decision"]


def score_fold(members: Sequence[tuple[Path, RunResult]], recordings: dict[str, Path]) -> pd.DataFrame:
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
        decisions = np.full(len(result.utterances), "", object)  # nothing is said of what a network refuses, such as speech below noise
        heard = ~np.isnan(scores).any(axis=(0, 2))
        if heard.any():
            decisions[heard] = np.array(result.emotions)[averaged(scores[:, heard]).argmax(axis=1)]
        names = [utterance["id"] for utterance in result.utterances]
        tables.append(pd.DataFrame(dict(zip(COLUMNS, (condition, result.fold["test"], names, result.truth, decisions), strict=True))))
    return pd.concat(tables)


def _posteriors(network: Path, result: RunResult, recordings: dict[str, Path]) -> NDArray[np.float64]:
    """What a network says of each utterance under each condition, `(conditions, utterances, emotions)`."""
    from ser_acrnn.inference.predictor import Predictor

    training = TrainConfig.from_dict(result.config["training"])
    adapt = training.judging_batch_norm == "speaker"
    predictor = Predictor(network, tempos=training.judging_tempos)
    rate = predictor.preprocessor.features.sampling_rate_hertz
    names = [utterance["id"] for utterance in result.utterances]
    clean = [audio.load(recordings[name], rate) for name in names]
    found = []
    for condition, degrade in DEGRADATIONS.items():
        seeds = [zlib.crc32(f"{condition} {name}".encode()) for name in names]
        waveforms = [degrade(waveform, np.random.default_rng(seed)) for waveform, seed in zip(clean, seeds, strict=True)]
        if adapt or predictor.preprocessor.scope == "speaker":
            predictor.enrol(waveforms, rate, adapt=adapt, on_unusable=lambda error: None)
        found.append(scores_of(predictor, waveforms))
    check_network(network, result, found[0])
    return np.array(found)


def table(root: Path, folder: str) -> str:
    """UAR under each condition of all systems that were judged so, as Markdown; empty where none was."""
    found = {path.stem: pd.read_csv(path, dtype=str, keep_default_na=False) for path in sorted((root / folder / FOLDER).glob("*.csv"))}
    if not found:
        return ""
    systems = catalogue.order(found)
    names = titles_with_folds({system: found[system]["speaker"].nunique() for system in systems})
    rows = []
    for condition in DEGRADATIONS:
        cells = []
        for system in systems:
            judged = found[system][found[system]["condition"] == condition]
            folds = [100 * metrics.unweighted_average_recall(part["emotion"], part["decision"]) for _, part in judged.groupby("speaker")]
            cells.append(around(np.mean(folds), *rate_interval(folds, 100)) if folds else "")
        rows.append([condition, *cells])
    return report.markdown_table(["UAR, mean over folds (95 % interval)", *(names[system] for system in systems)], rows)


def titles_with_folds(folds: Mapping[str, int]) -> dict[str, str]:
    """Titles of systems, which say so where a system has been judged on fewer folds than another."""
    titles, most = catalogue.titles(list(folds)), max(folds.values())
    return {system: titles[system] + (f" ({number} of {most} folds)" if number < most else "") for system, number in folds.items()}


@command.entry
def main(options: KeptOptions) -> None:
    """Judges, and prints the table."""
    show(run(options), table, options.results)


def run(options: KeptOptions) -> Path:
    """Judges every fold, and returns the file that holds all decisions.

    Raises:
        ValueError: A result, a network or a recording is missing or is another one.
    """
    members = [named_experiment(options, system) for system in catalogue.trained([options.system])]
    folds = kept_runs(members, options)
    recordings = recordings_of(members[0].corpus.manifest, options.source)
    judged = [score_fold(fold, recordings) for fold in Progress(len(folds), options.system, "folds").over(folds)]
    return write(judged, options.results / members[0].folder / FOLDER / f"{options.system}.csv")


if __name__ == "__main__":
    sys.exit(main())
