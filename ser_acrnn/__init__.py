"""Speech emotion recognition with 3-D convolutional recurrent neural networks and attention, on Keras 3.

The public names are imported lazily: importing the package imports neither TensorFlow nor Keras. As soon as Keras is imported too,
before or after, the package's layers are registered, so that `keras.saving.load_model` needs no `custom_objects`.
"""

from __future__ import annotations

import importlib
from typing import Any

import wrapt

from ser_acrnn._version import __version__

_LAZY = {
    "FeatureConfig": "ser_acrnn.config",
    "ModelConfig": "ser_acrnn.config",
    "TrainConfig": "ser_acrnn.config",
    "preset": "ser_acrnn.config",
    "log_mels_3d": "ser_acrnn.features",
    "acrnn": "ser_acrnn.models",
    "AttentionPooling": "ser_acrnn.layers",
    "Predictor": "ser_acrnn.predictor",
    "unweighted_average_recall": "ser_acrnn.metrics",
    "Fold": "ser_acrnn.protocol",
    "leave_one_speaker_out": "ser_acrnn.protocol",
    "list_pretrained": "ser_acrnn.pretrained",
    "load_pretrained": "ser_acrnn.pretrained",
    "embed": "ser_acrnn.embedding",
    "save_to_hub_folder": "ser_acrnn.hub",
    "AcrnnEmbedding": "ser_acrnn.embedding",
    "encoder": "ser_acrnn.transfer",
    "waveform_model": "ser_acrnn.waveform",
    "with_new_head": "ser_acrnn.transfer",
}
_MODULES = (
    "attention_figure",
    "audio",
    "augmentation",
    "batches",
    "calibration",
    "compact",
    "comparison",
    "conditions",
    "config",
    "corpus",
    "dataset",
    "decoders",
    "elm",
    "embedding",
    "ensembles",
    "export",
    "export_formats",
    "extraction",
    "features",
    "figures",
    "fine_tuning",
    "frames",
    "front_end",
    "hub",
    "json_config",
    "layers",
    "memory",
    "methods",
    "metrics",
    "microphone",
    "models",
    "normalisation",
    "own_training",
    "predictions",
    "predictor",
    "pretrained",
    "protocol",
    "recipes",
    "report",
    "results",
    "standardised",
    "summary",
    "tfrecords",
    "training",
    "transfer",
    "waveform",
    "waveform_check",
    "windows",
)

__all__ = ["__version__", *sorted(_LAZY), *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"ser_acrnn.{name}")
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'ser_acrnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__


@wrapt.when_imported("keras")
def _register_layers(_: object) -> None:
    for module in ("layers", "front_end"):
        importlib.import_module(f"ser_acrnn.{module}")
