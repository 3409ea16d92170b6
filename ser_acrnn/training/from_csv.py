"""Recordings and emotions of one's own, in a CSV -> folds, runs, a report, and a network: what `ser-acrnn train` does.

The folder of a training holds `results/<system>/<tested>-seed<N>.json` and the corpus that they are of, `results/corpus.csv`; `report.md`
with its figures, and `model.keras`. `work/` holds the checkpoints of what was interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from ser_acrnn import files
from ser_acrnn.config import FEATURE_RECIPES, ConfigError, Preset, TrainConfig, lite_augmented
from ser_acrnn.data.corpus import read_csv
from ser_acrnn.data.grouped import GroupedCorpus
from ser_acrnn.data.in_memory import load_corpus
from ser_acrnn.data.prepared import PreparedCorpus
from ser_acrnn.evaluation import report, results_manifest
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.evaluation.protocol import LEAVE_ONE_SPEAKER_OUT, Fold
from ser_acrnn.evaluation.results import RunResult, collect
from ser_acrnn.evaluation.results_check import Split
from ser_acrnn.evaluation.summary import Summary
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.training import run as training
from ser_acrnn.training.finetuning import FineTuned
from ser_acrnn.training.systems import System

# The rate is the head's, which learns first; with a third of it the stages stay behind training from scratch.
FINE_TUNING: dict[str, Any] = {"epochs": 30, "learning_rate": 3e-3}
# Few recordings are seen more often, see `experiments.studies.transfer_methods`: a quarter of these updates left training
# from scratch far from its end.
FEWEST_UPDATES = 960
FEW_RECORDINGS, SMALL_BATCH = 320, 8
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
    """

    corpus: PreparedCorpus
    preset: Preset
    trained_by: System | None
    folds: list[Fold]
    protocol: str
    system: str

    @property
    def description(self) -> str:
        """The recordings in one line."""
        manifest = self.corpus.manifest
        counts = ", ".join(f"{emotion} {(manifest['emotion'] == emotion).sum()}" for emotion in self.preset.model.emotions)
        return f"{len(manifest)} recordings of {len(self.corpus.speakers)} speakers: {counts}; {len(self.folds)} folds, {self.protocol}"

    def run(self, fold: Fold, seed: int) -> Run:
        """The run of a fold and a seed."""
        origin = self.trained_by.origin if self.trained_by else ""
        return Run(self.corpus.name, self.system, self.preset, fold, seed, self.protocol, origin)

    @property
    def split(self) -> Split:
        """What its results are of; the CSV may be called otherwise another time."""
        return replace(Split.of_prepared(self.corpus, self.protocol, self.folds), corpus=None)

    @property
    def why_not_evaluated(self) -> str:
        """Why there are no folds."""
        return f"{len(self.corpus.speakers)} speaker(s), expected {FEWEST_SPEAKERS} or more to test on somebody unheard"


def plan(
    labels: Path,
    source: Predictor | None,
    *,
    epochs: int | None = None,
    most_folds: int = 10,
    on_file: Callable[[Path], object] = lambda path: None,
) -> Job:
    """Reads the CSV and the recordings, and lays out the folds.

    Args:
        labels: See `ser_acrnn.data.corpus.read_csv`.
        source: The network to begin with; None trains from scratch.
        epochs: Epochs of each training; by default 30, and 40 from scratch, or as many as few recordings need.
        most_folds: With more speakers than that, so many groups of speakers are left out instead.
        on_file: Called with each recording that has been read.

    Raises:
        ValueError: The CSV, or recordings, cannot be used; there are fewer than two emotions.
    """
    utterances = read_csv(labels)
    emotions = tuple(sorted({utterance.emotion for utterance in utterances}))
    if len(emotions) < 2:
        raise ConfigError(f"{labels}: has the emotion(s) {list(emotions)}, expected two or more")
    base = lite_augmented("utterance" if source is None else source.preprocessor.scope)
    # Without dropout, as the networks that ship: with it, few examples train a network from scratch half as far.
    model, recipe = replace(base.model, emotions=emotions, dropout=0.0), FEATURE_RECIPES["speech"]
    if source is not None:
        model, recipe = replace(model, channels=source.model.input_shape[-1]), source.preprocessor.features
    corpus: PreparedCorpus = load_corpus(labels.stem, utterances, recipe, on_file=on_file)
    numbers = base.training if source is None else replace(base.training, **FINE_TUNING)
    preset = Preset(recipe, model, _long_enough(numbers, len(utterances)) if epochs is None else replace(numbers, epochs=epochs))
    tuned = None if source is None else FineTuned(preset, source.model)
    protocol = LEAVE_ONE_SPEAKER_OUT
    if len(corpus.speakers) > most_folds:
        corpus, protocol = _grouped(corpus, most_folds), "leave-one-group-out"
    groups = corpus.groups if len(corpus.groups) >= FEWEST_SPEAKERS else []
    folds = [Fold(tuple(other for other in groups if other != test), None, test) for test in groups]
    return Job(corpus, preset, tuned, folds, protocol, "fine-tuned" if source else "scratch")


def evaluate_folds(job: Job, out: Path, seeds: Iterable[int]) -> Iterator[RunResult]:
    """Trains and tests every fold, the ones whose results are there excepted.

    Raises:
        ValueError: A result is there, but of another configuration, of other recordings or labels, or begun with other weights.
    """
    results, split = out / "results", job.split
    if job.folds:
        if any(results.glob("*/*-seed*.json")) and results_manifest.read(results) is None:
            raise ValueError(
                f"{results / results_manifest.MANIFEST}: is missing, expected the corpus of the results there; give another folder"
            )
        results_manifest.settle(results, results_manifest.rows_of(job.corpus.manifest))
    for seed in seeds:
        for fold in job.folds:
            run = job.run(fold, seed)
            path = results / run.system / run.name()
            result = run.finished(path, split)
            if result is None:
                checkpoint = out / "work" / f"{run.system}-{run.name('.npz')}"
                result, _ = training.run(job.corpus, run, system=job.trained_by, checkpoint=checkpoint)
                result.save(path)
                _clean(checkpoint)
            yield result


def write_report(job: Job, out: Path) -> Path | None:
    """Writes tables and figures of all runs; None where there are no folds."""
    if not job.folds:
        return None
    return report.write(Summary.of(collect(out / "results", job.split)), out, job.corpus.name)


def train(job: Job, out: Path, seed: int = 0) -> Path:
    """Trains on all speakers, and saves the network as `model.keras`."""
    checkpoint = out / "work" / f"{job.system}-all.npz"
    model: keras.Model = training.train_on_all(job.corpus, job.preset, seed, system=job.trained_by, checkpoint=checkpoint)
    path = out / "model.keras"
    model.save(path)
    _clean(checkpoint)
    return path


def _long_enough(numbers: TrainConfig, recordings: int) -> TrainConfig:
    """Epochs and batches for so many recordings, each of which is a segment or more."""
    if recordings >= FEW_RECORDINGS:
        return numbers
    return replace(numbers, batch_size=SMALL_BATCH, epochs=max(numbers.epochs, -(-FEWEST_UPDATES * SMALL_BATCH // recordings)))


def _grouped(corpus: PreparedCorpus, number: int) -> GroupedCorpus:
    """Speakers in groups with about as many recordings each: the largest speaker goes to the smallest group."""
    counts = {str(speaker): int(count) for speaker, count in corpus.manifest["speaker"].value_counts().items()}
    group_of = {speaker: f"group{index}" for index, group in enumerate(files.balanced(counts, number)) for speaker in group}
    speakers = zip(corpus.manifest["utterance"], corpus.manifest["speaker"], strict=True)
    return GroupedCorpus(corpus, {utterance: group_of[speaker] for utterance, speaker in speakers})


def _clean(checkpoint: Path) -> None:
    for leftover in checkpoint.parent.glob(f"{checkpoint.name}*"):
        leftover.unlink()
