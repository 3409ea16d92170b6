"""Every number, in frozen dataclasses with a JSON round trip: features, networks, training, and the named presets."""

from ser_acrnn.config.features import FEATURE_RECIPES, FRAME_RECIPES, RECIPES, FeatureConfig, FrameConfig, Recipe, SpeechGate
from ser_acrnn.config.json_config import ConfigError
from ser_acrnn.config.model import EMODB_EMOTIONS, IEMOCAP_EMOTIONS, NORMALISATIONS, DnnElmConfig, ModelConfig, Normalisation, paper_conv
from ser_acrnn.config.presets import PRESETS, DnnElmPreset, Preset, lite_augmented, preset
from ser_acrnn.config.training import AS_SPOKEN, FIVE_TEMPOS, AugmentConfig, BatchNorm, TrainConfig

__all__ = [
    "AS_SPOKEN",
    "EMODB_EMOTIONS",
    "FEATURE_RECIPES",
    "FIVE_TEMPOS",
    "FRAME_RECIPES",
    "IEMOCAP_EMOTIONS",
    "NORMALISATIONS",
    "PRESETS",
    "RECIPES",
    "AugmentConfig",
    "BatchNorm",
    "ConfigError",
    "DnnElmConfig",
    "DnnElmPreset",
    "FeatureConfig",
    "FrameConfig",
    "ModelConfig",
    "Normalisation",
    "Preset",
    "Recipe",
    "SpeechGate",
    "TrainConfig",
    "lite_augmented",
    "paper_conv",
    "preset",
]
