"""One recording over one time axis: waveform, log-Mels, where the attention lies, and the posteriors as it is heard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_acrnn.audio.sources import Recorded
from ser_acrnn.features.log_mels import log_mels
from ser_acrnn.inference.predictor import Predictor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = 300  # places at most at which the posteriors are drawn


def draw(predictor: Predictor, recording: Recorded, sampling_rate_hertz: int | None = None) -> Figure:
    """Draws a recording; arguments and errors as of `Predictor.predict`.

    Args:
        predictor: Judges it.
        recording: A file or samples, up to some minutes.
        sampling_rate_hertz: The rate of samples; a file knows its own.

    Returns:
        A figure of four panels. The lowest has the posteriors of the last 3 s, or less at the beginning, that were heard at each time.
    """
    from matplotlib.figure import Figure

    waveform = predictor.preprocessor.waveform(recording, sampling_rate_hertz)
    rate = predictor.preprocessor.features.sampling_rate_hertz
    seconds = len(waveform) / rate
    prediction = predictor.predict(waveform, rate)
    heard = list(predictor.unfolding(waveform, rate, hop_seconds=max(0.05, seconds / STEPS)))

    figure = Figure(figsize=(8, 6.4), layout="constrained")
    wave, mels, attention, posteriors = figure.subplots(4, 1, sharex=True, height_ratios=(1, 1.6, 0.8, 1.6))
    every = max(1, len(waveform) // 20_000)
    wave.plot(np.arange(0, len(waveform), every) / rate, waveform[::every], color="0.3", linewidth=0.4)
    wave.set_ylabel("amplitude")
    static = log_mels(waveform, predictor.preprocessor.features)
    low, high = np.percentile(static, (5, 99.5))
    extent = (0.0, len(static) * predictor.preprocessor.features.shift_seconds, 0.5, static.shape[1] + 0.5)
    mels.imshow(static.T, origin="lower", aspect="auto", extent=extent, vmin=low, vmax=high, cmap="magma")
    mels.set_ylabel("mel filter")
    times, weights = prediction.attention()
    attention.fill_between(times, weights, step="mid", color="tab:red", alpha=0.6, linewidth=0)
    attention.set_ylabel("attention")
    attention.set_ylim(0)
    for emotion in predictor.emotions:
        points = [(piece.end_seconds, piece.posteriors[emotion]) for piece in heard if piece.posteriors]
        width = 2.0 if emotion == prediction.emotion else 1.0
        posteriors.plot(*zip(*points, strict=True), label=f"{emotion} {prediction.posteriors[emotion]:.2f}", linewidth=width)
    posteriors.set_ylim(0, 1)
    posteriors.set_ylabel("posterior, last 3 s")
    posteriors.set_xlabel("time, s")
    posteriors.set_xlim(0, seconds)
    posteriors.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, title="whole recording", title_fontsize=8, frameon=False)
    name = Path(recording).name if isinstance(recording, (str, Path)) else "recording"
    figure.suptitle(f"{name}: {prediction.emotion}", fontsize=11)
    return figure
