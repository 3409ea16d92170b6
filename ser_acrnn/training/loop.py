"""The training loop: compilation, batches in seeded order, an epoch's loss and validation, resumption after each epoch.

It calls Keras's compiled `train_on_batch` itself: `Model.fit` stalls between short epochs on the processor.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from ser_acrnn.augmentation import log_mels as augmentation
from ser_acrnn.config import ConfigError, TrainConfig
from ser_acrnn.data.segments import Features, Segments
from ser_acrnn.data.streamed import StreamedFeatures, read_ahead
from ser_acrnn.evaluation import metrics, protocol
from ser_acrnn.inference.batching import segment_posteriors
from ser_acrnn.training import devices
from ser_acrnn.training.checkpoint import TrainingState
from ser_acrnn.training.systems import Augment

logger = logging.getLogger(__name__)

UNKNOWN = -1  # in a target: the class is none that the segment's corpus has


class Watch(Protocol):
    """What looks at a network after each epoch, see `ser_acrnn.training.every_epoch`."""

    def after_epoch(self, model: keras.Model, epoch: int) -> dict[str, Any]:
        """Looks at the network, and returns what is added to the curve's entry."""

    def impatient(self, curve: Sequence[Mapping[str, Any]], choice: str, patience: int) -> bool:
        """Whether training ends before its last epoch, see `ser_acrnn.evaluation.protocol.impatient`."""


def fit(
    model: keras.Model,
    train: Segments,
    validation: Segments | None,
    config: TrainConfig,
    seed: int,
    *,
    augment: Augment | None = None,
    placement: devices.Placement = devices.DEFAULT_PLACEMENT,
    checkpoint: Path | None = None,
    identity: str = "",
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
    watch: Watch | None = None,
) -> TrainingState:
    """Trains until the epochs or the patience end, keeping the weights of the epoch that will be chosen.

    Each epoch sees every training segment once, or as many drawn evenly from all emotions, or from all pooled corpora, in an order drawn
    from (seed, epoch); of segments with degraded copies as many as there would be without. The last batch is filled up from the epoch's
    first segments, so that all batches have one size.

    Args:
        model: A network of `ser_acrnn.models.networks.acrnn`; trained in place.
        train: Training segments; where they stay in their corpus, batches are read ahead, the same as from memory.
        validation: The validation speaker's segments; without them the last epoch has to be taken.
        config: The numbers.
        seed: What decides the order and the augmentation.
        augment: Changes each batch.
        placement: Where.
        checkpoint: See `run`.
        identity: Distinguishes the checkpoints of different runs.
        on_epoch: See `run`.
        watch: Adds to each entry of the curve, and may be more patient.

    Returns:
        The state after the last epoch, with the curve and the best weights.
    """
    features = train.features
    targets, pool = _targets(train, model.output_shape[-1], config), _pooled(train) if config.sampling == "corpora" else None
    drawn_segments = len(features) // (1 + (config.copies or 0))
    steps = -(-drawn_segments // config.batch_size)
    compile_model(model, config, steps)
    learner = placement.learner(model)
    state = TrainingState() if checkpoint is None else TrainingState.load(checkpoint, identity)
    if state.curve:
        state.restore(learner.model)
        learner.publish()
        logger.info("resuming after epoch %d", state.curve[-1]["epoch"])
    for epoch in range(len(state.curve) + 1, config.epochs + 1):
        if state.curve and (watch.impatient if watch else protocol.impatient)(state.curve, config.epoch_choice, config.patience):
            break
        started = time.perf_counter()
        rng = np.random.default_rng([seed, epoch])
        order = np.resize(_order(train.labels, config.sampling, rng, pool)[:drawn_segments], (steps, config.batch_size))
        drawn = (_drawn(features, targets, batch, augment, config.mixup, rng) for batch in order)
        with closing(read_ahead(drawn) if isinstance(features, StreamedFeatures) else drawn) as batches:
            losses = [learner.step(*batch) for batch in batches]
        learner.publish()
        entry: dict[str, Any] = {"epoch": epoch, "loss": round(float(np.mean(losses)), 6)}
        entry |= _validate(model, validation, config.batch_size) if validation else {}
        entry |= watch.after_epoch(model, epoch) if watch else {}
        state.curve.append(entry)
        if protocol.chosen_epoch(state.curve, config.epoch_choice) == epoch:
            state.best_weights = model.get_weights()
        state.wall_seconds += time.perf_counter() - started
        if checkpoint is not None:
            state.take(learner.model)
            state.save(checkpoint, identity)
        if on_epoch is not None:
            on_epoch(entry)
    return state


def compile_model(model: keras.Model, config: TrainConfig, steps: int) -> None:
    """Compiles with Nadam and cross-entropy (paper, section III), for epochs of so many steps."""
    # XLA makes the convolutions slower on the processor; JAX has nothing else.
    jit_compile = "auto" if keras.backend.backend() == "jax" else False
    rate: Any = config.learning_rate
    if config.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, config.epochs * steps)
    loss: Any = keras.losses.SparseCategoricalCrossentropy()
    if config.sampling == "corpora":
        loss = known_crossentropy
    if config.soft_targets:
        loss = keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing)
    model.compile(
        optimizer=keras.optimizers.Nadam(rate, beta_1=config.momentum, name="nadam"),
        loss=loss,
        jit_compile=jit_compile,
    )
    model.optimizer.build(model.trainable_variables)


def _order(
    labels: NDArray, sampling: str, rng: np.random.Generator, pool: tuple[NDArray[np.int64], NDArray[np.bool_]] | None = None
) -> NDArray[np.int64]:
    """Numbers of the segments of an epoch; of pooled corpora `pool` is what `_pooled` returns."""
    if sampling == "all":
        return rng.permutation(len(labels))
    if pool is None:
        shares = 1 / np.bincount(labels)[labels]
    else:
        corpus, known = pool
        cell = corpus * known.shape[1] + labels
        # Of each corpus the same, shared by the emotions that it has.
        shares = 1 / (np.bincount(cell)[cell] * known.sum(axis=1)[corpus])
    return rng.choice(len(labels), len(labels), p=shares / shares.sum())


def _targets(train: Segments, classes: int, config: TrainConfig) -> NDArray:
    """Of each segment what the loss asks for: its class; where classes are mixed, a share of each; see `known_crossentropy` for pools."""
    labels = train.labels.astype(np.int32)
    if config.sampling == "corpora":
        corpus, known = _pooled(train)
        return np.where(known[corpus], np.eye(classes, dtype=np.float32)[labels], np.float32(UNKNOWN))
    return np.eye(classes, dtype=np.float32)[labels] if config.soft_targets else labels


def _pooled(train: Segments) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    if train.corpus is None or train.known is None:
        raise ConfigError("TrainConfig.sampling is 'corpora', expected segments of pooled corpora")
    return train.corpus, train.known


def known_crossentropy(targets: Any, posteriors: Any) -> Any:
    """Cross-entropy among the classes that a segment's corpus has; the others may be as likely as they are.

    Args:
        targets: 1 of the class, 0 of others that the corpus has, `UNKNOWN` of those that it lacks, shape `(batch, classes)`.
        posteriors: Shape `(batch, classes)`.

    Returns:
        Shape `(batch,)`.
    """
    likely = keras.ops.clip(posteriors, keras.config.epsilon(), 1.0)
    known = keras.ops.cast(targets >= 0, likely.dtype)
    right = keras.ops.cast(targets > 0, likely.dtype)
    return keras.ops.log(keras.ops.sum(likely * known, axis=-1)) - keras.ops.sum(right * keras.ops.log(likely), axis=-1)


def _drawn(
    features: Features,
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
    return validation_scores(segment_posteriors(model, validation.features, batch_size), validation)


def validation_scores(posteriors: NDArray[np.float32], validation: Segments) -> dict[str, float]:
    """Loss over segments and UAR over utterances, as an entry of the validation curve has them, from posteriors of the segments."""
    right = posteriors[np.arange(len(posteriors)), validation.labels]
    decisions = metrics.utterance_posteriors(posteriors, validation.utterance).argmax(axis=1)
    return {
        "validation_loss": round(float(-np.log(np.maximum(right, 1e-7)).mean()), 6),
        "validation_uar": round(metrics.unweighted_average_recall(validation.utterance_labels, decisions), 6),
    }
