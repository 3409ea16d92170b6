"""One run = (corpus, system, fold, seed): seeds, compilation, epochs with a validation speaker, resumption -> RunResult.

The loop calls Keras's compiled `train_on_batch` itself: `Model.fit` stalls between short epochs on the processor.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np
from numpy.typing import NDArray

from ser_acrnn import __version__, augmentation, distribution, metrics, protocol
from ser_acrnn.config import ConfigError, DnnElmPreset, Preset, TrainConfig
from ser_acrnn.dataset import PreparedCorpus, Segments
from ser_acrnn.judging import check_recipe, utterances
from ser_acrnn.methods import Augment, Method, method_of
from ser_acrnn.models import segment_posteriors
from ser_acrnn.results import RunResult
from ser_acrnn.training_state import TrainingState

logger = logging.getLogger(__name__)
AnyPreset = TypeVar("AnyPreset", bound=Preset | DnnElmPreset)


def run(
    corpus: PreparedCorpus,
    system: str,
    preset: Preset | DnnElmPreset,
    fold: protocol.Fold,
    seed: int,
    *,
    method: Method | None = None,
    split: str = protocol.LEAVE_ONE_SPEAKER_OUT,
    devices: str = "auto",
    checkpoint: Path | None = None,
    log_directory: Path | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> tuple[RunResult, keras.Model]:
    """Trains on a fold's training speakers, chooses the epoch on the validation speaker, then reads and judges the test speaker.

    Where the configuration takes the last epoch and has the validation speaker train too, nobody validates.

    Args:
        corpus: A prepared corpus, made by the preset's feature recipe.
        system: Name of the row in a table that the run belongs to.
        preset: The configurations.
        fold: Who does what.
        seed: Of initial weights, order of segments, dropout, and an extreme learning machine's hidden layer.
        method: Another one than the preset's own, such as `ser_acrnn.fine_tuning.FineTuned`.
        split: Name of the protocol that the fold comes from; all but `leaky-random` refuse a speaker in two parts.
        devices: See `ser_acrnn.distribution.place`; a run can be resumed on others, in the precision that it began in.
        checkpoint: File that keeps the state after each epoch; a run that finds its own there goes on from it.
        log_directory: Folder for TensorBoard's scalars.
        on_epoch: Called with each entry of the validation curve.

    Returns:
        The result, and the network with the chosen epoch's weights; of a DNN-ELM that is the DNN.

    Raises:
        ConfigError: Nobody validates, and the preset chooses by validation.
        DatasetError: The corpus was made by another recipe.
        DevicesError: The devices cannot be had.
        LeakError: A speaker, an utterance or identical audio is in two parts of the fold.
    """
    check_recipe(corpus, preset, system)
    rows = corpus.manifest.assign(group=corpus.group)[["utterance", "group", "speaker", "sha256"]]
    protocol.check_leaks(fold, rows.itertuples(index=False), speakers=split != protocol.LEAKY_RANDOM)
    placement, preset = _settle(preset, devices)
    config = preset.training
    fold = fold.without_validation() if config.train_on_validation else fold
    if fold.validation is None and config.epoch_choice != "last":
        raise ConfigError(f"TrainConfig.epoch_choice is {config.epoch_choice!r}, expected 'last' in a fold in which nobody validates")
    emotions, method = preset.model.emotions, method or method_of(preset)
    corpus = method.corpus(corpus)
    reader = protocol.FoldReader(corpus, fold)
    train = method.segments(reader, fold.train, training=True)
    validation = method.segments(reader, [fold.validation]) if fold.validation else None

    members = rows[rows["group"].isin(fold.heard)][["utterance", "group"]].to_csv(index=False)
    data = [*corpus.checksums(fold.heard), hashlib.sha256(members.encode()).hexdigest()]
    identity = [data, preset.to_dict(), split, dataclasses.asdict(fold), seed, backend(), method.origin]
    with placement.scope():
        keras.utils.set_random_seed(seed)
        mean, variance = reader.statistics(fold.train)
        model = method.network(mean, variance)
        state = _in_stages(
            method,
            model,
            train,
            validation,
            seed,
            augment=method.augment(corpus, train, mean),
            placement=placement,
            checkpoint=checkpoint,
            identity=identity,
            log_directory=log_directory,
            on_epoch=on_epoch,
        )
        judge = method.judge(corpus, model, train, validation, seed)

        epoch = reader.choose_epoch(state.curve, config.epoch_choice)
        test = method.segments(reader, [fold.test])
        judged, judged_before = (utterances(segments, emotions, judge(segments)) if segments else [] for segments in (test, validation))
    result = RunResult(
        corpus=corpus.name,
        system=system,
        fold={"train": list(fold.train), "validation": fold.validation, "test": fold.test},
        seed=seed,
        emotions=list(emotions),
        utterances=judged,
        chosen_epoch=epoch,
        validation_curve=state.curve,
        recipe_hash=corpus.features.recipe_hash,
        config=preset.to_dict(),
        version=__version__,
        backend=backend(),
        device=placement.description,
        precision=config.precision,
        wall_seconds=round(state.wall_seconds, 2),
        protocol=split,
        validation_utterances=judged_before,
    )
    return result, model


def train_on_all(
    corpus: PreparedCorpus,
    preset: Preset,
    seed: int,
    *,
    method: Method | None = None,
    devices: str = "auto",
    checkpoint: Path | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> keras.Model:
    """Trains on all speakers of a corpus, for use and not for judging: what it is worth is what the folds of the same preset say.

    Args:
        corpus: A prepared corpus, made by the preset's feature recipe.
        preset: The configurations; they take the last epoch, because nobody is left to choose one.
        seed: See `run`.
        method: See `run`.
        devices: See `run`.
        checkpoint: See `run`.
        on_epoch: Called with `epoch` and `loss` of each epoch.

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
    method = method or method_of(preset)
    corpus = method.corpus(corpus)
    train = method.segments(corpus, corpus.groups, training=True)
    identity = ["all", corpus.checksums(corpus.groups), preset.to_dict(), seed, backend(), method.origin]
    with placement.scope():
        keras.utils.set_random_seed(seed)
        mean, variance = corpus.statistics(corpus.groups)
        model = method.network(mean, variance)
        _in_stages(
            method,
            model,
            train,
            None,
            seed,
            augment=method.augment(corpus, train, mean),
            placement=placement,
            checkpoint=checkpoint,
            identity=identity,
            on_epoch=on_epoch,
        )
    return model


def _in_stages(
    method: Method,
    model: keras.Model,
    train: Segments,
    validation: Segments | None,
    seed: int,
    *,
    checkpoint: Path | None,
    identity: list[Any],
    on_epoch: Callable[[dict[str, Any]], None] | None,
    **settings: Any,
) -> TrainingState:
    """Trains stage by stage, see `fit`, and leaves the model with the weights that count; the curve numbers the epochs of all stages."""
    whole = TrainingState()
    for number, stage in enumerate(method.stages()):
        before = len(whole.curve)
        for layer in model.layers:
            layer.trainable = not stage.frozen(layer.name)

        def show(entry: dict[str, Any], before: int = before) -> None:
            if on_epoch is not None:
                on_epoch({**entry, "epoch": entry["epoch"] + before})

        state = fit(
            model,
            train,
            validation,
            stage.training,
            seed,
            checkpoint=checkpoint if number == 0 or checkpoint is None else checkpoint.with_name(f"{checkpoint.name}.stage{number}"),
            identity=json.dumps([*identity, number, stage.training.to_dict()]),
            on_epoch=show,
            **settings,
        )
        model.set_weights(state.best_weights)
        whole.curve += [{**entry, "epoch": entry["epoch"] + before} for entry in state.curve]
        whole.wall_seconds += state.wall_seconds
    return whole


def settled(preset: AnyPreset, devices: str = "auto") -> AnyPreset:
    """The preset as a run's result holds it: with nothing left "auto"."""
    return _settle(preset, devices)[1]


def _settle(preset: AnyPreset, devices: str) -> tuple[distribution.Placement, AnyPreset]:
    """Where to train, and the preset with nothing left "auto"."""
    placement = distribution.place(devices, preset.training.batch_size)
    training = dataclasses.replace(preset.training, precision=placement.precision(preset.training.precision))
    return placement, dataclasses.replace(preset, training=training)


def fit(
    model: keras.Model,
    train: Segments,
    validation: Segments | None,
    config: TrainConfig,
    seed: int,
    *,
    augment: Augment | None = None,
    placement: distribution.Placement = distribution.DEFAULT_PLACEMENT,
    checkpoint: Path | None = None,
    identity: str = "",
    log_directory: Path | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> TrainingState:
    """Trains until the epochs or the patience end, keeping the weights of the epoch that will be chosen.

    Each epoch sees every training segment once, or as many drawn evenly from all emotions, in an order drawn from (seed, epoch); the
    last batch is filled up from the epoch's first segments, so that all batches have one size.

    Args:
        model: A network of `ser_acrnn.models.acrnn`; trained in place.
        train: Training segments.
        validation: The validation speaker's segments; without them the last epoch has to be taken.
        config: The numbers.
        seed: Of the order and of the augmentation.
        augment: Changes each batch.
        placement: Where.
        checkpoint: See `run`.
        identity: Distinguishes the checkpoints of different runs.
        log_directory: See `run`.
        on_epoch: See `run`.

    Returns:
        The state after the last epoch, with the curve and the best weights.
    """
    features, labels = train.features, train.labels.astype(np.int32)
    targets = np.eye(model.output_shape[-1], dtype=np.float32)[labels] if config.soft_targets else labels
    steps = -(-len(features) // config.batch_size)
    compile_model(model, config, steps)
    learner = placement.learner(model)
    state = TrainingState() if checkpoint is None else TrainingState.load(checkpoint, identity)
    if state.curve:
        state.restore(learner.model)
        learner.publish()
        logger.info("resuming after epoch %d", state.curve[-1]["epoch"])
    log = _scalar_log(log_directory)
    for epoch in range(len(state.curve) + 1, config.epochs + 1):
        if state.curve and epoch - 1 - protocol.chosen_epoch(state.curve, config.epoch_choice) >= config.patience:
            break
        started = time.perf_counter()
        rng = np.random.default_rng([seed, epoch])
        order = np.resize(_order(labels, config.sampling, rng), (steps, config.batch_size))
        losses = [learner.step(*_drawn(features, targets, batch, augment, config.mixup, rng)) for batch in order]
        learner.publish()
        entry: dict[str, Any] = {"epoch": epoch, "loss": round(float(np.mean(losses)), 6)}
        entry |= _validate(model, validation, config.batch_size) if validation else {}
        state.curve.append(entry)
        if protocol.chosen_epoch(state.curve, config.epoch_choice) == epoch:
            state.best_weights = model.get_weights()
        state.wall_seconds += time.perf_counter() - started
        if checkpoint is not None:
            state.take(learner.model)
            state.save(checkpoint, identity)
        for name in entry.keys() - {"epoch"}:
            log(name, entry[name], epoch)
        if on_epoch is not None:
            on_epoch(entry)
    return state


def compile_model(model: keras.Model, config: TrainConfig, steps: int) -> None:
    """Compiles with Nadam and cross-entropy (letter, section III), for epochs of so many steps."""
    # XLA makes the convolutions slower on the processor; JAX has nothing else.
    jit_compile = "auto" if keras.backend.backend() == "jax" else False
    rate: Any = config.learning_rate
    if config.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, config.epochs * steps)
    loss = keras.losses.SparseCategoricalCrossentropy()
    if config.soft_targets:
        loss = keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing)
    model.compile(
        optimizer=keras.optimizers.Nadam(rate, beta_1=config.momentum),
        loss=loss,
        jit_compile=jit_compile,
    )
    model.optimizer.build(model.trainable_variables)


def backend() -> str:
    """Name and version of Keras and of what computes below it."""
    name = keras.backend.backend()
    module = __import__(name)
    return f"{name} {module.__version__}, keras {keras.version()}"


def _order(labels: NDArray[np.int32], sampling: str, rng: np.random.Generator) -> NDArray[np.int64]:
    """Numbers of the segments of an epoch."""
    if sampling == "all":
        return rng.permutation(len(labels))
    shares = 1 / np.bincount(labels)[labels]
    return rng.choice(len(labels), len(labels), p=shares / shares.sum())


def _drawn(
    features: NDArray[np.float32],
    targets: NDArray,
    batch: NDArray[np.int64],
    augment: Augment | None,
    mixup: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray]:
    """A batch as it is trained on: its segments, changed and mixed, and their targets."""
    segments, wanted = features[batch] if augment is None else augment(features, batch, rng), targets[batch]
    if mixup:
        augmentation.mix(segments, wanted, mixup, rng)
    return segments, wanted


def _validate(model: keras.Model, validation: Segments, batch_size: int) -> dict[str, float]:
    posteriors = segment_posteriors(model, validation.features, batch_size)
    right = posteriors[np.arange(len(posteriors)), validation.labels]
    decisions = metrics.utterance_posteriors(posteriors, validation.utterance).argmax(axis=1)
    return {
        "validation_loss": round(float(-np.log(np.maximum(right, 1e-7)).mean()), 6),
        "validation_uar": round(metrics.unweighted_average_recall(validation.utterance_labels, decisions), 6),
    }


def _scalar_log(directory: Path | None) -> Callable[[str, float, int], None]:
    """TensorBoard's scalars, without TensorFlow; nothing where no folder is given or TensorBoard is not installed."""
    if directory is None:
        return lambda name, value, step: None
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError:
        logger.info("tensorboard is not installed: no scalars are logged to %s", directory)
        return lambda name, value, step: None
    writer = EventFileWriter(str(directory))

    def log(name: str, value: float, step: int) -> None:
        summary = Summary(value=[Summary.Value(tag=name, simple_value=value)])
        writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))
        writer.flush()

    return log
