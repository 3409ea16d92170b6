"""How much of a speaker has to be heard: kept networks adapt to some recordings of their test speaker and judge the other ones.

python -m experiments.studies.enrolment --prepared build/data/emodb --system lite-by-utterance --source ../emodb --models build/models
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_prep import command
from experiments import catalogue
from experiments.grid.runs import named_experiment
from experiments.studies.checkpoints import KeptOptions, check_network, kept_runs, recordings_of, scores_of, show, write
from ser_acrnn import audio
from ser_acrnn.cli.progress import Progress
from ser_acrnn.config import TrainConfig
from ser_acrnn.evaluation import metrics, report
from ser_acrnn.evaluation.intervals import TESTED, Difference, around, compared, family, rate_interval
from ser_acrnn.evaluation.results import RunResult

FOLDER = "enrolment"  # below a corpus's results
COLUMNS = ["heard", "draw", "speaker", "utterance", "emotion", "decision", "before"]
NUMBERS = (1, 2, 4, 8, 16)
ONE_MOOD = "neutral"
DRAWS = 5
HEADS = ["network", "recordings heard", "UAR", "beside", "difference", *TESTED]  # of the table


def score_fold(network: Path, result: RunResult, recordings: dict[str, Path]) -> pd.DataFrame:
    """Judges a test speaker's recordings by a network that has adapted to others of the same speaker, without labels.

    Args:
        network: The fold's network, a `.keras` file.
        result: What its run left.
        recordings: File of each test utterance.

    Returns:
        The columns `COLUMNS`: `heard` is how many recordings the network adapted to, drawn at random `DRAWS` times, or `ONE_MOOD`, all
        of that emotion; `before` is the decision without adaptation, empty where the network normalises by the speaker.

    Raises:
        ValueError: The network is not the one that the result is of.
    """
    from ser_acrnn.inference.predictor import Predictor

    training = TrainConfig.from_dict(result.config["training"])
    predictor = Predictor(network, tempos=training.judging_tempos)
    names, truth = [utterance["id"] for utterance in result.utterances], np.array(result.truth)
    rate = predictor.preprocessor.features.sampling_rate_hertz
    waveforms = [audio.load(recordings[name], rate) for name in names]
    emotions, everything = np.array(result.emotions), np.arange(len(names))
    adapt = training.judging_batch_norm == "speaker"
    unadapted = None if predictor.preprocessor.scope == "speaker" else scores_of(predictor, waveforms)
    before = np.full(len(names), "") if unadapted is None else emotions[unadapted.argmax(axis=1)]
    if adapt or unadapted is None:
        predictor.enrol(waveforms, rate, adapt=adapt)
        check_network(network, result, scores_of(predictor, waveforms))
    else:
        check_network(network, result, unadapted)
    tables = []
    for heard, draw, chosen in _drawn(truth, result.fold["test"]):
        predictor.enrol([waveforms[index] for index in chosen], rate)
        others = np.setdiff1d(everything, chosen)
        decisions = emotions[scores_of(predictor, [waveforms[index] for index in others]).argmax(axis=1)]
        columns = (heard, draw, result.fold["test"], np.array(names)[others], truth[others], decisions, before[others])
        tables.append(pd.DataFrame(dict(zip(COLUMNS, columns, strict=True))))
    return pd.concat(tables)


def _drawn(truth: NDArray[np.str_], speaker: str) -> Iterator[tuple[str, int, NDArray[np.int64]]]:
    """What is heard: its name, the number of the draw, and the recordings."""
    for number in NUMBERS:
        for draw in range(DRAWS):
            rng = np.random.default_rng([number, draw, *speaker.encode()])
            yield str(number), draw, rng.choice(len(truth), min(number, len(truth) - 1), replace=False)
    if ONE_MOOD in truth:
        yield ONE_MOOD, 0, np.flatnonzero(truth == ONE_MOOD)


def table(root: Path, folder: str) -> str:
    """UAR on what was not heard by how much was, as Markdown, all differences one family; empty where nothing was judged so.

    Beside it stands the same network without adaptation. A network that normalises by the speaker knows no other way: beside it stands its
    counterpart that normalises by the utterance, which heard and judged the same recordings.
    """
    found = {path.stem: pd.read_csv(path, dtype=str, keep_default_na=False) for path in sorted((root / folder / FOLDER).glob("*.csv"))}
    rows, differences = {}, {}
    for system, title in catalogue.titles(catalogue.order(found)).items():
        counterpart = _counterpart(system)
        other, column, words = (counterpart, "decision", counterpart) if counterpart in found else (system, "before", "not adapted")
        for heard in (*map(str, NUMBERS), ONE_MOOD):
            after, beside = (
                _by_speaker(judged[judged["heard"] == heard], decided)
                for judged, decided in ((found[system], "decision"), (found[other], column))
            )
            if after.empty:
                continue
            if not (shared := (after - beside).dropna()).empty:
                differences[system, heard] = Difference.over(shared)
            name = heard if heard.isdigit() else f"all {heard} ones"
            rows[system, heard] = [title, name, around(after.mean(), *rate_interval(after, 100)), "" if shared.empty else words]
    corrected = dict(zip(differences, family([*differences.values()]), strict=True))
    return report.markdown_table(HEADS, [[*row, *compared(corrected.get(place))] for place, row in rows.items()]) if rows else ""


def _counterpart(system: str) -> str:
    """The same network, but normalised by the utterance; empty where that has no meaning."""
    return system.replace("by-speaker", "by-utterance") if "by-speaker" in system else ""


def _by_speaker(judged: pd.DataFrame, column: str) -> pd.Series:
    """UAR in percent of what a column decides, of each speaker the mean over draws; without speakers of whom nothing was decided."""
    decided = judged[judged[column] != ""]
    uar = {
        key: 100 * metrics.unweighted_average_recall(draw["emotion"], draw[column]) for key, draw in decided.groupby(["speaker", "draw"])
    }
    return pd.Series(uar, dtype=float).groupby(level=0).mean() if uar else pd.Series(dtype=float)


@command.entry
def main(options: KeptOptions) -> None:
    """Judges, and prints the table."""
    show(run(options), table, options.results)


def run(options: KeptOptions) -> Path:
    """Judges every fold, and returns the file that holds all decisions.

    Raises:
        ValueError: A result, a network or a recording is missing or is another one.
    """
    experiment = named_experiment(options, options.system)
    recordings = recordings_of(experiment.corpus.manifest, options.source)
    kept = kept_runs([experiment], options)
    folds = Progress(len(kept), options.system, "folds").over(kept)
    judged = [score_fold(network, result, recordings) for ((network, result),) in folds]
    return write(judged, options.results / experiment.folder / FOLDER / f"{options.system}.csv")


if __name__ == "__main__":
    sys.exit(main())
