"""Every number of a training run and of how it is judged, in frozen dataclasses. Sources are named as in `ser_acrnn.config.model`."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, replace
from typing import Literal, Self, get_args

from ser_acrnn.config.json_config import LATER, JsonConfig, require, settle_kinds

AS_SPOKEN = (1.0,)

# Rates within what `_AUGMENTED` trains with and evenly about the tempo as spoken; what judging at them is worth stands in
# results/emodb/ablations.md.
FIVE_TEMPOS = (0.9, 0.95, 1.0, 1.05, 1.1)

BatchNorm = Literal["training", "speaker", "speaker-halves", "speaker-16", "speaker-8", "judged", "judged-40", "judged-60", "judged-halves"]


@dataclass(frozen=True)
class AugmentConfig(JsonConfig):
    """How training segments are changed at random, anew in each epoch (`ser_acrnn.augmentation.log_mels`); nothing by default, as in the
    paper.

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
        bands: Share of the segments that are limited to a narrow band, as on the telephone (`ser_acrnn.augmentation.degradation`).
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
        settle_kinds(self)
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
        sampling: `"all"`: an epoch sees every segment once; `"balanced"`: as many segments, drawn so that all emotions are as frequent;
            `"corpora"`: of several pooled corpora, drawn so that all corpora are as frequent, and in each of them all emotions that it
            has; the emotions that a corpus lacks are left out of the loss of its segments.
        augmentation: What is changed of training segments at random.
        copies: Degraded copies of each recording (`data_prep.degraded`) that training draws from as well; an epoch stays as long as
            without. None: none.
        mixup: Parameter of the beta distribution by which training segments and their emotions are mixed in pairs (mixup, Zhang et al.,
            ICLR 2018); 0: not at all.
        label_smoothing: Share of each label that is spread evenly over all emotions (Szegedy et al., CVPR 2016).
        precision: `"float32"`; `"bfloat16"`: mixed, with weights, normalisation and softmax in float32; or `"auto"`: bfloat16 where what
            computes has units for it, float32 elsewhere, see `ser_acrnn.training.devices.Placement.precision`.
        judging_tempos: Rates at which each segment of the speaker who is judged is played to the network, which says the mean of its
            posteriors (test-time augmentation); 1.0 alone: as it was spoken, the paper's.
        judging_batch_norm: Whose mean and variance batch norm has when a speaker is judged: those of `"training"`; or of unlabelled audio
            of that speaker, who then has to be heard before (`ser_acrnn.inference.speaker_adaptation`): all of it, what is judged
            included, `"speaker"`, or
            without what is judged (`experiments.studies.disjoint`), the other half of it, `"speaker-halves"`, or so many other recordings,
            `"speaker-16"` and `"speaker-8"`; or, as in a program of the paper's authors, those of the very segments that are judged, with
            training's forgotten (`ser_acrnn.inference.transductive_batch_norm`): all of the speaker's, `"judged"`, those of each batch,
            `"judged-40"` and `"judged-60"`, or one half of the utterances for the other, `"judged-halves"`.
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
    sampling: Literal["all", "balanced", "corpora"] = "all"
    augmentation: AugmentConfig = AugmentConfig()
    mixup: float = 0.0
    label_smoothing: float = 0.0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    judging_tempos: tuple[float, ...] = AS_SPOKEN
    judging_batch_norm: BatchNorm = "training"
    copies: int | None = dataclasses.field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        settle_kinds(self)
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
        require(self.sampling in ("all", "balanced", "corpora"), self, "sampling", "'all', 'balanced' or 'corpora'")
        require(self.sampling != "corpora" or not self.soft_targets, self, "sampling", "'all' or 'balanced' with mixup or label_smoothing")
        require(self.training_hop_seconds > 0, self, "training_hop_seconds", "a positive number of seconds")
        require(self.copies is None or self.copies > 0, self, "copies", "1 or more, or None")
        require(0 <= self.mixup < math.inf, self, "mixup", "0 or more")
        require(0 <= self.label_smoothing < 1, self, "label_smoothing", "a share from 0 to below 1")
        require(self.precision in ("auto", "float32", "bfloat16"), self, "precision", "'auto', 'float32' or 'bfloat16'")

    @property
    def soft_targets(self) -> bool:
        """Whether a segment may be of several emotions in part."""
        return self.mixup > 0 or self.label_smoothing > 0
