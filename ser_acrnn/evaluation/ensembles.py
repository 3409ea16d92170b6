"""Networks that judge together, the seeds of a system or several systems: their posteriors are averaged, as if by one more system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ser_acrnn.evaluation.results import ResultError, RunResult

SUFFIX = "+seeds"  # behind the system's name
FEWEST = 3


def with_seed_ensembles(results: Sequence[RunResult]) -> list[RunResult]:
    """Adds one run a fold for each system that has the same three or more seeds on all its folds.

    An utterance's posteriors are the mean over seeds of its posteriors, each scaled to sum to one; the scores of a DNN-ELM are averaged
    as they are.

    Args:
        results: Runs of one corpus.

    Returns:
        The results, and behind each such system's those named `<system>+seeds`, with seed 0, no curve and the sum of all members'
        training time.

    Raises:
        ResultError: Members are not of the same utterances and labels, in the same order.
    """
    systems: dict[str, dict[str, list[RunResult]]] = {}
    for result in results:
        systems.setdefault(result.system, {}).setdefault(result.fold["test"], []).append(result)
    found = []
    for folds in systems.values():
        found += [member for members in folds.values() for member in members]
        seeds = {tuple(sorted(member.seed for member in members)) for members in folds.values()}
        if len(seeds) == 1 and len(next(iter(seeds))) >= FEWEST:
            found += [_ensemble(members[0].system + SUFFIX, 0, members) for members in folds.values()]
    return found


def ensemble(name: str, systems: Sequence[str], results: Sequence[RunResult]) -> list[RunResult]:
    """Runs of a system that consists of others: those of the same fold and seed judge together.

    Args:
        name: The ensemble's name.
        systems: The members' names.
        results: Runs of one corpus, the members' among them.

    Returns:
        A run for each fold and seed that all members have, in order, with the first member's configuration and no curve.

    Raises:
        ResultError: Members are not of the same utterances and labels, in the same order.
    """
    runs: dict[tuple[str, int], dict[str, RunResult]] = {}
    for result in results:
        runs.setdefault((result.fold["test"], result.seed), {})[result.system] = result
    complete = ((place, found) for place, found in sorted(runs.items()) if found.keys() >= set(systems))
    return [_ensemble(name, seed, [found[system] for system in systems]) for (_, seed), found in complete]


def _ensemble(name: str, seed: int, members: Sequence[RunResult]) -> RunResult:
    validation = _averaged(members, "validation_utterances")
    return replace(
        members[0],
        system=name,
        fold=members[0].fold if validation else {**members[0].fold, "validation": None},  # what they say of one is not known of all
        seed=seed,
        utterances=_averaged(members, "utterances"),
        validation_utterances=validation,
        validation_curve=[],
        wall_seconds=sum(member.wall_seconds for member in members),
    )


def averaged(scores: ArrayLike) -> NDArray[np.float64]:
    """What several judges say together.

    Args:
        scores: The members' scores, shape `(members, utterances, emotions)`: posteriors, or the scores of a DNN-ELM, which may be negative.

    Returns:
        The mean over judges of each utterance's posteriors, scaled to sum to one, or of the scores as they are,
        `(utterances, emotions)`.
    """
    every = np.asarray(scores, np.float64)
    return (every / every.sum(axis=2, keepdims=True) if every.min() >= 0 else every).mean(axis=0)


def _averaged(members: Sequence[RunResult], field: str) -> list[dict]:
    """Their `utterances` or `validation_utterances` with the posteriors averaged; none where a member has none."""
    lists: list[list[dict]] = [getattr(member, field) for member in members]
    if not all(lists):
        return []
    for member, utterances in zip(members[1:], lists[1:], strict=True):
        _check_same(members[0], member, lists[0], utterances)
    scores = averaged([[utterance["posteriors"] for utterance in utterances] for utterances in lists])
    return [{**utterance, "posteriors": [round(float(value), 6) for value in row]} for utterance, row in zip(lists[0], scores, strict=True)]


def _check_same(first: RunResult, other: RunResult, mine: Sequence[dict], its: Sequence[dict]) -> None:
    """Makes sure that two members judged the same: otherwise their means would be of different utterances or emotions."""
    who = f"{first.system} (seed {first.seed}) and {other.system} (seed {other.seed}), test {first.fold['test']!r}"
    if first.emotions != other.emotions:
        raise ResultError(f"{who}: have the emotions {first.emotions} and {other.emotions}, expected the same to judge together")
    places = ([f"{utterance['id']} ({utterance['emotion']})" for utterance in utterances] for utterances in (mine, its))
    for one, two in zip_longest(*places, fillvalue="none"):
        if one != two:
            raise ResultError(
                f"{who}: differ first in {one} and {two}, expected the same utterances and labels, in the same order, to judge together"
            )
