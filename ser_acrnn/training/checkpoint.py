"""Where a training stands after an epoch, and the file that keeps it."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ser_acrnn import files

logger = logging.getLogger(__name__)


class CheckpointError(ValueError):
    """A checkpoint that cannot be read; the message names it."""


@dataclass
class TrainingState:
    """Where a training stands after an epoch: everything that the next one depends on."""

    variables: list[NDArray] = field(default_factory=list)
    optimiser: list[NDArray] = field(default_factory=list)
    best_weights: list[NDArray] = field(default_factory=list)
    curve: list[dict[str, Any]] = field(default_factory=list)
    wall_seconds: float = 0.0

    def take(self, model: keras.Model) -> None:
        """Copies what the next epoch needs of a compiled model."""
        self.variables = [np.asarray(keras.ops.convert_to_numpy(variable)) for variable in model.variables]
        self.optimiser = [np.asarray(keras.ops.convert_to_numpy(variable)) for variable in model.optimizer.variables]

    def restore(self, model: keras.Model) -> None:
        """Puts it back into a model that is compiled alike."""
        for variables, values in ((model.variables, self.variables), (model.optimizer.variables, self.optimiser)):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def save(self, path: Path, identity: str) -> None:
        """Writes the state atomically, under the identity of the run that it belongs to."""
        arrays = {
            f"{name}_{index:03d}": array
            for name in ("variables", "optimiser", "best_weights")
            for index, array in enumerate(getattr(self, name))
        }
        about = json.dumps({"identity": identity, "curve": self.curve, "wall_seconds": self.wall_seconds})
        with files.replacing(path) as partial, partial.open("wb") as stream:
            np.savez(stream, about=np.array(about), **arrays)

    @classmethod
    def load(cls, path: Path, identity: str) -> TrainingState:
        """Reads the state, or returns a fresh one where there is none of this run.

        Raises:
            CheckpointError: The file is damaged.
        """
        if not path.is_file():
            return cls()
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = dict(stored)
            about = json.loads(str(arrays.pop("about")))
            its, curve, seconds = about["identity"], about["curve"], about["wall_seconds"]
        except files.DAMAGED_ARCHIVE as error:
            raise CheckpointError(
                f"{path}: cannot be read ({error}), expected the state of a training; remove it, and training starts anew"
            ) from error
        if its != identity:
            logger.warning("%s: belongs to another configuration, training starts anew", path)
            return cls()
        lists = {
            name: [arrays[key] for key in sorted(arrays) if key.startswith(name)] for name in ("variables", "optimiser", "best_weights")
        }
        return cls(**lists, curve=curve, wall_seconds=seconds)
