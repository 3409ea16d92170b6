"""Ways to a judge of another corpus: a network from scratch, fine-tuned as a whole or in stages, a linear classifier on embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_acrnn.dataset import Segments
from ser_acrnn.fine_tuning import FineTuned
from ser_acrnn.methods import Judge, Stage
from ser_acrnn.models import segment_posteriors
from ser_acrnn.transfer import encoder


class Whole(FineTuned):
    """The source with a new head, trained as a whole in one stage: as from scratch, but for the weights that it begins with."""

    def stages(self) -> Sequence[Stage]:
        """See `Method.stages`."""
        return [Stage(self.preset.training)]


class Scratch(Whole):
    """The source's architecture with weights drawn anew."""

    def network(self, mean: NDArray[np.float32], variance: NDArray[np.float32]) -> keras.Model:
        """See `Method.network`."""
        return FineTuned(self.preset, keras.models.clone_model(self.source)).network(mean, variance)

    @property
    def origin(self) -> str:
        """See `Method.origin`."""
        return ""


class Probe(FineTuned):
    """Logistic regression on the mean embedding of an utterance, by the source as it is but for the statistics that it normalises by.

    The one epoch that a run needs trains a head which judges nothing.
    """

    def stages(self) -> Sequence[Stage]:
        """See `Method.stages`."""
        return [Stage(replace(self.preset.training, epochs=1), lambda name: name != "emotion")]

    def judge(self, model: keras.Model, train: Segments, validation: Segments, seed: int) -> Judge:
        """See `Method.judge`."""
        embed = encoder(model)

        def embeddings(segments: Segments) -> NDArray[np.float64]:
            values = segment_posteriors(embed, segments.features, self.preset.training.batch_size)
            return np.stack([values[segments.utterance == number].mean(axis=0) for number in range(len(segments.utterance_ids))])

        classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, class_weight="balanced"))
        classifier.fit(embeddings(train), train.utterance_labels)

        def judge(segments: Segments) -> NDArray[np.float32]:
            posteriors = np.zeros((len(segments.utterance_ids), len(self.preset.model.emotions)), np.float32)
            posteriors[:, classifier.classes_] = classifier.predict_proba(embeddings(segments))
            return posteriors

        return judge


METHODS = {"scratch": Scratch, "whole": Whole, "staged": FineTuned, "probe": Probe}
