"""openSMILE's functionals and a linear support vector machine on a corpus's folds: a result a fold; finished ones are skipped.

python -m experiments.studies.opensmile_svm --prepared build/data/emodb --source ../emodb
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import sklearn
from numpy.typing import NDArray

from experiments import catalogue
from experiments.catalogue import baselines
from experiments.grid.runs import Experiment, corpus_name, split_corpus
from experiments.jobs.job import run_command
from experiments.jobs.locks import lock
from experiments.studies import linear_svm
from experiments.studies.checkpoints import recordings_of
from experiments.studies.functionals import functionals_of, opensmile_extractor
from ser_acrnn import __version__
from ser_acrnn.data.prepared import DatasetError
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.evaluation.protocol import LEAKY_RANDOM, LEAVE_ONE_SPEAKER_OUT, SPEAKER_AND_TEXTS, check_leaks
from ser_acrnn.evaluation.results import RunResult

PROTOCOLS = (LEAVE_ONE_SPEAKER_OUT, "leave-one-session-out", "leave-one-group-out", SPEAKER_AND_TEXTS, LEAKY_RANDOM)
SEED = 0  # nothing is drawn: one run a fold


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code: 0 when all results are there, 75 when another process computes them, 1 for anything else."""
    parser = argparse.ArgumentParser(prog="python -m experiments.studies.opensmile_svm", description=str(__doc__).split("\n\n")[0])
    parser.add_argument("--prepared", type=Path, required=True, help="a prepared corpus of any recipe: its folder, or a packed .npz")
    parser.add_argument("--source", type=Path, required=True, help="folder of the corpus's audio")
    parser.add_argument(
        "--system", default=",".join(baselines.SYSTEMS), help="rows of the tables, separated by commas (default: %(default)s)"
    )
    parser.add_argument("--protocol", choices=PROTOCOLS, help="what a fold leaves out (default: the corpus's own)")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of the result files (default: %(default)s)")
    parser.add_argument("--work", type=Path, default=Path("build/work"), help="folder that keeps the functionals (default: %(default)s)")
    return run_command(run, parser.parse_args(arguments))


def run(options: argparse.Namespace) -> None:
    """Computes the results that are not there yet.

    Raises:
        LockedError: Another process computes them.
        ValueError: They cannot be computed; the message names file, value and expectation.
    """
    facts = catalogue.corpus(corpus_name(options.prepared))
    systems = options.system.split(",")
    if unknown := [system for system in systems if system not in baselines.SYSTEMS]:
        raise ValueError(f"--system names {unknown}, expected some of {list(baselines.SYSTEMS)}")
    with lock(options.work / f"{facts.name}.opensmile-svm.lock"):
        for system in systems:
            preset = baselines.SYSTEMS[system]
            preset = replace(preset, model=replace(preset.model, emotions=facts.emotions))
            _run(split_corpus(options.prepared, facts, system, preset, options.protocol), options)


def _run(experiment: Experiment, options: argparse.Namespace) -> None:
    runs = [experiment.run(fold, SEED) for fold in range(len(experiment.folds))]
    missing = [one for one in runs if not experiment.finished(one, options.results)]
    if len(missing) < len(runs):
        print(f"{experiment.system}: {len(runs) - len(missing)} of {len(runs)} results are already there")
    if not missing:
        return
    manifest, config = experiment.corpus.manifest, experiment.preset.features
    recordings = recordings_of(manifest, options.source)
    extractor = opensmile_extractor(config)
    files = [(row.sha256, recordings[row.utterance]) for row in manifest.itertuples()]
    vectors = functionals_of(files, config, extractor, options.work / "functionals")
    experiment.settle_manifest(options.results)
    for one in missing:
        result = scored(experiment, one, vectors, extractor.program)
        result.save(one.file(options.results))
        print(f"{one.file(options.results)}: complexity {result.chosen['complexity']:g}, {result.wall_seconds:.0f} s")


def scored(experiment: Experiment, run: Run, vectors: NDArray[np.float32], program: str) -> RunResult:
    """Chooses the complexity and fits the machine on all speakers of a fold but the test speaker, then scores that one.

    Args:
        experiment: A system of `experiments.catalogue.baselines` on a corpus.
        run: Which.
        vectors: The functionals of each row of the corpus's manifest, shape `(recordings, functionals)`.
        program: What computed them.

    Raises:
        DatasetError: A recording has an emotion that the corpus's entry does not name.
        LeakError: A speaker, an utterance or identical audio is in two parts of the fold.
    """
    from ser_acrnn.training.devices import place

    started = time.perf_counter()
    corpus, preset, fold = experiment.corpus_of(run.fold), experiment.preset, run.fold.without_validation()
    rows = corpus.manifest.assign(group=corpus.group)
    named = rows[["utterance", "group", "speaker", "sha256"]].itertuples(index=False)
    check_leaks(fold, named, speakers=experiment.protocol != LEAKY_RANDOM)
    if strange := sorted(set(rows["emotion"]) - set(preset.model.emotions)):
        raise DatasetError(f"{experiment.corpus.name}: has the emotions {strange}, expected some of {list(preset.model.emotions)}")
    emotions = np.array([preset.model.emotions.index(emotion) for emotion in rows["emotion"]])
    train, test = rows["group"].isin(fold.train).to_numpy(), (rows["group"] == fold.test).to_numpy()
    if preset.model.normalisation == "speaker":
        vectors = linear_svm.normalised_by_speaker(vectors, rows["speaker"].to_numpy())
    machine = linear_svm.fitted(vectors[train], emotions[train], rows["group"].to_numpy()[train], preset.model)
    said = linear_svm.scores(machine, vectors[test], len(preset.model.emotions))
    return RunResult(
        corpus=experiment.corpus.name,
        system=experiment.system,
        fold={"train": list(fold.train), "validation": None, "test": fold.test},
        seed=run.seed,
        emotions=list(preset.model.emotions),
        utterances=[
            {"id": row.utterance, "emotion": row.emotion, "posteriors": [round(float(value), 6) for value in scores]}
            for row, scores in zip(rows[test].itertuples(), said, strict=True)
        ],
        chosen_epoch=1,
        validation_curve=[],
        recipe_hash=preset.features.recipe_hash,
        config=preset.to_dict(),
        version=__version__,
        backend=f"scikit-learn {sklearn.__version__}, {program}",
        device=place("cpu", 1).description,
        precision=preset.training.precision,
        wall_seconds=round(time.perf_counter() - started, 2),
        protocol=experiment.protocol,
        chosen={"complexity": machine.best_params_["machine__C"], "uar_of_training_speakers": round(float(machine.best_score_), 6)},
    )


if __name__ == "__main__":
    sys.exit(main())
