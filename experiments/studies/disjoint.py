"""Adapted networks on recordings that they have not adapted to: kept networks hear some of a test speaker's, and judge the others.

python -m experiments.studies.disjoint --prepared build/data/emodb --source ../emodb --models build/models --trained best-by-utterance
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from data_prep import command
from experiments.catalogue import ablations, best
from experiments.grid.runs import Experiment, named_experiment
from experiments.options import GridOptions, Seeds, Source
from experiments.studies.checkpoints import check_network, recordings_of, scores_of
from ser_acrnn import audio
from ser_acrnn.cli.progress import Progress
from ser_acrnn.config import Preset, TrainConfig
from ser_acrnn.evaluation.results import RunResult

PARTS = 5  # of a speaker's recordings, where a number of others is heard


def heard_and_scored(way: str, recordings: int, seed: Sequence[int]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Numbers of the recordings that are heard, and of others that are then judged; each is judged once.

    Args:
        way: `"speaker-halves"`: one half of them, drawn at random, and the other; `"speaker-8"` and the like: so many, drawn from all but
            a fifth, or all but that fifth where these are fewer, and that fifth.
        recordings: How many there are, two or more.
        seed: The seed of the draws.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(recordings)
    if way == "speaker-halves":
        first, second = np.array_split(order, 2)
        return [(np.sort(first), np.sort(second)), (np.sort(second), np.sort(first))]
    number, found = int(way.removeprefix("speaker-")), []
    for judged in filter(len, np.array_split(order, PARTS)):
        others = np.setdiff1d(order, judged)
        found.append((np.sort(rng.choice(others, min(number, len(others)), replace=False)), np.sort(judged)))
    return found


def score(network: Path, result: RunResult, recordings: dict[str, Path], ways: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Scores of a run's test utterances, `(utterances, emotions)`, in each way.

    Raises:
        ValueError: The network is not the one that the result is of.
    """
    from ser_acrnn.inference.predictor import Predictor

    predictor = Predictor(network, tempos=TrainConfig.from_dict(result.config["training"]).judging_tempos)
    rate = predictor.preprocessor.features.sampling_rate_hertz
    waveforms = [audio.load(recordings[utterance["id"]], rate) for utterance in result.utterances]
    if predictor.preprocessor.scope == "speaker":
        predictor.enrol(waveforms, rate, adapt=False)
    check_network(network, result, scores_of(predictor, waveforms))
    found = {}
    for way in ways:
        scores = np.full((len(waveforms), len(result.emotions)), np.nan)
        for heard, judged in heard_and_scored(way, len(waveforms), [result.seed, *result.fold["test"].encode()]):
            predictor.enrol([waveforms[index] for index in heard], rate)
            scores[judged] = scores_of(predictor, [waveforms[index] for index in judged])
        found[way] = scores
    return found


@command.entry
def main(
    options: GridOptions,
    trained: Annotated[str, typer.Option(help=f"the system whose networks are there: one of {', '.join(best.ADAPTED)}")],
    source: Source,
    seeds: Seeds = "0",
) -> None:
    """Judges all folds and seeds that lack a result, and says how many results that gave.

    Raises:
        ValueError: A result, a network or a recording is missing or is another one, or the system has no adapted counterpart.
    """
    if options.models is None or trained not in best.ADAPTED:
        raise ValueError(f"--models is {options.models}, --trained {trained}, expected the networks of one of {list(best.ADAPTED)}")
    before = named_experiment(options, trained)
    again = [named_experiment(options, f"{best.ADAPTED[trained]}.{change}") for change in ablations.DISJOINT]
    recordings, made = recordings_of(before.corpus.manifest, source), 0
    runs = list(product(seeds, range(len(before.folds))))
    for seed, fold in Progress(len(runs), trained, "runs").over(runs):
        missing = [one for one in again if not one.finished(one.run(fold, seed), options.results)]
        if missing:
            _score_run(before, missing, fold, seed, recordings, options)
            made += len(missing)
    print(f"{made} results of {best.ADAPTED[trained]}: {', '.join(ablations.DISJOINT)}")


def _score_run(
    trained: Experiment, again: Sequence[Experiment], fold: int, seed: int, recordings: dict[str, Path], options: GridOptions
) -> None:
    run = trained.run(fold, seed)
    network, path = run.file(options.models, ".keras"), run.file(options.results)
    if absent := [str(file) for file in (network, path) if not file.is_file()]:
        raise ValueError(f"missing: {', '.join(absent)}; expected the finished runs of {trained.system} and their networks")
    result = RunResult.load_checked(path, trained.split)
    ways = {one.system: one.preset.training.judging_batch_norm for one in again}
    found = score(network, result, recordings, list(ways.values()))
    for one in again:
        assert isinstance(one.preset, Preset)
        settled = replace(one.preset, training=replace(one.preset.training, precision=result.precision))
        utterances = [
            {**utterance, "posteriors": [round(float(value), 6) for value in row]}
            for utterance, row in zip(result.utterances, found[ways[one.system]], strict=True)
        ]
        replace(result, system=one.system, utterances=utterances, config=settled.to_dict()).save(one.run(fold, seed).file(options.results))


if __name__ == "__main__":
    sys.exit(main())
