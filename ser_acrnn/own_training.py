"""Recordings and emotions of one's own, in a CSV -> folds, runs, a report, and a network: what `ser-acrnn train` does.

The folder of a training holds `results/<system>/<tested>-seed<N>.json`, `report.md` with its figures, and `model.keras`; `work/` holds the
checkpoints of what was interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from ser_acrnn import report, training
from ser_acrnn.config import PRESETS, ConfigError, Preset
from ser_acrnn.corpus import read_csv
from ser_acrnn.dataset import GroupedCorpus, PreparedCorpus
from ser_acrnn.fine_tuning import FineTuned
from ser_acrnn.memory import load_corpus
from ser_acrnn.methods import Method
from ser_acrnn.predictor import Predictor
from ser_acrnn.protocol import LEAVE_ONE_SPEAKER_OUT, Fold, leave_one_speaker_out
from ser_acrnn.results import RunResult, collect

FINE_TUNING_EPOCHS = 30
FEWEST_SPEAKERS = 3  # one tests, one validates, the rest train


@dataclass(frozen=True)
class Job:
    """What is to be trained.

    Attributes:
        corpus: The recordings' features.
        preset: The configurations.
        method: Fine-tuning; None from scratch.
        folds: Empty with fewer than three speakers.
        protocol: What a fold leaves out.
        system: `fine-tuned` or `scratch`.
    """

    corpus: PreparedCorpus
    preset: Preset
    method: Method | None
    folds: list[Fold]
    protocol: str
    system: str

    @property
    def description(self) -> str:
        """The recordings in one line."""
        manifest = self.corpus.manifest
        counts = ", ".join(f"{emotion} {(manifest['emotion'] == emotion).sum()}" for emotion in self.preset.model.emotions)
        return f"{len(manifest)} recordings of {len(self.corpus.speakers)} speakers: {counts}; {len(self.folds)} folds, {self.protocol}"

    @property
    def why_unjudged(self) -> str:
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
        labels: See `ser_acrnn.corpus.read_csv`.
        source: The network to begin with; None trains from scratch.
        epochs: Of each training.
        most_folds: With more speakers than that, so many groups of speakers are left out instead.
        on_file: Called with each recording that has been read.

    Raises:
        ValueError: The CSV, or recordings, cannot be used; there are fewer than two emotions.
    """
    utterances = read_csv(labels)
    emotions = tuple(sorted({utterance.emotion for utterance in utterances}))
    if len(emotions) < 2:
        raise ConfigError(f"{labels}: has the emotion(s) {list(emotions)}, expected two or more")
    base = PRESETS["best"]
    model, numbers, method = replace(base.model, emotions=emotions), base.training, None
    if source is not None:
        model = replace(model, normalisation=source.scope, channels=source.model.input_shape[-1])
        numbers = replace(numbers, epochs=FINE_TUNING_EPOCHS)
    numbers = replace(numbers, epochs=epochs or numbers.epochs)
    if model.normalisation != "training":
        numbers = replace(numbers, augmentation=replace(numbers.augmentation, gain=0, tilt=0, speaker_exchange=0))
    preset = Preset(source.features if source else base.features, model, numbers)
    if source is not None:
        method = FineTuned(preset, source.model)
    corpus: PreparedCorpus = load_corpus(labels.stem, utterances, preset.features, on_file=on_file)
    protocol = LEAVE_ONE_SPEAKER_OUT
    if len(corpus.speakers) > most_folds:
        corpus, protocol = _grouped(corpus, most_folds), "leave-one-group-out"
    folds = leave_one_speaker_out(corpus.groups) if len(corpus.groups) >= FEWEST_SPEAKERS else []
    return Job(corpus, preset, method, folds, protocol, "fine-tuned" if source else "scratch")


def judge(job: Job, out: Path, seeds: Iterable[int]) -> Iterator[RunResult]:
    """Trains and tests every fold, the ones whose results are there excepted.

    Raises:
        ValueError: A result is there, but of another configuration.
    """
    for seed in seeds:
        for fold in job.folds:
            path = out / "results" / job.system / f"{fold.test}-seed{seed}.json"
            if path.is_file():
                result = RunResult.load(path)
                if Preset.from_dict(result.config) != training.settled(job.preset) or result.fold["train"] != list(fold.train):
                    raise ValueError(f"{path}: is the result of another training, expected this one's; give --out another folder")
            else:
                checkpoint = out / "work" / f"{job.system}-{fold.test}-seed{seed}.npz"
                result, _ = training.run(
                    job.corpus, job.system, job.preset, fold, seed, method=job.method, split=job.protocol, checkpoint=checkpoint
                )
                result.save(path)
                _clean(checkpoint)
            yield result


def write_report(job: Job, out: Path) -> Path | None:
    """Writes tables and figures of all runs; None where there are no folds."""
    if not job.folds:
        return None
    return report.write(collect(out / "results"), out, job.corpus.name)


def train(job: Job, out: Path, seed: int = 0) -> Path:
    """Trains on all speakers, and saves the network as `model.keras`."""
    checkpoint = out / "work" / f"{job.system}-all.npz"
    model: keras.Model = training.train_on_all(job.corpus, job.preset, seed, method=job.method, checkpoint=checkpoint)
    path = out / "model.keras"
    model.save(path)
    _clean(checkpoint)
    return path


def _grouped(corpus: PreparedCorpus, number: int) -> GroupedCorpus:
    """Speakers in groups with about as many recordings each: the largest speaker goes to the smallest group."""
    counts = corpus.manifest["speaker"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    sizes, group_of = np.zeros(number, int), {}
    for speaker, count in counts.items():
        smallest = int(sizes.argmin())
        group_of[speaker] = f"group{smallest}"
        sizes[smallest] += count
    speakers = zip(corpus.manifest["utterance"], corpus.manifest["speaker"], strict=True)
    return GroupedCorpus(corpus, {utterance: group_of[speaker] for utterance, speaker in speakers})


def _clean(checkpoint: Path) -> None:
    for leftover in checkpoint.parent.glob(f"{checkpoint.name}*"):
        leftover.unlink()
