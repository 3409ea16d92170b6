"""A trained network on a corpus of one's own: its head for other emotions, then ever more of the network, unfrozen step by step."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from ser_acrnn.config import Preset
from ser_acrnn.models.heads import with_new_head
from ser_acrnn.training.systems import Acrnn, Stage

# Gradual unfreezing (J. Howard, S. Ruder, ACL 2018): what rests, and the learning rate beside the preset's.
_STAGES = (
    (lambda name: name != "emotion", 1.0),
    (lambda name: name.startswith("conv_"), 0.5),
    (lambda name: False, 0.2),
)


class FineTuned(Acrnn):
    """A trained network for other emotions; a third of the epochs each for the head, for all but the convolutions, and for everything.

    Args:
        preset: Its `model` has the emotions of the new head, and the channels and normalisation of the source; its `training` takes the
            last epoch.
        source: The trained network; it stays as it is.
    """

    def __init__(self, preset: Preset, source: keras.Model) -> None:
        super().__init__(preset)
        self.source = source

    def begun(self) -> keras.Model:
        """The network that training begins with; emotions that the source knows by name keep their weights."""
        return with_new_head(self.source, self.preset.model.emotions, "none")

    @override
    def network(self, mean: NDArray[np.float32], variance: NDArray[np.float32]) -> keras.Model:
        channels, model = self.preset.model.channels, self.begun()
        model.get_layer("normalise").set_statistics(mean[:, :channels], variance[:, :channels])
        return model

    @override
    def stages(self) -> Sequence[Stage]:
        training = self.preset.training
        each, more = divmod(max(training.epochs, len(_STAGES)), len(_STAGES))
        epochs = [each + (number < more) for number in range(len(_STAGES))]
        return [
            Stage(replace(training, epochs=number, learning_rate=share * training.learning_rate), frozen)
            for number, (frozen, share) in zip(epochs, _STAGES, strict=True)
        ]

    @property
    @override
    def origin(self) -> str:
        return hashlib.sha256(b"".join(np.asarray(weight).tobytes() for weight in self.source.get_weights())).hexdigest()
