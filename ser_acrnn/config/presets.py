"""The named presets: complete configurations of features, network and training, and their JSON round trip."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self, get_type_hints

from ser_acrnn.config.features import FEATURE_RECIPES, FeatureConfig, FrameConfig
from ser_acrnn.config.json_config import ConfigError
from ser_acrnn.config.model import IEMOCAP_EMOTIONS, DnnElmConfig, ModelConfig, Normalisation, paper_conv
from ser_acrnn.config.training import AugmentConfig, TrainConfig


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
    # `ser_acrnn.evaluation.ensembles`.
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
