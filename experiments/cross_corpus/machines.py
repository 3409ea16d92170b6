"""openSMILE's functionals and a linear support vector machine across corpora; the training corpora alone choose its complexity."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from experiments.studies.disjoint import heard_and_scored
from ser_acrnn.auditing import linear_svm
from ser_acrnn.evaluation import metrics
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.features.functionals import Extractor, functionals_of

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


@dataclass(frozen=True)
class Machine:
    """A machine that training corpora taught.

    Attributes:
        search: The fitted machine, and what its complexity was chosen by.
        known: The training vectors as they were standardised, shape `(recordings, functionals)`.
        scaler: What standardises the vectors of others; None where that is their own speaker.
        config: The configuration.
        seconds: What training took.
    """

    search: GridSearchCV
    known: NDArray[np.float64]
    scaler: StandardScaler | None
    config: baselines.LinearSvmConfig
    seconds: float


def trained(cell: Cell, corpora: Mapping[str, Sequence[Recording]], vectors: Mapping[str, NDArray], preset: baselines.SvmPreset) -> Machine:
    """Trains the machine of a cell; that of another cell with the same training corpora, emotions and normalisation is the same.

    Args:
        cell: Which result.
        corpora: Name -> recordings.
        vectors: Name -> their functionals, shape `(recordings, functionals)`.
        preset: Of `baselines.BY_TRAINING`.
    """
    started = time.perf_counter()
    every = [one for name in cell.train for one in corpora[name]]
    heard, scaler = np.concatenate([vectors[name] for name in cell.train]).astype(np.float64), None
    kept = np.array([one.emotion in cell.emotions for one in every])
    if NORMALISATION[cell.condition] == "speaker":
        known = linear_svm.normalised_by_speaker(heard, [one.speaker for one in every])[kept]
    else:
        scaler = StandardScaler().fit(heard[kept])
        known = scaler.transform(heard[kept])
    train = [one for one in every if one.emotion in cell.emotions]
    truth = np.array([cell.emotions.index(one.emotion) for one in train])
    config = replace(preset.model, emotions=cell.emotions, normalisation=NORMALISATION[cell.condition], complexities=COMPLEXITIES)
    search = _fitted(known @ known.T, truth, _groups(train), config)
    return Machine(search, known, scaler, config, time.perf_counter() - started)


def judged(
    cell: Cell, machine: Machine, recordings: Sequence[Recording], vectors: NDArray, preset: baselines.SvmPreset, program: str
) -> RunResult:
    """Judges the recordings of the tested corpus.

    Args:
        cell: Which result.
        machine: Its machine.
        recordings: All that were drawn of the tested corpus.
        vectors: Their functionals, shape `(recordings, functionals)`.
        preset: Of `baselines.BY_TRAINING`.
        program: What computed the functionals.
    """
    from ser_acrnn.training.devices import place

    started = time.perf_counter()
    tested = _standardised(machine, vectors.astype(np.float64), np.array([one.speaker for one in recordings]), cell.condition)
    asked = np.array([one.emotion in cell.emotions for one in recordings])
    scores = linear_svm.scores(machine.search, tested[asked] @ machine.known.T, len(cell.emotions))
    search = machine.search
    return found.of(
        cell,
        [one for one in recordings if one.emotion in cell.emotions],
        scores,
        recipe_hash=preset.features.recipe_hash,
        config=replace(preset, model=machine.config).to_dict(),
        backend=f"scikit-learn {sklearn.__version__}, {program}",
        device=place("cpu", 1).description,
        precision=preset.training.precision,
        wall_seconds=machine.seconds + time.perf_counter() - started,
        chosen={"complexity": search.best_params_["C"], "uar_of_training_speakers": round(float(search.best_score_), 6)},
    )


def _standardised(machine: Machine, vectors: NDArray[np.float64], speakers: NDArray, condition: str) -> NDArray[np.float64]:
    """Test vectors by the training recordings, or by what is heard of each speaker."""
    if machine.scaler is not None:
        return machine.scaler.transform(vectors)
    if condition == "all":
        return linear_svm.normalised_by_speaker(vectors, speakers)
    by_half = np.zeros(vectors.shape)
    for speaker in np.unique(speakers):
        own = np.flatnonzero(speakers == speaker)
        for heard, others in heard_and_scored("speaker-halves", len(own), [0, *speaker.encode()]):
            by_half[own[others]] = StandardScaler().fit(vectors[own[heard]]).transform(vectors[own[others]])
    return by_half


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
