"""openSMILE's functionals and a linear support vector machine on a corpus's folds: a result a fold; finished ones are skipped.

python -m experiments.studies.opensmile_svm --prepared build/data/emodb --source ../emodb
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import sklearn
import typer
from numpy.typing import NDArray

from data_prep import command
from experiments import catalogue
from experiments.catalogue import baselines
from experiments.grid.runs import Experiment, corpus_name, split_corpus
from experiments.options import RESULTS, WORK, FunctionalsWork, Results, Source
from experiments.studies.checkpoints import recordings_of
from ser_acrnn import __version__
from ser_acrnn.auditing import linear_svm
from ser_acrnn.cli.progress import Progress
from ser_acrnn.data.prepared import DatasetError
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.evaluation.protocol import LEAKY_RANDOM, LEAVE_ONE_SPEAKER_OUT, SPEAKER_AND_TEXTS, check_leaks
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.features.functionals import functionals_of, opensmile_extractor
from ser_acrnn.locks import lock

PROTOCOLS = (LEAVE_ONE_SPEAKER_OUT, "leave-one-session-out", "leave-one-group-out", SPEAKER_AND_TEXTS, LEAKY_RANDOM)
SEED = 0  # nothing is drawn: one run a fold


def run(
    prepared: Annotated[Path, typer.Option(help="a prepared corpus of any recipe: its folder, or a packed .npz")],
    source: Source,
    system: Annotated[str, typer.Option(help="rows of the tables, separated by commas")] = ",".join(baselines.SYSTEMS),
    protocol: Annotated[Literal[*PROTOCOLS] | None, typer.Option(help="what a fold leaves out (default: the corpus's own)")] = None,
    results: Results = RESULTS,
    work: FunctionalsWork = WORK,
) -> None:
    """Computes the results that are not there yet; exit code 75 when another process computes them.

    Raises:
        LockedError: Another process computes them.
        ValueError: They cannot be computed; the message names file, value and expectation.
    """
    facts = catalogue.corpus(corpus_name(prepared))
    systems = system.split(",")
    if unknown := [system for system in systems if system not in baselines.SYSTEMS]:
        raise ValueError(f"--system names {unknown}, expected some of {list(baselines.SYSTEMS)}")
    with lock(work / f"{facts.name}.opensmile-svm.lock"):
        for system in systems:
            preset = baselines.SYSTEMS[system]
            preset = replace(preset, model=replace(preset.model, emotions=facts.emotions))
            _run(split_corpus(prepared, facts, system, preset, protocol), source, results, work)


main = command.entry(run)


def _run(experiment: Experiment, source: Path, results: Path, work: Path) -> None:
    runs = [experiment.run(fold, SEED) for fold in range(len(experiment.folds))]
    missing = [one for one in runs if not experiment.finished(one, results)]
    if len(missing) < len(runs):
        print(f"{experiment.system}: {len(runs) - len(missing)} of {len(runs)} results are already there")
    if not missing:
        return
    manifest, config = experiment.corpus.manifest, experiment.preset.features
    recordings = recordings_of(manifest, source)
    extractor = opensmile_extractor(config)
    files = [(row.sha256, recordings[row.utterance]) for row in manifest.itertuples()]
    with Progress(None, config.feature_set, "recordings") as progress:
        vectors = functionals_of(files, config, extractor, work / "functionals", progress.update)
    experiment.settle_manifest(results)
    for one in missing:
        result = scored(experiment, one, vectors, extractor.program)
        result.save(one.file(results))
        print(f"{one.file(results)}: complexity {result.chosen['complexity']:g}, {result.wall_seconds:.0f} s")


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
