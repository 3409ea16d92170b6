"""Every number of the networks, in frozen dataclasses: the ACRNN as a table, and the baseline DNN-ELM.

Units are in the names. Numbers beside which stands "paper" come from Chen, He, Yang, Zhang, "3-D Convolutional Recurrent Neural
Networks With Attention Model for Speech Emotion Recognition", IEEE Signal Processing Letters 25(10), 2018; "released code" is the
authors' public repository.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from ser_acrnn.config.json_config import JsonConfig, require, settle_kinds

EMODB_EMOTIONS = ("angry", "sad", "happy", "neutral", "fear", "disgust", "bored")

IEMOCAP_EMOTIONS = ("angry", "sad", "happy", "neutral")

Normalisation = Literal["training", "speaker", "utterance", "segment"]

NORMALISATIONS: tuple[Normalisation, ...] = get_args(Normalisation)


@dataclass(frozen=True)
class ModelConfig(JsonConfig):
    """The ACRNN (paper, section II-B), as a table that `ser_acrnn.models.networks.acrnn` builds.

    Attributes:
        emotions: Names of the classes, in the order of the outputs.
        channels: 3 (static, delta, delta-delta: "3-D") or 1 (static only: "2-D").
        conv: A row a convolution: (maps, pooling over time, pooling over frequency); (1, 1) pools nothing.
        kernel: Convolution kernel over (time, frequency).
        linear_units: Units of the linear layer at each time step.
        blstm_units: Cells in each direction.
        attention: `"paper"`: softmax over time of W.h; `"released-code"`: softmax over time of u . sigmoid(W h + b).
        embedding_units: Units of the fully connected layer.
        batch_norm: Which of `"conv"`, `"linear"`, `"embedding"` are batch-normalised before their activation.
        batch_norm_momentum: Keras's default of 0.99 lets the moving statistics lag many epochs of 15 steps; not in the paper.
        leaky_relu_slope: Released code; the paper names no activation.
        dropout: Rate after the linear layer, the attention pooling and the embedding.
        initialisation: How the weights of all but the BLSTM are drawn: `"glorot"`, Keras's, the paper names none; or
            `"released-code"`: a normal distribution of deviation 0.1 cut off at 0.2, and biases of 0.1.
        mask_padding: Leave padded frames out of the BLSTM and the attention. The paper does not.
        normalisation: Whose mean and variance standardise the features: `"training"`: the training speakers', the paper's; `"speaker"`:
            those of all audio of the one who speaks, unlabelled, so that a new speaker has to be heard before being judged;
            `"utterance"`: the utterance's own; `"segment"`: those of the 3 s that are judged, inside the network.
        segment_frames: Input length.
        mels: Input height.
    """

    emotions: tuple[str, ...] = EMODB_EMOTIONS
    channels: int = 3
    conv: tuple[tuple[int, int, int], ...] = ((128, 2, 2), (256, 1, 1), (256, 1, 1), (256, 1, 1), (256, 1, 1))
    kernel: tuple[int, int] = (5, 3)
    linear_units: int = 768
    blstm_units: int = 128
    attention: Literal["paper", "released-code"] = "paper"
    embedding_units: int = 64
    batch_norm: tuple[str, ...] = ("embedding",)
    batch_norm_momentum: float = 0.9
    leaky_relu_slope: float = 0.01
    dropout: float = 0.0
    initialisation: Literal["glorot", "released-code"] = "glorot"
    mask_padding: bool = False
    normalisation: Normalisation = "training"
    segment_frames: int = 300
    mels: int = 40

    def __post_init__(self) -> None:
        settle_kinds(self)
        for field in ("linear_units", "blstm_units", "embedding_units", "segment_frames", "mels"):
            require(getattr(self, field) > 0, self, field, "1 or more")
        require(all(number > 0 for number in (*self.kernel, *sum(self.conv, ()))), self, "conv", "positive numbers, and a positive kernel")
        require(0 <= self.batch_norm_momentum < 1, self, "batch_norm_momentum", "from 0 to below 1")
        require(self.leaky_relu_slope >= 0, self, "leaky_relu_slope", "0 or more")
        require(len(self.emotions) >= 2 and len(set(self.emotions)) == len(self.emotions), self, "emotions", "two or more distinct names")
        require(self.channels in (1, 3), self, "channels", "3 (static, delta, delta-delta) or 1 (static)")
        require(1 <= len(self.conv) <= 7 and all(len(row) == 3 for row in self.conv), self, "conv", "1 to 7 rows (maps, time, frequency)")
        require(self.attention in ("paper", "released-code"), self, "attention", "'paper' or 'released-code'")
        require(set(self.batch_norm) <= {"conv", "linear", "embedding"}, self, "batch_norm", "some of 'conv', 'linear', 'embedding'")
        require(0 <= self.dropout < 1, self, "dropout", "a rate from 0 to below 1")
        require(self.initialisation in ("glorot", "released-code"), self, "initialisation", "'glorot' or 'released-code'")
        require(self.normalisation in NORMALISATIONS, self, "normalisation", f"one of {NORMALISATIONS}")

    def multiply_adds(self) -> int:
        """Multiply-adds of a segment's forward pass: convolutions, linear layer, BLSTM, attention and what follows."""
        time, mels, depth, total = self.segment_frames, self.mels, self.channels, 0
        for maps, pool_time, pool_mels in self.conv:
            total += time * mels * math.prod(self.kernel) * depth * maps
            time, mels, depth = time // pool_time, mels // pool_mels, maps
        total += time * mels * depth * self.linear_units
        total += time * 2 * 4 * self.blstm_units * (self.linear_units + self.blstm_units)
        scored = 2 * self.blstm_units  # W.h, and the weighted sum of eq. (5)
        total += time * (scored + 1 if self.attention == "released-code" else scored) + time * scored
        return total + scored * self.embedding_units + self.embedding_units * len(self.emotions)


def paper_conv(layers: int, pool: tuple[int, int] = (2, 2)) -> tuple[tuple[int, int, int], ...]:
    """The paper's convolutions (Table I): 128 maps in the first layer, pooled once, then 256 maps.

    Args:
        layers: 1 to 7.
        pool: Pooling over (time, frequency) after the first layer: (2, 2) in the paper, (2, 4) in the released code.
    """
    return ((128, *pool), *((256, 1, 1),) * (layers - 1))


@dataclass(frozen=True)
class DnnElmConfig(JsonConfig):
    """The baseline DNN-ELM (paper, section III): which segments, which network, which extreme learning machines.

    "Han" is K. Han, D. Yu, I. Tashev, "Speech Emotion Recognition Using Deep Neural Network and Extreme Learning Machine",
    Interspeech 2014.

    Attributes:
        emotions: Names of the classes, in the order of the outputs.
        context_frames: Frames in a segment, Han: itself and 12 at either side.
        segment_hop_frames: Frames between the segments of an utterance; neighbours share 24 frames of 25.
        loudest_share: Share of those segments that are used, Han.
        hidden_units: Units of each hidden layer, Han.
        dropout: Rate after each hidden layer; not in Han.
        elm_widths: Hidden units of the machines that the validation speaker chooses from; Han has 120.
        elm_ridges: Their ridges.
        elm_class_weight: `"balanced"`, so that rare emotions count as much as frequent ones, which UAR asks for; or `"none"`.
    """

    emotions: tuple[str, ...] = EMODB_EMOTIONS
    context_frames: int = 25
    segment_hop_frames: int = 1
    loudest_share: float = 0.10
    hidden_units: tuple[int, ...] = (256, 256, 256)
    dropout: float = 0.0
    elm_widths: tuple[int, ...] = (60, 120)
    elm_ridges: tuple[float, ...] = (1.0, 10.0, 100.0)
    elm_class_weight: Literal["balanced", "none"] = "balanced"

    def __post_init__(self) -> None:
        settle_kinds(self)
        require(len(self.emotions) >= 2 and len(set(self.emotions)) == len(self.emotions), self, "emotions", "two or more distinct names")
        require(self.context_frames > 0 and self.context_frames % 2 == 1, self, "context_frames", "an odd number of frames")
        require(self.segment_hop_frames > 0, self, "segment_hop_frames", "1 or more")
        require(0 < self.loudest_share <= 1, self, "loudest_share", "a share above 0, at most 1")
        require(len(self.hidden_units) > 0 and min(self.hidden_units) > 0, self, "hidden_units", "one or more layers of 1 or more units")
        require(0 <= self.dropout < 1, self, "dropout", "a rate from 0 to below 1")
        require(len(self.elm_widths) > 0 and min(self.elm_widths) > 0, self, "elm_widths", "one or more widths of 1 or more")
        require(len(self.elm_ridges) > 0 and min(self.elm_ridges) > 0, self, "elm_ridges", "one or more positive ridges")
        require(self.elm_class_weight in ("balanced", "none"), self, "elm_class_weight", "'balanced' or 'none'")

    def multiply_adds(self, coefficients: int = 30) -> int:
        """Multiply-adds of a segment's forward pass through the DNN."""
        widths = (self.context_frames * coefficients, *self.hidden_units, len(self.emotions))
        return sum(before * after for before, after in pairwise(widths))
