"""The figure of a recording: axes in units, nothing over anything else, and a long recording in bounded memory."""

import itertools
import tracemalloc

import keras
import numpy as np
import pytest
from networks import trained_on_other_voices

from ser_acrnn.config import FEATURE_RECIPES, ModelConfig
from ser_acrnn.inference import attention_figure
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.models.networks import acrnn

pytestmark = pytest.mark.stochastic

EMOTIONS = ("angry", "bored", "disgust", "fear", "happy", "neutral", "sad", "surprised")
SMALL = {"emotions": EMOTIONS, "conv": ((4, 4, 4),), "linear_units": 8, "blstm_units": 4, "embedding_units": 8}
RATE = 16_000


@pytest.fixture(scope="module")
def predictor():
    keras.utils.set_random_seed(0)
    return Predictor(trained_on_other_voices(acrnn(ModelConfig(**SMALL), recipe_hash=FEATURE_RECIPES["paper"].recipe_hash)))


def noise(seconds):
    samples = np.random.default_rng(0).normal(size=round(seconds * RATE))
    return (0.1 * samples * np.sin(np.arange(len(samples)) / RATE * 3) ** 2).astype(np.float32)


@pytest.mark.parametrize("width", [3.5, 7.16])
def test_no_label_lies_over_another_and_all_stand_inside(predictor, width):
    figure = attention_figure.draw(predictor, noise(4), width_inches=width)
    figure.draw_without_rendering()
    renderer = figure._get_renderer()
    assert figure.get_size_inches()[0] == width
    wave, mels, attention, posteriors = figure.axes[:4]
    assert [axes.get_ylabel() for axes in figure.axes[:4]] == ["amplitude", "frequency, Hz", "attention", "posterior, last 3 s"]
    assert mels.child_axes[0].get_ylabel() == "power, dB" and posteriors.get_xlabel() == "time, s"
    legend = posteriors.get_legend() or figure.legends[0]
    boxes = [legend.get_window_extent(renderer), mels.child_axes[0].yaxis.get_tightbbox(renderer)]
    for axes in (wave, mels, attention, posteriors):
        low, high = axes.get_ylim()
        shown = [label for place, label in zip(axes.get_yticks(), axes.get_yticklabels(), strict=True) if low <= place <= high]
        boxes += [label.get_window_extent(renderer) for label in shown]
        boxes += [axes.yaxis.label.get_window_extent(renderer)]
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    for box in boxes:
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1 + 1


def test_lines_differ_in_colour_or_style(predictor):
    posteriors = attention_figure.draw(predictor, noise(1)).axes[3]
    assert len({(line.get_color(), line.get_linestyle()) for line in posteriors.lines}) == len(EMOTIONS)
    assert [label.get_text().split()[0] for label in posteriors.get_legend().get_texts()] == list(EMOTIONS)


def test_a_long_recording_has_its_windows_and_takes_little_memory(predictor, monkeypatch, tmp_path):
    import soundfile

    path = tmp_path / "long.wav"
    soundfile.write(path, np.tile(noise(20), 15), RATE)
    prediction = predictor.predict(path)
    monkeypatch.setattr(Predictor, "predict", None)  # what has been said is not asked for again
    tracemalloc.start()
    posteriors = attention_figure.draw(predictor, path, prediction=prediction).axes[3]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300 * RATE * 4  # the samples alone would be that
    assert posteriors.get_xlim() == (0, 300) and len(posteriors.lines[0].get_xdata()) == len(prediction.segments)
    assert posteriors.lines[0].get_ydata()[0] == prediction.segments[0].posteriors["angry"]
