"""openSMILE's functionals and a linear support vector machine across corpora; the training corpora alone choose its complexity."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from experiments.catalogue import baselines
from experiments.cross_corpus import results as found
from experiments.cross_corpus.recordings import SETS, Recording, emotions_of, shared
from experiments.cross_corpus.results import Cell
from experiments.studies import linear_svm
from experiments.studies.disjoint import heard_and_scored
from experiments.studies.functionals import Extractor, functionals_of
from ser_acrnn.evaluation import metrics
from ser_acrnn.evaluation.results import RunResult

# Beyond these, a machine of some thousand functionals separates its training recordings anyway.
COMPLEXITIES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
GROUPS = 5  # of the speakers of a single training corpus, which leave each other out
KEPT_AFTER = 64  # recordings, so that little is lost where a command is killed
Normalisation = Literal["training", "speaker"]
NORMALISATION: dict[str, Normalisation] = {"unadapted": "training", "halves": "speaker", "all": "speaker"}


def vectors_of(recordings: Sequence[Recording], config: baselines.FunctionalsConfig, extractor: Extractor, folder: Path) -> NDArray:
    """The functionals of recordings, each computed once and kept, in a file a corpus; shape `(recordings, functionals)`."""
    files = [(one.sha256, one.path) for one in recordings]
    for start in range(0, len(files), KEPT_AFTER):
        functionals_of(files[: start + KEPT_AFTER], config, extractor, folder)
    return functionals_of(files, config, extractor, folder)


def cells(judge: str, corpora: Mapping[str, Sequence[Recording]]) -> Iterator[Cell]:
    """Trained on each corpus and on all but the tested one, in all conditions, on four emotions and on those of the six that are shared."""
    for test in corpora:
        others = [name for name in corpora if name != test]
        for train in dict.fromkeys([*((name,) for name in others), tuple(sorted(others))]):
            emotions = {name: emotions_of(corpora[name]) for name in corpora}
            sets = {shared(wanted, [emotions[name] for name in train], emotions[test]) for wanted in SETS.values()}
            for wanted in sorted(sets, key=len):
                yield from (Cell(judge, condition, train, test, wanted) for condition in NORMALISATION)


def judged(
    cell: Cell, corpora: Mapping[str, Sequence[Recording]], vectors: Mapping[str, NDArray], preset: baselines.SvmPreset, program: str
) -> RunResult:
    """Trains and judges.

    Args:
        cell: Which result.
        corpora: Name -> recordings.
        vectors: Name -> their functionals, shape `(recordings, functionals)`.
        preset: Of `baselines.SYSTEMS`, the one that normalises by the training speakers.
        program: What computed the functionals.
    """
    from ser_acrnn.training.devices import place

    started = time.perf_counter()
    train = [one for name in cell.train for one in corpora[name] if one.emotion in cell.emotions]
    kept = np.concatenate([[one.emotion in cell.emotions for one in corpora[name]] for name in cell.train])
    heard, heard_by = (
        list(part) for part in zip(*[(vectors[name], [one.speaker for one in corpora[name]]) for name in cell.train], strict=True)
    )
    asked = np.array([one.emotion in cell.emotions for one in corpora[cell.test]])
    test = [one for one in corpora[cell.test] if one.emotion in cell.emotions]
    by = NORMALISATION[cell.condition]
    known, tested = _standardised(np.concatenate(heard), np.concatenate(heard_by), vectors[cell.test], corpora[cell.test], cell.condition)
    known, tested = known[kept], tested[asked]
    truth = np.array([cell.emotions.index(one.emotion) for one in train])
    config = replace(preset.model, emotions=cell.emotions, normalisation=by, complexities=COMPLEXITIES)
    search = _fitted(known @ known.T, truth, _groups(train), config)
    scores = linear_svm.scores(search, tested @ known.T, len(cell.emotions))
    return found.of(
        cell,
        test,
        scores,
        recipe_hash=preset.features.recipe_hash,
        config=replace(preset, model=config).to_dict(),
        backend=f"scikit-learn {sklearn.__version__}, {program}",
        device=place("cpu", 1).description,
        precision=preset.training.precision,
        wall_seconds=time.perf_counter() - started,
        chosen={"complexity": search.best_params_["C"], "uar_of_training_speakers": round(float(search.best_score_), 6)},
    )


def _standardised(
    known: NDArray, voices: NDArray, tested: NDArray, recordings: Sequence[Recording], condition: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Training and test vectors: by the training recordings, or by what is heard of each speaker."""
    if condition == "unadapted":
        scaler = StandardScaler().fit(known.astype(np.float64))
        return scaler.transform(known), scaler.transform(tested)
    speakers = np.array([one.speaker for one in recordings])
    known = linear_svm.normalised_by_speaker(known, voices)
    if condition == "all":
        return known, linear_svm.normalised_by_speaker(tested, speakers)
    by_half = np.zeros(tested.shape)
    for speaker in np.unique(speakers):
        own = np.flatnonzero(speakers == speaker)
        for heard, judged_ones in heard_and_scored("speaker-halves", len(own), [0, *speaker.encode()]):
            scaler = StandardScaler().fit(tested[own[heard]].astype(np.float64))
            by_half[own[judged_ones]] = scaler.transform(tested[own[judged_ones]])
    return known, by_half


def _groups(train: Sequence[Recording]) -> list[str]:
    """What the choice of the complexity leaves out in turn: a training corpus, or where there is one alone a fifth of its speakers."""
    corpora = {one.corpus for one in train}
    place = {speaker: number % GROUPS for number, speaker in enumerate(sorted({one.speaker for one in train}))}
    return [one.corpus if len(corpora) > 1 else str(place[one.speaker]) for one in train]


def _fitted(kernel: NDArray[np.float64], truth: NDArray, groups: Sequence[str], config: baselines.LinearSvmConfig) -> GridSearchCV:
    """As `linear_svm.fitted`, of the products of all vectors with each other, which are computed once."""
    search = GridSearchCV(
        SVC(kernel="precomputed", class_weight=config.class_weight, break_ties=True),
        {"C": list(config.complexities)},
        scoring=make_scorer(metrics.unweighted_average_recall),
        cv=LeaveOneGroupOut(),
        error_score="raise",
    )
    return search.fit(kernel, truth, groups=groups)
