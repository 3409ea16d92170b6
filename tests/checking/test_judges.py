"""Networks of this package, their exports, ONNX files and functions of others are opened by name, and say the same as outside."""

from __future__ import annotations

import sys

import keras
import numpy as np
import pytest
from networks import trained_on_other_voices

from ser_acrnn.checking import CheckError, judges
from ser_acrnn.checking.judges import NetworkJudge, exported, opened
from ser_acrnn.config import FEATURE_RECIPES, ModelConfig
from ser_acrnn.export.exporting import export
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.models.networks import acrnn

pytestmark = [pytest.mark.stochastic, pytest.mark.filterwarnings("error:samples without a rate:FutureWarning")]
EMOTIONS = ("angry", "sad", "happy")
SMALL = {"emotions": EMOTIONS, "conv": ((4, 4, 4),), "linear_units": 8, "blstm_units": 4, "embedding_units": 8}


@pytest.fixture(scope="module")
def waveforms():
    rng = np.random.default_rng(0)
    time = np.arange(32_000) / 16_000
    return [(np.sin(2 * np.pi * hertz * time) + 0.1 * rng.standard_normal(32_000)).astype(np.float32) for hertz in (120, 200, 350)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, waveforms):
    """Networks that normalise by the training speakers and by the speaker, and an export of the first one."""
    folder = tmp_path_factory.mktemp("judges")
    keras.utils.set_random_seed(0)
    for scope in ("training", "speaker"):
        network = acrnn(ModelConfig(**SMALL, normalisation=scope), recipe_hash=FEATURE_RECIPES["paper"].recipe_hash)
        trained_on_other_voices(network).save(folder / f"{scope}.keras")
    predictor = Predictor(folder / "training.keras")
    segments = np.concatenate([predictor.preprocessor.segments(waveform, 16_000) for waveform in waveforms])
    for waveform, samples in ((False, segments), (True, waveforms)):
        export(predictor.model, folder / f"export-{waveform}.keras", "keras", waveform=waveform, samples=samples)
    return folder


def test_a_network_says_what_its_predictor_says_and_refuses_what_it_refuses(folder, waveforms):
    judge = opened(str(folder / "training.keras"))
    found = judge([*waveforms, np.zeros(16_000, np.float32)])
    said = [list(Predictor(folder / "training.keras").predict(waveform, 16_000).posteriors.values()) for waveform in waveforms]
    np.testing.assert_allclose(found.posteriors[:3], said, atol=1e-6)
    assert (
        judge.emotions == EMOTIONS
        and found.judged.tolist() == [True] * 3 + [False]
        and found.decisions[3] == -1
        and "silent" in found.problems[3]
    )


def test_a_network_that_normalises_by_the_speaker_hears_the_speaker_first(folder, waveforms):
    found = opened(str(folder / "speaker.keras"))(waveforms, ["a", "b", "b"])
    predictor = Predictor(folder / "speaker.keras")
    predictor.enrol(waveforms[1:], 16_000)
    np.testing.assert_allclose(found.posteriors[2], list(predictor.predict(waveforms[2], 16_000).posteriors.values()), atol=1e-6)
    assert found.judged.all()


def test_an_export_says_what_its_network_says(folder, waveforms):
    network = NetworkJudge(str(folder / "training.keras"))
    said = network(waveforms).posteriors
    for name in ("export-True.keras", "export-False.keras"):
        np.testing.assert_allclose(exported(folder / name, network)(waveforms).posteriors, said, atol=1e-3)
    np.testing.assert_allclose(opened(str(folder / "export-True.keras"))(waveforms).posteriors, said, atol=1e-3)
    with pytest.raises(CheckError, match=r"takes segments of log-Mels, expected raw audio"):
        opened(str(folder / "export-False.keras"))


def onnx_model(path, shape=("batch", "samples")):
    """Says of the loudest sample, and of its negative, which is higher."""
    onnx = pytest.importorskip("onnx")
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("ReduceMax", ["samples"], ["top"], axes=[1], keepdims=1),
        helper.make_node("Neg", ["top"], ["bottom"]),
        helper.make_node("Concat", ["top", "bottom"], ["both"], axis=1),
        helper.make_node("Softmax", ["both"], ["posteriors"], axis=1),
    ]
    given, said = helper.make_tensor_value_info("samples", number, shape), helper.make_tensor_value_info("posteriors", number, ("batch", 2))
    model = helper.make_model(helper.make_graph(nodes, "loud", [given], [said]), opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(path))
    return path


def test_a_file_refuses_by_nan(tmp_path, waveforms):
    judge = opened(str(onnx_model(tmp_path / "loud.onnx")), ("happy", "sad"))
    found = judge([waveforms[0], np.full(16_000, np.inf, np.float32)])
    assert found.judged.tolist() == [True, False] and "says NaN" in found.problems[1]


def test_an_export_is_judged_by_what_it_answers(folder, waveforms, monkeypatch):
    nothing, something = np.full((1, 3), np.nan), np.array([[0.2, 0.3, 0.5]])
    said = iter([nothing, something, nothing, nothing])
    monkeypatch.setattr(judges, "open_exported", lambda path, format: lambda pieces: next(said))
    monkeypatch.setattr(judges, "pieces", lambda waveforms, length: [*waveforms, *waveforms])
    found = exported(folder / "export-True.keras")(waveforms[:2])
    np.testing.assert_allclose(found.posteriors[0], something[0])
    assert found.judged.tolist() == [True, False] and "says NaN" in found.problems[1]


def test_an_onnx_file_of_somebody_takes_the_names_of_its_emotions(tmp_path, waveforms):
    path = onnx_model(tmp_path / "loud.onnx")
    found = opened(str(path), ["loud", "quiet"])(waveforms)
    top = np.array([waveform.max() for waveform in waveforms])
    np.testing.assert_allclose(found.posteriors[:, 0], 1 / (1 + np.exp(-2 * top)), atol=1e-5)
    with pytest.raises(CheckError, match=r"says 2 values, and the emotions are \[\], expected --emotions"):
        opened(str(path))
    with pytest.raises(CheckError, match=r"expected one input, \(batch, samples\)"):
        opened(str(onnx_model(tmp_path / "cube.onnx", ("batch", 300, 40))), ["loud", "quiet"])


def test_a_function_of_somebody_is_imported_from_the_current_folder(tmp_path, monkeypatch, waveforms):
    (tmp_path / "mine_of_judges.py").write_text("def judge(samples):\n    return {'loud': 0.75, 'quiet': 0.25}\nnumber = 3\n")
    monkeypatch.chdir(tmp_path)
    judge = opened("mine_of_judges:judge")
    assert judge.emotions == ("loud", "quiet") and judge(waveforms).posteriors.tolist() == [[0.75, 0.25]] * 3
    assert opened("mine_of_judges:judge", ["quiet", "loud"])(waveforms).posteriors.tolist() == [[0.25, 0.75]] * 3
    for name, message in (("number", "is int, expected a function"), ("other", "cannot be imported")):
        with pytest.raises(CheckError, match=message):
            opened(f"mine_of_judges:{name}")
    sys.modules.pop("mine_of_judges")


@pytest.mark.parametrize("name, message", [("none.onnx", "does not exist"), ("bad.onnx", "cannot be opened")])
def test_a_file_that_is_no_model_is_named(tmp_path, name, message):
    (tmp_path / "bad.onnx").write_bytes(b"no")
    with pytest.raises(CheckError, match=message) as error:
        opened(str(tmp_path / name), ["a", "b"])
    assert name in str(error.value) and "\n" not in str(error.value)


def test_a_function_that_raises_is_named_with_the_recording(tmp_path, monkeypatch, waveforms):
    lines = ["def judge(samples):", "    if len(samples) > 20_000:", "        {what}", "    return {{'loud': 0.75, 'quiet': 0.25}}"]
    monkeypatch.chdir(tmp_path)
    for number, (what, said) in enumerate(
        [
            ("raise TypeError('no')", r"raises TypeError \(no\), expected emotions with their posteriors"),
            ("raise KeyError", r"raises KeyError, expected"),
            ("return None", r"says NoneType, expected emotions"),
            ("return {'loud': 1.0}", r"says nothing of 'quiet', expected"),
        ]
    ):
        (tmp_path / f"mine_{number}.py").write_text("\n".join(lines).format(what=what))
        with pytest.raises(CheckError, match=f"^mine_{number}:judge: {said}") as failed:
            opened(f"mine_{number}:judge")([waveforms[0][:9], waveforms[0]])
        assert failed.value.place == 1
        sys.modules.pop(f"mine_{number}")
    (tmp_path / "mine_list.py").write_text("def judge(waveform):\n    return [0.1, 0.9]\n")
    with pytest.raises(CheckError, match=r"^mine_list:judge: says a list, expected emotions with their posteriors: a dict"):
        opened("mine_list:judge")
    with pytest.raises(CheckError, match=r"^json:loads: raises TypeError \(.*\) on a second of next to nothing"):
        opened("json:loads")
