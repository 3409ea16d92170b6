from . import elm, front_end, heads, layers, networks, saving, waveform
from .heads import encoder, with_new_head
from .networks import acrnn, dnn, with_attention
from .waveform import waveform_model

__all__ = [
    "acrnn",
    "dnn",
    "elm",
    "encoder",
    "front_end",
    "heads",
    "layers",
    "networks",
    "saving",
    "waveform",
    "waveform_model",
    "with_attention",
    "with_new_head",
]
