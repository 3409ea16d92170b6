"""A recording in, an emotion out: a saved network with the features that it was trained on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ser_acrnn import audio, features, metrics
from ser_acrnn.config import FEATURE_RECIPES, FeatureConfig
from ser_acrnn.models import segment_posteriors
from ser_acrnn.normalisation import Statistics, standardise, statistics_of


@dataclass(frozen=True)
class Prediction:
    """What the network says of one recording.

    Attributes:
        emotion: The decision.
        posteriors: Share of each emotion: the maximum over segments (letter, section III), scaled to sum to one.
        segments: Number of 3 s segments that were judged.
    """

    emotion: str
    posteriors: dict[str, float]
    segments: int


class Predictor:
    """Judges recordings with a network that this package trained and saved.

    Args:
        model: A `.keras` file.

    Raises:
        ValueError: The file is not such a network, or its features are of no recipe of this version.
    """

    def __init__(self, model: str | Path) -> None:
        if not Path(model).is_file():
            raise ValueError(f"{model}: no such file, expected a network saved as .keras")
        self.model = keras.saving.load_model(model, compile=False)
        try:
            self.emotions: tuple[str, ...] = self.model.get_layer("emotion").emotions
            layer = self.model.get_layer("normalise")
            recipe_hash, self.scope = layer.recipe_hash, layer.scope
        except (ValueError, AttributeError) as error:
            raise ValueError(f"{model}: is not a network of ser_acrnn ({error}), expected its layers 'normalise' and 'emotion'") from error
        self.features = _recipe(recipe_hash, model)
        self.name = str(model)
        self.speaker: Statistics | None = None

    def enrol(self, recordings: Iterable[str | Path | ArrayLike], sampling_rate_hertz: int | None = None) -> None:
        """Takes mean and variance of a speaker's audio, without labels: from now on that speaker is judged.

        Args:
            recordings: Of one speaker, in various moods if possible, recorded as those that are to be judged; as `predict` takes them.
            sampling_rate_hertz: See `predict`.

        Raises:
            AudioError: A recording cannot be used.
            ValueError: No recording, or the network does not normalise by the speaker.
        """
        if self.scope != "speaker":
            raise ValueError(f"{self.name}: normalises by the {self.scope} statistics, expected a network that enrols speakers")
        self.speaker = statistics_of(self._features(recording, sampling_rate_hertz) for recording in recordings)

    def predict(self, recording: str | Path | ArrayLike, sampling_rate_hertz: int | None = None) -> Prediction:
        """Judges one recording.

        Args:
            recording: A file, or samples of shape `(samples,)` or `(samples, channels)`.
            sampling_rate_hertz: Of the samples; a file knows its own.

        Raises:
            AudioError: The recording cannot be used; the message says why.
            ValueError: The network normalises by the speaker, and nobody has been enrolled.
        """
        values = self._features(recording, sampling_rate_hertz)
        if self.scope == "speaker" and self.speaker is None:
            raise ValueError(f"{self.name}: normalises by the speaker's own audio, expected `enrol` with recordings of the speaker before")
        if self.scope != "training":
            values = standardise(values, self.speaker or statistics_of([values]))
        segments = features.segment(values, self.features)
        maxima = metrics.utterance_posteriors(segment_posteriors(self.model, segments), np.zeros(len(segments), int))[0]
        shares = {emotion: float(value) for emotion, value in zip(self.emotions, maxima / maxima.sum(), strict=True)}
        return Prediction(self.emotions[int(maxima.argmax())], shares, len(segments))

    def _features(self, recording: str | Path | ArrayLike, sampling_rate_hertz: int | None) -> NDArray[np.float32]:
        """Log-Mels as the network takes them, `(frames, mels, channels)`, but for what `scope` names."""
        if isinstance(recording, (str, Path)):
            waveform = audio.load(recording, self.features.sampling_rate_hertz)
        else:
            rate = sampling_rate_hertz or self.features.sampling_rate_hertz
            waveform = audio.to_mono(np.asarray(recording), rate, self.features.sampling_rate_hertz)
        return features.log_mels_3d(waveform, self.features)[..., : self.model.input_shape[-1]]


def _recipe(recipe_hash: str, model: str | Path) -> FeatureConfig:
    known = {config.recipe_hash: config for config in FEATURE_RECIPES.values()}
    if recipe_hash not in known:
        raise ValueError(f"{model}: was trained on features of the recipe {recipe_hash!r}, expected one of {sorted(known)}")
    return known[recipe_hash]
