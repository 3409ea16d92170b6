"""One recording over one time axis: waveform, log-Mels, where the attention lies, and the posteriors as it is heard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_acrnn.audio.sources import Recorded, repeatable
from ser_acrnn.config import FeatureConfig
from ser_acrnn.evaluation import drawing
from ser_acrnn.features.log_mels import MEL_BREAK_HERTZ
from ser_acrnn.inference.predictions import Prediction, WindowPrediction
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.inference.preprocessor import LONGEST_UTTERANCE_SECONDS
from ser_acrnn.inference.recording_picture import MOST_COLUMNS, Picture, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEPS = 300  # places at most at which the posteriors of an utterance are drawn
HEIGHT_INCHES = 5.4
WIDE_INCHES = 5.5  # from there on names stand beside the panels, else below
RANGE_DECIBELS = 70.0  # below the loudest is one colour
TICKS_HERTZ = (250, 500, 1000, 2000, 4000, 8000, 16_000)


def draw(
    predictor: Predictor,
    recording: Recorded,
    sampling_rate_hertz: int | None = None,
    *,
    prediction: Prediction | None = None,
    width_inches: float = drawing.PAGE_INCHES,
) -> Figure:
    """Draws a recording; arguments and errors as of `Predictor.predict`.

    Args:
        predictor: Judges it.
        recording: A file or samples of any length; a file is never held as a whole where it is longer than an utterance.
        sampling_rate_hertz: The rate of samples; a file knows its own.
        prediction: What `predict` has said of it, where that is known.
        width_inches: Of the figure: 3.5 is a column of the IEEE's pages, 7.16 are both.

    Returns:
        A figure of four panels. The lowest has the posteriors of the last 3 s, or less at the beginning, that were heard at each time; of a
        recording of more than a minute those of each 3 s at their end.
    """
    from matplotlib.figure import Figure

    recording = repeatable(recording)
    prediction = prediction or predictor.predict(recording, sampling_rate_hertz)
    recipe, seconds = predictor.preprocessor.features, prediction.seconds
    if seconds > LONGEST_UTTERANCE_SECONDS:
        heard: Sequence[WindowPrediction] = prediction.segments
        pieces = predictor.preprocessor.pieces(recording, sampling_rate_hertz)
    else:
        waveform = predictor.preprocessor.waveform(recording, sampling_rate_hertz)
        pieces = iter([waveform])
        heard = list(predictor.unfolding(waveform, recipe.sampling_rate_hertz, hop_seconds=max(0.05, seconds / STEPS)))
    seen = picture(pieces, seconds, recipe)

    with drawing.printed():
        figure = Figure(figsize=(width_inches, HEIGHT_INCHES), layout="constrained")
        panels = figure.subplots(4, 1, sharex=True, height_ratios=(1, 1.6, 0.8, 1.6))
        wave, mels, attention, posteriors = panels
        _draw_waveform(wave, seen)
        _draw_mels(mels, seen, recipe, seconds)
        _draw_attention(attention, prediction, seconds)
        _draw_posteriors(posteriors, predictor.emotions, prediction, heard)
        posteriors.set_xlabel("time, s")
        posteriors.set_xlim(0, seconds)
        names: dict[str, Any] = {"title": "whole recording", "frameon": False, "handlelength": 2.4}
        if width_inches >= WIDE_INCHES:
            posteriors.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), **names)
        else:
            figure.legend(*posteriors.get_legend_handles_labels(), loc="outside lower center", ncols=3, **names)
        name = Path(recording).name if isinstance(recording, (str, Path)) else "recording"
        figure.suptitle(f"{name}: {'unsure' if prediction.unsure else prediction.emotion}")
        figure.align_ylabels(panels)
    return figure


def _draw_waveform(axes: Axes, seen: Picture) -> None:
    times = (np.arange(len(seen.low)) + 0.5) * seen.column_seconds
    axes.fill_between(times, seen.low, seen.high, color="0.3", linewidth=0.3)
    axes.set_ylabel("amplitude")


def _draw_mels(axes: Axes, seen: Picture, recipe: FeatureConfig, seconds: float) -> None:
    high = float(np.percentile(seen.mels, 99.5))
    low = max(float(np.percentile(seen.mels, 5)), high - RANGE_DECIBELS)
    # The middle of column n lies in the middle of its frames, which are a window long and a shift apart.
    first = (recipe.window_seconds - recipe.shift_seconds) / 2
    extent = (first, first + len(seen.mels) * seen.mel_column_seconds, 0.5, seen.mels.shape[1] + 0.5)
    image = axes.imshow(
        seen.mels.T, origin="lower", aspect="auto", extent=extent, vmin=low, vmax=high, cmap="magma", interpolation="nearest"
    )
    ticks = [(hertz, place) for hertz in TICKS_HERTZ if 0.5 <= (place := filter_at(hertz, recipe)) <= seen.mels.shape[1] + 0.5]
    axes.set_yticks([place for _, place in ticks], [str(hertz) for hertz, _ in ticks])
    axes.set_ylabel("frequency, Hz")
    beside = axes.inset_axes((1.015, 0.0, 0.015, 1.0))
    axes.figure.colorbar(image, cax=beside, label="power, dB")


def filter_at(hertz: float, recipe: FeatureConfig) -> float:
    """The number of the Mel filter, from 1, whose centre is at a frequency; between two where it lies between theirs."""
    low, high, at = np.log1p(np.array([recipe.lowest_hertz, recipe.highest_hertz, hertz]) / MEL_BREAK_HERTZ)
    return float((at - low) / (high - low) * (recipe.mels + 1))


def _draw_attention(axes: Axes, prediction: Prediction, seconds: float) -> None:
    times, weights = prediction.attention()
    if len(times) > MOST_COLUMNS:
        places = np.minimum((times / seconds * MOST_COLUMNS).astype(int), MOST_COLUMNS - 1)
        counts = np.bincount(places)
        there = counts > 0
        times, weights = (np.bincount(places, values)[there] / counts[there] for values in (times, weights))
    axes.fill_between(times, weights, step="mid", color=drawing.colour(1), alpha=0.7, linewidth=0)
    axes.set_ylabel("attention")
    axes.set_ylim(0)


def _draw_posteriors(axes: Axes, emotions: Sequence[str], prediction: Prediction, heard: Sequence[WindowPrediction]) -> None:
    places = [piece.end_seconds for piece in heard]
    for number, emotion in enumerate(emotions):
        shares = [piece.posteriors.get(emotion, np.nan) for piece in heard]  # nothing is drawn where nothing is said
        style: dict[str, Any] = {"color": drawing.colour(number), "linestyle": drawing.line(number)}
        width = 1.8 if emotion == prediction.emotion else 0.9
        axes.plot(places, shares, label=f"{emotion} {prediction.posteriors[emotion]:.2f}", linewidth=width, **style)
    axes.set_ylim(-0.02, 1.02)  # so that no line lies in the frame
    axes.set_ylabel("posterior, last 3 s")
