"""What is to be trained on a CSV of one's own: recordings, configurations, folds; and which of its results are there."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from ser_acrnn import files
from ser_acrnn.config import Preset
from ser_acrnn.data.prepared import PreparedCorpus
from ser_acrnn.evaluation import calibration, results_manifest
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.evaluation.protocol import Fold
from ser_acrnn.evaluation.results import RunResult, collect
from ser_acrnn.evaluation.results_check import Split
from ser_acrnn.training.systems import System, system_of

FEWEST_SPEAKERS = 2  # one tests, the rest train; the schedule is fixed, so that nobody has to validate


@dataclass(frozen=True)
class Job:
    """What is to be trained.

    Attributes:
        corpus: The recordings' features.
        preset: The configurations.
        trained_by: Fine-tuning; None from scratch.
        folds: A speaker, or a group of them, tests, and all others train; empty with a single speaker.
        protocol: What a fold leaves out.
        system: `fine-tuned` or `scratch`.
        seed: Of the network that all speakers train.
    """

    corpus: PreparedCorpus
    preset: Preset
    trained_by: System | None
    folds: list[Fold]
    protocol: str
    system: str
    seed: int = 0

    @property
    def epochs(self) -> int:
        """Epochs of each training."""
        return sum(stage.training.epochs for stage in (self.trained_by or system_of(self.preset)).stages())

    @property
    def description(self) -> str:
        """The recordings in one line."""
        manifest = self.corpus.manifest
        counts = ", ".join(f"{emotion} {(manifest['emotion'] == emotion).sum()}" for emotion in self.preset.model.emotions)
        return f"{len(manifest)} recordings of {len(self.corpus.speakers)} speakers: {counts}; {len(self.folds)} folds, {self.protocol}"

    def run(self, fold: Fold, seed: int) -> Run:
        """The run of a fold and a seed."""
        return Run(self.corpus.name, self.system, self.preset, fold, seed, self.protocol, self.origin)

    def file(self, run: Run, out: Path) -> Path:
        """The file of a run's result in the folder of the training."""
        return out / "results" / run.system / run.name()

    def finished(self, fold: Fold, seed: int, out: Path) -> RunResult | None:
        """The result of a run, see `Run.finished`."""
        run = self.run(fold, seed)
        return run.finished(self.file(run, out), self.split)

    def temperature(self, out: Path) -> float:
        """What divides the logits of the network that all speakers train, so that it is no surer than its folds should have been.

        Fitted on what the runs that are there said of speakers whom they had not heard, all together; never below 1, and 1 where there are
        none.
        """
        results = out / "results"
        if not any((results / self.system).glob("*-seed*.json")):
            return 1.0
        said = [utterance for result in collect(results, self.split) if result.system == self.system for utterance in result.utterances]
        return max(1.0, calibration.fitted_temperature(calibration.scored_utterances(said, self.preset.model.emotions)))

    @property
    def origin(self) -> str:
        """Checksum of the weights that training begins with; "" where they are drawn by the seed."""
        return self.trained_by.origin if self.trained_by else ""

    @property
    def recordings(self) -> str:
        """Changes with any recording, speaker or label, and not with where the files lie."""
        return files.sha256_of(json.dumps(results_manifest.rows_of(self.corpus.manifest)))

    @property
    def split(self) -> Split:
        """What its results are of; the CSV may be called otherwise another time."""
        return replace(Split.of_prepared(self.corpus, self.protocol, self.folds), corpus=None)

    @property
    def why_not_evaluated(self) -> str:
        """Why there are no folds."""
        return f"{len(self.corpus.speakers)} speaker(s), expected {FEWEST_SPEAKERS} or more to test on somebody unheard"
