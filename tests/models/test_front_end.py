"""What a waveform model computes of audio is what `ser_acrnn.features.log_mels` and its network compute, on every backend."""

import dataclasses
import sys

import keras
import numpy as np
import pytest
import soundfile
from keras import ops
from layer_check import NO_JAX, jax_python, run_layer_check, run_on_jax, run_python

import ser_acrnn
from ser_acrnn import features
from ser_acrnn.config import FEATURE_RECIPES, DnnElmConfig, FeatureConfig, ModelConfig
from ser_acrnn.export.checks import synthetic_waveforms
from ser_acrnn.features.speech_activity import activity
from ser_acrnn.models.front_end import LogMels, Segments
from ser_acrnn.models.layers import EmotionPosteriors
from ser_acrnn.models.networks import acrnn, dnn
from ser_acrnn.models.waveform import network_in, waveform_model

pytestmark = pytest.mark.stochastic

RATE_HERTZ = 16_000
SMALL = ModelConfig(emotions=("angry", "sad", "happy"), conv=((4, 20, 4),), linear_units=8, blstm_units=4, embedding_units=8)
PAPER, RELEASED = FEATURE_RECIPES["paper"], FEATURE_RECIPES["released-code"]


def difference(waveform, recipe, layer=None):
    found = ops.convert_to_numpy((layer or LogMels(recipe))(waveform[None]))[0]
    expected = features.log_mels_3d(waveform, recipe)
    assert found.shape == expected.shape and np.isfinite(found).all()
    return np.abs(found - expected).max()


def hard_cases():
    """Speech-like sound as microphones and programs spoil it."""
    wave = max(synthetic_waveforms(10), key=len)
    gap = wave.copy()
    gap[8_000:16_000] = 0
    smooth = np.convolve(wave, np.hanning(129) / 64, "same").astype(np.float32)
    return {
        "offset": 0.3 * wave + np.float32(0.5),
        "faint upon an offset": 0.01 * wave + np.float32(0.9),
        "in the last bits": np.round(wave * 8).astype(np.float32) / 32_768,
        "very quiet": wave * np.float32(1e-7),
        "integers": wave * 32_768,
        "clipped": np.clip(wave * 20, -1, 1),
        "digital zeros inside": gap,
        "no treble": smooth,
        "a tone": np.sin(2 * np.pi * 333.3 * np.arange(RATE_HERTZ) / RATE_HERTZ).astype(np.float32),
        "a click": np.eye(1, 9_000, 5_000, dtype=np.float32)[0],
        "silence": np.zeros(4_000, np.float32),
        "a minute": np.resize(wave, 60 * RATE_HERTZ),
        **{f"{samples} samples": wave[5_000 : 5_000 + samples] for samples in (1, 100, 399, 400, 401, 560, 561)},
    }


@pytest.mark.parametrize("name", ["paper", "released-code"])
def test_log_mels_are_those_of_features(name):
    recipe, layer = FEATURE_RECIPES[name], LogMels(FEATURE_RECIPES[name])
    found = {case: difference(waveform, recipe, layer) for case, waveform in hard_cases().items()}
    assert max(found.values()) < 1e-4, found
    assert max(difference(waveform, recipe, layer) for waveform in synthetic_waveforms(5, seed=1)) < 1e-4
    # The bound is narrow: it sees a sample's last bit, or another window.
    wave = synthetic_waveforms(1)[0]
    other = wave + np.float32(1 / 32_768) * (np.arange(len(wave)) == 1_000)
    assert np.abs(features.log_mels_3d(other, recipe) - ops.convert_to_numpy(layer(wave[None]))[0]).max() > 1e-4
    another = LogMels(RELEASED if recipe is PAPER else PAPER)
    assert difference(wave, recipe, another) > 1


def test_log_mels_are_those_of_features_on_real_speech(emodb_directory):
    layer = LogMels()
    # In the first four the lowest filter is so faint that the mean's ninth digit shows.
    names = ["16b01Wb", "03a05Wb", "15a02Wd", "16b09La", "03a01Fa", "08a01Fd", "11b02Td", "14a05Fb"]
    waveforms = [soundfile.read(emodb_directory / "wav" / f"{name}.wav", dtype="float32")[0] for name in names]
    assert max(difference(waveform, PAPER, layer) for waveform in waveforms) < 1e-4


@pytest.mark.parametrize("name", ["speech", "speech-short-pauses"])
def test_the_speech_gate_keeps_of_each_waveform_what_it_keeps_in_features(name):
    recipe, layer = FEATURE_RECIPES[name], LogMels(FEATURE_RECIPES[name])
    voices = [wave for wave in synthetic_waveforms(12) if 20_000 < len(wave) < 50_000 and activity(wave, recipe).seconds][:4]
    sounds = [np.pad(wave, (7_000 * number, 80_000)) for number, wave in enumerate(voices)]
    sounds += [sounds[0] + np.float32(1e-3) * np.random.default_rng(0).normal(size=sounds[0].shape).astype(np.float32), sounds[1] * 1e-4]
    sounds += [np.concatenate([np.zeros(333), wave[:12_000], 1e-4 * np.sin(np.arange(25_000)), wave[12_000:]]) for wave in voices[:2]]
    batch = np.stack([np.resize(np.append(sound, np.zeros(80_000)), 80_000) for sound in sounds]).astype(np.float32)
    assert len(batch) == 8
    values, frames = map(ops.convert_to_numpy, layer(batch))
    for wave, found, count in zip(batch, values, frames, strict=True):
        expected = features.log_mels_3d(wave, recipe)
        assert len(expected) == count < len(found)
        assert np.abs(found[:count] - expected).max() < 1e-4 and not found[count:].any()


def test_where_there_is_no_speech_or_too_little_no_frame_counts():
    recipe, noise = FEATURE_RECIPES["speech"], np.random.default_rng(0).normal(size=8_000)
    burst = np.where(np.abs(np.arange(8_000) - 4_000) < 1_000, noise, 1e-3 * noise)
    batch = np.stack([noise, np.zeros(8_000), burst]).astype(np.float32)
    seconds = activity(batch[2], recipe).seconds
    assert 0.15 < seconds < 0.3
    for least, counted in ((0.0, True), (seconds, True), (seconds + 1e-3, False)):
        values, frames = map(ops.convert_to_numpy, LogMels(recipe, least_seconds=least)(batch))
        assert frames[:2].tolist() == [0, 0] and not values[:2].any()
        assert (frames[2] > 0) == values[2].any() == counted


@pytest.mark.parametrize(
    "changes",
    [
        {"window": "rectangular", "window_seconds": 0.0250625, "preemphasis": 0.9},
        {"sampling_rate_hertz": 8_000, "highest_hertz": 4_000, "fft_points": 256, "mels": 26, "delta_frames": 3},
    ],
    ids=["odd window", "telephone"],
)
def test_every_value_of_a_recipe_counts(changes):
    recipe = FeatureConfig(**changes)
    assert difference(synthetic_waveforms(1)[0], recipe) < 1e-4


def test_the_layer_keeps_what_layers_owe(tmp_path):
    waveforms = np.stack([wave[:6_000] for wave in synthetic_waveforms(2)])
    run_layer_check(LogMels, {"recipe": RELEASED, "channels": 1}, [waveforms], tmp_path, trainable=0)


def test_gradients_reach_every_sample_that_is_heard():
    import tensorflow as tf

    wave, layer = np.stack([wave[5_000:8_000] for wave in synthetic_waveforms(2)]), LogMels()
    weights = np.random.default_rng(0).normal(size=layer(wave).shape)
    values = tf.Variable(wave)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(values) * weights)
    gradient = tape.gradient(total, values).numpy()
    assert np.isfinite(gradient).all() and (np.abs(gradient).max(axis=0) > 0).mean() > 0.99

    # Along itself it is what float64 finds by differences: the slices, which are steps, hide nothing of the slope.
    direction = gradient[0] / np.linalg.norm(gradient[0]) * np.abs(wave[0]).mean()

    def value(step):
        return np.sum(reference(wave[0] + step * direction) * weights[0])

    slope = (value(1e-4) - value(-1e-4)) / 2e-4
    assert gradient[0] @ direction == pytest.approx(slope, rel=1e-2)


def reference(waveform):
    """3-D log-Mels of the recipe `paper` in float64 throughout."""
    layer = LogMels()
    signal = (waveform - waveform.mean()) / waveform.std()
    frames = 1 + max(0, -(-(len(signal) - 400) // 160))
    padded = np.pad(signal, (0, (frames - 1) * 160 + 400 - len(signal)))
    pieces = np.lib.stride_tricks.sliding_window_view(padded, 400)[::160] * np.hamming(400)
    static = np.log(np.maximum(np.abs(np.fft.rfft(pieces, 512)) ** 2 @ layer._filters.T.astype(np.float64), PAPER.log_floor))

    def slope(values):
        edged = np.pad(values, ((2, 2), (0, 0)), "edge")
        return (edged[3:-1] - edged[1:-3] + 2 * (edged[4:] - edged[:-4])) / 10

    return np.stack([static, slope(static), slope(slope(static))], axis=2)


def test_segments_are_cut_as_features_cut_them():
    random, layer = np.random.default_rng(0), Segments(300)
    for frames in (1, 299, 300, 301, 599, 600, 601):
        values = random.normal(size=(2, frames, 4, 1)).astype(np.float32)
        expected = np.concatenate([features.segment(utterance) for utterance in values])
        np.testing.assert_array_equal(ops.convert_to_numpy(layer(values)), expected)


@pytest.fixture(scope="module")
def network():
    """A network whose normalisation fits the sounds and whose posteriors are no near ties."""
    keras.utils.set_random_seed(0)
    model = acrnn(SMALL, recipe_hash=PAPER.recipe_hash)
    values = np.concatenate([features.log_mels_3d(wave) for wave in synthetic_waveforms(5)])
    model.get_layer("normalise").set_statistics(values.mean(axis=0), values.var(axis=0))
    kernel, bias = model.get_layer("emotion").get_weights()
    model.get_layer("emotion").set_weights([20 * kernel, bias])
    return model


def test_a_waveform_model_says_what_the_predictor_says(network):
    model, predictor = waveform_model(network), ser_acrnn.Predictor(network)
    said = []
    for waveform in (*synthetic_waveforms(4, seed=2), np.resize(synthetic_waveforms(1)[0], 7 * RATE_HERTZ)):
        said.append(list(predictor.predict(waveform).posteriors.values()))
        np.testing.assert_allclose(ops.convert_to_numpy(model(waveform[None]))[0], said[-1], rtol=0, atol=1e-5)
    assert np.ptp(said, axis=0).max() > 0.1
    # A row of a batch is an utterance of its own.
    batch = np.stack([wave[:60_000] for wave in (np.resize(wave, 60_000) for wave in synthetic_waveforms(3, seed=3))])
    alone = np.concatenate([ops.convert_to_numpy(model(row[None])) for row in batch])
    np.testing.assert_allclose(model.predict_on_batch(batch), alone, rtol=0, atol=1e-5)
    assert network_in(model).get_layer("emotion").emotions == SMALL.emotions == model.emotions and network_in(network) is network


def test_a_network_of_speakers_takes_the_statistics_of_one():
    keras.utils.set_random_seed(0)
    network = acrnn(
        ModelConfig(**{**SMALL.to_dict(), "conv": SMALL.conv, "normalisation": "speaker", "channels": 1}), recipe_hash=PAPER.recipe_hash
    )
    predictor, (heard, wave) = ser_acrnn.Predictor(network), synthetic_waveforms(2)
    with pytest.raises(ValueError, match="normalises by the speaker and no statistics of a speaker are given"):
        waveform_model(network)
    predictor.enrol([heard])
    expected = list(predictor.predict(wave).posteriors.values())
    found = ops.convert_to_numpy(waveform_model(predictor.model, speaker=predictor.preprocessor.speaker)(wave[None]))[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    assert not np.any(network.get_layer("normalise").mean), "the network itself has been changed"


@pytest.mark.parametrize("scope", ["utterance", "segment"])
def test_a_network_that_normalises_by_what_it_hears_says_what_the_predictor_says(scope):
    keras.utils.set_random_seed(0)
    network = acrnn(dataclasses.replace(SMALL, normalisation=scope), recipe_hash=PAPER.recipe_hash)
    model, predictor = waveform_model(network), ser_acrnn.Predictor(network)
    for waveform in (synthetic_waveforms(1)[0], np.resize(synthetic_waveforms(1)[0], 7 * RATE_HERTZ)):
        said = list(predictor.predict(waveform).posteriors.values())
        np.testing.assert_allclose(ops.convert_to_numpy(model(waveform[None]))[0], said, rtol=0, atol=1e-5)
        assert np.ptp(said) > 1e-3
    assert ("standardise" in [layer.name for layer in model.layers]) == (scope == "utterance")


def test_networks_that_cannot_take_waveforms_are_refused(network):
    with pytest.raises(ValueError, match="samples is 0, expected 1 or more"):
        waveform_model(network, samples=0)
    with pytest.raises(ValueError, match="recipe 'feed', expected one of"):
        waveform_model(acrnn(SMALL, recipe_hash="feed"))
    with pytest.raises(ValueError, match="was trained on features of the recipe"):
        waveform_model(dnn(DnnElmConfig(hidden_units=(4,)), recipe_hash="d"))
    with pytest.raises(ValueError, match="normalises by the training and statistics of a speaker are given"):
        waveform_model(network, speaker=(np.zeros((40, 3), np.float32), np.ones((40, 3), np.float32)))
    layer = EmotionPosteriors(("a", "b"))
    with pytest.raises(ValueError, match="is not a network of ser_acrnn"):
        waveform_model(keras.Sequential([keras.Input((3,)), layer]))


# In a fresh process, from the file alone: features, posteriors of a small network and of those that ship.
JUDGE = """
import sys
import keras, numpy, ser_acrnn
from pathlib import Path
folder = Path(sys.argv[1])

def said(model, inputs):
    if keras.backend.backend() == "jax":  # which compiles hundreds of single operations more slowly than the whole
        return model.predict_on_batch(inputs)
    return keras.ops.convert_to_numpy(model(inputs, training=False))

with numpy.load(folder / "audio.npz") as arrays:
    waveforms = [arrays[name] for name in arrays.files]
found = {}
for path in sorted(folder.glob("*.keras")):
    model = keras.saving.load_model(path)
    for number, waveform in enumerate(waveforms if path.stem in ("features", "small") else waveforms[:1]):
        found[f"{path.stem}-{number}"] = said(model, waveform[None])
for name in ser_acrnn.list_pretrained():
    found[f"shipped-{name}"] = said(ser_acrnn.load_pretrained(name), numpy.load(folder / f"{name}.npy"))
numpy.savez(folder / f"{keras.backend.backend()}.npz", **found)
"""
WITHOUT_TORCH = "PyTorch is not installed; SER_ACRNN_TORCH_PYTHON can name an interpreter that has it"


BROKEN = {"NaN": np.nan, "infinite": np.inf, "minus infinite": -np.inf, "beyond audio": 1e30}


@pytest.mark.parametrize("recipe", ["paper", "speech"])
def test_samples_that_are_no_audio_get_nan_and_spoil_no_other_waveform(recipe):
    keras.utils.set_random_seed(0)
    model = waveform_model(acrnn(dataclasses.replace(SMALL, normalisation="utterance"), recipe_hash=FEATURE_RECIPES[recipe].recipe_hash))
    sound = np.stack([synthetic_waveforms(1, seed=3)[0][:8_000]] * (1 + 2 * len(BROKEN)))
    for number, value in enumerate(BROKEN.values()):
        sound[1 + number, 4_000] = value
        sound[1 + len(BROKEN) + number] = value
    said = model.predict_on_batch(sound)
    np.testing.assert_allclose(said[0], model.predict_on_batch(sound[:1])[0], atol=1e-6)
    assert np.isfinite(said[0]).all() and np.isnan(said[1:]).all()


@pytest.mark.parametrize("recipe", ["paper", "speech-short-pauses"])
def test_what_the_predictor_refuses_gets_nan_and_spoils_no_other_waveform(recipe):
    keras.utils.set_random_seed(0)
    network = acrnn(dataclasses.replace(SMALL, normalisation="utterance"), recipe_hash=FEATURE_RECIPES[recipe].recipe_hash)
    model, predictor = waveform_model(network), ser_acrnn.Predictor(network)
    sound, noise = synthetic_waveforms(1, seed=3)[0][:8_000], np.random.default_rng(1).normal(size=8_000)
    batch = np.stack([sound, np.zeros(8_000), np.full(8_000, 0.5), np.pad(sound[2_000:4_000], 3_000), 0.1 * noise]).astype(np.float32)
    with pytest.raises(ser_acrnn.AudioError):
        predictor.predict(batch[1], RATE_HERTZ)
    refused = [isinstance(found, ser_acrnn.AudioError) for found in predictor.predict_many(list(batch), RATE_HERTZ)]
    assert refused == [False, True, True, *([recipe != "paper"] * 2)]
    said = model.predict_on_batch(batch)
    assert np.isnan(said).all(axis=1).tolist() == refused == np.isnan(said).any(axis=1).tolist()
    np.testing.assert_allclose(said[0], list(predictor.predict(sound, RATE_HERTZ).posteriors.values()), atol=1e-5)


def test_a_saved_model_of_waveforms_names_its_emotions(network, tmp_path):
    waveform_model(network).save(tmp_path / "waveforms.keras")
    assert keras.saving.load_model(tmp_path / "waveforms.keras").emotions == SMALL.emotions


@pytest.fixture(scope="module")
def saved(tmp_path_factory, network):
    """Folder of waveform models and audio, with what they should say, by `ser_acrnn.features.log_mels` and the predictor."""
    folder = tmp_path_factory.mktemp("waveform")
    waveforms = [synthetic_waveforms(1)[0], np.resize(synthetic_waveforms(1)[0], 62_000)]
    np.savez(folder / "audio.npz", *waveforms)
    entry = keras.Input((None,))
    keras.Model(entry, LogMels()(entry)).save(folder / "features.keras")
    expected = {f"features-{number}": features.log_mels_3d(waveform)[None] for number, waveform in enumerate(waveforms)}
    recipes = set()
    for name in ("small", *ser_acrnn.list_pretrained()):
        predictor = ser_acrnn.Predictor(network if name == "small" else name)
        if predictor.preprocessor.scope == "speaker":
            predictor.enrol(waveforms, adapt=False)  # the shipped file is as it was trained
        if name != "small":
            segments = predictor.preprocessor.segments(waveforms[0])[:1]
            np.save(folder / f"{name}.npy", segments)
            expected[f"shipped-{name}"] = predictor.model.predict_on_batch(segments)
        if predictor.network.recipe_hash in recipes:
            continue  # from audio it differs from that one by its weights alone
        recipes.add(predictor.network.recipe_hash)
        waveform_model(predictor.model, speaker=predictor.preprocessor.speaker).save(folder / f"{name}.keras")
        for number, waveform in enumerate(waveforms if name == "small" else waveforms[:1]):
            expected[f"{name}-{number}"] = np.array([[*predictor.predict(waveform).posteriors.values()]])
    return folder, expected


def run_on(backend, folder):
    if backend == "jax":
        if jax_python() is None:
            pytest.skip(NO_JAX)
        run_on_jax(JUDGE, folder)
    elif backend == "torch":
        if torch_python() is None:
            pytest.skip(WITHOUT_TORCH)
        run_python("import sys; sys.modules['tensorflow'] = None\n" + JUDGE, folder, interpreter=torch_python(), KERAS_BACKEND="torch")
    else:
        run_python(JUDGE, folder, KERAS_BACKEND="tensorflow")


def torch_python():
    import importlib.util
    import os

    named = os.environ.get("SER_ACRNN_TORCH_PYTHON")
    return named or (sys.executable if importlib.util.find_spec("torch") else None)


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_a_fresh_process_computes_the_same_from_the_file_alone(saved, backend):
    folder, expected = saved
    run_on(backend, folder)
    with np.load(folder / f"{backend}.npz") as arrays:
        assert set(arrays.files) == set(expected)
        for name, values in expected.items():
            bound = 1e-4 if name.startswith("features") else 1e-5
            np.testing.assert_allclose(arrays[name], values, rtol=0, atol=bound, err_msg=f"{backend}: {name}")
