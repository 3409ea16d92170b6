"""A network of the recipe `speech` answers alike whatever silence stands around the speech, and says so where there is none."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from data_prep.synthetic.emodb import generate_utterance
from ser_acrnn.audio.files import AudioError
from ser_acrnn.config import FEATURE_RECIPES, ModelConfig
from ser_acrnn.features.speech_activity import activity
from ser_acrnn.inference.embedding import Embedder
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.models.networks import acrnn
from ser_acrnn.models.waveform import waveform_model

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]

RECIPE = FEATURE_RECIPES["speech"]
RATE_HERTZ = RECIPE.sampling_rate_hertz
SMALL = ModelConfig(emotions=("angry", "sad", "happy"), conv=((4, 4, 4),), linear_units=8, blstm_units=4, embedding_units=8)


@pytest.fixture(scope="module")
def predictor():
    keras.utils.set_random_seed(0)
    return Predictor(acrnn(replace(SMALL, normalisation="utterance"), recipe_hash=RECIPE.recipe_hash))


@pytest.fixture(scope="module")
def wave():
    """Cut off where its speech ends, so that silence around it moves nothing."""
    spoken = generate_utterance("03", "F", "b02").astype(np.float32)
    found = activity(np.pad(spoken, RATE_HERTZ), RECIPE)
    return np.pad(spoken, RATE_HERTZ)[found.start : found.end]


def silence(seconds):
    return np.zeros(round(seconds * RATE_HERTZ), np.float32)


@pytest.mark.parametrize(("before", "after"), [(0, 1), (0, 5), (5, 0), (2, 2), (0, 8)])
def test_silence_around_the_speech_changes_nothing(predictor, wave, before, after):
    changed = np.concatenate([silence(before), wave, silence(after)])
    alone, found = predictor.predict(np.pad(wave, RATE_HERTZ)), predictor.predict(changed)
    np.testing.assert_allclose(list(found.posteriors.values()), list(alone.posteriors.values()), atol=1e-5)
    assert len(found.segments) == len(alone.segments)
    assert found.seconds == pytest.approx(len(changed) / RATE_HERTZ) and found.speech_seconds == pytest.approx(
        alone.speech_seconds, abs=0.02
    )
    moved = found.segments[0].start_seconds - alone.segments[0].start_seconds
    assert moved == pytest.approx(before - 1, abs=0.02)
    seconds, _ = found.attention()
    assert before - 0.15 <= seconds[0] and seconds[-1] <= before + len(wave) / RATE_HERTZ + 0.15
    np.testing.assert_allclose(Embedder(predictor).embed(changed), Embedder(predictor).embed(np.pad(wave, RATE_HERTZ)), atol=1e-5)


def test_the_network_of_waveforms_agrees_whatever_stands_around(predictor, wave):
    model = waveform_model(predictor.model)
    for before, after in ((0, 0), (1, 3), (4, 1)):
        changed = np.concatenate([silence(before), wave, silence(after)])
        expected = list(predictor.predict(changed).posteriors.values())
        np.testing.assert_allclose(np.asarray(model(changed[None]))[0], expected, atol=1e-4)
    fixed = waveform_model(predictor.model, samples=6 * RATE_HERTZ)
    batch = np.stack([np.resize(np.concatenate([silence(before), wave, silence(6)]), 6 * RATE_HERTZ) for before in (0, 1, 2)])
    expected = [list(predictor.predict(row).posteriors.values()) for row in batch]
    np.testing.assert_allclose(np.asarray(fixed(batch)), expected, atol=1e-4)


@pytest.fixture(scope="module")
def paced():
    keras.utils.set_random_seed(0)
    return Predictor(acrnn(replace(SMALL, normalisation="utterance"), recipe_hash=FEATURE_RECIPES["speech-short-pauses"].recipe_hash))


def with_pauses(wave, seconds):
    third = len(wave) // 3
    parts = [wave[:third], silence(seconds), wave[third : 2 * third], silence(seconds), wave[2 * third :]]
    return np.concatenate([silence(1), *parts, silence(2)])


def test_how_long_a_pause_is_changes_nothing_where_long_ones_are_shortened(paced, wave):
    two, five = (paced.predict(with_pauses(wave, seconds)) for seconds in (2, 5))
    np.testing.assert_allclose(list(two.posteriors.values()), list(five.posteriors.values()), atol=1e-5)
    assert two.speech_seconds == pytest.approx(five.speech_seconds, abs=0.03)
    assert two.speech_seconds < len(wave) / RATE_HERTZ + 0.5
    model = waveform_model(paced.model)
    for seconds in (0, 2, 5):
        recording = with_pauses(wave, seconds)
        expected = list(paced.predict(recording).posteriors.values())
        np.testing.assert_allclose(np.asarray(model(recording[None]))[0], expected, atol=1e-4)


def test_attention_and_pieces_keep_the_recordings_time_where_pauses_are_shortened(paced, wave):
    recording = with_pauses(wave, 4)
    found, heard = paced.predict(recording), activity(recording, FEATURE_RECIPES["speech-short-pauses"])
    assert found.segments[0].start_seconds == heard.start / RATE_HERTZ
    assert found.segments[-1].end_seconds == heard.end / RATE_HERTZ
    seconds, weights = found.attention()
    assert weights.sum() == pytest.approx(len(found.segments), rel=0.6)
    assert len(heard.cuts) >= 2
    for begin, stop in heard.cuts:  # nothing was heard there
        assert weights[(seconds > begin / RATE_HERTZ + 0.05) & (seconds < stop / RATE_HERTZ - 0.05)].max() == 0
    for piece in found.segments:
        assert sum(piece.attention) == pytest.approx(1, abs=1e-5)
    for window in paced.timeline(recording):
        assert window.flaw or sum(window.attention) == pytest.approx(1, abs=1e-5)
        assert len(window.attention) <= 75


def test_a_window_without_speech_says_so_and_the_others_keep_the_recordings_time(predictor, wave):
    noise = 1e-4 * np.random.default_rng(0).normal(size=7 * RATE_HERTZ).astype(np.float32)
    found = list(predictor.timeline(np.concatenate([noise, wave, noise])))
    assert "no speech" in found[0].flaw and "no speech" in found[-1].flaw
    assert found[0].emotion is None
    spoken = [window for window in found if not window.flaw]
    assert 3 <= len(spoken) <= 8
    for window in spoken:
        times = window.start_seconds + (np.flatnonzero(np.array(window.attention) > 0) + 0.5) * predictor.step_seconds
        assert times[0] > 6.8
        assert sum(window.attention) == pytest.approx(1, abs=1e-5)


def test_a_prediction_says_how_much_speech_was_heard_and_how_clearly(predictor, wave):
    rng = np.random.default_rng(0)
    clean = predictor.predict(np.concatenate([silence(1), wave, silence(2)]))
    assert clean.speech_seconds == pytest.approx(len(wave) / RATE_HERTZ, abs=0.05)
    assert sum(piece.speech_seconds for piece in clean.segments) >= clean.speech_seconds - 0.01
    level = np.sqrt(np.mean(wave**2)) / 10
    noisy = predictor.predict(wave + level * rng.normal(size=len(wave)).astype(np.float32))
    assert noisy.signal_to_noise_decibels == pytest.approx(20, abs=3)
    assert {piece.signal_to_noise_decibels for piece in noisy.segments} == {noisy.signal_to_noise_decibels}
    assert clean.signal_to_noise_decibels > noisy.signal_to_noise_decibels


def test_a_long_recording_and_its_windows_say_so_too(predictor, wave):
    room = 1e-3 * np.std(wave) * np.random.default_rng(0).normal(size=70 * RATE_HERTZ).astype(np.float32)
    room[: len(wave)] += wave
    found = predictor.predict(room)
    assert 0.5 < found.speech_seconds / (len(wave) / RATE_HERTZ) < 3
    assert found.signal_to_noise_decibels > 15
    for window in found.segments:
        assert (window.speech_seconds > 0) == (not window.flaw)
    assert found.segments[0].speech_seconds <= 3


@pytest.mark.parametrize("seconds", [0.01, 0.025, 0.2])
def test_too_little_speech_is_refused_by_networks_of_every_recipe(predictor, wave, seconds):
    short = wave[8_000 : 8_000 + round(seconds * RATE_HERTZ)]
    with pytest.raises(AudioError, match=r"holds 0\.\d\d s of speech, expected 0\.3 s or more|no speech"):
        predictor.predict(np.concatenate([silence(1), short, silence(1)]))
    plain = Predictor(acrnn(SMALL, recipe_hash=FEATURE_RECIPES["paper"].recipe_hash))
    with pytest.raises(AudioError, match=rf"holds {seconds:.2f} s of speech, expected 0\.3 s or more"):
        plain.predict(short)
    assert "of speech, expected" in next(iter(plain.timeline(short))).flaw


def test_a_recording_without_speech_is_refused_by_its_name(predictor, tmp_path):
    import soundfile

    path = tmp_path / "room.wav"
    soundfile.write(path, 1e-3 * np.random.default_rng(0).normal(size=2 * RATE_HERTZ), RATE_HERTZ)
    with pytest.raises(AudioError, match=r"room\.wav: holds no speech: its loudest moment is \d\.\d dB above"):
        predictor.predict(path)
