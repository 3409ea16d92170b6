"""The results of networks of several corpora, trained without one of them and judged on that one: where they are, and what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ser_acrnn.evaluation.results import RunResult

FOLDER, PROTOCOL = "open-corpora", "leave-one-corpus-out"
SEED = 0


def finished(recipe: str, results: Path) -> list[RunResult]:
    """The results of a recipe that are there, by the corpus left out."""
    return [RunResult.load(path) for path in sorted((results / FOLDER / recipe).glob(f"*-seed{SEED}.json"))]


def network(models: Path, recipe: str, corpus: str) -> Path:
    """File of the network that a recipe trained without a corpus."""
    return models / FOLDER / recipe / f"{corpus}-seed{SEED}.keras"


def recipes(results: Path) -> list[str]:
    """The recipes of which there are results."""
    return sorted(path.name for path in (results / FOLDER).glob("*") if path.is_dir())


def uar_of(result: RunResult) -> float:
    """UAR in percent over the emotions that the corpus left out has, for one of which each utterance is decided."""
    present = sorted(set(result.truth), key=result.emotions.index)
    columns = [result.emotions.index(emotion) for emotion in present]
    scores = np.array([one["posteriors"] for one in result.utterances])[:, columns]
    recalls = [np.mean(scores[np.array(result.truth) == emotion].argmax(axis=1) == place) for place, emotion in enumerate(present)]
    return float(100 * np.mean(recalls))
