"""Networks across corpora: what one that ships says of recordings of a corpus that it has not heard, adapted to their speakers or not."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from experiments.cross_corpus import results as found
from experiments.cross_corpus.recordings import RATE_HERTZ, Recording
from experiments.cross_corpus.results import CONDITIONS, Cell
from experiments.shipped import index, learned_from
from experiments.studies.checkpoints import scores_of
from experiments.studies.disjoint import heard_and_scored
from ser_acrnn import audio
from ser_acrnn.evaluation.results import RunResult

if TYPE_CHECKING:  # heavy, and not needed for --help
    from ser_acrnn.inference.predictor import Predictor


def cells(network: str, corpora: Mapping[str, Sequence[Recording]]) -> Iterator[Cell]:
    """On each corpus that the network has not learned from; one that normalises by the speaker says nothing unadapted."""
    facts = index()[network]
    conditions = [name for name in CONDITIONS if name != "unadapted" or facts["normalisation"] != "speaker"]
    train, emotions = learned_from(facts), tuple(facts["emotions"])
    for condition in conditions:
        yield from (Cell(network, condition, train, test, emotions) for test in corpora if test not in train)


def config(network: str) -> dict[str, str]:
    """Which network judges: a result says of whose weights it is."""
    return {"network": network, "sha256": index()[network]["sha256"]}


def judged(cell: Cell, recordings: Sequence[Recording]) -> RunResult:
    """Judges the recordings of the tested corpus, speaker by speaker.

    Args:
        cell: Which result.
        recordings: Sorted by speaker.
    """
    from ser_acrnn.inference.predictor import Predictor
    from ser_acrnn.training import devices, run

    started, facts = time.perf_counter(), index()[cell.judge]
    predictor = Predictor(cell.judge)
    by_speaker = groupby(recordings, key=lambda one: one.speaker)
    scores = [
        _of_speaker(predictor, [audio.load(one.path, RATE_HERTZ) for one in own], speaker, cell.condition) for speaker, own in by_speaker
    ]
    return found.of(
        cell,
        recordings,
        np.concatenate(scores),
        recipe_hash=facts["recipe_hash"],
        config=config(cell.judge),
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
