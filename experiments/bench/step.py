"""The training step of the letter's network: ours in float32 and bfloat16, the TensorFlow 1 restatement, and the machine's ceiling."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from experiments.bench.harness import Row, interleaved
from experiments.bench.tf1_network import training_step
from ser_acrnn.config import ModelConfig, TrainConfig, letter_conv

PRECISIONS = ("float32", "bfloat16")
MATRIX = 4096  # rows and columns of the products that find the ceiling: as large as the convolutions' own


def rows(layers: int, quick: bool) -> list[Row]:
    """Measures the step of a network with so many convolutions, a batch of 40.

    A training step is counted as three forward passes, two operations a multiply-add.
    """
    import keras

    from ser_acrnn.models import acrnn
    from ser_acrnn.training import compile_model

    config, training = ModelConfig(conv=letter_conv(layers)), TrainConfig()
    operations = 3 * 2 * config.multiply_adds() * training.batch_size
    random = np.random.default_rng(0)
    features = random.standard_normal((training.batch_size, config.segment_frames, config.mels, config.channels)).astype(np.float32)
    labels = random.integers(0, len(config.emotions), training.batch_size).astype(np.int32)
    ways: dict[str, Any] = {}
    for precision in PRECISIONS:
        keras.utils.set_random_seed(0)
        model = acrnn(config, precision=precision)
        compile_model(model, training)
        ways[f"ours, {precision}"] = partial(model.train_on_batch, features, labels)
        ways[f"matrix product, {precision}"] = _product(precision)
    ways["TensorFlow 1 restatement, float32"] = partial(training_step(config, training.batch_size), features, labels)
    found = interleaved(ways, rounds=1 if quick else 5)
    old = found["TensorFlow 1 restatement, float32"]
    group = f"training step, {layers} conv"
    table = [Row(group, "TensorFlow 1 restatement, float32", old, "s")]
    for precision in PRECISIONS:
        ours, ceiling = found[f"ours, {precision}"], 2 * MATRIX**3 / found[f"matrix product, {precision}"]
        table += [
            Row(group, f"ours, {precision}", ours, "s", "TensorFlow 1 restatement", old / ours),
            Row(group, f"ours, {precision}", operations / ours / 1e9, "GFLOP/s", "matrix product", operations / ours / ceiling),
            Row(group, f"matrix product {MATRIX} x {MATRIX}, {precision}", ceiling / 1e9, "GFLOP/s"),
        ]
    return table


def _product(precision: str) -> Any:
    import tensorflow as tf

    left, right = (tf.cast(tf.random.normal((MATRIX, MATRIX), seed=seed), precision) for seed in (0, 1))
    multiply = tf.function(lambda: tf.linalg.matmul(left, right))
    return lambda: multiply().numpy()
