"""The systems that a user would pick instead of a network: openSMILE's functionals of a recording, and a linear support vector machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ser_acrnn.config.baselines import COMPARE, EGEMAPS, FunctionalsConfig, LinearSvmConfig
from ser_acrnn.config.json_config import JsonConfig, require


@dataclass(frozen=True)
class SvmTraining(JsonConfig):
    """How the machine is fitted.

    Attributes:
        train_on_validation: Nobody validates: the complexity is chosen by leaving out one training speaker after the other.
        precision: What scikit-learn computes in.
    """

    train_on_validation: bool = True
    precision: Literal["float64"] = "float64"

    def __post_init__(self) -> None:
        require(self.train_on_validation, self, "train_on_validation", "True")
        require(self.precision == "float64", self, "precision", "'float64'")


@dataclass(frozen=True)
class SvmPreset(JsonConfig):
    """A complete configuration of functionals and their machine."""

    features: FunctionalsConfig
    model: LinearSvmConfig
    training: SvmTraining


BY_TRAINING = {
    "opensmile-compare-svm": SvmPreset(COMPARE, LinearSvmConfig(), SvmTraining()),
    "opensmile-egemaps-svm": SvmPreset(EGEMAPS, LinearSvmConfig(), SvmTraining()),
}
SYSTEMS = {
    name + suffix: replace(preset, model=replace(preset.model, normalisation=normalisation))
    for name, preset in BY_TRAINING.items()
    for suffix, normalisation in (("", "training"), ("-by-speaker", "speaker"))
}
TITLES = {
    "opensmile-compare-svm": "openSMILE ComParE + SVM",
    "opensmile-compare-svm-by-speaker": "openSMILE ComParE + SVM, by speaker",
    "opensmile-egemaps-svm": "openSMILE eGeMAPS + SVM",
    "opensmile-egemaps-svm-by-speaker": "openSMILE eGeMAPS + SVM, by speaker",
}
# What networks are more than the machine that knows as much of the speaker.
PAIRS = [
    (network, name + suffix)
    for name in BY_TRAINING
    for suffix, networks in (
        ("", ("dnn-elm", "acrnn3d-1conv", "best-by-utterance", "best-by-utterance.short-pauses", "best")),
        ("-by-speaker", ("best-by-speaker", "best-adapted")),
    )
    for network in networks
]
