"""Networks across corpora: what one says of recordings of a corpus that it has not heard, adapted to their speakers or not.

They ship, or the folds of `experiments.studies.open_corpora` left them, each trained without the corpus that it is judged on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from experiments.cross_corpus import results as found
from experiments.cross_corpus.recordings import RATE_HERTZ, Recording
from experiments.cross_corpus.results import CONDITIONS, Cell
from experiments.shipped import index, learned_from
from experiments.studies import left_out as corpus_left_out
from experiments.studies.checkpoints import scores_of
from experiments.studies.disjoint import heard_and_scored
from ser_acrnn import audio, files
from ser_acrnn.evaluation.results import RunResult

if TYPE_CHECKING:  # heavy, and not needed for --help
    from ser_acrnn.inference.predictor import Predictor


@dataclass(frozen=True)
class Network:
    """One that judges.

    Attributes:
        name: As its results are called: its own, or the recipe's that trained it without a corpus.
        model: What a `Predictor` opens.
        sha256: Of its file: a result says of whose weights it is.
        train: Names of the corpora that it learned from.
        emotions: Its classes, in order.
        normalisation: Of its input, see `ModelConfig.normalisation`.
        recipe_hash: Of its features.
        judges: The only corpus that it judges; None: all that it has not learned from.
    """

    name: str
    model: str | Path
    sha256: str
    train: tuple[str, ...]
    emotions: tuple[str, ...]
    normalisation: str
    recipe_hash: str
    judges: str | None = None

    @property
    def config(self) -> dict[str, str]:
        """Which network judges, as a result holds it."""
        return {"network": self.name, "sha256": self.sha256}


def shipped(name: str) -> Network:
    """One that ships."""
    facts = index()[name]
    learned, emotions = learned_from(facts), tuple(facts["emotions"])
    return Network(name, name, facts["sha256"], learned, emotions, facts["normalisation"], facts["recipe_hash"])


def left_out(recipe: str, results: Path, models: Path) -> list[Network]:
    """Those of a recipe that each left a corpus out, and judge that one.

    Raises:
        ValueError: There is no such result, or a network of one is missing.
    """
    found = []
    for one in corpus_left_out.finished(recipe, results):
        path = corpus_left_out.network(models, recipe, one.fold["test"])
        if not path.is_file():
            raise ValueError(f"{path}: no such file, expected the network that experiments.studies.open_corpora left there")
        train, kind = tuple(one.fold["train"]), one.config["model"]["normalisation"]
        found.append(Network(recipe, path, files.sha256(path), train, tuple(one.emotions), kind, one.recipe_hash, one.fold["test"]))
    if not found:
        raise ValueError(f"--left-out is {recipe!r}, expected one of {corpus_left_out.recipes(results)}")
    return found


def cells(network: Network, corpora: Mapping[str, Sequence[Recording]]) -> Iterator[Cell]:
    """On each corpus that it has not learned from, or on the one that it judges.

    One that normalises by the speaker says nothing unadapted.
    """
    tested = [test for test in corpora if test not in network.train and network.judges in (None, test)]
    for condition in CONDITIONS:
        if condition != "unadapted" or network.normalisation != "speaker":
            yield from (Cell(network.name, condition, network.train, test, network.emotions) for test in tested)


def judged(cell: Cell, network: Network, recordings: Sequence[Recording]) -> RunResult:
    """Judges the recordings of the tested corpus, speaker by speaker.

    Args:
        cell: Which result.
        network: Whose.
        recordings: Sorted by speaker.
    """
    from ser_acrnn.inference.predictor import Predictor
    from ser_acrnn.training import devices, run

    started, predictor = time.perf_counter(), Predictor(network.model)
    by_speaker = groupby(recordings, key=lambda one: one.speaker)
    scores = [
        _of_speaker(predictor, [audio.load(one.path, RATE_HERTZ) for one in own], speaker, cell.condition) for speaker, own in by_speaker
    ]
    return found.of(
        cell,
        recordings,
        np.concatenate(scores),
        recipe_hash=network.recipe_hash,
        config=network.config,
        backend=run.backend(),
        device=devices.place("cpu", 1).description,
        precision="float32",
        wall_seconds=time.perf_counter() - started,
        chosen={},
    )


def _of_speaker(predictor: Predictor, waveforms: Sequence[NDArray[np.float32]], speaker: str, condition: str) -> NDArray[np.float64]:
    """What a network says of a speaker's recordings, shape `(recordings, emotions)`; NaN of what cannot be used."""
    if condition == "unadapted":
        return scores_of(predictor, waveforms)
    everything = np.arange(len(waveforms))
    parts = [(everything, everything)]
    if condition == "halves":
        parts = heard_and_scored("speaker-halves", len(waveforms), [0, *speaker.encode()])
    scores = np.full((len(waveforms), len(predictor.emotions)), np.nan)
    for heard, others in parts:
        with suppress(audio.AudioError):  # nothing of the speaker can be used, and nothing is said
            predictor.enrol([waveforms[index] for index in heard], RATE_HERTZ, on_unusable=lambda error: None)
            scores[others] = scores_of(predictor, [waveforms[index] for index in others])
    return scores
