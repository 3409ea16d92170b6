"""Seeds of a system judging together: their posteriors are averaged, as if it were one more system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ser_acrnn.results import RunResult

SUFFIX = "+seeds"  # behind the system's name
FEWEST = 3


def with_seed_ensembles(results: Sequence[RunResult]) -> list[RunResult]:
    """Adds one run a fold for each system that has the same three or more seeds on all its folds.

    An utterance's posteriors are the mean over seeds of its posteriors, each scaled to sum to one; the scores of a DNN-ELM are averaged
    as they are.

    Args:
        results: Of one corpus.

    Returns:
        The results, and behind each such system's those named `<system>+seeds`, with seed 0, the first member's curve and the sum of all
        members' training time.
    """
    systems: dict[str, dict[str, list[RunResult]]] = {}
    for result in results:
        systems.setdefault(result.system, {}).setdefault(result.fold["test"], []).append(result)
    found = []
    for folds in systems.values():
        found += [member for members in folds.values() for member in members]
        seeds = {tuple(sorted(member.seed for member in members)) for members in folds.values()}
        if len(seeds) == 1 and len(next(iter(seeds))) >= FEWEST:
            found += [_together(members) for members in folds.values()]
    return found


def _together(members: Sequence[RunResult]) -> RunResult:
    first = members[0]
    return replace(
        first,
        system=first.system + SUFFIX,
        seed=0,
        utterances=_averaged([member.utterances for member in members]),
        validation_utterances=_averaged([member.validation_utterances for member in members]),
        wall_seconds=sum(member.wall_seconds for member in members),
    )


def _averaged(lists: Sequence[Sequence[dict]]) -> list[dict]:
    if not all(lists):
        return []
    scores = np.array([[utterance["posteriors"] for utterance in utterances] for utterances in lists])
    if scores.min() >= 0:
        scores /= scores.sum(axis=2, keepdims=True)
    return [
        {**utterance, "posteriors": [round(float(value), 6) for value in row]}
        for utterance, row in zip(lists[0], scores.mean(axis=0), strict=True)
    ]
