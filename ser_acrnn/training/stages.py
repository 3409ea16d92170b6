"""A system's network, built and trained stage by stage, such as first the new head and then all layers -> the weights that count."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ser_acrnn.data.prepared import Speaking
from ser_acrnn.data.segments import Segments
from ser_acrnn.training import scalars
from ser_acrnn.training.checkpoint import TrainingState
from ser_acrnn.training.loop import fit
from ser_acrnn.training.systems import System


def train_in_stages(
    system: System,
    corpus: Speaking,
    train: Segments,
    validation: Segments | None,
    statistics: tuple[NDArray[np.float32], NDArray[np.float32]],
    seed: int,
    *,
    checkpoint: Path | None,
    identity: list[Any],
    on_epoch: Callable[[dict[str, Any]], None] | None,
    log_directory: Path | None = None,
    **settings: Any,
) -> tuple[keras.Model, TrainingState]:
    """Builds a system's network and trains it.

    Args:
        system: What is trained, and in which stages.
        corpus: Knows who speaks.
        train: The training part's segments.
        validation: The validation part's; None where nobody validates.
        statistics: Mean and variance that the network normalises by, each of shape `(coefficients, channels)`.
        seed: Of initial weights, order and augmentation.
        checkpoint: File of the state after each epoch; stages after the first have one of their own beside it.
        identity: Distinguishes the checkpoint from those of other trainings.
        on_epoch: Called with each entry of the curve.
        log_directory: Folder for TensorBoard's scalars.
        settings: See `ser_acrnn.training.loop.fit`.

    Returns:
        The network with the weights that count, and where the training ended: its curve numbers the epochs of all stages.
    """
    keras.utils.set_random_seed(seed)
    model = system.network(*statistics)
    settings["augment"] = system.augment(corpus, train, statistics[0])
    whole = TrainingState()
    with scalars.written(log_directory) as log:
        for number, stage in enumerate(system.stages()):
            before = len(whole.curve)
            for layer in model.layers:
                layer.trainable = not stage.frozen(layer.name)

            def show(entry: dict[str, Any], before: int = before) -> None:
                numbered = {**entry, "epoch": entry["epoch"] + before}
                log(numbered)
                if on_epoch is not None:
                    on_epoch(numbered)

            state = fit(
                model,
                train,
                validation,
                stage.training,
                seed,
                checkpoint=checkpoint if number == 0 or checkpoint is None else checkpoint.with_name(f"{checkpoint.name}.stage{number}"),
                identity=json.dumps([*identity, number, stage.training.to_dict()]),
                on_epoch=show,
                **settings,
            )
            model.set_weights(state.best_weights)
            whole.curve += [{**entry, "epoch": entry["epoch"] + before} for entry in state.curve]
            whole.wall_seconds += state.wall_seconds
    return model, whole
