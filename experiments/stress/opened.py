"""The kinds of files that the package keeps, what opens each, and all that is found in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

IDENTITY = "a training"
CORPUS, RESULTS = "data/synthetic", "results/synthetic"


@dataclass(frozen=True)
class Kept:
    """A kind of file.

    Attributes:
        name: The part of the report.
        path: Below the folder.
        guarded: Whether a checksum, in it or beside it, tells it from every other file.
        opened: Opens it in a folder and yields all that is found in it.
        named: What an error may name instead of it.
        mends: Whether what is damaged is made anew, without an error.
    """

    name: str
    path: str
    guarded: bool
    opened: Callable[[Path], Iterator[Any]]
    named: tuple[str, ...] = ()
    mends: bool = False

    def content(self, folder: Path) -> str:
        """Checksum of all that is found in it.

        Raises:
            Exception: Whatever opening it raises.
        """
        found = hashlib.sha256()
        for value in self.opened(folder):
            found.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
        return found.hexdigest()


def _corpus(path: str, folder: Path) -> Iterator[Any]:
    from ser_acrnn.data.prepared import open_corpus

    corpus = open_corpus(folder / path)
    yield from (corpus.name, corpus.manifest.to_csv(), corpus.checksums(corpus.speakers), corpus.features)
    yield from corpus.statistics(corpus.speakers)
    for utterance in corpus.utterances(corpus.speakers):
        yield from utterance


def _entry(folder: Path) -> Iterator[Any]:
    from data_prep import shards

    place = folder / CORPUS
    key = json.loads((folder / "entry.json").read_text(encoding="utf-8"))["key"]
    yield shards.existing("03", key, place, folder / "nothing")


def _results(folder: Path) -> Iterator[Any]:
    from ser_acrnn.evaluation.results import collect

    for result in collect(folder / RESULTS):
        yield vars(result)
        yield result.uar


def _checkpoint(folder: Path) -> Iterator[Any]:
    from ser_acrnn.training.checkpoint import TrainingState

    state = TrainingState.load(folder / "checkpoint.npz", IDENTITY)
    yield from (state.curve, state.wall_seconds)
    yield from (array for arrays in (state.variables, state.optimiser, state.best_weights) for array in arrays)


def _network(folder: Path) -> Iterator[Any]:
    from ser_acrnn.inference.predictor import Predictor

    predictor = Predictor(folder / "models" / "one.keras")
    yield from (predictor.emotions, predictor.preprocessor.features, predictor.preprocessor.scope, predictor.step_seconds)
    yield from predictor.model.get_weights()


def _labels(folder: Path) -> Iterator[Any]:
    from ser_acrnn.data.corpus import read_csv

    yield [(one.id, one.speaker, one.emotion, one.session, one.path.name) for one in read_csv(folder / "mine.csv")]


def _predictions(folder: Path) -> Iterator[Any]:
    from ser_acrnn.evaluation.predictions_table import read

    found = read(folder / "predictions.csv")
    yield from (found.emotions, list(found.truth), list(found.decisions), found.rows.frame.to_csv())
    if found.posteriors is not None:
        yield found.posteriors


def _checksums(folder: Path) -> Iterator[Any]:
    from data_prep.checksums import read_checksums

    yield read_checksums(folder / "sums.txt")


_FOLDER = (CORPUS, "speaker-", "synthetic:")
KEPT = (
    Kept("shards", f"{CORPUS}/speaker-03.tfrecord", True, partial(_corpus, CORPUS)),
    Kept("manifests", f"{CORPUS}/manifest.csv", False, partial(_corpus, CORPUS), _FOLDER),
    Kept("recipes", f"{CORPUS}/recipe.json", False, partial(_corpus, CORPUS), _FOLDER),
    Kept("entries", f"{CORPUS}/speaker-03.json", False, _entry, mends=True),
    Kept("packed", "packed/synthetic.npz", True, partial(_corpus, "packed/synthetic.npz")),
    Kept("results", f"{RESULTS}/tiny/03-seed0.json", False, _results, (RESULTS,)),
    Kept("corpora of results", f"{RESULTS}/corpus.csv", True, _results, (RESULTS,)),
    Kept("checksums of corpora", f"{RESULTS}/corpus.sha256", True, _results, (RESULTS,)),
    Kept("checkpoints", "checkpoint.npz", True, _checkpoint),
    Kept("networks", "models/one.keras", True, _network),
    Kept("labels", "mine.csv", False, _labels),
    Kept("predictions", "predictions.csv", False, _predictions),
    Kept("checksum lists", "sums.txt", False, _checksums),
)
