"""The light networks as they are used where all has been chosen: alone, and with batch norm adapted to the speaker who is judged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ser_acrnn.config import FIVE_TEMPOS, PRESETS, Preset

# Presets, and what each is called where all has been chosen.
BEST = {"lite-augmented": "best-by-training", "lite-by-utterance": "best-by-utterance", "lite-by-speaker": "best-by-speaker"}
# What these are called where batch norm is adapted.
ADAPTED = {best: best.replace("best", "adapted") for best in BEST.values()}


def systems() -> dict[str, Preset]:
    """All of them by name: nobody validates any more, dropout gained validation speakers nothing, and segments are heard at five tempos."""
    trained = {"train_on_validation": True, "judging_tempos": FIVE_TEMPOS}
    alone = {best: _training(_without_dropout(PRESETS[name]), **trained) for name, best in BEST.items()}
    return alone | {ADAPTED[best]: _training(preset, judging_batch_norm="speaker") for best, preset in alone.items()}


def _training(preset: Preset, **changes: Any) -> Preset:
    return replace(preset, training=replace(preset.training, **changes))


def _without_dropout(preset: Preset) -> Preset:
    return replace(preset, model=replace(preset.model, dropout=0.0))
