from . import channels, containers, decoders, excerpts, files, joined, microphone, sources, suffixes, waveforms, windows
from .files import Recording, load, opened, stream
from .waveforms import AudioError, resampled, to_mono

__all__ = [
    "AudioError",
    "Recording",
    "channels",
    "containers",
    "decoders",
    "excerpts",
    "files",
    "joined",
    "load",
    "microphone",
    "opened",
    "resampled",
    "sources",
    "stream",
    "suffixes",
    "to_mono",
    "waveforms",
    "windows",
]
