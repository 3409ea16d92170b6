"""Sounds that are no speech, made by a program: noise, music, breathing, wind."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RATE_HERTZ, SAMPLES, PEAK = 16_000, 48_000, 0.1
TIME = np.arange(SAMPLES) / RATE_HERTZ
Sound = Callable[[np.random.Generator], NDArray[np.float64]]


def coloured(slope: float) -> Sound:
    """Noise whose power falls with frequency to this power: 0 white, 1 pink, 2 brown."""

    def make(rng: np.random.Generator) -> NDArray[np.float64]:
        frequencies = np.maximum(np.fft.rfftfreq(SAMPLES, 1 / RATE_HERTZ), 30)
        return np.fft.irfft(np.fft.rfft(rng.standard_normal(SAMPLES)) * frequencies ** (-slope / 2), SAMPLES)

    return make


def hum(rng: np.random.Generator) -> NDArray[np.float64]:
    """The mains at 50 Hz with harmonics, and faint noise."""
    tones = [rng.uniform(0, 1) / order * np.sin(2 * np.pi * 50 * order * TIME + rng.uniform(0, 2 * np.pi)) for order in range(1, 10)]
    return np.sum(tones, axis=0) + 0.01 * rng.standard_normal(SAMPLES)


def melody(rng: np.random.Generator) -> NDArray[np.float64]:
    """Plucked notes of two octaves, one after the other, with harmonics."""
    return _notes(rng, lengths=(0.15, 0.6), chord=(1.0,), decay=rng.uniform(2, 8))


def chords(rng: np.random.Generator) -> NDArray[np.float64]:
    """Major chords that are held."""
    return _notes(rng, lengths=(0.4, 1.2), chord=(1.0, 2 ** (4 / 12), 2 ** (7 / 12)), decay=0)


def breathing(rng: np.random.Generator) -> NDArray[np.float64]:
    """Pink noise that swells with every breath."""
    return coloured(1)(rng) * np.clip(np.sin(2 * np.pi * rng.uniform(0.3, 0.6) * TIME + rng.uniform(0, 2 * np.pi)), 0.02, None) ** 2


def clicks(rng: np.random.Generator) -> NDArray[np.float64]:
    """A few strokes, as of a keyboard, over faint noise."""
    found = 1e-3 * rng.standard_normal(SAMPLES)
    for place in rng.integers(0, SAMPLES - 400, rng.integers(2, 12)):
        found[place : place + 400] += rng.standard_normal(400) * np.exp(-np.arange(400) / 60)
    return found


def wind(rng: np.random.Generator) -> NDArray[np.float64]:
    """Brown noise in gusts."""
    return coloured(2)(rng) * (1.2 + np.sin(2 * np.pi * rng.uniform(0.2, 1) * TIME + rng.uniform(0, 2 * np.pi)))


def siren(rng: np.random.Generator) -> NDArray[np.float64]:
    """A tone that goes up and down, and faint noise."""
    hertz = 600 + 300 * np.sin(2 * np.pi * rng.uniform(0.3, 2) * TIME)
    return np.sin(2 * np.pi * np.cumsum(hertz) / RATE_HERTZ) + 0.02 * rng.standard_normal(SAMPLES)


SOUNDS: dict[str, Sound] = {
    "silence": lambda rng: 1e-4 * rng.standard_normal(SAMPLES),
    "white noise": coloured(0),
    "pink noise": coloured(1),
    "brown noise": coloured(2),
    "hum": hum,
    "chords": chords,
    "melody": melody,
    "breathing": breathing,
    "clicks": clicks,
    "wind": wind,
    "siren": siren,
}


def drawn(name: str, number: int) -> NDArray[np.float32]:
    """A sound of a kind at the peak of speech that is recorded with care, or, of silence, at its own level.

    Args:
        name: One of `SOUNDS`.
        number: Which of them; it is the same each time.

    Returns:
        3 s at 16 kHz, shape `(samples,)`.
    """
    sound = SOUNDS[name](np.random.default_rng([zlib.crc32(name.encode()), number]))
    return (sound if name == "silence" else PEAK * sound / np.abs(sound).max()).astype(np.float32)


def _notes(rng: np.random.Generator, *, lengths: tuple[float, float], chord: tuple[float, ...], decay: float) -> NDArray[np.float64]:
    found, place = np.zeros(SAMPLES), 0
    while place < SAMPLES:
        length = min(round(RATE_HERTZ * rng.uniform(*lengths)), SAMPLES - place)
        root, seconds = 110 * 2 ** (rng.integers(0, 24) / 12), np.arange(length) / RATE_HERTZ
        tones = [np.sin(2 * np.pi * root * step * order * seconds) / order for step in chord for order in range(1, 7)]
        found[place : place + length] = np.sum(tones, axis=0) * np.exp(-decay * seconds) * np.minimum(1, 20 * seconds)
        place += length
    return found
