"""A recording in every coding that people have."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile

BY_LIBSNDFILE = (".flac", ".mp3", ".ogg")
BY_FFMPEG = {".m4a": ("aac", "fltp"), ".opus": ("libopus", "flt"), ".webm": ("libopus", "flt")}
RATE_HERTZ = 48_000  # that Opus has


def written(folder: Path, recording: Path) -> dict[str, str]:
    """Writes the files beside each other; suffix -> name."""
    samples, rate = soundfile.read(recording, dtype="float32")
    names = {suffix: f"{recording.stem}{suffix}" for suffix in (".wav", *BY_LIBSNDFILE, *BY_FFMPEG)}
    for suffix in BY_LIBSNDFILE:
        soundfile.write(folder / names[suffix], samples, rate)
    for suffix, (codec, form) in BY_FFMPEG.items():
        _encode(folder / names[suffix], np.repeat(samples, RATE_HERTZ // rate), codec, form)
    return names


def _encode(path: Path, samples: np.ndarray, codec: str, form: str) -> None:
    with av.open(str(path), "w", format={"m4a": "mp4", "opus": "ogg"}.get(path.suffix[1:], path.suffix[1:])) as container:
        stream = container.add_stream(codec, rate=RATE_HERTZ, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format=form, layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = RATE_HERTZ, Fraction(1, RATE_HERTZ), 0
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
