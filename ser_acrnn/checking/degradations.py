"""What a recording goes through before it is judged: noise, telephone, coding, reverberation; each a function of waveform and seed."""

from __future__ import annotations

import io
from collections.abc import Callable

import av
import av.filter
import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy import signal

RATE_HERTZ = 16_000
Degradation = Callable[[NDArray[np.float32], np.random.Generator], NDArray[np.float32]]


def noise(decibel: float) -> Degradation:
    """Adds pink noise (equal power an octave, from 50 Hz) at a signal-to-noise ratio over the whole utterance."""

    def degrade(waveform: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        spectrum = np.fft.rfft(rng.standard_normal(len(waveform)))
        frequency = np.fft.rfftfreq(len(waveform), 1 / RATE_HERTZ)
        pink = np.fft.irfft(spectrum * (frequency >= 50) / np.sqrt(np.maximum(frequency, 50)), len(waveform))
        level = np.sqrt(np.mean(waveform.astype(float) ** 2) / np.mean(pink**2)) * 10 ** (-decibel / 20)
        return (waveform + level * pink).astype(np.float32)

    return degrade


def telephone(waveform: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """The narrow telephone band, 300 to 3400 Hz at 8 kHz, coded by ITU-T G.711's mu-law."""
    band = signal.butter(4, (300, 3400), "bandpass", fs=RATE_HERTZ, output="sos")
    narrow = signal.resample_poly(signal.sosfilt(band, waveform), 1, 2)
    coded = _through_file(0.9 * narrow / np.abs(narrow).max(), RATE_HERTZ // 2, format="WAV", subtype="ULAW")
    return signal.resample_poly(coded, 2, 1)[: len(waveform)].astype(np.float32)


def mp3(waveform: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """MP3 by LAME at a constant 16 kbit/s, and back; the coder's delay of 70 ms stays in front."""
    loud = 0.9 * waveform / np.abs(waveform).max()
    return _through_file(loud, RATE_HERTZ, format="MP3", subtype="MPEG_LAYER_III", compression_level=0.95, bitrate_mode="CONSTANT")


def reverberation(seconds: float) -> Degradation:
    """A room that decays by 60 dB in so many seconds: white noise under that envelope behind the direct sound, as loud as it.

    The tail is of the energy of the direct sound (a distance of about the critical one) and begins 2 ms behind it.
    """

    def degrade(waveform: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        time = np.arange(round(seconds * RATE_HERTZ)) / RATE_HERTZ
        tail = rng.standard_normal(len(time)) * 10 ** (-3 * time / seconds) * (time >= 0.002)
        response = tail / np.sqrt(np.sum(tail**2))
        response[0] = 1
        return signal.fftconvolve(waveform, response)[: len(waveform)].astype(np.float32)

    return degrade


DEGRADATIONS: dict[str, Degradation] = {
    "as recorded": lambda waveform, rng: waveform,
    "noise, 20 dB": noise(20),
    "noise, 10 dB": noise(10),
    "noise, 0 dB": noise(0),
    "telephone": telephone,
    "MP3": mp3,
    "reverberation, 0.5 s": reverberation(0.5),
}


def _through_file(samples: NDArray, rate_hertz: int, **file: object) -> NDArray[np.float32]:
    """Coded and decoded again, in memory."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate_hertz, **file)
    buffer.seek(0)
    return soundfile.read(buffer, dtype="float32")[0]


def opus(waveform: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Ogg Opus as libsndfile codes it by default, and back."""
    loud = 0.9 * waveform / np.abs(waveform).max()
    return _through_file(loud, RATE_HERTZ, format="OGG", subtype="OPUS")


def tempo(factor: float) -> Degradation:
    """As much faster, pitch and voice unchanged, by FFmpeg's `atempo`."""

    def degrade(waveform: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        graph = av.filter.Graph()
        graph.link_nodes(
            graph.add_abuffer(sample_rate=RATE_HERTZ, format="flt", layout="mono"),
            graph.add("atempo", str(factor)),
            graph.add("abuffersink"),
        ).configure()
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(waveform, np.float32)[None], format="flt", layout="mono")
        frame.sample_rate = RATE_HERTZ
        graph.push(frame)
        graph.push(None)
        found = []
        while True:
            try:
                found.append(graph.pull().to_ndarray()[0])
            except (av.BlockingIOError, av.EOFError):
                return np.concatenate(found)

    return degrade
