"""Vectors of recordings -> scores of emotions, by a linear support vector machine whose complexity training alone chooses."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import make_scorer
from sklearn.metrics.pairwise import linear_kernel
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ser_acrnn.config.baselines import LinearSvmConfig
from ser_acrnn.evaluation import metrics


def normalised_by_speaker(vectors: NDArray[np.floating], speakers: ArrayLike) -> NDArray[np.float64]:
    """Each speaker's vectors less their mean, over their standard deviation; what never varies for a speaker becomes zero.

    Args:
        vectors: Shape `(recordings, functionals)`.
        speakers: The speaker of each recording, shape `(recordings,)`.
    """
    who, standardised = np.asarray(speakers), np.empty(vectors.shape)
    for speaker in np.unique(who):
        standardised[who == speaker] = StandardScaler().fit_transform(vectors[who == speaker].astype(np.float64))
    return standardised


def fitted(vectors: NDArray[np.floating], emotions: ArrayLike, groups: ArrayLike, config: LinearSvmConfig) -> GridSearchCV:
    """Chooses the complexity by leaving out one training group after the other, then fits all of them.

    The mean UAR over the groups left out decides; of equals the lowest complexity. Where the configuration standardises by the training
    speakers, those that remain are the ones it standardises by, too.

    Args:
        vectors: The functionals of the training recordings, shape `(recordings, functionals)`.
        emotions: Class number of each, shape `(recordings,)`.
        groups: What the folds leave out, such as the speaker of each recording, shape `(recordings,)`.
        config: The configuration of the machine.

    Returns:
        The search: `best_estimator_`, `best_params_`, `best_score_`.
    """
    # As a function the kernel is one product of matrices; libsvm's own "linear" is the same number by number.
    machine = SVC(kernel=linear_kernel, class_weight=config.class_weight, break_ties=True)
    scaler = [("scaler", StandardScaler())] if config.normalisation == "training" else []
    search = GridSearchCV(
        Pipeline([*scaler, ("machine", machine)]),
        {"machine__C": list(config.complexities)},
        scoring=make_scorer(metrics.unweighted_average_recall),
        cv=LeaveOneGroupOut(),
        error_score="raise",
    )
    return search.fit(vectors.astype(np.float64), emotions, groups=groups)


def scores(machine: GridSearchCV, vectors: NDArray[np.floating], emotions: int) -> NDArray[np.float64]:
    """What a fitted machine says: how many other emotions each one beats, give or take a third how clearly; the highest decides.

    Args:
        machine: What `fitted` returned.
        vectors: Shape `(recordings, functionals)`.
        emotions: How many there are; one that did not occur in training is never decided for.

    Returns:
        Shape `(recordings, emotions)`; of two emotions the distances from the boundary.
    """
    found = machine.decision_function(vectors.astype(np.float64))
    if found.ndim == 1:
        found = np.stack([-found, found], axis=1)
    said = np.tile(found.min(axis=1, keepdims=True) - 1, emotions)  # of each recording by itself: the others are not to matter
    said[:, machine.classes_] = found
    return said
