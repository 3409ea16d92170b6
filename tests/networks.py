"""What tests set by hand in a network whose other weights are drawn."""

from __future__ import annotations

import keras
import numpy as np


def trained_on_other_voices(model: keras.Model) -> keras.Model:
    """Sets a network's last two layers by hand, and returns it: whoever is heard changes what batch norm takes, and the decision with it.

    A third of the embedding's units speak for each emotion. Batch norm's statistics are those of voices that drive the units of the first
    emotion far below zero and those of the last one far above; what drawn weights make of any sound is near zero.
    """
    batch_norm, emotion = model.get_layer("embedding_batch_norm"), model.get_layer("emotion")
    kernel, bias = emotion.get_weights()
    speaks_for = np.arange(len(kernel)) % len(bias)
    emotion.set_weights([np.eye(len(bias))[speaks_for], np.zeros_like(bias)])
    batch_norm.moving_mean.assign(np.linspace(-1, 1, len(bias))[speaks_for])
    return model
