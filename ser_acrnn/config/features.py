"""The feature recipes: every number on the way from a waveform to log-Mels, or to the DNN-ELM baseline's frames.

Units are in the names. "Paper" is Chen et al. (2018), see `ser_acrnn.config`; "Han" is K. Han, D. Yu, I. Tashev, "Speech Emotion
Recognition Using Deep Neural Network and Extreme Learning Machine", Interspeech 2014.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from ser_acrnn import files
from ser_acrnn.config.json_config import LATER, ConfigError, JsonConfig, require, settle_kinds


def hash_of(features: Mapping[str, Any]) -> str:
    """Sixteen hexadecimal digits that change with any field of a recipe's `to_dict`."""
    return files.sha256_of(json.dumps(features, sort_keys=True))[:16]


class FramingConfig(JsonConfig, ABC):
    """What the recipes of features share: frames of samples, and a hash that tells recipes apart."""

    sampling_rate_hertz: int
    window: Literal["hamming", "rectangular"]
    window_seconds: float
    shift_seconds: float
    fft_points: int
    mels: int
    delta_frames: int

    def __post_init__(self) -> None:
        settle_kinds(self)
        require(self.sampling_rate_hertz > 0, self, "sampling_rate_hertz", "a positive number of hertz")
        require(self.window in ("hamming", "rectangular"), self, "window", "'hamming' or 'rectangular'")
        require(self.window_samples > 0, self, "window_seconds", "at least one sample")
        require(self.shift_samples > 0, self, "shift_seconds", "at least one sample")
        require(self.window_samples <= self.fft_points, self, "fft_points", f"at least the window's {self.window_samples} samples")
        require(self.mels > 0, self, "mels", "a positive number of filters")
        require(self.delta_frames > 0, self, "delta_frames", "1 or more")

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Shape of a frame's features: (coefficients, channels)."""

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
        return hash_of(self.to_dict())


@dataclass(frozen=True)
class SpeechGate(JsonConfig):
    """What of a recording is speech: all between its first and last moment above a threshold, see `ser_acrnn.features.speech_activity`.

    Attributes:
        difference_seconds: The level is that of the difference between samples so far apart, which is deaf to an offset, to hum, and to
            every 2 kHz, and hears best at 1 kHz, where voices are louder than most noise.
        smoothing_frames: The level is the mean of so many frames, an odd number, without those of digital silence.
        below_peak_decibels: The threshold's distance from the loudest moment.
        above_floor_decibels: It is at least so far above the noise floor.
        nearest_peak_decibels: It is never nearer to the loudest moment.
        floor_percent: How many of a hundred moments are below the noise floor; digital silence is none.
        deepest_decibels: What is further below the loudest frame is digital silence.
        least_range_decibels: A recording whose loudest moment is nearer to its noise floor has no speech.
        longest_pause_seconds: Longer pauses are shortened to that, half of it behind the speech before and half ahead of the speech after,
            in whole frame shifts; None leaves all pauses as they are.
    """

    difference_seconds: float = 0.0005
    smoothing_frames: int = 9
    below_peak_decibels: float = 30.0
    above_floor_decibels: float = 4.0
    nearest_peak_decibels: float = 10.0
    floor_percent: int = 5
    deepest_decibels: float = 80.0
    least_range_decibels: float = 6.0
    longest_pause_seconds: float | None = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        settle_kinds(self)
        require(self.difference_seconds > 0, self, "difference_seconds", "a positive number of seconds")
        require(self.smoothing_frames % 2 == 1, self, "smoothing_frames", "an odd number of frames")
        require(0 <= self.floor_percent < 100, self, "floor_percent", "0 to 99 percent")
        for name in ("below_peak", "above_floor", "nearest_peak", "deepest", "least_range"):
            require(getattr(self, f"{name}_decibels") > 0, self, f"{name}_decibels", "a positive number of decibels")
        longest = self.longest_pause_seconds
        require(longest is None or longest >= 0.1, self, "longest_pause_seconds", "0.1 s or more, or None")


@dataclass(frozen=True)
class FeatureConfig(FramingConfig):
    """From waveform to 3-D log-Mels (paper, section II-A).

    Attributes:
        window: `"hamming"` (paper) or `"rectangular"` (python_speech_features' default).
        preemphasis: Coefficient of the first-order high-pass before framing; 0 is none.
        standardise_waveform: Zero mean and unit variance an utterance, before framing; or `"speaker"`: over all audio of the one who
            speaks, which only preparing a corpus can do.
        fft_points: 512 is the next power of two above 25 ms at 16 kHz.
        log_floor: Smallest filterbank output before the logarithm; float64's epsilon, as python_speech_features has it.
        delta_frames: N of eq. (2).
        segment_seconds: Length of what the network sees.
        speech_gate: What is cut off before all else, waveform statistics included: what is before and after the speech, and of long pauses
            what is too much. None cuts nothing.
    """

    sampling_rate_hertz: int = 16_000
    standardise_waveform: bool | Literal["speaker"] = True
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
    speech_gate: SpeechGate | None = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.standardise_waveform in (True, False, "speaker"), self, "standardise_waveform", "True, False or 'speaker'")
        require(self.log_floor > 0, self, "log_floor", "a positive number")
        require(0 <= self.lowest_hertz < self.highest_hertz, self, "lowest_hertz", "0 or more, and below highest_hertz")
        require(self.highest_hertz <= self.sampling_rate_hertz / 2, self, "highest_hertz", "at most half the sampling rate")
        require(self.segment_frames > 0, self, "segment_seconds", "at least one frame shift")

    @property
    def shape(self) -> tuple[int, int]:
        """Mels; static, delta and delta-delta."""
        return self.mels, 3

    @property
    def segment_frames(self) -> int:
        """Frames in a segment: 300 for 3 s."""
        return round(self.segment_seconds / self.shift_seconds)

    @property
    def segment_samples(self) -> int:
        """Samples of exactly so many frames."""
        return (self.segment_frames - 1) * self.shift_samples + self.window_samples


FEATURE_RECIPES = {
    "paper": FeatureConfig(),
    # For the question what it is worth that the paper standardises each utterance's waveform.
    "paper-unstandardised": FeatureConfig(standardise_waveform=False),
    # python_speech_features' defaults, as the released code calls it: no window function, pre-emphasis, waveform as it is.
    "released-code": FeatureConfig(standardise_waveform=False, preemphasis=0.97, window="rectangular"),
    # Ours: the paper's features of the speech alone.
    "speech": FeatureConfig(speech_gate=SpeechGate()),
    "speech-short-pauses": FeatureConfig(speech_gate=SpeechGate(longest_pause_seconds=0.2)),
}


def feature_recipe(recipe_hash: str, model: str) -> FeatureConfig:
    """The recipe that a network's features are of.

    Args:
        recipe_hash: As the network's layer `normalise` holds it.
        model: The network's name, for the message.

    Raises:
        ValueError: No recipe of this version has the hash.
    """
    known = {config.recipe_hash: config for config in FEATURE_RECIPES.values()}
    if recipe_hash not in known:
        raise ValueError(f"{model}: was trained on features of the recipe {recipe_hash!r}, expected one of {sorted(known)}")
    return known[recipe_hash]


@dataclass(frozen=True)
class FrameConfig(FramingConfig):
    """From waveform to frames of energy, cepstra and pitch. Han et al. name these features; the numbers are ours.

    Attributes:
        standardise_waveform: Zero mean and unit variance an utterance, before framing, as for the log-Mels.
        preemphasis: Coefficient of the first-order high-pass before the cepstra; python_speech_features' default.
        window_seconds: As for the log-Mels.
        shift_seconds: As for the log-Mels.
        fft_points: 512 is the next power of two above 25 ms at 16 kHz.
        mels: Filters below the cepstra; python_speech_features' default.
        cepstra: MFCC 1 to 12; the frame's log energy stands for MFCC 0.
        lifter: The period of the sine that evens out the cepstra's variances; python_speech_features' default.
        energy_floor: Smallest mean square of a frame before the logarithm: 100 dB below a standardised waveform.
        pitch_window_seconds: Around the frame's centre; four periods of the lowest pitch.
        lowest_pitch_hertz: A man's creak.
        highest_pitch_hertz: Above an actress's shout: 502 Hz is the highest that pYIN finds in a sample of Emo-DB.
        first_peak: The shortest period is taken whose correlation reaches this share of the best one's: multiples of a period
            correlate as well. Of 0.80, 0.85, .. 1 the one with the fewest F0 that are 20 % off pYIN's (2 % of the frames that pYIN
            finds voiced in a sample of Emo-DB).
        voiced_above: Voicing above which a frame has an F0; where the decision agrees best with pYIN's (84 % of the same sample).
        delta_frames: Frames at either side, as for the log-Mels.
    """

    sampling_rate_hertz: int = 16_000
    standardise_waveform: bool = True
    preemphasis: float = 0.97
    window: Literal["hamming", "rectangular"] = "hamming"
    window_seconds: float = 0.025
    shift_seconds: float = 0.010
    fft_points: int = 512
    mels: int = 26
    cepstra: int = 12
    lifter: int = 22
    energy_floor: float = 1e-10
    pitch_window_seconds: float = 0.064
    lowest_pitch_hertz: float = 65.0
    highest_pitch_hertz: float = 600.0
    first_peak: float = 0.95
    voiced_above: float = 0.55
    delta_frames: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.preemphasis < 1, self, "preemphasis", "a coefficient from 0 to below 1")
        require(0 < self.cepstra < self.mels, self, "cepstra", f"1 or more, and fewer than the {self.mels} filters")
        require(self.lifter >= 0, self, "lifter", "0 (none) or more")
        require(self.energy_floor > 0, self, "energy_floor", "a positive mean square")
        require(0 < self.lowest_pitch_hertz < self.highest_pitch_hertz, self, "lowest_pitch_hertz", "above 0 and below highest_pitch_hertz")
        require(
            self.highest_pitch_hertz <= self.sampling_rate_hertz / 4, self, "highest_pitch_hertz", "at most a quarter of the sampling rate"
        )
        require(
            self.pitch_window_samples >= max(2 * self.sampling_rate_hertz / self.lowest_pitch_hertz, self.window_samples),
            self,
            "pitch_window_seconds",
            "at least two periods of lowest_pitch_hertz and at least window_seconds",
        )
        require(0 < self.first_peak <= 1, self, "first_peak", "a share above 0, at most 1")
        require(0 < self.voiced_above < 1, self, "voiced_above", "a correlation between 0 and 1")

    @property
    def pitch_window_samples(self) -> int:
        """Samples that a frame's pitch is found in."""
        return round(self.pitch_window_seconds * self.sampling_rate_hertz)

    @property
    def shape(self) -> tuple[int, int]:
        """As many as `columns`; one."""
        return len(self.columns), 1

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of a frame's features, in their order."""
        static = ("log_energy", *(f"mfcc_{number}" for number in range(1, self.cepstra + 1)), "log_f0", "voicing")
        return (*static, *(f"delta_{name}" for name in static))


FRAME_RECIPES = {"mfcc-pitch": FrameConfig()}

Recipe = FeatureConfig | FrameConfig
# What a corpus can be prepared by. Where a speaker's utterances keep their levels beside each other, a single recording tells too little.
RECIPES: dict[str, Recipe] = {**FEATURE_RECIPES, "paper-by-speaker": FeatureConfig(standardise_waveform="speaker"), **FRAME_RECIPES}


def recipe_name(config: Recipe) -> str:
    """A recipe's name in `RECIPES`, its hash where it has none."""
    return next((name for name, recipe in RECIPES.items() if recipe == config), config.recipe_hash)


def recipe_from_dict(values: dict[str, Any]) -> Recipe:
    """Builds a recipe of either kind from its `to_dict`'s values.

    Raises:
        ConfigError: They are of neither kind.
    """
    for kind in (FeatureConfig, FrameConfig):
        if set(kind().to_dict()) <= set(values) <= {field.name for field in fields(kind)}:
            return kind.from_dict(values)
    raise ConfigError(f"a recipe has the fields {sorted(values)}, expected those of FeatureConfig or of FrameConfig")
