"""What log-Mels need of a library for signals: the Fourier transform of many frames, and the Mel filterbank. No SciPy for a few frames.

SciPy transforms six times as fast as NumPy, and takes as long to import as NumPy takes for an hour of windows of 3 s, one a second.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

WORTH_SCIPY = 200  # utterances or windows of some seconds
_FFTPACK = "scipy.fftpack"
T = TypeVar("T")


def hastened(heard: Iterable[T], after: int = WORTH_SCIPY) -> Iterator[T]:
    """Passes recordings or windows on; where there are many, SciPy, if it is installed, is imported on the way, and transforms the rest."""
    for number, one in enumerate(heard):
        if number == after:
            with suppress(ImportError):
                importlib.import_module(_FFTPACK)
        yield one


def transformed(frames: NDArray) -> NDArray:
    """The Fourier transform of real frames, which may be overwritten: by SciPy where the process has imported it, by NumPy elsewhere.

    They differ by rounding in the last digit of the frames' precision.

    Args:
        frames: Shape `(frames, points)`.

    Returns:
        Same shape: real part 0, then real and imaginary parts by turns, of an even number of points a last real part.
    """
    if by_scipy := getattr(sys.modules.get(_FFTPACK), "rfft", None):  # in place, which `scipy.fft` cannot
        return by_scipy(frames, axis=1, overwrite_x=True)
    found = np.fft.rfft(frames, axis=1)
    parts = found.view(found.real.dtype)
    parts[:, 1] = parts[:, 0]  # the imaginary part 0 is none
    return parts[:, 1 : frames.shape[1] + 1]


@lru_cache
def mel_filters(filters: int, points: int, sampling_rate_hertz: int, lowest_hertz: float, highest_hertz: float) -> NDArray[np.float64]:
    """The Mel filterbank of python_speech_features, `get_filterbanks`, whose import would be SciPy's.

    Returns:
        Weights `(filters, points // 2 + 1)`: triangles over bins of the transform, their corners evenly spaced on HTK's mel scale and
        rounded down to bins.
    """
    low, high = 2595 * np.log10(1 + np.array([lowest_hertz, highest_hertz]) / 700)
    corners = np.floor((points + 1) * 700 * (10 ** (np.linspace(low, high, filters + 2) / 2595) - 1) / sampling_rate_hertz)
    left, centre, right = (corners[first : first + filters, None] for first in range(3))
    bins = np.arange(points // 2 + 1)
    with np.errstate(divide="ignore", invalid="ignore"):  # of a side without a bin
        rising, falling = (bins - left) / (centre - left), (right - bins) / (right - centre)
    return np.where((bins >= left) & (bins < centre), rising, np.where((bins >= centre) & (bins < right), falling, 0.0))
