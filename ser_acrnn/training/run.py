"""One run = (corpus, system, fold, seed): what is read and checked, seeds, stages, the choice of the epoch, the test -> RunResult."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np
from numpy.typing import NDArray

from ser_acrnn import __version__, files
from ser_acrnn.config import ConfigError, DnnElmPreset, Preset
from ser_acrnn.data.fold_reader import FoldReader
from ser_acrnn.data.prepared import PreparedCorpus
from ser_acrnn.data.segments import LARGEST_IN_MEMORY_BYTES, Segments
from ser_acrnn.data.with_copies import with_copies
from ser_acrnn.evaluation import protocol
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.training.checkpoint import TrainingState
from ser_acrnn.training.devices import Placement, place
from ser_acrnn.training.rescoring import check_recipe, utterances
from ser_acrnn.training.stages import train_in_stages
from ser_acrnn.training.systems import Scorer, System, system_of

AnyPreset = TypeVar("AnyPreset", bound=Preset | DnnElmPreset)


def run(
    corpus: PreparedCorpus,
    this: Run,
    *,
    copies: PreparedCorpus | None = None,
    system: System | None = None,
    devices: str = "auto",
    checkpoint: Path | None = None,
    log_directory: Path | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
    largest_in_memory_bytes: int = LARGEST_IN_MEMORY_BYTES,
) -> tuple[RunResult, keras.Model]:
    """Trains on a fold's training speakers, chooses the epoch on the validation speaker, then reads and scores the test speaker.

    Where the configuration takes the last epoch and has the validation speaker train too, nobody validates.

    Args:
        corpus: A prepared corpus, made by the preset's feature recipe.
        this: Which run; all protocols but the leaky ones refuse a speaker in two parts.
        copies: The degraded copies that the preset trains with, see `ser_acrnn.data.with_copies`; grouped as the corpus.
        system: Another one than the preset's own, such as `ser_acrnn.training.finetuning.FineTuned`.
        devices: See `ser_acrnn.training.devices.place`; a run can be resumed on others, in the precision that it began in.
        checkpoint: File that keeps the state after each epoch; a run that finds its own there goes on from it.
        log_directory: Folder for TensorBoard's scalars.
        on_epoch: Called with each entry of the validation curve.
        largest_in_memory_bytes: Of the segments of a part of the fold; larger ones are streamed from the corpus, which changes no result.

    Returns:
        The result, and the network with the chosen epoch's weights; of a DNN-ELM that is the DNN.

    Raises:
        ConfigError: Nobody validates, and the preset chooses by validation.
        DatasetError: The corpus was made by another recipe.
        DevicesError: The devices cannot be had.
        LeakError: A speaker, an utterance or identical audio is in two parts of the fold.
    """
    begun = begin(corpus, this, copies=copies, system=system, devices=devices, largest_in_memory_bytes=largest_in_memory_bytes)
    with begun.placement.scope():
        model, state = begun.fit(checkpoint=checkpoint, log_directory=log_directory, on_epoch=on_epoch)
        score = begun.system.score(begun.reader, model, begun.train, begun.validation, this.seed)
        epoch = begun.reader.choose_epoch(state.curve, begun.preset.training.epoch_choice)
        tested, validated = (begun.utterances(segments, score) for segments in (begun.test(), begun.validation))
    return begun.result(this.system, begun.preset, state.curve, epoch, tested, validated, state.wall_seconds), model


@dataclass(frozen=True)
class Begun:
    """A run whose speakers have been read and checked, and whose test part is still closed; `begin` makes it.

    Attributes:
        run: Which one, as it was asked for.
        reader: The corpus as the system reads it and the fold allows.
        train_reader: The same with the degraded copies that it trains with, or the very same.
        fold: The split as the run is trained: another one under `leaky-choice`, and without whom the configuration has train too.
        preset: The configurations, with nothing left "auto".
        system: What trains and scores.
        placement: Where.
        train: The training speakers' segments.
        validation: The validation speaker's; None where nobody validates.
        identity: Distinguishes the run's checkpoint from those of others: data, configurations, split, seed, backend, initial weights.
        statistics: Mean and variance that the network normalises by.
        largest_in_memory_bytes: See `run`.
    """

    run: Run
    reader: FoldReader
    train_reader: FoldReader
    fold: protocol.Fold
    preset: Preset | DnnElmPreset
    system: System
    placement: Placement
    train: Segments
    validation: Segments | None
    identity: list[Any]
    statistics: tuple[NDArray[np.float32], NDArray[np.float32]]
    largest_in_memory_bytes: int

    def fit(self, **settings: Any) -> tuple[keras.Model, TrainingState]:
        """Trains, and returns the network with the weights that count, and where the training ended; settings as of `fit`."""
        settings |= {"placement": self.placement, "identity": self.identity}
        return train_in_stages(self.system, self.train_reader, self.train, self.validation, self.statistics, self.run.seed, **settings)

    def test(self) -> Segments:
        """The test speaker's segments.

        Raises:
            LeakError: No epoch has been chosen yet.
        """
        return self.system.segments(self.reader, [self.fold.test], largest_in_memory_bytes=self.largest_in_memory_bytes)

    def utterances(self, segments: Segments | None, score: Scorer) -> list[dict[str, Any]]:
        """Scores segments, and returns their utterances as results hold them."""
        return utterances(segments, self.preset.model.emotions, score(segments)) if segments else []

    def result(
        self,
        system: str,
        preset: Preset | DnnElmPreset,
        curve: list[dict[str, Any]],
        epoch: int,
        tested: list[dict[str, Any]],
        validated: list[dict[str, Any]],
        wall_seconds: float,
    ) -> RunResult:
        """What the run leaves, under the name and the configurations of a system."""
        names = {"train": list(self.fold.train), "validation": self.fold.validation, "test": self.fold.test}
        if self.run.protocol == protocol.LEAKY_CHOICE:  # who chose the epoch is who is reported
            names, tested = {**names, "test": self.run.fold.test}, validated
        return RunResult(
            corpus=self.reader.name,
            system=system,
            fold=names,
            seed=self.run.seed,
            emotions=list(self.preset.model.emotions),
            utterances=tested,
            chosen_epoch=epoch,
            validation_curve=curve,
            recipe_hash=self.preset.features.recipe_hash,
            config=preset.to_dict(),
            version=__version__,
            backend=backend(),
            device=self.placement.description,
            precision=preset.training.precision,
            wall_seconds=round(wall_seconds, 2),
            protocol=self.run.protocol,
            validation_utterances=validated,
            initial_weights=self.system.origin,
        )


def begin(
    corpus: PreparedCorpus,
    this: Run,
    *,
    copies: PreparedCorpus | None = None,
    system: System | None = None,
    devices: str = "auto",
    largest_in_memory_bytes: int = LARGEST_IN_MEMORY_BYTES,
) -> Begun:
    """Checks a run, and reads the speakers that it trains and validates on; arguments and errors as of `run`."""
    if not isinstance(this.preset, Preset | DnnElmPreset):
        raise ConfigError(f"{this.system}: is configured by a {type(this.preset).__name__}, expected a network's preset")
    check_recipe(corpus, this.preset, this.system)
    fold = this.fold.exchanged() if this.protocol == protocol.LEAKY_CHOICE else this.fold
    rows = corpus.manifest.assign(group=corpus.group)[["utterance", "group", "speaker", "sha256"]]
    protocol.check_leaks(fold, rows.itertuples(index=False), speakers=this.protocol not in protocol.SPEAKERS_SHARED)
    placement, preset = _settle(this.preset, devices)
    config = preset.training
    fold = fold.without_validation() if config.train_on_validation else fold
    if fold.validation is None and config.epoch_choice != "last":
        raise ConfigError(f"TrainConfig.epoch_choice is {config.epoch_choice!r}, expected 'last' in a fold in which nobody validates")
    system = system or system_of(preset)
    members = rows[rows["group"].isin(fold.heard)][["utterance", "group"]].to_csv(index=False)
    learned = with_copies(corpus, copies, config.copies)
    data = [*learned.checksums(fold.heard), files.sha256_of(members)]
    read = system.corpus(corpus)
    reader, train_reader = FoldReader(read, fold), FoldReader(system.corpus(learned), fold)
    segments = partial(system.segments, largest_in_memory_bytes=largest_in_memory_bytes)
    return Begun(
        run=this,
        reader=reader,
        train_reader=train_reader,
        fold=fold,
        preset=preset,
        system=system,
        placement=placement,
        train=segments(train_reader, fold.train, training=True),
        validation=segments(reader, [fold.validation]) if fold.validation else None,
        identity=[data, preset.to_dict(), this.protocol, dataclasses.asdict(fold), this.seed, backend(), system.origin],
        statistics=read.statistics(read.groups) if this.protocol == protocol.LEAKY_NORMALISATION else reader.statistics(fold.train),
        largest_in_memory_bytes=largest_in_memory_bytes,
    )


def train_on_all(
    corpus: PreparedCorpus,
    preset: Preset,
    seed: int,
    *,
    copies: PreparedCorpus | None = None,
    system: System | None = None,
    devices: str = "auto",
    checkpoint: Path | None = None,
    log_directory: Path | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
    largest_in_memory_bytes: int = LARGEST_IN_MEMORY_BYTES,
) -> keras.Model:
    """Trains on all speakers of a corpus, for use and not for judging: what it is worth is what the folds of the same preset say.

    Args:
        corpus: A prepared corpus, made by the preset's feature recipe.
        preset: The configurations; they take the last epoch, because nobody is left to choose one.
        seed: See `run`.
        copies: See `run`.
        system: See `run`.
        devices: See `run`.
        checkpoint: See `run`.
        log_directory: See `run`.
        on_epoch: Called with `epoch` and `loss` of each epoch.
        largest_in_memory_bytes: See `run`.

    Returns:
        The network with the weights of the last epoch.

    Raises:
        ConfigError: The preset chooses the epoch on a validation speaker.
        DatasetError: The corpus was made by another recipe.
        DevicesError: The devices cannot be had.
    """
    if preset.training.epoch_choice != "last":
        raise ConfigError(f"TrainConfig.epoch_choice is {preset.training.epoch_choice!r}, expected 'last' to train on all speakers")
    check_recipe(corpus, preset, "all speakers")
    placement, preset = _settle(preset, devices)
    system = system or system_of(preset)
    corpus = system.corpus(with_copies(corpus, copies, preset.training.copies))
    train = system.segments(corpus, corpus.groups, training=True, largest_in_memory_bytes=largest_in_memory_bytes)
    identity = ["all", corpus.checksums(corpus.groups), preset.to_dict(), seed, backend(), system.origin]
    statistics = corpus.statistics(corpus.groups)
    settings: dict[str, Any] = {"placement": placement, "identity": identity, "checkpoint": checkpoint}
    settings |= {"log_directory": log_directory, "on_epoch": on_epoch}
    with placement.scope():
        return train_in_stages(system, corpus, train, None, statistics, seed, **settings)[0]


def settled(preset: AnyPreset, devices: str = "auto") -> AnyPreset:
    """The preset as a run's result holds it: with nothing left "auto"."""
    return _settle(preset, devices)[1]


def _settle(preset: AnyPreset, devices: str) -> tuple[Placement, AnyPreset]:
    """Where to train, and the preset with nothing left "auto"."""
    placement = place(devices, preset.training.batch_size)
    training = dataclasses.replace(preset.training, precision=placement.precision(preset.training.precision))
    return placement, dataclasses.replace(preset, training=training)


def backend() -> str:
    """Name and version of Keras and of what computes below it."""
    name = keras.backend.backend()
    module = __import__(name)
    return f"{name} {module.__version__}, keras {keras.version()}"
