"""Ways to a judge of another corpus: a network from scratch, fine-tuned as a whole or in stages, a linear classifier on embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from typing_extensions import override

from ser_acrnn.data.prepared import PreparedCorpus
from ser_acrnn.data.segments import Segments
from ser_acrnn.inference.batching import segment_posteriors
from ser_acrnn.models.heads import encoder, with_new_head
from ser_acrnn.training.finetuning import FineTuned
from ser_acrnn.training.systems import Scorer, Stage


@dataclass(frozen=True)
class FewShotConfig:
    """How a network is trained on few examples, whatever it begins with.

    Attributes:
        batch_size: Segments an update; one example of each of eight emotions is some sixteen segments.
        updates: How often weights are updated, all stages together, rounded to epochs that three stages can share. A quarter of them left
            training from scratch far from its end.
        learning_rate: At the beginning, of each method; tried for each on a look-alike of other voices and takes.
        validation_utterances: How many of the fold's validation speakers'. They draw a curve and decide nothing, so that few do.
    """

    batch_size: int = 8
    updates: int = 960
    learning_rate: Mapping[str, float] = field(default_factory=lambda: {"scratch": 1e-3, "whole": 1e-3, "staged": 3e-3, "probe": 1e-3})
    validation_utterances: int = 2


class Whole(FineTuned):
    """The source for other emotions, trained as a whole in one stage: as from scratch, but for the weights that it begins with."""

    @override
    def stages(self) -> Sequence[Stage]:
        return [Stage(self.preset.training)]


class Scratch(Whole):
    """The source's architecture with weights drawn anew."""

    @override
    def begun(self) -> keras.Model:
        return with_new_head(keras.models.clone_model(self.source), self.preset.model.emotions, "none", keep_known=False)

    @property
    @override
    def origin(self) -> str:
        return ""


class Probe(FineTuned):
    """Logistic regression on the mean embedding of an utterance, by the source as it is but for the statistics that it normalises by.

    The one epoch that a run needs trains a head which judges nothing.
    """

    @override
    def stages(self) -> Sequence[Stage]:
        return [Stage(replace(self.preset.training, epochs=1), lambda name: name != "emotion")]

    @override
    def score(self, corpus: PreparedCorpus, model: keras.Model, train: Segments, validation: Segments, seed: int) -> Scorer:
        embed = encoder(model)

        def embeddings(segments: Segments) -> NDArray[np.float64]:
            values = segment_posteriors(embed, segments.features, self.preset.training.batch_size)
            return np.stack([values[segments.utterance == number].mean(axis=0) for number in range(len(segments.utterance_ids))])

        classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, class_weight="balanced"))
        classifier.fit(embeddings(train), train.utterance_labels)

        def score(segments: Segments) -> NDArray[np.float32]:
            posteriors = np.zeros((len(segments.utterance_ids), len(self.preset.model.emotions)), np.float32)
            posteriors[:, classifier.classes_] = classifier.predict_proba(embeddings(segments))
            return posteriors

        return score


METHODS = {"scratch": Scratch, "whole": Whole, "staged": FineTuned, "probe": Probe}
