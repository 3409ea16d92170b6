"""One change at a time: systems named `<base>.<change>`, compared with their base on the same folds and seeds."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from experiments.catalogue import best
from ser_acrnn.config import AS_SPOKEN, FIVE_TEMPOS, PRESETS, ModelConfig, Preset, SpeechGate, TrainConfig, paper_conv
from ser_acrnn.config.features import FEATURE_RECIPES

# The paper's network with one convolution and all its settings, but a quarter of the maps, a sixth of the linear layer and half of the
# BLSTM, and half our patience: small enough for a processor to train it ten times for each change.
NARROW = Preset(FEATURE_RECIPES["paper"], ModelConfig(conv=((32, 2, 2),), linear_units=128, blstm_units=64), TrainConfig(patience=10))


# The paper's networks: with deltas (3) and without (2), of one to seven convolutions.
DEPTHS = [(dimensions, layers) for layers in range(1, 8) for dimensions in (3, 2)]


def _paper() -> dict[str, Preset]:
    base, found = PRESETS["paper-emodb"], {}
    for dimensions, layers in DEPTHS:
        model = replace(base.model, conv=paper_conv(layers), channels=3 if dimensions == 3 else 1)
        found[f"acrnn{dimensions}d-{layers}conv"] = replace(base, model=model)
    return found


PAPER = _paper()
# What the changes are of: the paper's settings; its networks; the light network with all augmentation, normalised by the training
# speakers, by the utterance, and by the one who speaks; and these three where all has been chosen, adapted or not.
BASES = {"narrow": NARROW} | PAPER | {name: PRESETS[name] for name in best.BEST} | best.systems()

# Parts of a preset and what is changed in them; `augmentation` stands for the one inside the training.
Change = dict[str, dict[str, Any]]

_UNLEVELLED = asdict(BASES["lite-augmented"].training.augmentation.under("segment"))
_BY_SEGMENT: Change = {"model": {"normalisation": "segment"}, "augmentation": _UNLEVELLED}
_DEGRADED = {"bands": 0.2, "rooms": 0.2, "noise": 0.3}
_HEARD: dict[str, Change] = {
    "tempos": {"training": {"judging_tempos": FIVE_TEMPOS}},
    "adapted": {"training": {"judging_batch_norm": "speaker"}},
}
_NO_DROPOUT: dict[str, Change] = {"no-dropout": {"model": {"dropout": 0.0}}}
# Batch norm by what is judged, as in a program of the paper's authors: one training, judged in each condition.
JUDGED: dict[str, Change] = {
    f"batch-norm-{way}": {"training": {"judging_batch_norm": way}} for way in ("judged-40", "judged-60", "judged-halves", "judged")
}
# Where the paper leaves something open, or its authors' code differs from it.
_PAPER_OPEN: dict[str, Change] = {
    "features-released": {"features": {"standardise_waveform": False, "preemphasis": 0.97, "window": "rectangular"}},
    "waveform-unstandardised": {"features": {"standardise_waveform": False}},
    "waveform-by-speaker": {"features": {"standardise_waveform": "speaker"}},
    "by-utterance": {"model": {"normalisation": "utterance"}},
    "by-speaker": {"model": {"normalisation": "speaker"}},
    "pool-2x4": {"model": {"conv": ((32, 2, 4),)}},
    "attention-released": {"model": {"attention": "released-code"}},
    "batch-norm-linear": {"model": {"batch_norm": ("linear",)}},
    "padding-masked": {"model": {"mask_padding": True}},
    "initialisation-released": {"model": {"initialisation": "released-code"}},
    "epoch-20": {"training": {"epoch_choice": "last", "epochs": 20}},
    "rate-1e-3": {"training": {"learning_rate": 1e-3}},
}
_SPEECH: Change = {"features": {"speech_gate": SpeechGate()}}
_SHORT_PAUSES: Change = {"features": {"speech_gate": SpeechGate(longest_pause_seconds=0.2)}}
_COPIES: dict[str, Any] = {"copies": 8, "epochs": 120}
# What `best` would be with dropout, without the five tempos, with features of the speech alone, with long pauses or without, trained on
# recordings as they are, or on eight degraded copies of each as well, for three times as long.
_BEST: dict[str, Change] = {
    "dropout": {"model": {"dropout": 0.3}},
    "as-spoken": {"training": {"judging_tempos": AS_SPOKEN}},
    "speech": _SPEECH,
    "short-pauses": _SHORT_PAUSES,
    "robust": {**_SPEECH, "training": _COPIES},
    "robust-short-pauses": {**_SHORT_PAUSES, "training": _COPIES},
}
# What the adapted ones would be if nothing that is judged had been heard before.
DISJOINT: dict[str, Change] = {
    name: {"training": {"judging_batch_norm": way}}
    for name, way in (("halves", "speaker-halves"), ("heard-16", "speaker-16"), ("heard-8", "speaker-8"))
}
CHANGES: dict[str, dict[str, Change]] = {
    "narrow": _PAPER_OPEN | JUDGED,
    **dict.fromkeys(PAPER, JUDGED),
    "lite-augmented": {
        "no-masks": {"augmentation": {"time_masks": 0, "mel_masks": 0}},
        "no-voices": {"augmentation": {"tempo": 0.0, "vocal_tract": 0.0}},
        "sampling-all": {"training": {"sampling": "all"}},
        **_HEARD,
        "rate-constant": {"training": {"schedule": "constant"}},
        "hop-3s": {"training": {"training_hop_seconds": 3.0}},
        **_NO_DROPOUT,
        "batch-norm-conv": {"model": {"batch_norm": ("conv", "embedding")}},
        "no-exchange": {"augmentation": {"speaker_exchange": 0.0}},
        "no-level": {"augmentation": {"gain": 0.0, "tilt": 0.0}},
        "by-segment": _BY_SEGMENT,
        "by-segment-own-masks": {**_BY_SEGMENT, "augmentation": {**_UNLEVELLED, "mask_mean": "segment"}},
        "by-segment-degraded": {**_BY_SEGMENT, "augmentation": _UNLEVELLED | _DEGRADED},
    },
    "lite-by-utterance": _HEARD | _NO_DROPOUT,
    "lite-by-speaker": {
        "epochs-80": {"training": {"epochs": 80}},
        **_HEARD,
        "mixup": {"training": {"mixup": 0.4}},
        "label-smoothing": {"training": {"label_smoothing": 0.1}},
        **_NO_DROPOUT,
    },
    **{name: _BEST | (DISJOINT if name in best.ADAPTED.values() else {}) for name in best.systems()},
}


def changed(base: Preset, change: Change) -> Preset:
    """The preset with one change."""
    augmentation = replace(base.training.augmentation, **change.get("augmentation", {}))
    training = replace(base.training, **{"augmentation": augmentation, **change.get("training", {})})
    features, model = (replace(getattr(base, part), **change.get(part, {})) for part in ("features", "model"))
    return replace(base, features=features, model=model, training=training)


def systems() -> list[tuple[str, str, Preset]]:
    """All of them: base, change and configuration."""
    return [(base, name, changed(BASES[base], change)) for base, changes in CHANGES.items() for name, change in changes.items()]


def pairs(base: str) -> list[tuple[str, str]]:
    """Each change of a base, and the base."""
    return [(f"{base}.{change}", base) for change in CHANGES[base]]


def conditions(base: str) -> tuple[str, ...]:
    """The changes of a base that judge by its training with batch norm of what is judged, the plainest last; none of most systems."""
    return tuple(f"{base}.{name}" for name in JUDGED if name in CHANGES.get(base, {}))
