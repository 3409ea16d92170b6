"""One run = (corpus, system, fold, seed): seeds, compilation, epochs with a validation speaker, resumption -> RunResult.

The loop calls Keras's compiled `train_on_batch` itself: `Model.fit` stalls between short epochs on the processor.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ser_acrnn import __version__, metrics, protocol
from ser_acrnn.config import Preset, TrainConfig
from ser_acrnn.dataset import DatasetError, PreparedCorpus, Segments, load_segments
from ser_acrnn.models import acrnn, segment_posteriors
from ser_acrnn.results import RunResult

logger = logging.getLogger(__name__)


@dataclass
class TrainingState:
    """Where a training stands after an epoch: everything that the next one depends on."""

    variables: list[NDArray] = field(default_factory=list)
    optimiser: list[NDArray] = field(default_factory=list)
    best_weights: list[NDArray] = field(default_factory=list)
    curve: list[dict[str, Any]] = field(default_factory=list)
    wall_seconds: float = 0.0

    def save(self, path: Path, identity: str) -> None:
        """Writes the state atomically, under the identity of the run that it belongs to."""
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {
            f"{name}_{index:03d}": array
            for name in ("variables", "optimiser", "best_weights")
            for index, array in enumerate(getattr(self, name))
        }
        about = json.dumps({"identity": identity, "curve": self.curve, "wall_seconds": self.wall_seconds})
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        with partial.open("wb") as stream:
            np.savez(stream, about=np.array(about), **arrays)
        os.replace(partial, path)

    @classmethod
    def load(cls, path: Path, identity: str) -> TrainingState:
        """Reads the state, or returns a fresh one where there is none of this run."""
        if not path.is_file():
            return cls()
        with np.load(path, allow_pickle=False) as arrays:
            about = json.loads(str(arrays["about"]))
            if about["identity"] != identity:
                logger.warning("%s: belongs to another configuration, training starts anew", path)
                return cls()
            lists = {
                name: [arrays[key] for key in sorted(arrays.files) if key.startswith(name)]
                for name in ("variables", "optimiser", "best_weights")
            }
        return cls(**lists, curve=about["curve"], wall_seconds=about["wall_seconds"])


def run(
    corpus: PreparedCorpus,
    system: str,
    preset: Preset,
    fold: protocol.Fold,
    seed: int,
    *,
    checkpoint: Path | None = None,
    log_directory: Path | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> tuple[RunResult, keras.Model]:
    """Trains on a fold's training speakers, chooses the epoch on the validation speaker, then reads and judges the test speaker.

    Args:
        corpus: A prepared corpus, made by the preset's feature recipe.
        system: Name of the row in a table that the run belongs to.
        preset: The configurations.
        fold: Who does what.
        seed: Of initial weights, order of segments and dropout.
        checkpoint: File that keeps the state after each epoch; a run that finds its own there goes on from it.
        log_directory: Folder for TensorBoard's scalars.
        on_epoch: Called with each entry of the validation curve.

    Returns:
        The result, and the network with the chosen epoch's weights.

    Raises:
        DatasetError: The corpus was made by another recipe.
        LeakError: An utterance or identical audio is in two parts of the fold.
    """
    if corpus.features.recipe_hash != preset.features.recipe_hash:
        raise DatasetError(
            f"{corpus.name}: was prepared by the recipe {corpus.features.recipe_hash}, expected {preset.features.recipe_hash} "
            f"for the system {system}"
        )
    protocol.check_leaks(fold, corpus.manifest[["utterance", "speaker", "sha256"]].itertuples(index=False))
    config, emotions = preset.training, preset.model.emotions
    read = partial(load_segments, corpus, emotions=emotions, channels=preset.model.channels)
    train = read(fold.train, hop_seconds=config.training_hop_seconds)
    validation = read([fold.validation])

    keras.utils.set_random_seed(seed)
    model = acrnn(preset.model, recipe_hash=corpus.features.recipe_hash, precision=config.precision)
    mean, variance = corpus.statistics(fold.train)
    channels = preset.model.channels
    model.get_layer("normalise").set_statistics(mean[:, :channels], variance[:, :channels])
    shards = [corpus.recipe["speakers"][speaker]["shard_sha256"] for speaker in (*fold.train, fold.validation)]
    identity = json.dumps([shards, preset.to_dict(), dataclasses.asdict(fold), seed, backend()])
    state = fit(
        model, train, validation, config, seed, checkpoint=checkpoint, identity=identity, log_directory=log_directory, on_epoch=on_epoch
    )
    epoch = protocol.chosen_epoch(state.curve)
    model.set_weights(state.best_weights)

    test = read([fold.test])
    posteriors = metrics.utterance_posteriors(segment_posteriors(model, test.features, config.batch_size), test.utterance)
    utterances = [
        {"id": name, "emotion": emotions[label], "posteriors": [round(float(value), 6) for value in row]}
        for name, label, row in zip(test.utterance_ids, test.utterance_labels, posteriors, strict=True)
    ]
    result = RunResult(
        corpus=corpus.name,
        system=system,
        fold={"train": list(fold.train), "validation": fold.validation, "test": fold.test},
        seed=seed,
        emotions=list(emotions),
        utterances=utterances,
        chosen_epoch=epoch,
        validation_curve=state.curve,
        recipe_hash=corpus.features.recipe_hash,
        config=preset.to_dict(),
        version=__version__,
        backend=backend(),
        device=device(),
        precision=config.precision,
        wall_seconds=round(state.wall_seconds, 2),
    )
    return result, model


def fit(
    model: keras.Model,
    train: Segments,
    validation: Segments,
    config: TrainConfig,
    seed: int,
    *,
    checkpoint: Path | None = None,
    identity: str = "",
    log_directory: Path | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> TrainingState:
    """Trains until the epochs or the patience end, keeping the weights of the best epoch.

    Each epoch sees every training segment once, in an order drawn from (seed, epoch); the last batch is filled up from the epoch's
    first segments, so that all batches have one size.

    Args:
        model: A network of `ser_acrnn.models.acrnn`; trained in place.
        train: Training segments.
        validation: The validation speaker's segments.
        config: The numbers.
        seed: Of the order.
        checkpoint: See `run`.
        identity: Distinguishes the checkpoints of different runs.
        log_directory: See `run`.
        on_epoch: See `run`.

    Returns:
        The state after the last epoch, with the curve and the best weights.
    """
    compile_model(model, config)
    state = TrainingState() if checkpoint is None else TrainingState.load(checkpoint, identity)
    if state.curve:
        _restore(model, state)
        logger.info("resuming after epoch %d", state.curve[-1]["epoch"])
    log = _scalar_log(log_directory)
    features, labels = train.features, train.labels.astype(np.int32)
    steps = -(-len(features) // config.batch_size)
    for epoch in range(len(state.curve) + 1, config.epochs + 1):
        if state.curve and epoch - 1 - protocol.chosen_epoch(state.curve) >= config.patience:
            break
        started = time.perf_counter()
        order = np.resize(np.random.default_rng([seed, epoch]).permutation(len(features)), (steps, config.batch_size))
        losses = [float(model.train_on_batch(features[batch], labels[batch])) for batch in order]
        entry = {"epoch": epoch, "loss": round(float(np.mean(losses)), 6), **_validate(model, validation, config.batch_size)}
        state.curve.append(entry)
        if protocol.chosen_epoch(state.curve) == epoch:
            state.best_weights = model.get_weights()
        state.wall_seconds += time.perf_counter() - started
        if checkpoint is not None:
            state.variables = [np.asarray(keras.ops.convert_to_numpy(variable)) for variable in model.variables]
            state.optimiser = [np.asarray(keras.ops.convert_to_numpy(variable)) for variable in model.optimizer.variables]
            state.save(checkpoint, identity)
        for name in ("loss", "validation_loss", "validation_uar"):
            log(name, entry[name], epoch)
        if on_epoch is not None:
            on_epoch(entry)
    return state


def compile_model(model: keras.Model, config: TrainConfig) -> None:
    """Compiles with Nadam and cross-entropy (letter, section III)."""
    # XLA makes the convolutions slower on the processor; JAX has nothing else.
    jit_compile = "auto" if keras.backend.backend() == "jax" else False
    model.compile(
        optimizer=keras.optimizers.Nadam(config.learning_rate, beta_1=config.momentum),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        jit_compile=jit_compile,
    )
    model.optimizer.build(model.trainable_variables)


def backend() -> str:
    """Name and version of Keras and of what computes below it."""
    name = keras.backend.backend()
    module = __import__(name)
    return f"{name} {module.__version__}, keras {keras.version()}"


def device() -> str:
    """What the network runs on."""
    if keras.backend.backend() == "jax":
        import jax

        first = jax.devices()[0]
        kind = "" if first.platform == "cpu" else f"{first.platform}: {first.device_kind}"
    else:
        gpus = [name for name in keras.distribution.list_devices() if name.startswith("gpu")]
        kind = ", ".join(gpus)
    return kind or f"cpu: {_processor()}, {os.cpu_count()} cores"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _validate(model: keras.Model, validation: Segments, batch_size: int) -> dict[str, float]:
    posteriors = segment_posteriors(model, validation.features, batch_size)
    right = posteriors[np.arange(len(posteriors)), validation.labels]
    decisions = metrics.utterance_posteriors(posteriors, validation.utterance).argmax(axis=1)
    return {
        "validation_loss": round(float(-np.log(np.maximum(right, 1e-7)).mean()), 6),
        "validation_uar": round(metrics.unweighted_average_recall(validation.utterance_labels, decisions), 6),
    }


def _restore(model: keras.Model, state: TrainingState) -> None:
    for variables, values in ((model.variables, state.variables), (model.optimizer.variables, state.optimiser)):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


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
