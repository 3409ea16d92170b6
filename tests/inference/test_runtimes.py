"""ONNX Runtime says what Keras says, for every door of the predictor; which of them judges; and what is not imported for it."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace

import keras
import numpy as np
import onnx
import pytest
import soundfile
from layer_check import run_python

import ser_acrnn
from ser_acrnn import Predictor, pretrained
from ser_acrnn.config import FEATURE_RECIPES, FIVE_TEMPOS, ModelConfig
from ser_acrnn.export import light
from ser_acrnn.export.checks import synthetic_waveforms
from ser_acrnn.inference.embedder import Embedder
from ser_acrnn.inference.onnx_network import OnnxNetwork, RuntimeUnavailableError
from ser_acrnn.models.networks import acrnn
from ser_acrnn.models.saving import save_whole
from ser_acrnn.pretrained import DEFAULT_MODEL

NAMES = ser_acrnn.list_pretrained()
RATE_HERTZ = 16_000
SMALL = ModelConfig(emotions=("angry", "sad"), conv=((4, 4, 4),), linear_units=8, blstm_units=4, embedding_units=8)
HEAVY = {"asyncio", "h5py", "keras", "librosa", "matplotlib", "numba", "pandas", "scipy", "sklearn", "tensorflow", "tqdm", "wrapt"}


SOUNDS = synthetic_waveforms(6, seed=1)


def voices(count=6):
    """Sounds that change as speech does, 0.5 s to 5 s, with their rate."""
    return [(samples, RATE_HERTZ) for samples in SOUNDS[:count]]


@pytest.fixture(scope="module", params=[(name, tempos) for name in NAMES for tempos in ((1.0,), FIVE_TEMPOS)], ids=str)
def both(request):
    """The same network on both runtimes."""
    name, tempos = request.param
    found = [Predictor(name, runtime=runtime, tempos=tempos) for runtime in ("onnx", "keras")]
    for predictor in found:
        if predictor.preprocessor.scope == "speaker":
            predictor.enrol(voices(), adapt=False)
    return found


def check_equal(light_says, keras_says):
    """Two predictions, or what is said of two windows."""
    assert light_says.emotion == keras_says.emotion and light_says.unsure == keras_says.unsure
    pairs = zip(getattr(light_says, "segments", (light_says,)), getattr(keras_says, "segments", (keras_says,)), strict=True)
    for one, other in ((light_says, keras_says), *pairs):
        np.testing.assert_allclose(list(one.posteriors.values()), list(other.posteriors.values()), atol=1e-5)
        assert one.unfamiliarity == pytest.approx(other.unfamiliarity, rel=1e-4, abs=1e-5)
        assert one.speech_seconds == other.speech_seconds
        if hasattr(one, "flaw"):
            assert (one.flaw, one.start_seconds, one.end_seconds) == (other.flaw, other.start_seconds, other.end_seconds)
            np.testing.assert_allclose(one.attention, other.attention, atol=1e-5)


def test_recordings_are_judged_alike(both):
    by_onnx, by_keras = both
    assert [predictor.network.runtime for predictor in both] == ["onnx", "keras"]
    assert by_onnx.emotions == by_keras.emotions and by_onnx.step_seconds == by_keras.step_seconds
    assert by_onnx.preprocessor == replace(by_keras.preprocessor, speaker=by_onnx.preprocessor.speaker)
    for one, other in zip(by_onnx.predict_many(voices()), by_keras.predict_many(voices()), strict=True):
        check_equal(one, other)


def test_windows_live_audio_and_what_unfolds_are_judged_alike(both):
    samples, rate = np.concatenate([samples for samples, _ in voices()]), RATE_HERTZ
    pieces = [samples[:20_000], np.zeros(60_000), samples[20_000:120_000]]
    for judge in (
        lambda predictor: predictor.timeline(samples, rate, hop_seconds=0.7),
        lambda predictor: predictor.predict_stream(pieces),
        lambda predictor: predictor.unfolding(samples[:50_000], rate, hop_seconds=0.5),
    ):
        for one, other in zip(*map(judge, both), strict=True):
            check_equal(one, other)


def test_a_speaker_is_adapted_to_alike_and_forgotten(both):
    before = [predictor.predict(voices()[4]) for predictor in both]
    for predictor in both:
        predictor.enrol(voices(4))
    for (mean, variance), (other_mean, other_variance) in zip(*(predictor.network.statistics() for predictor in both), strict=True):
        np.testing.assert_allclose(mean, other_mean, atol=1e-4)
        np.testing.assert_allclose(variance, other_variance, rtol=1e-4, atol=1e-4)
    adapted = [predictor.predict(voices()[4]) for predictor in both]
    check_equal(*adapted)
    assert adapted[0].posteriors != before[0].posteriors
    for predictor in both:
        predictor._scorer.adapt(None)
    for (trained, _), (other, _) in zip(*(predictor.network.statistics() for predictor in both), strict=True):
        np.testing.assert_array_equal(trained, other)


def test_embeddings_are_alike(both):
    np.testing.assert_allclose(*(Embedder(predictor).embed(voices()[4]) for predictor in both), atol=1e-4)


def test_whoever_asks_for_the_model_has_it_judge_with_the_speaker_that_was_enrolled():
    predictor = Predictor(NAMES[0])
    predictor.enrol(voices(3))
    before, statistics = predictor.predict(voices()[4]), predictor.network.statistics()
    model = predictor.model
    assert predictor.network.runtime == "keras" and predictor.model is model
    for (mean, variance), (found, spread) in zip(statistics, predictor.network.statistics(), strict=True):
        np.testing.assert_array_equal(mean, found)
        np.testing.assert_array_equal(variance, spread)
    check_equal(before, predictor.predict(voices()[4]))
    bias = model.get_layer("emotion").bias
    bias.assign(np.eye(len(predictor.emotions))[1] * 100)
    assert predictor.predict(voices()[4]).emotion == predictor.emotions[1] != before.emotion


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a network of a user's and the file of it."""
    folder = tmp_path_factory.mktemp("made")
    network = acrnn(replace(SMALL, batch_norm=("conv", "linear", "embedding")), recipe_hash=FEATURE_RECIPES["paper"].recipe_hash)
    save_whole(network, folder / "model.keras")
    light.write(folder / "model.keras")
    return folder


@pytest.mark.stochastic
class TestOwnNetworks:
    """A network of a user's, with a file beside it."""

    @pytest.fixture
    def path(self, tmp_path, made):
        """Of the network, alone."""
        return shutil.copy(made / "model.keras", tmp_path / "model.keras")

    @pytest.fixture
    def path_of_both(self, path, made):
        """Of the network that has its file beside it."""
        shutil.copy(made / "model.onnx", path.with_suffix(".onnx"))
        return path

    def test_is_judged_by_keras_until_its_file_is_there(self, path):
        assert Predictor(path).network.runtime == "keras"
        with pytest.raises(RuntimeUnavailableError, match=r"model\.keras: there is no .*model\.onnx beside it, expected one that"):
            Predictor(path, runtime="onnx")
        assert light.write(path) == path.with_suffix(".onnx") and light.check(path) < 1e-5
        by_onnx, by_keras = Predictor(path), Predictor(path, runtime="keras")
        assert [predictor.network.runtime for predictor in (by_onnx, by_keras)] == ["onnx", "keras"]
        for predictor in (by_onnx, by_keras):
            predictor.enrol(voices(4))
        check_equal(by_onnx.predict(voices()[4]), by_keras.predict(voices()[4]))

    @pytest.mark.parametrize("conv", [((4, 2, 4), (4, 4, 1)), ((4, 1, 4), (4, 3, 1), (4, 1, 1))])
    def test_padding_is_cut_off_and_what_is_said_does_not_change(self, tmp_path, conv):
        network = acrnn(replace(SMALL, conv=conv, batch_norm=("embedding",)), recipe_hash=FEATURE_RECIPES["paper"].recipe_hash)
        save_whole(network, tmp_path / "model.keras")
        light_network = OnnxNetwork(light.write(tmp_path / "model.keras"), "model")
        segments = np.random.default_rng(0).normal(size=(5, 300, 40, 3)).astype(np.float32)
        for row, length in enumerate((300, 1, 37, 190, 0)):
            segments[row, length:] = 0
        beside_a_whole_one = light_network.score(segments)
        for rows in ([1], [2, 1], [3, 2], [4, 1]):
            for mine, expected in zip(light_network.score(segments[rows]), beside_a_whole_one, strict=True):
                np.testing.assert_allclose(mine, expected[rows], atol=1e-6)

    def test_with_the_file_of_another_network_is_judged_by_keras(self, path_of_both):
        path = path_of_both
        other = keras.saving.load_model(path)
        other.get_layer("emotion").bias.assign([5.0, -5.0])
        save_whole(other, path)
        assert Predictor(path).network.runtime == "keras"
        with pytest.raises(
            RuntimeUnavailableError, match=r"model\.onnx: was made from a network with the sha256 \w{64}, expected \w{64} of"
        ):
            Predictor(path, runtime="onnx")

    @pytest.mark.parametrize("content", [b"", b"nothing", b"\x08\x07"])
    def test_with_a_damaged_file_is_judged_by_keras(self, path, content):
        path.with_suffix(".onnx").write_bytes(content)
        assert Predictor(path).network.runtime == "keras"
        with pytest.raises(RuntimeUnavailableError, match=r"model\.onnx: ONNX Runtime [\d.]+ cannot open it \("):
            Predictor(path, runtime="onnx")

    @pytest.mark.parametrize(("name", "value"), [("emotions", "angry"), ("parameters", "many"), ("scope", "nobody"), ("made_from", None)])
    def test_with_a_file_that_tells_nonsense_is_judged_by_keras(self, path_of_both, name, value):
        path = path_of_both
        made = onnx.load(path.with_suffix(".onnx"))
        told = {entry.key: entry.value for entry in made.metadata_props if entry.key != name} | ({name: value} if value else {})
        onnx.helper.set_model_props(made, told)
        onnx.save(made, path.with_suffix(".onnx"))
        assert Predictor(path).network.runtime == "keras"
        with pytest.raises(
            RuntimeUnavailableError, match=r"model\.onnx: (tells what cannot be read|normalises by 'nobody'|does not tell made_from)"
        ):
            Predictor(path, runtime="onnx")

    def test_is_refused_where_there_is_no_such_file_of_it(self, tmp_path):
        by_segment = acrnn(replace(SMALL, normalisation="segment"), recipe_hash=FEATURE_RECIPES["paper"].recipe_hash)
        save_whole(by_segment, tmp_path / "model.keras")
        with pytest.raises(
            ValueError, match="acrnn: its layer 'normalise' normalises by the segment, expected by training, the utterance or the speaker"
        ):
            light.write(tmp_path / "model.keras")
        assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]

    def test_handed_over_loaded_has_no_file(self, path):
        with pytest.raises(RuntimeUnavailableError, match="a loaded network has no file for ONNX Runtime, expected its name or its"):
            Predictor(keras.saving.load_model(path), runtime="onnx")


def test_another_runtime_is_named():
    with pytest.raises(ValueError, match=r"runtime is 'torch', expected one of \('auto', 'onnx', 'keras'\)"):
        Predictor(runtime="torch")


@pytest.mark.parametrize("name", NAMES)
def test_the_files_that_ship_are_made_from_the_networks_that_ship(name):
    assert Predictor(name).network.made_from == json.loads((pretrained.DIRECTORY / "index.json").read_text())[name]["sha256"]
    assert light.check(pretrained.pretrained_path(name)) < 1e-5


def test_a_shipped_file_that_was_changed_is_refused(tmp_path, monkeypatch):
    for path in pretrained.DIRECTORY.glob("*.*"):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(pretrained, "DIRECTORY", tmp_path)
    (tmp_path / f"{NAMES[0]}.onnx").write_bytes(b"other")
    with pytest.raises(pretrained.PretrainedError, match=r"\.onnx: has the sha256 \w{64}, expected \w{64}; install the package again"):
        Predictor(NAMES[0])


def test_predicting_imports_neither_keras_nor_what_else_is_heavy():
    code = """
import json, sys, warnings
warnings.simplefilter("error")
import numpy as np
import ser_acrnn
predictor = ser_acrnn.Predictor()
sound = 0.1 * np.random.default_rng(0).normal(size=48_000) * np.sin(np.arange(48_000) / 3_000)
said = predictor.predict(sound, 48_000)
predictor.enrol([(sound, 16_000)])
list(predictor.timeline(sound, 16_000))
import ser_acrnn.cli
print(json.dumps([predictor.name, sorted({name.split(".")[0] for name in sys.modules})]))
"""
    name, modules = json.loads(run_python(code).splitlines()[-1])
    assert name == DEFAULT_MODEL and not set(modules) & HEAVY and "onnxruntime" in modules


def test_without_keras_what_needs_it_says_so(tmp_path):
    code = f"""
import sys
sys.modules["keras"] = None
import ser_acrnn
predictor = ser_acrnn.Predictor()
own = {str(tmp_path / "model.keras")!r}
acts = (lambda: predictor.model, lambda: ser_acrnn.Predictor(own), lambda: ser_acrnn.Predictor(runtime="keras"))
for act in acts:
    try:
        act()
    except ValueError as error:
        print(error)
"""
    (tmp_path / "model.keras").touch()
    own, missing, forced = run_python(code).splitlines()
    assert own == forced == f"{DEFAULT_MODEL}: Keras needs keras, not installed here: pip install ser_acrnn"
    assert "there is no" in missing and missing.endswith("and Keras needs keras, not installed here: pip install ser_acrnn")


def test_without_a_home_and_a_language_everything_is_said_and_nothing_else(tmp_path):
    samples, rate = voices()[4]
    soundfile.write(tmp_path / "a.wav", samples, rate)
    words = ["predict", "--same-speaker", f"--plot={tmp_path / 'a.png'}", str(tmp_path / "a.wav")]
    kept = {name: value for name, value in os.environ.items() if name not in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR")}
    nowhere = {**kept, "HOME": os.devnull, "LANG": "C", "LC_ALL": "C", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-m", "ser_acrnn.cli", *words], env=nowhere, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith(f"{tmp_path / 'a.wav'}: ")
    assert done.stderr == f"figure: {tmp_path / 'a.png'}\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system that forks")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")  # of forking where threads are
def test_a_forked_process_judges_with_what_was_opened_before():
    predictor = Predictor(NAMES[0], runtime="onnx")
    expected, context = predictor.predict(voices()[1]).posteriors, multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    for act in (lambda: predictor, lambda: Predictor(NAMES[0], runtime="onnx")):
        child = context.Process(target=lambda act=act: queue.put(act().predict(voices()[1]).posteriors))
        child.start()
        child.join(60)
        if child.is_alive():
            child.kill()
            pytest.fail("waits for ever")
        assert queue.get() == expected


def test_samples_without_a_rate_are_warned_of():
    predictor, (samples, rate) = Predictor(), voices(1)[0]
    with pytest.warns(
        FutureWarning, match=r"without a rate are taken for 16000 Hz, expected sampling_rate_hertz=16000 or \(samples, 16000\)"
    ):
        found = predictor.predict(samples)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert found == predictor.predict(samples, rate) == predictor.predict({"array": samples, "sampling_rate": rate})
