"""Recordings and emotions of one's own, in a CSV -> folds, runs, a report, and a network: what `ser-acrnn train` does."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras

from ser_acrnn import files, tables
from ser_acrnn.config import FEATURE_RECIPES, ConfigError, Preset, TrainConfig, lite_augmented
from ser_acrnn.data.corpus import Utterance, read_csv
from ser_acrnn.data.grouped import GroupedCorpus
from ser_acrnn.data.in_memory import load_corpus
from ser_acrnn.data.prepared import PreparedCorpus
from ser_acrnn.evaluation import report, results_manifest
from ser_acrnn.evaluation.protocol import LEAVE_ONE_SPEAKER_OUT, Fold
from ser_acrnn.evaluation.results import RunResult, collect
from ser_acrnn.evaluation.summary import Summary
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.training import own_folder
from ser_acrnn.training import run as training
from ser_acrnn.training.finetuning import FineTuned
from ser_acrnn.training.job import FEWEST_SPEAKERS, Job

logger = logging.getLogger(__name__)

ALL = "all"
OnEpoch = Callable[[str, dict[str, Any]], None]

# The rate is the head's, which learns first; see docs/results/few-examples.md for what it is worth.
FINE_TUNING: dict[str, Any] = {"epochs": 30, "learning_rate": 3e-3}
# Few recordings are seen more often, see `experiments.studies.transfer_methods`: a quarter of these updates left training
# from scratch far from its end.
FEWEST_UPDATES = 960
FEW_RECORDINGS, SMALL_BATCH = 320, 8


def plan(
    labels: Path,
    source: Predictor | None,
    *,
    epochs: int | None = None,
    learning_rate: float | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    most_folds: int = 10,
    sound_alike: bool = False,
    on_file: Callable[[Path], object] = lambda path: None,
) -> Job:
    """Reads the CSV and the recordings, and lays out the folds.

    Args:
        labels: See `ser_acrnn.data.corpus.read_csv`.
        source: The network to begin with; None trains from scratch.
        epochs: Epochs of each training; by default 30, and 40 from scratch, or as many as few recordings need.
        learning_rate: Nadam's, of the new head; the later stages have half of it and a fifth. From scratch the highest. None: the
            preset's.
        batch_size: Segments. None: the preset's, or fewer of few recordings.
        seed: Of the network that all speakers train.
        most_folds: With more speakers than that, so many groups of speakers are left out instead.
        sound_alike: See `ser_acrnn.data.in_memory.load_corpus`.
        on_file: Called with each recording that has been read.

    Raises:
        ValueError: The CSV, or recordings, cannot be used; there are fewer than two emotions, or folds to be.
    """
    if most_folds < 2:
        raise ConfigError(f"most_folds is {most_folds}, expected 2 or more")
    utterances = read_csv(labels)
    emotions = tuple(sorted({utterance.emotion for utterance in utterances}))
    if len(emotions) < 2:
        raise ConfigError(f"{labels}: has the emotion(s) {list(emotions)}, expected two or more")
    base = lite_augmented("utterance" if source is None else source.preprocessor.scope)
    # Without dropout, as the networks that ship: with it, few examples train a network from scratch half as far.
    model, recipe = replace(base.model, emotions=emotions, dropout=0.0), FEATURE_RECIPES["speech-short-pauses"]
    if source is not None:
        model, recipe = replace(model, channels=source.model.input_shape[-1]), source.preprocessor.features
    corpus: PreparedCorpus = load_corpus(labels.stem, utterances, recipe, sound_alike=sound_alike, on_file=on_file)
    numbers = base.training if source is None else replace(base.training, **FINE_TUNING)
    if learning_rate is not None:
        numbers = replace(numbers, learning_rate=learning_rate)
    preset = Preset(recipe, model, _long_enough(numbers, len(utterances), epochs, batch_size))
    tuned = None if source is None else FineTuned(preset, source.model)
    if source is not None and not set(emotions) & set(source.emotions):
        logger.warning(
            "%s: names no emotion as the network does (%s), and training begins with nothing that it knows of them",
            *(labels, ", ".join(source.emotions)),
        )
    if tuned is not None and preset.training.epochs < (fewest := sum(stage.training.epochs for stage in tuned.stages())):
        logger.warning("epochs is %d, and %d are trained: of a trained network, one in each stage", preset.training.epochs, fewest)
    _note_emotions_of_one_speaker(labels, utterances)
    protocol = LEAVE_ONE_SPEAKER_OUT
    if len(corpus.speakers) > most_folds:
        corpus, protocol = _grouped(corpus, most_folds), "leave-one-group-out"
    groups = corpus.groups if len(corpus.groups) >= FEWEST_SPEAKERS else []
    folds = [Fold(tuple(other for other in groups if other != test), None, test) for test in groups]
    return Job(corpus, preset, tuned, folds, protocol, "fine-tuned" if source else "scratch", seed)


def _note_emotions_of_one_speaker(labels: Path, utterances: Iterable[Utterance]) -> None:
    """Logs which emotions cannot be tested: when their only speaker is left out, nobody has learned them."""
    speakers: dict[str, set[str]] = {}
    for utterance in utterances:
        speakers.setdefault(utterance.emotion, set()).add(utterance.speaker)
    alone = [f"{emotion} (speaker {min(those)})" for emotion, those in sorted(speakers.items()) if len(those) == 1]
    if alone and len(set().union(*speakers.values())) > 1:
        logger.warning(
            "%s: emotions of one speaker alone, which are not recognised when that one is tested: %s", labels, tables.listed(alone)
        )


def evaluate_folds(
    job: Job, out: Path, seeds: Iterable[int], *, tensorboard: bool = False, on_epoch: OnEpoch = lambda name, entry: None
) -> Iterator[RunResult]:
    """Trains and tests every fold, the ones whose results are there excepted.

    Args:
        job: What is to be trained.
        out: The folder.
        seeds: Of the runs of each fold.
        tensorboard: Write scalars of each run below the folder's `tensorboard/`.
        on_epoch: Called with the run's name and each entry of its curve.

    Raises:
        ValueError: See `own_folder.settle`.
    """
    seeds = list(seeds)
    own_folder.settle(job, out, seeds)
    own_folder.begin(job, out)
    if job.folds:
        results_manifest.settle(out / "results", results_manifest.rows_of(job.corpus.manifest))
    for seed in seeds:
        for fold in job.folds:
            result = job.finished(fold, seed, out)
            if result is None:
                run = job.run(fold, seed)
                checkpoint = out / "work" / f"{run.system}-{run.name('.npz')}"
                result, _ = training.run(
                    job.corpus,
                    run,
                    system=job.trained_by,
                    checkpoint=checkpoint,
                    log_directory=_scalars(job, out, run.name("")) if tensorboard else None,
                    on_epoch=partial(on_epoch, f"tested {run.fold.test}, seed {run.seed}"),
                )
                result.save(job.file(run, out))
                files.remove_with_leftovers(checkpoint)
            yield result


def write_report(job: Job, out: Path) -> Path | None:
    """Writes tables and figures of all runs; None where there are no folds."""
    if not job.folds:
        return None
    return report.write(Summary.of(collect(out / "results", job.split)), out, job.corpus.name)


def train(job: Job, out: Path, *, tensorboard: bool = False, on_epoch: OnEpoch = lambda name, entry: None) -> Path:
    """Trains on all speakers, unless that is done; saves `model.keras`, see `Job.temperature`; arguments as of `evaluate_folds`.

    Raises:
        ValueError: See `own_folder.settle`.
    """
    own_folder.settle(job, out)
    if there := own_folder.finished_network(job, out):
        return there
    own_folder.begin(job, out)
    checkpoint = out / "work" / f"{job.system}-{ALL}.npz"
    model: keras.Model = training.train_on_all(
        job.corpus,
        job.preset,
        job.seed,
        system=job.trained_by,
        checkpoint=checkpoint,
        log_directory=_scalars(job, out, ALL) if tensorboard else None,
        on_epoch=partial(on_epoch, "all speakers"),
    )
    temperature = job.temperature(out)
    head = model.get_layer("emotion")  # changed in place, so that the network is saved compiled, with its optimiser
    head.set_weights([weight / temperature for weight in head.get_weights()])
    path, unnamed = out / own_folder.NETWORK, checkpoint.with_name(own_folder.NETWORK)
    model.save(unnamed)
    facts = {"network": files.sha256(unnamed), "temperature": temperature}
    files.write_text(out / own_folder.RECORD, json.dumps({**facts, **own_folder.facts_of(job)}, indent=1))
    os.replace(unnamed, path)
    for leftover in (checkpoint, checkpoint.with_name(own_folder.BEGUN)):
        files.remove_with_leftovers(leftover)
    return path


def _scalars(job: Job, out: Path, name: str) -> Path:
    return out / "tensorboard" / f"{job.system}-{name}"


def _long_enough(numbers: TrainConfig, recordings: int, epochs: int | None = None, batch_size: int | None = None) -> TrainConfig:
    """Epochs and batches for so many recordings, each of which is a segment or more; those that are given stay."""
    few = recordings < FEW_RECORDINGS and epochs is None
    batch = (SMALL_BATCH if few else numbers.batch_size) if batch_size is None else batch_size
    needed = -(-FEWEST_UPDATES * batch // recordings) if few else 0
    return replace(numbers, batch_size=batch, epochs=max(numbers.epochs, needed) if epochs is None else epochs)


def _grouped(corpus: PreparedCorpus, number: int) -> GroupedCorpus:
    """Speakers in groups with about as many recordings each: the largest speaker goes to the smallest group."""
    counts = {str(speaker): int(count) for speaker, count in corpus.manifest["speaker"].value_counts().items()}
    group_of = {speaker: f"group{index}" for index, group in enumerate(files.balanced(counts, number)) for speaker in group}
    speakers = zip(corpus.manifest["utterance"], corpus.manifest["speaker"], strict=True)
    return GroupedCorpus(corpus, {utterance: group_of[speaker] for utterance, speaker in speakers})
