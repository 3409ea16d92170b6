"""`waveform_model`: a network with its features inside, so that what serves it cannot compute others than it was trained on."""

from __future__ import annotations

import keras

from ser_acrnn.config.features import feature_recipe
from ser_acrnn.features.normalisation import Statistics
from ser_acrnn.features.speech_activity import LEAST_SPEECH_SECONDS
from ser_acrnn.models.front_end import LogMels, Segments, StandardisedUtterances, UtterancePosteriors
from ser_acrnn.models.layers import register
from ser_acrnn.models.loading import check_parts


@register
class WaveformNetwork(keras.Model):
    """Waveforms `(batch, samples)`, mono at 16 kHz -> posteriors `(batch, emotions)`. Functional: made from input and output."""

    @property
    def emotions(self) -> tuple[str, ...]:
        """In the order of the posteriors."""
        return tuple(network_in(self).get_layer("emotion").emotions)


def waveform_model(model: keras.Model, *, samples: int | None = None, speaker: Statistics | None = None) -> WaveformNetwork:
    """A network that takes waveforms and gives what `Predictor.predict` gives of a recording of up to a minute.

    Waveforms of a batch are as long as each other: silence at the end of one would change its mean and variance, but for a network whose
    recipe has a speech gate, which cuts it off. One that `Predictor` refuses gets NaN for posteriors, and spoils no other: with samples
    that are no audio, NaN or infinite, or are all equal; and of a network whose recipe has a speech gate, without speech or with less than
    0.3 s of it.

    Args:
        model: A network of `ser_acrnn.models.networks.acrnn`; it is copied.
        samples: Length of every waveform, which LiteRT has to know; any length by default.
        speaker: Mean and variance of the speaker's log-Mels, `Predictor.preprocessor.speaker` after `enrol`, for a network that
            normalises by them.

    Returns:
        Waveforms `(batch, samples)`, mono at 16 kHz -> posteriors `(batch, emotions)`, in the order of its `emotions`. Its layers are
        `log_mels`, `standardise` where the network normalises by the utterance, `segments`, the network under its own name, and
        `posteriors`.

    Raises:
        ValueError: The network is none of this package's, its features are of no recipe of this version, it normalises by the speaker
            and none is given or the reverse; fewer than one sample.

    Example:
        >>> import ser_acrnn
        >>> model = waveform_model(ser_acrnn.load_pretrained("acrnn3d-open"))  # doctest: +SKIP
        >>> model(ser_acrnn.audio.load("recording.wav")[None]).shape  # doctest: +SKIP
        TensorShape([1, 6])
    """
    if samples is not None and samples < 1:
        raise ValueError(f"samples is {samples}, expected 1 or more")
    copy = _for_speaker(model, speaker)
    frames, _, channels = copy.input_shape[1:]
    normalise = copy.get_layer("normalise")
    recipe = feature_recipe(normalise.recipe_hash, model.name)
    waveform = keras.Input((samples,), name="waveform")
    heard = LogMels(recipe, channels, LEAST_SPEECH_SECONDS, name="log_mels")(waveform)
    values, *spoken = heard if recipe.speech_gate else [heard]
    if normalise.scope == "utterance":
        values = StandardisedUtterances(name="standardise")(values, *spoken)
    posteriors = copy(Segments(frames, name="segments")(values, *spoken))
    judged = UtterancePosteriors(name="posteriors")(posteriors, waveform, *spoken)
    return WaveformNetwork(waveform, judged, name=f"{model.name}_of_waveforms")


def network_in(model: keras.Model) -> keras.Model:
    """The network of segments that a waveform model holds; another model is its own."""
    return next((layer for layer in model.layers if isinstance(layer, keras.Model)), model)


def _for_speaker(model: keras.Model, speaker: Statistics | None) -> keras.Model:
    """A copy whose own normalisation is all that its features need."""
    check_parts(model, parts=("normalise",))
    scope = model.get_layer("normalise").scope
    if (scope == "speaker") != (speaker is not None):
        given = "no statistics" if speaker is None else "statistics"
        raise ValueError(
            f"{model.name}: normalises by the {scope} and {given} of a speaker are given, expected them with a network that normalises by "
            "the speaker, and only there"
        )
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    if speaker is not None:
        mean, variance = (values[:, : model.input_shape[-1]] for values in speaker)
        copy.get_layer("normalise").set_statistics(mean, variance)
    return keras.Model(copy.input, copy.output, name=copy.name)  # it refuses no segments: these are what it needs
