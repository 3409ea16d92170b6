from . import extraction, functionals, log_mels, mfcc_pitch, normalisation, spectrum, speech_activity, tempo
from .log_mels import deltas, hop_frames, log_mels_3d, segment, segment_starts, with_deltas

__all__ = [
    "deltas",
    "extraction",
    "functionals",
    "hop_frames",
    "log_mels",
    "log_mels_3d",
    "mfcc_pitch",
    "normalisation",
    "segment",
    "segment_starts",
    "spectrum",
    "speech_activity",
    "tempo",
    "with_deltas",
]
