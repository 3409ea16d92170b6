"""Every number of the networks and the training, in frozen dataclasses; and the named presets. The features' are in `recipes`.

Units are in the names. Numbers beside which stands "paper" come from Chen, He, Yang, Zhang, "3-D Convolutional Recurrent Neural
Networks With Attention Model for Speech Emotion Recognition", IEEE Signal Processing Letters 25(10), 2018; "released code" is the
authors' public repository.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, Self, get_args, get_type_hints

from ser_acrnn.json_config import ConfigError, JsonConfig, require, whole_to_real
from ser_acrnn.recipes import FEATURE_RECIPES, FeatureConfig, FrameConfig

EMODB_EMOTIONS = ("angry", "sad", "happy", "neutral", "fear", "disgust", "bored")
IEMOCAP_EMOTIONS = ("angry", "sad", "happy", "neutral")
AS_SPOKEN = (1.0,)
# Rates within what `_AUGMENTED` trains with and evenly about the tempo as spoken; what judging at them is worth stands in
# results/emodb/ablations.md.
FIVE_TEMPOS = (0.9, 0.95, 1.0, 1.05, 1.1)
Normalisation = Literal["training", "speaker", "utterance", "segment"]
BatchNorm = Literal["training", "speaker", "speaker-halves", "speaker-16", "speaker-8", "judged", "judged-40", "judged-60", "judged-halves"]
NORMALISATIONS: tuple[Normalisation, ...] = get_args(Normalisation)


@dataclass(frozen=True)
class ModelConfig(JsonConfig):
    """The ACRNN (paper, section II-B), as a table that `ser_acrnn.models.acrnn` builds.

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
        initialisation: Of convolutions, linear layer, embedding and outputs: `"glorot"`, Keras's, the paper names none; or
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
        hidden_units: Of each layer, Han.
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
        whole_to_real(self)
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


@dataclass(frozen=True)
class AugmentConfig(JsonConfig):
    """How training segments are changed at random, anew in each epoch (`ser_acrnn.augmentation`); nothing by default, as in the paper.

    Attributes:
        tempo: Largest relative change of the speaking rate: 0.1 is from 1 / 1.1 to 1.1 times.
        vocal_tract: Largest relative shift of all frequencies, likewise.
        gain: Largest change of the level, in units of the features: natural logarithms of power, or standard deviations.
        tilt: Largest change of the level at the lowest and, opposed, at the highest filter.
        time_masks: Stretches of frames that are set to the mean (SpecAugment, Park et al., Interspeech 2019).
        time_mask_frames: Their greatest length.
        mel_masks: Bands of filters that are set to the mean.
        mel_mask_mels: Their greatest width.
        mask_mean: Whose mean masks are filled with: the `"training"` set's, or the `"segment"`'s own, which then keeps its mean.
        speaker_exchange: Share of the segments that are given mean and variance of another training speaker.
        bands: Share of the segments that are limited to a narrow band, as on the telephone (`ser_acrnn.conditions`).
        rooms: Share that sounds on as in a room.
        noise: Share that gets stationary noise.
        noise_decibels: Lowest and highest ratio of the segment's power to the noise's.
    """

    tempo: float = 0.0
    vocal_tract: float = 0.0
    gain: float = 0.0
    tilt: float = 0.0
    time_masks: int = 0
    time_mask_frames: int = 30
    mel_masks: int = 0
    mel_mask_mels: int = 6
    mask_mean: Literal["training", "segment"] = "training"
    speaker_exchange: float = 0.0
    bands: float = 0.0
    rooms: float = 0.0
    noise: float = 0.0
    noise_decibels: tuple[float, float] = (0.0, 40.0)

    def __post_init__(self) -> None:
        whole_to_real(self)
        for field in ("tempo", "vocal_tract", "gain", "tilt"):
            require(0 <= getattr(self, field) < math.inf, self, field, "0 or more")
        for field in ("time_masks", "time_mask_frames", "mel_masks", "mel_mask_mels"):
            require(getattr(self, field) >= 0, self, field, "0 or more")
        require(self.mask_mean in ("training", "segment"), self, "mask_mean", "'training' or 'segment'")
        for field in ("speaker_exchange", "bands", "rooms", "noise"):
            require(0 <= getattr(self, field) <= 1, self, field, "a share from 0 to 1")
        lowest, highest = self.noise_decibels
        require(-math.inf < lowest <= highest < math.inf, self, "noise_decibels", "two numbers, the lower first")

    def under(self, normalisation: str) -> Self:
        """Without what a normalisation undoes, or what cannot be computed on features that are standardised already."""
        if normalisation == "training":
            return self
        possible = replace(self, gain=0.0, tilt=0.0, speaker_exchange=0.0)
        return possible if normalisation == "segment" else replace(possible, bands=0.0, rooms=0.0, noise=0.0)


@dataclass(frozen=True)
class TrainConfig(JsonConfig):
    """One training run (paper, section III).

    Attributes:
        learning_rate: Nadam's.
        momentum: Nadam's first-moment decay.
        schedule: `"constant"`, or `"cosine"`: the learning rate falls to zero along half a cosine over all epochs.
        epochs: Upper bound; the paper gives none.
        epoch_choice: `"validation"`: the epoch is chosen on the validation speaker, the paper's; `"last"`: the last one is taken, whatever
            the validation speaker says.
        train_on_validation: Where the last epoch is taken: the validation speaker trains too, and nobody validates.
        patience: Epochs without a better validation UAR before training stops; not where the last epoch is taken.
        training_hop_seconds: Shift between training segments; 3.0 does not overlap.
        sampling: `"all"`: an epoch sees every segment once; `"balanced"`: as many segments, drawn so that all emotions are as frequent.
        augmentation: Of the training segments.
        mixup: Parameter of the beta distribution by which training segments and their emotions are mixed in pairs (mixup, Zhang et al.,
            ICLR 2018); 0: not at all.
        label_smoothing: Share of each label that is spread evenly over all emotions (Szegedy et al., CVPR 2016).
        precision: `"float32"`; `"bfloat16"`: mixed, with weights, normalisation and softmax in float32; or `"auto"`: bfloat16 where what
            computes has units for it, float32 elsewhere, see `ser_acrnn.distribution.Placement.precision`.
        judging_tempos: Rates at which each segment of the speaker who is judged is played to the network, which says the mean of its
            posteriors (test-time augmentation); 1.0 alone: as it was spoken, the paper's.
        judging_batch_norm: Whose mean and variance batch norm has when a speaker is judged: those of `"training"`; or of unlabelled audio
            of that speaker, who then has to be heard before (`ser_acrnn.adaptation`): all of it, what is judged included, `"speaker"`, or
            without what is judged (`experiments.disjoint`), the other half of it, `"speaker-halves"`, or so many other recordings,
            `"speaker-16"` and `"speaker-8"`; or, as in a program of the paper's authors, those of the very segments that are judged, with
            training's forgotten (`ser_acrnn.judged_batch_norm`): all of the speaker's, `"judged"`, those of each batch, `"judged-40"` and
            `"judged-60"`, or one half of the utterances for the other, `"judged-halves"`.
    """

    batch_size: int = 40
    learning_rate: float = 1e-4
    momentum: float = 0.9
    schedule: Literal["constant", "cosine"] = "constant"
    epochs: int = 60
    epoch_choice: Literal["validation", "last"] = "validation"
    train_on_validation: bool = False
    patience: int = 20
    training_hop_seconds: float = 3.0
    sampling: Literal["all", "balanced"] = "all"
    augmentation: AugmentConfig = AugmentConfig()
    mixup: float = 0.0
    label_smoothing: float = 0.0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    judging_tempos: tuple[float, ...] = AS_SPOKEN
    judging_batch_norm: BatchNorm = "training"

    def __post_init__(self) -> None:
        whole_to_real(self)
        require(0 <= self.momentum < 1, self, "momentum", "from 0 to below 1")
        require(self.batch_size > 0, self, "batch_size", "1 or more")
        require(0 < self.learning_rate < math.inf, self, "learning_rate", "a positive rate")
        require(self.epochs > 0, self, "epochs", "1 or more")
        require(self.patience > 0, self, "patience", "1 or more")
        require(self.schedule in ("constant", "cosine"), self, "schedule", "'constant' or 'cosine'")
        require(self.epoch_choice in ("validation", "last"), self, "epoch_choice", "'validation' or 'last'")
        alone = self.epoch_choice == "last" or not self.train_on_validation
        require(alone, self, "train_on_validation", "False where the validation speaker chooses the epoch")
        require(len(self.judging_tempos) > 0 and min(self.judging_tempos) > 0, self, "judging_tempos", "one or more positive rates")
        require(self.judging_batch_norm in get_args(BatchNorm), self, "judging_batch_norm", f"one of {get_args(BatchNorm)}")
        require(self.sampling in ("all", "balanced"), self, "sampling", "'all' or 'balanced'")
        require(self.training_hop_seconds > 0, self, "training_hop_seconds", "a positive number of seconds")
        require(0 <= self.mixup < math.inf, self, "mixup", "0 or more")
        require(0 <= self.label_smoothing < 1, self, "label_smoothing", "a share from 0 to below 1")
        require(self.precision in ("auto", "float32", "bfloat16"), self, "precision", "'auto', 'float32' or 'bfloat16'")

    @property
    def soft_targets(self) -> bool:
        """Whether a segment may be of several emotions in part."""
        return self.mixup > 0 or self.label_smoothing > 0


class _Parts:
    """JSON round trip for a configuration whose fields are configurations."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the configurations as plain JSON values."""
        return {name: getattr(self, name).to_dict() for name in get_type_hints(type(self))}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Builds the preset from `to_dict`'s values.

        Raises:
            ConfigError: A part is missing, or has an unknown field.
        """
        kinds = get_type_hints(cls)
        if set(values) != set(kinds):
            raise ConfigError(f"{cls.__name__} has the parts {sorted(values)}, expected {sorted(kinds)}")
        return cls(**{name: kind.from_dict(values[name]) for name, kind in kinds.items()})


@dataclass(frozen=True)
class Preset(_Parts):
    """A complete named configuration of an ACRNN."""

    features: FeatureConfig
    model: ModelConfig
    training: TrainConfig


@dataclass(frozen=True)
class DnnElmPreset(_Parts):
    """A complete configuration of the baseline DNN-ELM; `training` is the DNN's."""

    features: FrameConfig
    model: DnnElmConfig
    training: TrainConfig


_LITE = ModelConfig(conv=((32, 2, 2), (64, 2, 2)), linear_units=128, blstm_units=64, dropout=0.3, mask_padding=True)
_AUGMENTED = TrainConfig(
    learning_rate=1e-3,
    schedule="cosine",
    epochs=40,
    epoch_choice="last",
    training_hop_seconds=1.5,
    sampling="balanced",
    augmentation=AugmentConfig(
        tempo=0.15,
        vocal_tract=0.1,
        gain=0.5,
        tilt=0.5,
        time_masks=2,
        time_mask_frames=30,
        mel_masks=2,
        mel_mask_mels=6,
        speaker_exchange=0.5,
    ),
)


def lite_augmented(normalisation: Normalisation) -> Preset:
    """The light network with all augmentation that makes sense under a normalisation, on a fixed schedule of 40 epochs."""
    training = replace(_AUGMENTED, augmentation=_AUGMENTED.augmentation.under(normalisation))
    return Preset(FEATURE_RECIPES["paper"], replace(_LITE, normalisation=normalisation), training)


PRESETS = {
    "paper-emodb": Preset(FEATURE_RECIPES["paper"], ModelConfig(conv=paper_conv(5)), TrainConfig()),
    "paper-iemocap": Preset(FEATURE_RECIPES["paper"], ModelConfig(emotions=IEMOCAP_EMOTIONS, conv=paper_conv(6)), TrainConfig()),
    # The network, features, batch and rate of the released code; its optimiser is Adam and its epoch count is not given.
    "released-code": Preset(
        FEATURE_RECIPES["released-code"],
        ModelConfig(
            emotions=IEMOCAP_EMOTIONS,
            conv=paper_conv(6, pool=(2, 4)),
            attention="released-code",
            batch_norm=("linear",),
        ),
        TrainConfig(batch_size=60, learning_rate=1e-5),
    ),
    # Ours, where speed counts: two convolutions, a ninetieth of the paper's arithmetic on Emo-DB.
    "lite": Preset(
        FEATURE_RECIPES["paper"],
        _LITE,
        TrainConfig(learning_rate=1e-3, epochs=30, patience=10, training_hop_seconds=1.5),
    ),
    # Ours, for the best figures: `lite` on a fixed schedule, so that no single validation speaker decides when to stop, with other
    # voices, rates and levels at random. Nothing of the speaker who is judged has to be known. `best` is both together, see
    # `ser_acrnn.ensembles`.
    "lite-augmented": lite_augmented("training"),
    "lite-by-utterance": lite_augmented("utterance"),
    # The same for a speaker of whom unlabelled audio is at hand.
    "lite-by-speaker": lite_augmented("speaker"),
    # Ours, for the demo, the tests and a first look at a corpus: a small member of the family that trains in seconds an epoch.
    # In float32 everywhere, so that the demo and the tests do not depend on which processor they run on.
    "tiny": Preset(
        FEATURE_RECIPES["paper"],
        ModelConfig(conv=((16, 2, 2), (32, 2, 2)), linear_units=64, blstm_units=32, dropout=0.2, mask_padding=True),
        TrainConfig(learning_rate=1e-3, epochs=40, patience=15, training_hop_seconds=1.5, precision="float32"),
    ),
}


def preset(name: str) -> Preset:
    """Returns a named configuration.

    Args:
        name: One of `paper-emodb`, `paper-iemocap`, `released-code`, `lite`, `lite-augmented`, `lite-by-utterance`, `lite-by-speaker`,
            `tiny`.

    Raises:
        ConfigError: An unknown name.
    """
    if name not in PRESETS:
        raise ConfigError(f"no preset is called {name!r}, expected one of {sorted(PRESETS)}")
    return PRESETS[name]
