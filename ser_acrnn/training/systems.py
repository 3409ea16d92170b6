"""What differs between the systems of a run: how utterances are cut, which network is built, how its posteriors become a decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import keras
import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from ser_acrnn.augmentation.log_mels import Augmenter, Voices
from ser_acrnn.config import AS_SPOKEN, AugmentConfig, ConfigError, DnnElmPreset, Preset, TrainConfig
from ser_acrnn.data.normalised import normalised
from ser_acrnn.data.prepared import PreparedCorpus, Readable, Speaking
from ser_acrnn.data.segments import LARGEST_IN_MEMORY_BYTES, Features, Segments, cut_segments
from ser_acrnn.evaluation import metrics
from ser_acrnn.features import mfcc_pitch
from ser_acrnn.features.log_mels import segment
from ser_acrnn.features.tempo import at_tempo
from ser_acrnn.inference.batching import segment_posteriors
from ser_acrnn.inference.keras_network import KerasNetwork
from ser_acrnn.inference.speaker_adaptation import SpeakerBatchNorm
from ser_acrnn.inference.transductive_batch_norm import TransductiveBatchNorm, shares
from ser_acrnn.models import elm
from ser_acrnn.models.networks import acrnn, dnn

# Segments -> scores of their utterances, (utterances, emotions): the highest one decides.
Scorer = Callable[[Segments], NDArray[np.float32]]
# All training segments' features, the numbers of a batch's, and randomness -> the features to train on.
Augment = Callable[[Features, NDArray[np.int64], np.random.Generator], NDArray[np.float32]]


@dataclass(frozen=True)
class Stage:
    """A part of a training.

    Attributes:
        training: The numbers of this stage.
        frozen: Whether a layer of that name is left as it is.
    """

    training: TrainConfig
    frozen: Callable[[str], bool] = lambda name: False


class System(Protocol):
    """A system as `ser_acrnn.training.run` trains it and has it score; by default from drawn weights, on features as they are."""

    def corpus(self, corpus: PreparedCorpus) -> PreparedCorpus:
        """The corpus as the system reads it: its utterances standardised by more than the network does, or as they are."""
        return corpus

    def segments(
        self, corpus: Readable, groups: Iterable[str], *, training: bool = False, largest_in_memory_bytes: int = LARGEST_IN_MEMORY_BYTES
    ) -> Segments:
        """Cuts the groups' segments as the network takes them; see `ser_acrnn.data.segments.cut_segments`."""

    def network(self, mean: NDArray[np.float32], variance: NDArray[np.float32]) -> keras.Model:
        """Builds the network, normalising by the training part's statistics, each of shape `(coefficients, channels)`."""

    def stages(self) -> Sequence[Stage]:
        """How the network is trained, one stage after the other; of several, each takes its last epoch."""

    @property
    def origin(self) -> str:
        """Names the weights that training begins with; "" where they are drawn by the seed."""
        return ""

    def augment(self, corpus: Speaking, train: Segments, mean: NDArray[np.float32]) -> Augment | None:
        """What changes the training segments at random; None where nothing does. `mean` is the training part's."""
        return None

    def score(self, corpus: Speaking, model: keras.Model, train: Segments, validation: Segments | None, seed: int) -> Scorer:
        """Completes the trained network to what scores utterances; of the test part no segment is in sight."""


class Acrnn(System):
    """The paper's network: 3 s segments of log-Mels, at one tempo or several, and the maximum over an utterance's segments.

    Raises:
        ConfigError: Bands, rooms or noise on features that are standardised before they reach the network: they have no power to add up.
            Or batch norm that is to adapt and is not there.
    """

    def __init__(self, preset: Preset) -> None:
        asked, normalisation = preset.training.augmentation, preset.model.normalisation
        possible = asked.under(normalisation)
        for field in ("bands", "rooms", "noise"):
            if getattr(asked, field) != getattr(possible, field):
                raise ConfigError(
                    f"AugmentConfig.{field} is {getattr(asked, field)}, expected 0 where ModelConfig.normalisation is {normalisation!r}"
                )
        if (chosen := preset.training.judging_batch_norm) != "training" and not preset.model.batch_norm:
            raise ConfigError(f"TrainConfig.judging_batch_norm is {chosen!r}, expected a network with batch norm, or 'training'")
        self.preset = preset

    @override
    def corpus(self, corpus: PreparedCorpus) -> PreparedCorpus:
        return normalised(corpus, self.preset.model.normalisation)

    @override
    def segments(
        self, corpus: Readable, groups: Iterable[str], *, training: bool = False, largest_in_memory_bytes: int = LARGEST_IN_MEMORY_BYTES
    ) -> Segments:
        model, features = self.preset.model, self.preset.features
        hop_seconds = self.preset.training.training_hop_seconds if training else None
        return cut_segments(
            corpus,
            groups,
            model.emotions,
            lambda values: segment(values[..., : model.channels], features, hop_seconds),
            largest_in_memory_bytes=largest_in_memory_bytes,
        )

    @override
    def network(self, mean: NDArray[np.float32], variance: NDArray[np.float32]) -> keras.Model:
        preset, channels = self.preset, self.preset.model.channels
        model = acrnn(preset.model, recipe_hash=preset.features.recipe_hash, precision=preset.training.precision)
        model.get_layer("normalise").set_statistics(mean[:, :channels], variance[:, :channels])
        return model

    @override
    def stages(self) -> Sequence[Stage]:
        return [Stage(self.preset.training)]

    @override
    def augment(self, corpus: Speaking, train: Segments, mean: NDArray[np.float32]) -> Augment | None:
        config, channels = self.preset.training.augmentation, self.preset.model.channels
        if config == AugmentConfig():
            return None
        voices = None
        if config.speaker_exchange:
            speakers, number = _speakers(corpus, train)
            means, variances = zip(*(corpus.speaker_statistics(speaker) for speaker in speakers), strict=True)
            voices = Voices(number, np.stack(means)[..., :channels], np.sqrt(np.stack(variances))[..., :channels])
        return Augmenter(config, mean[:, :channels], self.preset.features, voices)

    @override
    def score(self, corpus: Speaking, model: keras.Model, train: Segments, validation: Segments | None, seed: int) -> Scorer:
        config = self.preset.training
        if config.judging_batch_norm.startswith("speaker-"):
            raise ConfigError(
                f"TrainConfig.judging_batch_norm is {config.judging_batch_norm!r}, expected recordings that are heard and others that are "
                "judged, as `experiments.studies.disjoint` has them"
            )
        if config.judging_batch_norm.startswith("judged"):
            said = self.transductive_posteriors(corpus, model, [config.judging_batch_norm], config.judging_tempos)
            return lambda segments: metrics.utterance_posteriors(said(segments)[0], segments.utterance)

        def posteriors(features: Features) -> NDArray[np.float32]:
            return segment_posteriors(model, features, config.batch_size, config.judging_tempos)

        def score(segments: Segments) -> NDArray[np.float32]:
            return metrics.utterance_posteriors(posteriors(segments.features), segments.utterance)

        def score_adapted(segments: Segments) -> NDArray[np.float32]:
            batch_norm = SpeakerBatchNorm(KerasNetwork(model, config.batch_size))

            def score_speaker(heard: NDArray[np.float32]) -> NDArray[np.float32]:
                batch_norm.adapt(lambda: [heard], config.judging_tempos, config.batch_size)
                return posteriors(heard)

            speakers, number = _speakers(corpus, segments)
            judged = np.zeros((len(number), len(self.preset.model.emotions)), np.float32)
            for speaker in range(len(speakers)):
                judged[number == speaker] = score_speaker(segments.features[number == speaker])
            batch_norm.restore()
            return metrics.utterance_posteriors(judged, segments.utterance)

        return score_adapted if config.judging_batch_norm == "speaker" else score

    def transductive_posteriors(
        self, corpus: Speaking, model: keras.Model, ways: Sequence[str], tempos: Sequence[float] = AS_SPOKEN
    ) -> Callable[[Segments], NDArray[np.float32]]:
        """Judges whose batch norm takes its statistics from each speaker's segments that are judged.

        Args:
            corpus: Knows who speaks.
            model: The trained network.
            ways: See `ser_acrnn.inference.transductive_batch_norm.shares`; the network runs once for all of them.
            tempos: Rates at which each segment is heard.

        Returns:
            Segments -> their posteriors in each way, `(ways, segments, emotions)`.
        """
        network, batch_size = TransductiveBatchNorm(model), self.preset.training.batch_size

        def say(segments: Segments) -> NDArray[np.float32]:
            speakers, number = _speakers(corpus, segments)
            scores = np.zeros((len(ways), len(number), len(self.preset.model.emotions)), np.float32)
            for rows in (np.flatnonzero(number == speaker) for speaker in range(len(speakers))):
                parts = [shares(way, segments.utterance[rows]) for way in ways]
                heard = [network.posteriors(at_tempo(segments.features[rows], tempo), parts, batch_size) for tempo in tempos]
                scores[:, rows] = np.mean(heard, axis=0)
            return scores

        return say


class DnnElm(System):
    """The baseline of Han et al.: stacked frames, a DNN, four statistics a class, and an extreme learning machine upon them.

    Width and ridge of the machine are chosen on the validation part. Its scores are near +1 for a class and near -1 for the others.
    """

    def __init__(self, preset: DnnElmPreset) -> None:
        if preset.training.augmentation != AugmentConfig():
            raise ConfigError(f"DnnElmPreset.training.augmentation is {preset.training.augmentation}, expected none: it is of log-Mels")
        if preset.training.judging_tempos != AS_SPOKEN:
            raise ConfigError(f"DnnElmPreset.training.judging_tempos is {preset.training.judging_tempos}, expected none: it is of log-Mels")
        if preset.training.judging_batch_norm != "training":
            raise ConfigError(
                f"DnnElmPreset.training.judging_batch_norm is {preset.training.judging_batch_norm!r}, expected 'training': it has none"
            )
        if preset.training.train_on_validation:
            raise ConfigError("DnnElmPreset.training.train_on_validation is True, expected False: the machine is chosen on validation")
        self.preset = preset

    @override
    def segments(
        self, corpus: Readable, groups: Iterable[str], *, training: bool = False, largest_in_memory_bytes: int = LARGEST_IN_MEMORY_BYTES
    ) -> Segments:
        model = self.preset.model
        shape = (model.context_frames, *self.preset.features.shape)
        return cut_segments(
            corpus,
            groups,
            model.emotions,
            lambda values: mfcc_pitch.segments(values[..., 0], model).reshape(-1, *shape),
            largest_in_memory_bytes=largest_in_memory_bytes,
        )

    @override
    def network(self, mean: NDArray[np.float32], variance: NDArray[np.float32]) -> keras.Model:
        preset = self.preset
        model = dnn(preset.model, preset.features.shape, recipe_hash=preset.features.recipe_hash, precision=preset.training.precision)
        model.get_layer("normalise").set_statistics(mean, variance)
        return model

    @override
    def stages(self) -> Sequence[Stage]:
        return [Stage(self.preset.training)]

    @override
    def score(self, corpus: Speaking, model: keras.Model, train: Segments, validation: Segments | None, seed: int) -> Scorer:
        config = self.preset.model
        if validation is None:
            raise ConfigError("the machine of a DNN-ELM is chosen by validation, expected a fold in which somebody validates")

        def statistics(segments: Segments) -> NDArray[np.float32]:
            posteriors = segment_posteriors(model, segments.features, self.preset.training.batch_size)
            return elm.utterance_statistics(posteriors, segments.utterance)

        machine = elm.choose_elm(
            statistics(train),
            train.utterance_labels,
            statistics(validation),
            validation.utterance_labels,
            config.elm_widths,
            config.elm_ridges,
            seed,
            class_weight=None if config.elm_class_weight == "none" else config.elm_class_weight,
        )

        def score(segments: Segments) -> NDArray[np.float32]:
            found = machine.decision_function(statistics(segments))
            found = np.stack([-found, found], axis=1) if found.ndim == 1 else found
            scores = np.full((len(found), len(config.emotions)), -1.0, np.float32)  # an emotion that nobody in training has
            scores[:, machine.classes_] = found
            return scores

        return score


def _speakers(corpus: Speaking, segments: Segments) -> tuple[list[str], NDArray[np.int64]]:
    """Who speaks, sorted, and the number of each segment's speaker."""
    speakers, number = np.unique(np.array(corpus.speakers_of(segments.utterance_ids)), return_inverse=True)
    return list(speakers), number[segments.utterance]


def system_of(preset: Preset | DnnElmPreset) -> System:
    """The system that a preset configures."""
    return DnnElm(preset) if isinstance(preset, DnnElmPreset) else Acrnn(preset)
