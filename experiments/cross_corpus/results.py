"""The results across corpora: one file for what judged, what that was trained on, what was tested, and which emotions there were."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.cross_corpus.recordings import Recording
from ser_acrnn import __version__
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.evaluation.results_manifest import ResultError

FOLDER = PROTOCOL = "cross-corpus"
# What has been heard of the tested corpus beforehand, without labels: nothing; of each speaker one half, in turn, and the other half is
# judged; all that is judged.
CONDITIONS = {
    "unadapted": "nothing heard before",
    "halves": "other recordings of the speaker heard before",
    "all": "all recordings of the speaker heard before, those that are judged among them",
}


@dataclass(frozen=True)
class Cell:
    """One result.

    Attributes:
        judge: Name of the machine or the network.
        condition: One of `CONDITIONS`.
        train: Names of the training corpora.
        test: Name of the tested one.
        emotions: Classes, in the order of the posteriors.
    """

    judge: str
    condition: str
    train: tuple[str, ...]
    test: str
    emotions: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.test in self.train:
            raise ResultError(
                f"{self.judge}: {self.test} is trained on and tested, expected a corpus that is not one of {list(self.train)}"
            )

    @property
    def system(self) -> str:
        """As its folder is called."""
        return f"{self.judge}.{self.condition}"

    def file(self, results: Path) -> Path:
        """Where it is kept."""
        return results / FOLDER / self.system / f"{'+'.join(self.train)}-to-{self.test}-{len(self.emotions)}.json"

    def finished(self, results: Path, recordings: Sequence[Recording], config: dict[str, Any] | None = None) -> bool:
        """Whether it is there.

        Args:
            results: Root of the results.
            recordings: That are to be judged.
            config: Of what judges, where that is known beforehand: what another one said is not it.

        Raises:
            ResultError: It is of other recordings, labels or emotions.
        """
        path = self.file(results)
        if not path.is_file():
            return False
        result = load(path)
        there = [(one["id"], one["emotion"]) for one in result.utterances]
        if there != [(one.utterance, one.emotion) for one in recordings] or tuple(result.emotions) != self.emotions:
            raise ResultError(
                f"{path}: is of {len(there)} recordings and the emotions {result.emotions}, expected the {len(recordings)} that were drawn "
                f"and {list(self.emotions)}; the same --most continues it, or remove it"
            )
        return config is None or result.config == config


def of(
    cell: Cell,
    recordings: Sequence[Recording],
    scores: NDArray[np.floating],
    *,
    recipe_hash: str,
    config: dict[str, Any],
    backend: str,
    device: str,
    precision: str,
    wall_seconds: float,
    chosen: dict[str, Any],
) -> RunResult:
    """The result of a cell.

    Args:
        cell: Which.
        recordings: The tested ones.
        scores: Shape `(recordings, emotions)`; NaN of what was refused, which then has no posteriors.
        recipe_hash: Of the features.
        config: Of what judged.
        backend: Name and version of what computed.
        device: What it computed on.
        precision: Of the numbers.
        wall_seconds: What training and judging took.
        chosen: What else was chosen by the training corpora, and what spoke for it.
    """
    return RunResult(
        corpus=cell.test,
        system=cell.system,
        fold={"train": list(cell.train), "validation": None, "test": cell.test},
        seed=0,
        emotions=list(cell.emotions),
        utterances=[
            {
                "id": one.utterance,
                "speaker": one.speaker,
                "emotion": one.emotion,
                "posteriors": [] if np.isnan(row).any() else [round(float(value), 5) for value in row],
            }
            for one, row in zip(recordings, scores, strict=True)
        ],
        chosen_epoch=1,
        validation_curve=[],
        recipe_hash=recipe_hash,
        config=config,
        version=__version__,
        backend=backend,
        device=device,
        precision=precision,
        wall_seconds=round(wall_seconds, 2),
        protocol=PROTOCOL,
        chosen=chosen,
    )


def load(path: Path) -> RunResult:
    """Reads a result.

    Raises:
        ResultError: The file is none, or is not what its name says.
    """
    result = RunResult.load(path)
    judge, condition = parts(result.system)
    try:
        cell = Cell(judge, condition, tuple(result.fold["train"]), result.fold["test"], tuple(result.emotions))
        good = cell.file(path.parents[2]) == path and result.protocol == PROTOCOL and condition in CONDITIONS
        lengths = {len(one["posteriors"]) for one in result.utterances}
    except (KeyError, TypeError) as error:
        raise ResultError(f"{path}: is no result across corpora ({error!r}), expected train, test and posteriors") from error
    if not good or not lengths <= {0, len(result.emotions)} or not result.utterances:
        raise ResultError(
            f"{path}: is not the result that its name says, expected {result.system}, {result.fold}, {len(result.emotions)} emotions"
        )
    return result


def parts(system: str) -> tuple[str, str]:
    """What judged, and under which condition; see `Cell.system`."""
    judge, _, condition = system.rpartition(".")
    return judge, condition


def collect(results: Path) -> list[RunResult]:
    """All that are there, sorted by path.

    Raises:
        ResultError: One is not what its name says.
    """
    return [load(path) for path in sorted((results / FOLDER).glob("*/*.json"))]


def decisions(result: RunResult, emotions: Iterable[str]) -> tuple[list[str], list[str]]:
    """Truth and decision of the utterances that have one of some emotions, of which one is decided for; "" where nothing was said."""
    columns = [(emotion, result.emotions.index(emotion)) for emotion in emotions]
    judged = [one for one in result.utterances if one["emotion"] in dict(columns)]
    said = [max(columns, key=lambda column, row=one["posteriors"]: row[column[1]])[0] if one["posteriors"] else "" for one in judged]
    return [one["emotion"] for one in judged], said
