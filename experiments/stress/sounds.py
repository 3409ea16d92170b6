"""One short sound in every format that the package reads: what malformed recordings are made from."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE_HERTZ = 16_000
SECONDS = 0.5

# Format, subtype and byte order of libsndfile's, and the channels.
WRITTEN: dict[str, tuple[str, str, str, int]] = {
    "wav, 16 bits": ("WAV", "PCM_16", "FILE", 1),
    "wav, 16 bits, stereo": ("WAV", "PCM_16", "FILE", 2),
    "wav, 16 bits, big-endian": ("WAV", "PCM_16", "BIG", 1),
    "wav, 8 bits": ("WAV", "PCM_U8", "FILE", 1),
    "wav, 24 bits": ("WAV", "PCM_24", "FILE", 1),
    "wav, 32 bits": ("WAV", "PCM_32", "FILE", 1),
    "wav, float": ("WAV", "FLOAT", "FILE", 1),
    "wav, double": ("WAV", "DOUBLE", "FILE", 1),
    "wav, mu-law": ("WAV", "ULAW", "FILE", 1),
    "wav, A-law": ("WAV", "ALAW", "FILE", 1),
    "wav, IMA ADPCM": ("WAV", "IMA_ADPCM", "FILE", 1),
    "wav, MS ADPCM": ("WAV", "MS_ADPCM", "FILE", 1),
    "wav, GSM 6.10": ("WAV", "GSM610", "FILE", 1),
    "wavex": ("WAVEX", "PCM_16", "FILE", 2),
    "rf64": ("RF64", "PCM_16", "FILE", 1),
    "w64": ("W64", "PCM_16", "FILE", 1),
    "aiff": ("AIFF", "PCM_16", "FILE", 1),
    "aiff, 24 bits, stereo": ("AIFF", "PCM_24", "FILE", 2),
    "aiff, little-endian": ("AIFF", "PCM_16", "LITTLE", 1),
    "aiff, float": ("AIFF", "FLOAT", "FILE", 1),
    "au": ("AU", "PCM_16", "FILE", 1),
    "au, mu-law": ("AU", "ULAW", "FILE", 1),
    "au, little-endian": ("AU", "PCM_16", "LITTLE", 1),
    "caf": ("CAF", "PCM_16", "FILE", 1),
    "caf, ALAC": ("CAF", "ALAC_16", "FILE", 1),
    "sphere": ("NIST", "PCM_16", "FILE", 1),
    "flac": ("FLAC", "PCM_16", "FILE", 1),
    "ogg vorbis": ("OGG", "VORBIS", "FILE", 1),
    "ogg opus": ("OGG", "OPUS", "FILE", 1),
    "mp3": ("MP3", "MPEG_LAYER_III", "FILE", 1),
}
# Container and codec of FFmpeg's, rate, layout, and options of the writer.
MUXED: dict[str, tuple[str, str, int, str, dict[str, str]]] = {
    "m4a": ("ipod", "aac", 44_100, "stereo", {}),
    "3gp": ("3gp", "aac", 16_000, "mono", {}),
    "aac": ("adts", "aac", 44_100, "stereo", {}),
    "mp3 without a table": ("mp3", "mp3", 44_100, "mono", {"write_xing": "0"}),
    "matroska": ("matroska", "pcm_s16le", 16_000, "mono", {}),
    "webm": ("webm", "libopus", 48_000, "stereo", {}),
    "webm, live": ("webm", "libopus", 48_000, "stereo", {"live": "1"}),
    "wma": ("asf", "wmav2", 44_100, "stereo", {}),
    "mpeg-ts": ("mpegts", "aac", 44_100, "stereo", {}),
}
FORMATS = (*WRITTEN, *MUXED)


@cache
def encoded(name: str) -> bytes:
    """The sound in one of `FORMATS`."""
    return _written(*WRITTEN[name]) if name in WRITTEN else _muxed(*MUXED[name])


def _sound(rate_hertz: int, channels: int) -> NDArray[np.float64]:
    """A tone in noise, `(samples, channels)`."""
    time = np.arange(int(rate_hertz * SECONDS)) / rate_hertz
    noise = np.random.default_rng(0).normal(0, 0.01, (len(time), channels))
    return 0.4 * np.sin(2 * np.pi * 440 * time)[:, None] + noise


def _written(container: str, subtype: str, endian: str, channels: int) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, _sound(RATE_HERTZ, channels), RATE_HERTZ, format=container, subtype=subtype, endian=endian)
    return buffer.getvalue()


def _muxed(container: str, codec: str, rate: int, layout: str, options: dict[str, str]) -> bytes:
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container, options=options) as output:
        stream: Any = output.add_stream(codec, rate=rate, layout=layout)
        stream.bit_rate = 64_000
        samples = np.ascontiguousarray(_sound(rate, stream.layout.nb_channels).T, np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
        frame.sample_rate = rate
        for resampled in av.AudioResampler(stream.format, layout, rate).resample(frame):
            output.mux(stream.encode(resampled))
        output.mux(stream.encode(None))
    return buffer.getvalue()
