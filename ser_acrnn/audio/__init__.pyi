from . import decoders, files, microphone, windows
from .files import AudioError, Recording, load, opened, resampled, stream, to_mono

__all__ = ["AudioError", "Recording", "decoders", "files", "load", "microphone", "opened", "resampled", "stream", "to_mono", "windows"]
