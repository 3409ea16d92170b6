"""Recordings and emotions of one's own, in a CSV -> folds, runs, a report, and a network: what `ser-acrnn train` does.

The folder of a training holds `results/<system>/<tested>-seed<N>.json` and the corpus that they are of, `results/corpus.csv`; `report.md`
with its figures; `model.keras`, and what it learned from, `training.json`. `work/` holds the checkpoints of what was interrupted, and
`tensorboard/` scalars of each training where they were asked for. What is finished there is never replaced: another training needs
another folder.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras

from ser_acrnn import files, locks, tables
from ser_acrnn.config import FEATURE_RECIPES, ConfigError, Preset, TrainConfig, lite_augmented
from ser_acrnn.data.corpus import Utterance, read_csv
from ser_acrnn.data.grouped import GroupedCorpus
from ser_acrnn.data.in_memory import load_corpus
from ser_acrnn.data.prepared import PreparedCorpus
from ser_acrnn.evaluation import report, results_manifest
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.evaluation.protocol import LEAVE_ONE_SPEAKER_OUT, Fold
from ser_acrnn.evaluation.results import RunResult, collect
from ser_acrnn.evaluation.summary import Summary
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.training import run as training
from ser_acrnn.training.finetuning import FineTuned
from ser_acrnn.training.job import FEWEST_SPEAKERS, Job

logger = logging.getLogger(__name__)

NETWORK, RECORD, ALL = "model.keras", "training.json", "all"
OnEpoch = Callable[[str, dict[str, Any]], None]

# The rate is the head's, which learns first; with a third of it the stages stay behind training from scratch.
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
    model, recipe = replace(base.model, emotions=emotions, dropout=0.0), FEATURE_RECIPES["speech-short-pauses"]
    if source is not None:
        model, recipe = replace(model, channels=source.model.input_shape[-1]), source.preprocessor.features
    corpus: PreparedCorpus = load_corpus(labels.stem, utterances, recipe, on_file=on_file)
    numbers = base.training if source is None else replace(base.training, **FINE_TUNING)
    if learning_rate is not None:
        numbers = replace(numbers, learning_rate=learning_rate)
    preset = Preset(recipe, model, _long_enough(numbers, len(utterances), epochs, batch_size))
    tuned = None if source is None else FineTuned(preset, source.model)
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


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Writes into a folder as the only training while the block runs.

    Raises:
        LockedError: Another training writes there.
        ValueError: It is a file.
    """
    _check_folder(out)
    try:
        with locks.lock(out / "work" / "lock"):
            yield
    except locks.LockedError as error:
        raise locks.LockedError(f"{out}: another training writes there; wait for its end or give another folder ({error})") from None


def settle(job: Job, out: Path, seeds: Iterable[int] = ()) -> None:
    """Makes sure, before anything is computed, that what is finished in a folder is of this training.

    Args:
        job: What is to be trained.
        out: The folder.
        seeds: Of the runs of each fold; those with the network's seed are looked at anyway.

    Raises:
        ValueError: A result or the network is there, but of another configuration, of other recordings or labels, or begun with other
            weights.
    """
    _check_folder(out)
    results = out / "results"
    if results_manifest.read(results) is not None:
        results_manifest.settle(results, results_manifest.rows_of(job.corpus.manifest))
    elif any(results.glob("*/*-seed*.json")):
        raise ValueError(
            f"{results / results_manifest.MANIFEST}: is missing, expected the corpus of the results there; give another folder"
        )
    for seed in sorted({job.seed, *seeds}):
        for fold in job.folds:
            job.finished(fold, seed, out)
    finished_network(job, out)


def unfinished(job: Job, out: Path, seeds: Iterable[int]) -> list[Run]:
    """The runs whose results are not there, in the order in which they are trained.

    Raises:
        ValueError: See `settle`.
    """
    return [job.run(fold, seed) for seed in seeds for fold in job.folds if job.finished(fold, seed, out) is None]


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
        ValueError: See `settle`.
    """
    seeds = list(seeds)
    settle(job, out, seeds)
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


def finished_network(job: Job, out: Path) -> Path | None:
    """The network that a training has left in a folder, None where there is none.

    Raises:
        ValueError: It is there, but of another training, or nobody knows of which.
    """
    path, record = out / NETWORK, out / RECORD
    if not path.exists():
        return None
    elsewhere = "move it away or give another folder"
    try:
        facts = json.loads(record.read_text(encoding="utf-8"))
        found = Preset.from_dict(facts["configuration"])
        recordings, weights, network = (facts[name] for name in ("recordings", "initial_weights", "network"))
        seed = facts.get("seed", 0)  # before seeds could be chosen it was none but this
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: nobody knows what it learned from ({record}: {error}), expected a finished training; {elsewhere}"
        ) from error
    if network != files.sha256(path):
        raise ValueError(f"{path}: was changed since it was trained, expected the sha256 {network}; {elsewhere}")
    if recordings != job.recordings:
        raise ValueError(f"{path}: learned from other recordings or labels, expected those of {job.corpus.name}; {elsewhere}")
    if found != job.preset:
        raise ValueError(f"{path}: is the result of another configuration, expected this one's; {elsewhere}")
    if seed != job.seed:
        raise ValueError(f"{path}: was trained with the seed {seed}, expected {job.seed}; {elsewhere}")
    if weights != job.origin:
        raise ValueError(f"{path}: began with the weights {weights[:12] or 'that its seed draws'}, expected others; {elsewhere}")
    return path


def train(job: Job, out: Path, *, tensorboard: bool = False, on_epoch: OnEpoch = lambda name, entry: None) -> Path:
    """Trains on all speakers, unless that is done; saves `model.keras`, see `Job.temperature`; arguments as of `evaluate_folds`.

    Raises:
        ValueError: See `settle`.
    """
    settle(job, out)
    if there := finished_network(job, out):
        return there
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
    head = model.get_layer("emotion")
    head.set_weights([weight / temperature for weight in head.get_weights()])
    path, unnamed = out / NETWORK, checkpoint.with_name(NETWORK)
    unnamed.parent.mkdir(parents=True, exist_ok=True)
    model.save(unnamed)
    facts = {"recordings": job.recordings, "initial_weights": job.origin, "seed": job.seed, "network": files.sha256(unnamed)}
    files.write_text(out / RECORD, json.dumps({**facts, "temperature": temperature, "configuration": job.preset.to_dict()}, indent=1))
    os.replace(unnamed, path)
    files.remove_with_leftovers(checkpoint)
    return path


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise ValueError(f"{out}: is a file, expected a folder")


def _scalars(job: Job, out: Path, name: str) -> Path:
    return out / "tensorboard" / f"{job.system}-{name}"


def _long_enough(numbers: TrainConfig, recordings: int, epochs: int | None = None, batch_size: int | None = None) -> TrainConfig:
    """Epochs and batches for so many recordings, each of which is a segment or more; those that are given stay."""
    few = recordings < FEW_RECORDINGS and epochs is None
    batch = batch_size or (SMALL_BATCH if few else numbers.batch_size)
    needed = -(-FEWEST_UPDATES * batch // recordings) if few else 0
    return replace(numbers, batch_size=batch, epochs=epochs or max(numbers.epochs, needed))


def _grouped(corpus: PreparedCorpus, number: int) -> GroupedCorpus:
    """Speakers in groups with about as many recordings each: the largest speaker goes to the smallest group."""
    counts = {str(speaker): int(count) for speaker, count in corpus.manifest["speaker"].value_counts().items()}
    group_of = {speaker: f"group{index}" for index, group in enumerate(files.balanced(counts, number)) for speaker in group}
    speakers = zip(corpus.manifest["utterance"], corpus.manifest["speaker"], strict=True)
    return GroupedCorpus(corpus, {utterance: group_of[speaker] for utterance, speaker in speakers})
