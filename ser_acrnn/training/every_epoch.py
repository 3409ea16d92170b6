"""One training, judged in several conditions and after every epoch: a result for each condition, with an epoch of its own choice.

The weights after each epoch are kept until the end. Only when every condition has chosen its epoch on the validation speaker is the test
speaker read; what the network would have said of that speaker after each epoch then shows what a choice by the test would have reported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from ser_acrnn import files
from ser_acrnn.config import AS_SPOKEN, ConfigError, Preset
from ser_acrnn.data.prepared import PreparedCorpus
from ser_acrnn.data.segments import Segments
from ser_acrnn.evaluation import metrics, protocol
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.inference.batching import segment_posteriors
from ser_acrnn.training.checkpoint import CheckpointError
from ser_acrnn.training.loop import Watch, validation_scores
from ser_acrnn.training.run import Begun, begin
from ser_acrnn.training.systems import Acrnn

Curve = Sequence[Mapping[str, Any]]


def run(
    corpus: PreparedCorpus,
    this: Run,
    *,
    conditions: Mapping[str, Preset],
    weights: Path,
    devices: str = "auto",
    checkpoint: Path | None = None,
    log_directory: Path | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
    on_result: Callable[[RunResult, keras.Model], None] = lambda result, model: None,
) -> list[RunResult]:
    """Trains once, and judges by the system and in each condition.

    Training goes on until the last of them has lost its patience; each one's curve ends where it would have ended alone.

    Args:
        corpus: See `ser_acrnn.training.run`, as all that is not named here.
        this: See there.
        conditions: Systems that differ from it in `judging_batch_norm` alone, which takes the statistics of what is judged.
        weights: Folder for the weights after each epoch; a run that is resumed needs them.
        devices: See there.
        checkpoint: See there.
        log_directory: See there.
        on_epoch: See there.
        on_result: Called with each result and its network, before the next one.

    Returns:
        The system's result, and one a condition.

    Raises:
        ConfigError: A condition differs in more, or nobody validates.
    """
    begun = begin(corpus, this, devices=devices)
    watch = Watcher(begun, conditions, weights)
    with begun.placement.scope():
        model, state = begun.fit(checkpoint=checkpoint, log_directory=log_directory, on_epoch=on_epoch, watch=watch)
        choice, patience = begun.preset.training.epoch_choice, begun.preset.training.patience
        curves = {name: until_impatient(watch.curve(state.curve, name), choice, patience) for name in watch.presets}
        epochs = {name: protocol.chosen_epoch(curve, choice) for name, curve in curves.items()}
        begun.reader.choose_epoch(curves[this.system], choice)
        test = begun.test()
        said = watch.after_each(model, test, len(state.curve))
        results = []
        for name, its in watch.presets.items():
            model.set_weights(watch.weights_of(epochs[name]))
            score = partial(watch.score, model, name)
            tested, validated = (begun.utterances(segments, score) for segments in (test, begun.validation))
            result = begun.result(name, its, curves[name], epochs[name], tested, validated, state.wall_seconds)
            result = replace(result, test_curve=_test_curve(said[name][: len(curves[name])], test))
            on_result(result, model)
            results.append(result)
    return results


class Watcher(Watch):
    """Judges the validation speaker after each epoch in every condition, and keeps the weights.

    Args:
        begun: The run.
        conditions: See `run`.
        weights: See `run`.

    Attributes:
        presets: The system's and the conditions' configurations by name, the system's first.
    """

    def __init__(self, begun: Begun, conditions: Mapping[str, Preset], weights: Path) -> None:
        system = begun.run.system
        if not isinstance(begun.preset, Preset) or not isinstance(begun.system, Acrnn) or begun.validation is None:
            raise ConfigError(f"{system}: is judged in conditions, expected a network of this package and a validation speaker")
        config, precision = begun.preset.training, begun.preset.training.precision
        if config.judging_batch_norm != "training" or config.judging_tempos != AS_SPOKEN:
            raise ConfigError(f"{system}: judges in a way of its own, expected batch norm of training and segments as they were spoken")
        self.presets = {system: begun.preset}
        for name, preset in conditions.items():
            its = replace(preset, training=replace(preset.training, precision=precision))
            way = its.training.judging_batch_norm
            if not way.startswith("judged") or its != replace(
                begun.preset, training=replace(begun.preset.training, judging_batch_norm=way)
            ):
                raise ConfigError(f"{name} differs from {system} in more than batch norm of what is judged, expected the same training")
            self.presets[name] = its
        self._ways = [its.training.judging_batch_norm for its in self.presets.values()][1:]
        self._begun, self._system, self._validation, self._weights = begun, begun.system, begun.validation, weights
        weights.mkdir(parents=True, exist_ok=True)
        self._judged: tuple[keras.Model, Callable[[Segments], NDArray[np.float32]]] | None = None

    @override
    def after_epoch(self, model: keras.Model, epoch: int) -> dict[str, Any]:
        with files.replacing(self._file(epoch)) as partial, partial.open("wb") as stream:
            np.savez(stream, *model.get_weights())
        names, scores = list(self.presets)[1:], self._in_conditions(model, self._validation)
        return {"conditions": {name: validation_scores(said, self._validation) for name, said in zip(names, scores, strict=True)}}

    @override
    def impatient(self, curve: Curve, choice: str, patience: int) -> bool:
        return all(
            len(until_impatient(self.curve(curve, name), choice, patience)) < len(curve)
            or protocol.impatient(self.curve(curve, name), choice, patience)
            for name in self.presets
        )

    def curve(self, curve: Curve, name: str) -> list[dict[str, Any]]:
        """The validation curve of a condition, or of the system, out of what the training recorded."""
        plain = [{key: value for key, value in entry.items() if key != "conditions"} for entry in curve]
        return [entry | both["conditions"].get(name, {}) for entry, both in zip(plain, curve, strict=True)]

    def weights_of(self, epoch: int) -> list[NDArray]:
        """The network's weights after an epoch.

        Raises:
            CheckpointError: Their file is missing or damaged.
        """
        path = self._file(epoch)
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return [arrays[f"arr_{index}"] for index in range(len(arrays.files))]
        except files.DAMAGED_ARCHIVE as error:
            raise CheckpointError(
                f"{path}: cannot be read ({error}), expected the weights after epoch {epoch}; remove {path.parent} and the training's "
                "checkpoint, and it starts anew"
            ) from error

    def score(self, model: keras.Model, name: str, segments: Segments) -> NDArray[np.float32]:
        """What the network says of utterances in a condition, or by the system itself, `(utterances, emotions)`."""
        return metrics.utterance_posteriors(self._posteriors(model, segments)[name], segments.utterance)

    def after_each(self, model: keras.Model, segments: Segments, epochs: int) -> dict[str, list[NDArray[np.int64]]]:
        """Decisions on utterances after each epoch, by the system and in each condition; leaves the network with other weights."""
        found: dict[str, list[NDArray[np.int64]]] = {name: [] for name in self.presets}
        for epoch in range(1, epochs + 1):
            model.set_weights(self.weights_of(epoch))
            for name, said in self._posteriors(model, segments).items():
                found[name].append(metrics.utterance_posteriors(said, segments.utterance).argmax(axis=1))
        return found

    def _posteriors(self, model: keras.Model, segments: Segments) -> dict[str, NDArray[np.float32]]:
        """Of segments, by the system and in each condition."""
        plain = segment_posteriors(model, segments.features, self._begun.preset.training.batch_size)
        return dict(zip(self.presets, [plain, *self._in_conditions(model, segments)], strict=True))

    def _in_conditions(self, model: keras.Model, segments: Segments) -> NDArray[np.float32]:
        if self._judged is None or self._judged[0] is not model:
            self._judged = model, self._system.transductive_posteriors(self._begun.reader, model, self._ways)
        return self._judged[1](segments)

    def _file(self, epoch: int) -> Path:
        return self._weights / f"{epoch:03d}.npz"


def until_impatient(curve: Curve, choice: str, patience: int) -> list[dict[str, Any]]:
    """The part of a curve that a training with this patience would have left."""
    found: list[dict[str, Any]] = []
    for entry in curve:
        found.append(dict(entry))
        if protocol.impatient(found, choice, patience):
            break
    return found


def _test_curve(decisions: Sequence[NDArray[np.int64]], segments: Segments) -> list[dict[str, Any]]:
    """As `RunResult.test_curve` has it."""
    return [
        {
            "epoch": epoch,
            "test_uar": round(metrics.unweighted_average_recall(segments.utterance_labels, decided), 6),
            "decisions": decided.tolist(),
        }
        for epoch, decided in enumerate(decisions, start=1)
    ]
