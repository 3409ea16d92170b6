"""Log-Mels: seconds of audio a second on one core, beside python_speech_features, librosa and the Fourier transform alone."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from experiments.bench.harness import Row, interleaved
from ser_acrnn.config import FeatureConfig
from ser_acrnn.features.log_mels import log_mels_3d

CONFIG = FeatureConfig()


def rows(waveforms: list[NDArray], quick: bool) -> list[Row]:
    """Measures on some utterances; the process is expected to have one thread."""
    seconds = sum(map(len, waveforms)) / CONFIG.sampling_rate_hertz
    ways = {
        "log-Mels with deltas, ours": log_mels_3d,
        "python_speech_features, with its deltas": python_speech_features_3d,
        "librosa, with its deltas": librosa_3d,
        "the real Fourier transform alone": fourier,
    }
    found = interleaved({name: partial(_all, way, waveforms) for name, way in ways.items()}, rounds=3 if quick else 9)
    ours = found["log-Mels with deltas, ours"]
    difference = max(np.abs(log_mels_3d(waveform) - python_speech_features_3d(waveform)).max() for waveform in waveforms)
    table = [Row("features", "largest difference to python_speech_features", float(difference), "log-Mel")]
    for name, value in found.items():
        table.append(Row("features", name, seconds / value, "x real time"))
    for name, value in found.items():
        if value != ours:
            table.append(Row("features", "ours", seconds / ours, "x real time", name, value / ours))
    return table


def _all(way, waveforms):  # type: ignore[no-untyped-def]
    for waveform in waveforms:
        way(waveform)


def python_speech_features_3d(waveform: NDArray) -> NDArray:
    """The same features by the library's own functions."""
    import python_speech_features

    signal = waveform.astype(np.float64)
    signal = (signal - signal.mean()) / signal.std()
    power, _ = python_speech_features.fbank(signal, nfilt=CONFIG.mels, nfft=CONFIG.fft_points, preemph=0, winfunc=np.hamming)
    static = np.log(power)
    first = python_speech_features.delta(static, CONFIG.delta_frames)
    return np.stack([static, first, python_speech_features.delta(first, CONFIG.delta_frames)], axis=-1)


def librosa_3d(waveform: NDArray) -> NDArray:
    """Nearly the same features by librosa: another placing of the filters, deltas by a Savitzky-Golay filter."""
    import librosa

    signal = ((waveform - waveform.mean()) / waveform.std()).astype(np.float32)
    power = librosa.feature.melspectrogram(
        y=signal, sr=CONFIG.sampling_rate_hertz, n_fft=512, win_length=400, hop_length=160, window="hamming", n_mels=40, htk=True, norm=None
    )
    static = np.log(np.maximum(power, CONFIG.log_floor))
    return np.stack([static, librosa.feature.delta(static, width=5), librosa.feature.delta(static, width=5, order=2)], axis=-1)


def fourier(waveform: NDArray) -> None:
    """The transforms that any such feature needs, of frames that lie ready."""
    from scipy import fft

    frames, ready = len(waveform) // CONFIG.shift_samples, _frames()
    for start in range(0, frames, len(ready)):
        fft.rfft(ready[: frames - start], axis=1)


def _frames() -> NDArray[np.float32]:
    global _READY
    if _READY is None:
        _READY = np.random.default_rng(0).standard_normal((128, CONFIG.fft_points)).astype(np.float32)
    return _READY


_READY: NDArray[np.float32] | None = None
