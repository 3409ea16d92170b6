"""Makes features.npz, the golden 3-D log-Mels, without the package's feature code.

    python -m tests.golden.make

Spectrum and filterbank come straight from python_speech_features; eq. (2) and (3) of the paper are written out as loops. The inputs
are kept with the outputs, so that the values do not hang on any generator. To be run again only when a recipe is meant to change.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import python_speech_features

from data_prep.synthetic.emodb import generate_utterance

FILE = Path(__file__).with_name("features.npz")
RATE_HERTZ = 16_000
SAMPLES = 6_500  # 40 frames, the last one completed with zeros
MELS = 40


def signals() -> dict[str, np.ndarray]:
    """Returns PCM16 waveforms by name."""
    time = np.arange(SAMPLES) / RATE_HERTZ
    spoken = generate_utterance("13", "F", "b02")
    loudest = int(np.abs(spoken).argmax())
    excerpt = spoken[max(0, loudest - SAMPLES // 2) :][:SAMPLES]
    waveforms = {
        "zeros": np.zeros(SAMPLES),
        "sine": 0.5 * np.sin(2 * np.pi * 440 * time) + 0.01,  # the offset is what standardising takes away
        "noise": 0.1 * np.random.default_rng(0).standard_normal(SAMPLES),
        "speech": excerpt,
    }
    return {name: np.round(32767 * waveform).astype(np.int16) for name, waveform in waveforms.items()}


def static(waveform: np.ndarray, recipe: str) -> np.ndarray:
    """Returns log-Mels `(frames, mels)`."""
    if recipe == "released-code":
        return python_speech_features.logfbank(waveform, RATE_HERTZ, nfilt=MELS)
    if recipe == "paper":
        waveform = waveform - waveform.mean()
        waveform = waveform / waveform.std() if waveform.any() else waveform
    power, _ = python_speech_features.fbank(waveform, RATE_HERTZ, nfilt=MELS, preemph=0.0, winfunc=np.hamming)
    return np.log(power)


def equation_2(values: np.ndarray) -> np.ndarray:
    """Returns the deltas `(frames, mels)` with N = 2; beyond the edges the first and the last frame go on."""
    last = len(values) - 1
    result = np.zeros_like(values)
    for t in range(len(values)):
        for mel in range(values.shape[1]):
            for n in (1, 2):
                result[t, mel] += n * (values[min(t + n, last), mel] - values[max(t - n, 0), mel]) / (2 * (1**2 + 2**2))
    return result


def main() -> None:
    """Writes the file."""
    arrays = {}
    for name, pcm in signals().items():
        arrays[f"waveform/{name}"] = pcm
        for recipe in ("paper", "paper-unstandardised", "released-code"):
            first = static(pcm / 32768, recipe)
            second = equation_2(first)
            arrays[f"{recipe}/{name}"] = np.stack([first, second, equation_2(second)], axis=-1).astype(np.float32)
    np.savez_compressed(FILE, **arrays)


if __name__ == "__main__":
    main()
