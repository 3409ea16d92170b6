"""The systems that a user would pick instead of a network: openSMILE's functionals of a recording, and a linear support vector machine.

ComParE 2016 is B. Schuller et al., "The INTERSPEECH 2016 Computational Paralinguistics Challenge"; eGeMAPS is F. Eyben et al., "The Geneva
Minimalistic Acoustic Parameter Set (GeMAPS) for Voice Research and Affective Computing", IEEE Transactions on Affective Computing, 2016.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ser_acrnn.config import EMODB_EMOTIONS
from ser_acrnn.config.features import hash_of
from ser_acrnn.config.json_config import JsonConfig, require


@dataclass(frozen=True)
class FunctionalsConfig(JsonConfig):
    """From a waveform to one vector a recording.

    Attributes:
        feature_set: Name of one of openSMILE's sets.
        functionals: How many it has.
        sampling_rate_hertz: The sampling rate of the waveform.
    """

    feature_set: str
    functionals: int
    sampling_rate_hertz: int = 16_000

    @property
    def recipe_hash(self) -> str:
        """Sixteen hexadecimal digits that change with any field, as those of `ser_acrnn.config.features`."""
        return hash_of(self.to_dict())


@dataclass(frozen=True)
class LinearSvmConfig(JsonConfig):
    """A support vector machine with a linear kernel, one emotion against another at a time.

    Attributes:
        emotions: Names of the classes, in the order of the scores.
        normalisation: Whose mean and variance the functionals are standardised by: the `"training"` speakers', or each `"speaker"`'s own,
            over all of that speaker's recordings without their labels, which have to be at hand before one is judged (transductive).
        complexities: What the training speakers choose from, ascending: the challenges' powers of ten, and one more at the upper end
            for the small set.
        class_weight: `"balanced"`, so that rare emotions count as much as frequent ones, which UAR asks for.
    """

    emotions: tuple[str, ...] = EMODB_EMOTIONS
    normalisation: Literal["training", "speaker"] = "training"
    complexities: tuple[float, ...] = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
    class_weight: Literal["balanced"] = "balanced"

    def __post_init__(self) -> None:
        require(self.normalisation in ("training", "speaker"), self, "normalisation", "'training' or 'speaker'")
        ascending = self.complexities and self.complexities[0] > 0 and self.complexities == tuple(sorted(set(self.complexities)))
        require(bool(ascending), self, "complexities", "one or more positive numbers, ascending")
        require(self.class_weight == "balanced", self, "class_weight", "'balanced'")


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


COMPARE, EGEMAPS = FunctionalsConfig("ComParE_2016", 6_373), FunctionalsConfig("eGeMAPSv02", 88)
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
        ("", ("dnn-elm", "acrnn3d-1conv", "best-by-utterance", "best")),
        ("-by-speaker", ("best-by-speaker", "best-adapted")),
    )
    for network in networks
]
