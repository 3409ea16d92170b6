"""What the training loop adds to its steps: an epoch through `loop.fit`, validation included, beside the same steps alone."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from typing import Any

import numpy as np

from experiments.bench.harness import Row
from ser_acrnn.config import ModelConfig

TRAINING, VALIDATION = 560, 60  # segments; Emo-DB has about as many


def rows(name: str, config: ModelConfig, rounds: int) -> list[Row]:
    """Measures epochs of a network in float32, each followed by its steps alone.

    Args:
        name: What the table calls it.
        config: The network.
        rounds: Epochs, after one that is not counted.
    """
    import keras

    from ser_acrnn.config import TrainConfig
    from ser_acrnn.models.networks import acrnn
    from ser_acrnn.training import loop

    keras.utils.set_random_seed(0)
    model = acrnn(config)
    train, validation = _segments(config, TRAINING), _segments(config, VALIDATION)
    settings = replace(TrainConfig(), epochs=rounds + 1, patience=rounds + 1)
    batches = np.arange(TRAINING).reshape(-1, settings.batch_size)
    epochs: list[float] = []
    steps: list[float] = []
    started = time.perf_counter()

    def after_epoch(_: dict[str, Any]) -> None:
        nonlocal started
        epochs.append(time.perf_counter() - started)
        started = time.perf_counter()
        for batch in batches:
            model.train_on_batch(train.features[batch], train.labels[batch])
        steps.append(time.perf_counter() - started)
        started = time.perf_counter()

    loop.fit(model, train, validation, settings, seed=0, on_epoch=after_epoch)
    epoch, alone = statistics.median(epochs[1:]), statistics.median(steps[1:])
    what = f"an epoch of {TRAINING} segments, validated on {VALIDATION}"
    return [Row(f"training loop, {name}", what, epoch, "s", "its steps alone", alone / epoch)]


def _segments(config: ModelConfig, count: int) -> Any:
    from ser_acrnn.data.segments import Segments

    random = np.random.default_rng(count)
    features = random.standard_normal((count, config.segment_frames, config.mels, config.channels)).astype(np.float32)
    labels = random.integers(0, len(config.emotions), count)
    return Segments(features, labels, np.arange(count), tuple(map(str, range(count))), labels)
