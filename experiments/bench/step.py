"""The training step: ours in float32, with XLA, and in bfloat16, beside the TensorFlow 1 restatement and the machine's ceiling."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from experiments.bench.harness import Row, interleaved
from experiments.bench.tf1_network import training_step
from ser_acrnn.config import ModelConfig, TrainConfig

PRECISIONS = ("float32", "bfloat16")
MATRIX = 4096  # rows and columns of the products that find the ceiling: as large as the convolutions' own


def rows(name: str, config: ModelConfig, rounds: int, *, xla: bool = False) -> list[Row]:
    """Measures the step of a network, a batch of 40.

    A training step is counted as three forward passes, two operations a multiply-add.

    Args:
        name: What the table calls it.
        config: The network.
        rounds: Timed steps of each way.
        xla: Also measure float32 compiled by XLA, which takes minutes to compile the larger networks.
    """
    import keras

    from ser_acrnn.models.networks import acrnn
    from ser_acrnn.training.loop import compile_model

    training = TrainConfig()
    operations = 3 * 2 * config.multiply_adds() * training.batch_size
    random = np.random.default_rng(0)
    features = random.standard_normal((training.batch_size, config.segment_frames, config.mels, config.channels)).astype(np.float32)
    labels = random.integers(0, len(config.emotions), training.batch_size).astype(np.int32)
    ways: dict[str, Any] = {}
    for precision in PRECISIONS:
        keras.utils.set_random_seed(0)
        model = acrnn(config, precision=precision)
        compile_model(model, training, steps=1)
        ways[f"ours, {precision}"] = partial(model.train_on_batch, features, labels)
        ways[f"matrix product, {precision}"] = _product(precision)
    if xla:
        model = acrnn(config)
        model.compile(keras.optimizers.Nadam(), keras.losses.SparseCategoricalCrossentropy(), jit_compile=True)
        ways["ours, float32, XLA"] = partial(model.train_on_batch, features, labels)
    ways["TensorFlow 1 restatement, float32"] = partial(training_step(config, training.batch_size), features, labels)
    found = interleaved(ways, rounds)
    old = found["TensorFlow 1 restatement, float32"]
    group = f"training step, {name}"
    table = [Row(group, "TensorFlow 1 restatement, float32", old, "s")]
    for precision in PRECISIONS:
        ours, ceiling = found[f"ours, {precision}"], 2 * MATRIX**3 / found[f"matrix product, {precision}"]
        table += [
            Row(group, f"ours, {precision}", ours, "s", "TensorFlow 1 restatement", old / ours),
            Row(group, f"ours, {precision}", operations / ours / 1e9, "GFLOP/s", "matrix product", operations / ours / ceiling),
            Row(group, f"matrix product {MATRIX} x {MATRIX}, {precision}", ceiling / 1e9, "GFLOP/s"),
        ]
    if xla:
        compiled = found["ours, float32, XLA"]
        table.append(Row(group, "ours, float32, XLA", compiled, "s", "ours, float32", found["ours, float32"] / compiled))
    return table


def _product(precision: str) -> Any:
    import tensorflow as tf

    left, right = (tf.cast(tf.random.normal((MATRIX, MATRIX), seed=seed), precision) for seed in (0, 1))
    multiply = tf.function(lambda: tf.linalg.matmul(left, right))
    return lambda: multiply().numpy()
