"""What networks say of utterances, as results hold it; and finished runs that are scored again, in another way."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ser_acrnn.config import ConfigError, DnnElmPreset, Preset
from ser_acrnn.data.prepared import DatasetError, PreparedCorpus
from ser_acrnn.data.segments import Segments
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.training.systems import system_of


def rescore(corpus: PreparedCorpus, result: RunResult, system: str, preset: Preset, model: keras.Model) -> RunResult:
    """What a finished run's network says when it is used in another way; nothing is trained.

    Args:
        corpus: The prepared corpus that the run was on, grouped by its protocol.
        result: What the run left.
        system: Row of the tables for what comes out.
        preset: The run's, but for `judging_tempos` and `judging_batch_norm`.
        model: The run's network.

    Returns:
        The result under the system's name, with the run's curve and training time.

    Raises:
        ConfigError: The preset would have trained otherwise.
        DatasetError: The corpus was made by another recipe.
        ValueError: The network is another one: it decides otherwise than the result.
    """
    check_recipe(corpus, preset, system)
    trained = Preset.from_dict(result.config)
    preset = dataclasses.replace(preset, training=dataclasses.replace(preset.training, precision=trained.training.precision))
    ways = {name: getattr(trained.training, name) for name in ("judging_tempos", "judging_batch_norm")}
    if dataclasses.replace(preset, training=dataclasses.replace(preset.training, **ways)) != trained:
        raise ConfigError(f"{system} differs from {result.system} in more than how it is scored, expected the same training")

    def scored(preset: Preset, group: str) -> list[dict[str, Any]]:
        trained_by = system_of(preset)
        read = trained_by.corpus(corpus)
        segments = trained_by.segments(read, [group])
        scores = trained_by.score(read, model, segments, None, result.seed)(segments)
        return utterances(segments, preset.model.emotions, scores)

    result.check_network(result.decided(scored(trained, result.fold["test"]))[1])
    validation = scored(preset, result.fold["validation"]) if result.validation_utterances else []
    return dataclasses.replace(
        result, system=system, utterances=scored(preset, result.fold["test"]), validation_utterances=validation, config=preset.to_dict()
    )


def utterances(segments: Segments, emotions: Sequence[str], posteriors: NDArray[np.float32]) -> list[dict[str, Any]]:
    """As `RunResult.utterances` has them."""
    return [
        {"id": name, "emotion": emotions[label], "posteriors": [round(float(value), 6) for value in row]}
        for name, label, row in zip(segments.utterance_ids, segments.utterance_labels, posteriors, strict=True)
    ]


def check_recipe(corpus: PreparedCorpus, preset: Preset | DnnElmPreset, system: str) -> None:
    """Makes sure that a corpus was prepared as a preset wants it.

    Raises:
        DatasetError: It was made by another recipe.
    """
    if corpus.features.recipe_hash != preset.features.recipe_hash:
        raise DatasetError(
            f"{corpus.name}: was prepared by the recipe {corpus.features.recipe_hash}, expected {preset.features.recipe_hash} for {system}"
        )
