from . import decoders, files, microphone, windows
from .files import AudioError, load, resampled, seconds_of, stream, to_mono

__all__ = ["AudioError", "decoders", "files", "load", "microphone", "resampled", "seconds_of", "stream", "to_mono", "windows"]
