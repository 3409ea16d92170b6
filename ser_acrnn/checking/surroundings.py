"""What may surround a recording, and at what level and offset it may stand, without changing what is said and how."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RATE_HERTZ = 16_000
Surrounding = Callable[[NDArray[np.float32], np.random.Generator], NDArray[np.float32]]


def silence(before: float, after: float) -> Surrounding:
    """Digital silence of so many seconds around a recording."""
    return lambda waveform, rng: np.pad(waveform, (round(before * RATE_HERTZ), round(after * RATE_HERTZ)))


def room(before: float, after: float) -> Surrounding:
    """The recording's own room: noise of the spectrum and level of its faintest 50 ms, of so many seconds around it."""

    def surround(waveform: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        noises = (_room_noise(waveform, seconds, rng) for seconds in (before, after))
        return np.concatenate([next(noises), waveform, *noises]).astype(np.float32)

    return surround


def pause(seconds: float, *, zeros: bool = False) -> Surrounding:
    """The recording's own room, or digital silence, of so many seconds at the faintest moment of the recording's middle half."""

    def insert(waveform: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        quarter = len(waveform) // 4
        loudness = np.convolve(np.square(waveform), np.ones(800), "same")
        place = quarter + int(np.argmin(loudness[quarter : len(waveform) - quarter]))
        between = np.zeros(round(seconds * RATE_HERTZ)) if zeros else _room_noise(waveform, seconds, rng)
        return np.concatenate([waveform[:place], between, waveform[place:]]).astype(np.float32)

    return insert


def _room_noise(waveform: NDArray[np.float32], seconds: float, rng: np.random.Generator) -> NDArray[np.float64]:
    pieces = np.lib.stride_tricks.sliding_window_view(waveform, 800)[::400]
    faintest = pieces[np.argmin(np.square(pieces).sum(axis=1))]
    shape = np.abs(np.fft.rfft(faintest * np.hanning(800)))
    white = np.fft.rfft(rng.standard_normal(max(2, round(seconds * RATE_HERTZ))))
    coloured = np.fft.irfft(white * np.interp(np.linspace(0, 1, len(white)), np.linspace(0, 1, len(shape)), shape))
    return coloured[: round(seconds * RATE_HERTZ)] * np.std(faintest) / max(np.std(coloured), 1e-12)


SURROUNDINGS: dict[str, Surrounding] = {
    **{
        f"{seconds} s of {what} {where}": around(seconds * (where != "after"), seconds * (where != "before"))
        for what, around in (("zeros", silence), ("room noise", room))
        for seconds in (1, 5)
        for where in ("before", "after", "on both sides")
    },
    "zeros to 10 s": lambda waveform, rng: np.pad(waveform, (0, max(0, 10 * RATE_HERTZ - len(waveform)))),
    "1 s of zeros inside": pause(1, zeros=True),
    **{f"{seconds:g} s of room noise inside": pause(seconds) for seconds in (0.2, 1, 3)},
    "40 dB fainter": lambda waveform, rng: waveform * np.float32(0.01),
    "20 dB louder": lambda waveform, rng: waveform * np.float32(10),
    "an offset of 0.1": lambda waveform, rng: waveform + np.float32(0.1),
}
