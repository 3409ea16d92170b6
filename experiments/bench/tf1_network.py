"""The released code's training step restated in TensorFlow 1's graph style, from its published description: the yardstick of ours.

Placeholders, variables and a session; convolution, leaky ReLU, pooling, linear layer with batch norm on batch statistics, LSTM by a
while loop in either direction, attention u . sigmoid(W h + b), 64 units, cross-entropy, Adam. Sizes are the paper's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ser_acrnn.config import ModelConfig


def training_step(config: ModelConfig, batch: int) -> Callable[[np.ndarray, np.ndarray], float]:
    """Builds the graph.

    Args:
        config: Sizes: table of convolutions, linear, BLSTM and embedding units.
        batch: Segments a step.

    Returns:
        A function (segments `(batch, 300, 40, channels)`, labels `(batch,)`) -> loss, which trains one step.
    """
    import tensorflow as tf

    v1 = tf.compat.v1
    graph = tf.Graph()
    with graph.as_default():
        segments = v1.placeholder(tf.float32, (batch, config.segment_frames, config.mels, config.channels))
        labels = v1.placeholder(tf.int64, (batch,))
        x = segments
        for number, (maps, pool_time, pool_mels) in enumerate(config.conv, start=1):
            kernel = _weights(v1, f"conv_{number}", (*config.kernel, x.shape[-1], maps))
            x = tf.nn.leaky_relu(tf.nn.conv2d(x, kernel, 1, "SAME") + _zeros(v1, f"conv_{number}_bias", maps), 0.01)
            if (pool_time, pool_mels) != (1, 1):
                x = tf.nn.max_pool2d(x, (pool_time, pool_mels), (pool_time, pool_mels), "VALID")
        steps, width = x.shape[1], x.shape[2] * x.shape[3]
        x = tf.reshape(x, (batch * steps, width)) @ _weights(v1, "linear", (width, config.linear_units))
        mean, variance = tf.nn.moments(x, [0])
        scale = v1.get_variable("scale", (config.linear_units,), initializer=v1.ones_initializer())
        x = tf.nn.leaky_relu(tf.nn.batch_normalization(x, mean, variance, _zeros(v1, "shift", config.linear_units), scale, 1e-3), 0.01)
        x = tf.transpose(tf.reshape(x, (batch, steps, config.linear_units)), (1, 0, 2))
        forward = _lstm(tf, v1, "forward", x, config.blstm_units)
        backward = tf.reverse(_lstm(tf, v1, "backward", tf.reverse(x, [0]), config.blstm_units), [0])
        states = tf.transpose(tf.concat([forward, backward], 2), (1, 0, 2))
        width = 2 * config.blstm_units
        hidden = tf.sigmoid(tf.tensordot(states, _weights(v1, "attention", (width, width)), 1) + _zeros(v1, "attention_bias", width))
        score = tf.tensordot(hidden, _weights(v1, "attention_score", (width, 1)), 1)
        pooled = tf.reduce_sum(states * tf.nn.softmax(score, axis=1), 1)
        embedding = tf.nn.leaky_relu(pooled @ _weights(v1, "embedding", (width, config.embedding_units)), 0.01)
        logits = embedding @ _weights(v1, "emotion", (config.embedding_units, len(config.emotions)))
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
        train = v1.train.AdamOptimizer(1e-5).minimize(loss)
        start = v1.global_variables_initializer()
    session = v1.Session(graph=graph)
    session.run(start)
    return lambda features, numbers: float(session.run([loss, train], {segments: features, labels: numbers})[0])


def _weights(v1: Any, name: str, shape: tuple[int, ...]) -> Any:
    return v1.get_variable(name, shape, initializer=v1.glorot_uniform_initializer())


def _zeros(v1: Any, name: str, size: int) -> Any:
    return v1.get_variable(name, (size,), initializer=v1.zeros_initializer())


def _lstm(tf: Any, v1: Any, name: str, sequence: Any, units: int) -> Any:
    """An LSTM over the first axis, `(steps, batch, width)` -> `(steps, batch, units)`, a step of the while loop each."""
    steps, batch, width = sequence.shape
    weights, bias = _weights(v1, f"{name}_weights", (width + units, 4 * units)), _zeros(v1, f"{name}_bias", 4 * units)
    inputs = tf.TensorArray(tf.float32, steps).unstack(sequence)

    def step(time: Any, cell: Any, output: Any, outputs: Any) -> tuple[Any, ...]:
        gates = tf.concat([inputs.read(time), output], 1) @ weights + bias
        enter, candidate, forget, leave = tf.split(gates, 4, 1)
        cell = tf.sigmoid(forget + 1.0) * cell + tf.sigmoid(enter) * tf.tanh(candidate)
        output = tf.sigmoid(leave) * tf.tanh(cell)
        return time + 1, cell, output, outputs.write(time, output)

    empty = tf.zeros((batch, units))
    state = (0, empty, empty, tf.TensorArray(tf.float32, steps))
    *_, outputs = v1.while_loop(lambda time, *_: time < steps, step, state)
    return outputs.stack()
