"""Every number of the features, the network and the training, in frozen dataclasses; and the named presets.

Units are in the names. Numbers beside which stands "letter" come from Chen, He, Yang, Zhang, "3-D Convolutional Recurrent Neural
Networks With Attention Model for Speech Emotion Recognition", IEEE Signal Processing Letters 25(10), 2018; "released code" is the
authors' public repository.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any, Literal, Self

EMODB_EMOTIONS = ("angry", "sad", "happy", "neutral", "fear", "disgust", "bored")
IEMOCAP_EMOTIONS = ("angry", "sad", "happy", "neutral")


class ConfigError(ValueError):
    """A configuration that cannot be meant; the message names the field, its value and what was expected."""


def require(condition: bool, config: object, field: str, expectation: str) -> None:
    """Raises a `ConfigError` that names field, value and expectation unless the condition holds."""
    if not condition:
        raise ConfigError(f"{type(config).__name__}.{field} is {getattr(config, field)!r}, expected {expectation}")


class JsonConfig:
    """JSON round trip for the dataclasses of this file."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as plain JSON values."""
        return json.loads(json.dumps(dataclasses.asdict(self)))  # type: ignore[call-overload]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Builds the configuration from `to_dict`'s values.

        Raises:
            ConfigError: An unknown field.
        """
        names = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(values) - names)
        if unknown:
            raise ConfigError(f"{cls.__name__} has no field {unknown}, expected some of {sorted(names)}")
        return cls(**{name: _tuples(value) for name, value in values.items()})


def whole_to_real(config: Any) -> None:
    """Makes whole numbers given for a real field real: 0 and 0.0 are equal, and must hash equally."""
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.type == "float" and isinstance(value, int):
            object.__setattr__(config, field.name, float(value))


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


class FramingConfig(JsonConfig):
    """What the recipes of features share: frames of samples, and a hash that tells recipes apart."""

    sampling_rate_hertz: int
    window_seconds: float
    shift_seconds: float

    @property
    def window_samples(self) -> int:
        """Samples in a frame."""
        return round(self.window_seconds * self.sampling_rate_hertz)

    @property
    def shift_samples(self) -> int:
        """Samples between the starts of neighbouring frames."""
        return round(self.shift_seconds * self.sampling_rate_hertz)

    @property
    def recipe_hash(self) -> str:
        """Sixteen hexadecimal digits that change with any field; stored with whatever was computed by this configuration."""
        canonical = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class FeatureConfig(FramingConfig):
    """From waveform to 3-D log-Mels (letter, section II-A).

    Attributes:
        window: `"hamming"` (letter) or `"rectangular"` (python_speech_features' default).
        preemphasis: Coefficient of the first-order high-pass before framing; 0 is none.
        standardise_waveform: Zero mean and unit variance an utterance, before framing.
        fft_points: 512 is the next power of two above 25 ms at 16 kHz.
        log_floor: Smallest filterbank output before the logarithm; float64's epsilon, as python_speech_features has it.
        delta_frames: N of eq. (2).
        segment_seconds: Length of what the network sees.
    """

    sampling_rate_hertz: int = 16_000
    standardise_waveform: bool = True
    preemphasis: float = 0.0
    window: Literal["hamming", "rectangular"] = "hamming"
    window_seconds: float = 0.025
    shift_seconds: float = 0.010
    fft_points: int = 512
    mels: int = 40
    lowest_hertz: float = 0.0
    highest_hertz: float = 8_000.0
    log_floor: float = 2.220446049250313e-16
    delta_frames: int = 2
    segment_seconds: float = 3.0

    def __post_init__(self) -> None:
        whole_to_real(self)
        require(self.sampling_rate_hertz > 0, self, "sampling_rate_hertz", "a positive number of hertz")
        require(self.window_samples > 0, self, "window_seconds", "at least one sample")
        require(self.shift_samples > 0, self, "shift_seconds", "at least one sample")
        require(self.log_floor > 0, self, "log_floor", "a positive number")
        require(self.window in ("hamming", "rectangular"), self, "window", "'hamming' or 'rectangular'")
        require(0 <= self.lowest_hertz < self.highest_hertz, self, "lowest_hertz", "0 or more, and below highest_hertz")
        require(self.highest_hertz <= self.sampling_rate_hertz / 2, self, "highest_hertz", "at most half the sampling rate")
        require(self.mels > 0, self, "mels", "a positive number of filters")
        require(self.delta_frames > 0, self, "delta_frames", "1 or more")
        require(self.window_samples <= self.fft_points, self, "fft_points", f"at least the window's {self.window_samples} samples")
        require(self.segment_frames > 0, self, "segment_seconds", "at least one frame shift")

    @property
    def segment_frames(self) -> int:
        """Frames in a segment: 300 for 3 s."""
        return round(self.segment_seconds / self.shift_seconds)


FEATURE_RECIPES = {
    "paper": FeatureConfig(),
    # python_speech_features' defaults, as the released code calls it: no window function, pre-emphasis, waveform as it is.
    "released-code": FeatureConfig(standardise_waveform=False, preemphasis=0.97, window="rectangular"),
}


@dataclass(frozen=True)
class ModelConfig(JsonConfig):
    """The ACRNN (letter, section II-B), as a table that `ser_acrnn.models.acrnn` builds.

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
        batch_norm_momentum: Keras's default of 0.99 lets the moving statistics lag many epochs of 15 steps; not in the letter.
        leaky_relu_slope: Released code; the letter names no activation.
        dropout: Rate after the linear layer, the attention pooling and the embedding.
        mask_padding: Leave padded frames out of the BLSTM and the attention. The letter does not.
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
    mask_padding: bool = False
    segment_frames: int = 300
    mels: int = 40

    def __post_init__(self) -> None:
        whole_to_real(self)
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


def letter_conv(layers: int, pool: tuple[int, int] = (2, 2)) -> tuple[tuple[int, int, int], ...]:
    """The letter's convolutions (Table I): 128 maps in the first layer, pooled once, then 256 maps.

    Args:
        layers: 1 to 7.
        pool: Pooling over (time, frequency) after the first layer: (2, 2) in the letter, (2, 4) in the released code.
    """
    return ((128, *pool), *((256, 1, 1),) * (layers - 1))


@dataclass(frozen=True)
class TrainConfig(JsonConfig):
    """One training run (letter, section III).

    Attributes:
        learning_rate: Nadam's.
        momentum: Nadam's first-moment decay.
        epochs: Upper bound; the letter gives none. The epoch is chosen on the validation speaker.
        patience: Epochs without a better validation UAR before training stops.
        training_hop_seconds: Shift between training segments; 3.0 does not overlap.
        precision: `"float32"`, or `"bfloat16"`: mixed, with weights, normalisation and softmax in float32.
    """

    batch_size: int = 40
    learning_rate: float = 1e-4
    momentum: float = 0.9
    epochs: int = 60
    patience: int = 20
    training_hop_seconds: float = 3.0
    precision: Literal["float32", "bfloat16"] = "float32"

    def __post_init__(self) -> None:
        whole_to_real(self)
        require(0 <= self.momentum < 1, self, "momentum", "from 0 to below 1")
        require(self.batch_size > 0, self, "batch_size", "1 or more")
        require(0 < self.learning_rate < math.inf, self, "learning_rate", "a positive rate")
        require(self.epochs > 0, self, "epochs", "1 or more")
        require(self.patience > 0, self, "patience", "1 or more")
        require(self.training_hop_seconds > 0, self, "training_hop_seconds", "a positive number of seconds")
        require(self.precision in ("float32", "bfloat16"), self, "precision", "'float32' or 'bfloat16'")


@dataclass(frozen=True)
class Preset:
    """A complete named configuration."""

    features: FeatureConfig
    model: ModelConfig
    training: TrainConfig

    def to_dict(self) -> dict[str, Any]:
        """Returns the three configurations as plain JSON values."""
        return {"features": self.features.to_dict(), "model": self.model.to_dict(), "training": self.training.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Builds the preset from `to_dict`'s values."""
        return cls(
            FeatureConfig.from_dict(values["features"]),
            ModelConfig.from_dict(values["model"]),
            TrainConfig.from_dict(values["training"]),
        )


PRESETS = {
    "paper-emodb": Preset(FEATURE_RECIPES["paper"], ModelConfig(conv=letter_conv(5)), TrainConfig()),
    "paper-iemocap": Preset(FEATURE_RECIPES["paper"], ModelConfig(emotions=IEMOCAP_EMOTIONS, conv=letter_conv(6)), TrainConfig()),
    # The network, features, batch and rate of the released code; its optimiser is Adam and its epoch count is not given.
    "released-code": Preset(
        FEATURE_RECIPES["released-code"],
        ModelConfig(
            emotions=IEMOCAP_EMOTIONS,
            conv=letter_conv(6, pool=(2, 4)),
            attention="released-code",
            batch_norm=("linear",),
        ),
        TrainConfig(batch_size=60, learning_rate=1e-5),
    ),
    # Ours, for the demo, the tests and a first look at a corpus: a small member of the family that trains in seconds an epoch.
    "tiny": Preset(
        FEATURE_RECIPES["paper"],
        ModelConfig(conv=((16, 2, 2), (32, 2, 2)), linear_units=64, blstm_units=32, dropout=0.2, mask_padding=True),
        TrainConfig(learning_rate=1e-3, epochs=40, patience=15, training_hop_seconds=1.5),
    ),
}


def preset(name: str) -> Preset:
    """Returns a named configuration.

    Args:
        name: One of `paper-emodb`, `paper-iemocap`, `released-code`, `tiny`.

    Raises:
        ConfigError: An unknown name.
    """
    if name not in PRESETS:
        raise ConfigError(f"no preset is called {name!r}, expected one of {sorted(PRESETS)}")
    return PRESETS[name]
