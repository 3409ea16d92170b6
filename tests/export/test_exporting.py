"""An export computes elsewhere what its network computes here, or it is not there."""

import dataclasses
import json
import shutil
import sys

import keras
import numpy as np
import pytest
from layer_check import NO_JAX, jax_python, run_on_jax, run_python

from ser_acrnn.config import FEATURE_RECIPES, DnnElmConfig, ModelConfig
from ser_acrnn.export import exporting as exporting
from ser_acrnn.export import light, targets
from ser_acrnn.export.checks import synthetic_segments
from ser_acrnn.export.exporting import ExportError, export, open_exported
from ser_acrnn.inference.batching import segment_posteriors
from ser_acrnn.models.networks import acrnn, dnn, with_attention
from ser_acrnn.models.waveform import waveform_model

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]

SMALL = ModelConfig(
    emotions=("angry", "sad", "happy"),
    conv=((8, 4, 4), (16, 1, 1)),
    linear_units=32,
    blstm_units=8,
    embedding_units=16,
    segment_frames=80,
    mask_padding=True,
)
OTHER = dataclasses.replace(SMALL, channels=1, attention="released-code", mask_padding=False)
NAMES = {"saved_model": "model", "litert": "model.tflite", "onnx": "model.onnx", "keras": "model.keras"}
KINDS = [*((format, None) for format in NAMES), ("litert", "int8"), ("litert", "float16")]


def network(config=SMALL, precision="float32"):
    """A network whose normalisation is not neutral and whose decisions differ from segment to segment and are no near ties."""
    keras.utils.set_random_seed(0)
    model = acrnn(config, recipe_hash="feed", precision=precision)
    shape = (config.mels, config.channels)
    random = np.random.default_rng(0)
    model.get_layer("normalise").set_statistics(random.uniform(-6, -4, shape), random.uniform(2, 4, shape))
    emotion = model.get_layer("emotion")
    before = keras.Model(model.input, emotion.input)
    kernel = 30 * emotion.get_weights()[0]
    emotion.set_weights([kernel, -np.median(segment_posteriors(before, synthetic_segments(model)) @ kernel, axis=0)])
    return model


def changed(model, amount):
    """A copy with another bias at the outputs."""
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    kernel, bias = copy.get_layer("emotion").get_weights()
    copy.get_layer("emotion").set_weights([kernel, bias + amount * np.arange(len(bias))])
    return copy


@pytest.fixture(scope="module")
def masked():
    return network()


@pytest.fixture(scope="module")
def mixed():
    return network(OTHER, "bfloat16")


@pytest.fixture(scope="module")
def exports(tmp_path_factory, one_graph, masked, mixed):
    """Folder of the exports of either network, in all formats, with segments they were not compared on and the networks' posteriors."""
    folder, comparisons = tmp_path_factory.mktemp("exports"), {}
    for name, model, kinds in (("masked", masked, KINDS), ("mixed", mixed, KINDS[:4])):
        with one_graph():
            for format, quantize in kinds:
                path = folder / name / f"{format}-{quantize}" / NAMES[format]
                comparisons[name, format, quantize] = path, export(model, path, format, quantize=quantize)
        segments = synthetic_segments(model, count=30, seed=1)
        np.savez(folder / f"{name}.npz", segments=segments, posteriors=segment_posteriors(model, segments))
    return folder, comparisons


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("format, quantize", [kind for kind in KINDS if kind[0] != "keras"])
def test_segments_that_are_no_numbers_get_no_emotion_and_spoil_no_other(exports, masked, format, quantize, value):
    opened, segments = open_exported(exports[1]["masked", format, quantize][0], format), synthetic_segments(masked, count=3)
    expected = opened(segments)
    segments[1, 40, 3, 1] = value
    found = opened(segments)
    assert np.isnan(found[1]).all()
    np.testing.assert_array_equal(found[[0, 2]], expected[[0, 2]])


@pytest.mark.parametrize("format, quantize", KINDS)
def test_each_format_computes_what_the_network_computes(exports, masked, format, quantize):
    path, comparison = exports[1]["masked", format, quantize]
    bound = {None: 1e-5, "float16": 1e-2, "int8": 0.2}[quantize]
    assert comparison.max_difference <= bound and comparison.agreement >= 0.99
    segments = synthetic_segments(masked, count=30, seed=1)
    expected, found = segment_posteriors(masked, segments), open_exported(path, format, threads=2)(segments)
    assert found.shape == expected.shape and found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=bound)
    assert len(set(expected.argmax(axis=1))) == 3
    assert np.mean(found.argmax(axis=1) == expected.argmax(axis=1)) >= 0.96


def test_the_comparison_lies_beside_the_export_and_says_what_its_user_needs(exports):
    for (name, format, quantize), (path, comparison) in exports[1].items():
        assert {found.name for found in path.parent.iterdir()} == {path.name, f"{path.name}.check.json"}
        kept = json.loads(path.with_name(f"{path.name}.check.json").read_text(encoding="utf-8"))
        assert kept == json.loads(json.dumps(dataclasses.asdict(comparison)))
        assert (kept["format"], kept["quantize"], kept["segments"]) == (format, quantize, 100)
        assert (kept["emotions"], kept["recipe_hash"]) == (["angry", "sad", "happy"], "feed")
        assert kept["input_shape"] == [80, 40, 3 if name == "masked" else 1]
        assert kept["runtime"].startswith(
            {"saved_model": "tensorflow ", "litert": "ai-edge-litert ", "onnx": "onnxruntime ", "keras": "keras "}[format]
        )


def test_quantised_weights_are_smaller_and_not_the_same(exports):
    sizes = {quantize: exports[1]["masked", "litert", quantize][0].stat().st_size for quantize in (None, "float16", "int8")}
    assert sizes["int8"] < sizes["float16"] < sizes[None]
    for quantize in ("float16", "int8"):
        assert exports[1]["masked", "litert", quantize][1].max_difference > 1e-5


def test_a_mixed_network_is_exported_in_float32(exports, mixed):
    for format in NAMES:
        path, comparison = exports[1]["mixed", format, None]
        assert comparison.max_difference < 1e-5 and 1e-5 < comparison.mixed_difference < 0.2
    loaded = keras.saving.load_model(path, compile=False)
    assert {layer.compute_dtype for layer in loaded.layers} == {"float32"}
    for ours, theirs in zip(mixed.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert exports[1]["masked", "keras", None][1].mixed_difference is None


LIGHT_RUNTIMES = """
import sys
for name in ("tensorflow", "keras", "jax", "ser_acrnn"):
    sys.modules[name] = None
import json, numpy, onnxruntime
from pathlib import Path
from ai_edge_litert.interpreter import Interpreter
for name in ("masked", "mixed"):
    folder = Path(sys.argv[1], name)
    with numpy.load(Path(sys.argv[1], f"{name}.npz")) as arrays:
        segments, expected = arrays["segments"], arrays["posteriors"]
    session = onnxruntime.InferenceSession(str(folder / "onnx-None" / "model.onnx"))
    (entry,), (leave,) = session.get_inputs(), session.get_outputs()
    assert (entry.name, entry.shape) == ("segments", ["batch", *segments.shape[1:]]), (entry.name, entry.shape)
    assert (leave.name, leave.shape) == ("posteriors", ["batch", 3]), (leave.name, leave.shape)
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["emotions"]) == ["angry", "sad", "happy"] and facts["recipe_hash"] == "feed", facts
    onnx = session.run(None, {"segments": segments})[0]
    run = Interpreter(model_path=str(folder / "litert-None" / "model.tflite")).get_signature_runner()
    litert = numpy.concatenate([run(segments=segment[None])["posteriors"] for segment in segments])
    print(name, *(abs(found - expected).max() for found in (onnx, litert)))
"""
TENSORFLOW = """
import sys
for name in ("keras", "ser_acrnn"):
    sys.modules[name] = None
import numpy, tensorflow
from pathlib import Path
for name in ("masked", "mixed"):
    with numpy.load(Path(sys.argv[1], f"{name}.npz")) as arrays:
        segments, expected = arrays["segments"], arrays["posteriors"]
    loaded = tensorflow.saved_model.load(str(Path(sys.argv[1], name, "saved_model-None", "model")))
    found = loaded.signatures["serving_default"](segments=tensorflow.constant(segments))["posteriors"].numpy()
    print(name, abs(found - expected).max())
for name in ("keras", "ser_acrnn"):
    del sys.modules[name]
import ser_acrnn, keras
for name in ("masked", "mixed"):
    with numpy.load(Path(sys.argv[1], f"{name}.npz")) as arrays:
        segments, expected = arrays["segments"], arrays["posteriors"]
    model = keras.saving.load_model(Path(sys.argv[1], name, "keras-None", "model.keras"))
    print(name, abs(model.predict_on_batch(segments) - expected).max())
"""


@pytest.mark.parametrize("code", [LIGHT_RUNTIMES, TENSORFLOW], ids=["ONNX Runtime and LiteRT alone", "TensorFlow, then Keras"])
def test_exports_work_in_a_fresh_process_that_has_only_their_runtime(exports, code):
    lines = [line.split() for line in run_python(code, exports[0]).splitlines() if line.startswith(("masked", "mixed"))]
    found = [(name, float(difference)) for name, *differences in lines for difference in differences]
    assert len(found) == 4
    for name, difference in found:
        bound = 1e-5 if name == "masked" else 0.2  # the mixed network's own posteriors were rounded
        assert difference < bound, found


def write_instead(monkeypatch, format, write):
    monkeypatch.setitem(exporting.FORMATS, format, dataclasses.replace(exporting.FORMATS[format], write=write))


@pytest.mark.parametrize("format, quantize", KINDS)
def test_an_export_of_other_weights_is_refused_and_leaves_nothing(exports, masked, tmp_path, monkeypatch, format, quantize):
    stale, _ = exports[1]["masked", format, quantize]
    copy = shutil.copytree if stale.is_dir() else shutil.copyfile
    write_instead(monkeypatch, format, lambda model, path, quantize: copy(stale, path))
    message = "of the decisions are the network's, expected at least 99%" if quantize == "int8" else "a posterior differs by"
    with pytest.raises(ExportError, match=message):
        export(changed(masked, 5.0), tmp_path / NAMES[format], format, quantize=quantize)
    assert not list(tmp_path.iterdir())


def test_eight_bits_that_fail_on_made_up_input_ask_for_speech(exports, masked, tmp_path, monkeypatch):
    stale, _ = exports[1]["masked", "litert", "int8"]
    write_instead(monkeypatch, "litert", lambda model, path, quantize: shutil.copyfile(stale, path))
    words = changed(masked, 5.0), tmp_path / "model.tflite", "litert"
    with pytest.raises(ExportError, match="real speech may pass: give recordings"):
        export(*words, quantize="int8")
    with pytest.raises(ExportError) as found:
        export(*words, quantize="int8", samples=synthetic_segments(masked))
    assert "real speech" not in str(found.value)


@pytest.mark.parametrize("amount, accepted", [(1e-3, True), (2e-2, False), (np.nan, False)])
def test_the_bound_lies_at_a_thousandth(masked, tmp_path, monkeypatch, amount, accepted):
    path = tmp_path / "model.keras"
    before = export(masked, path, "keras", samples=synthetic_segments(masked, count=2, seed=3))
    earlier = path.read_bytes()
    right = exporting.FORMATS["keras"]
    write_instead(monkeypatch, "keras", lambda model, path, quantize: right.write(changed(model, amount), path, quantize))
    if accepted:
        comparison = export(masked, path, "keras")
        assert 1e-5 < comparison.max_difference < 1e-3 and path.read_bytes() != earlier
    else:
        with pytest.raises(ExportError, match=r"differs by|are not numbers"):
            export(masked, path, "keras")
        assert path.read_bytes() == earlier
        assert json.loads(targets.check_file(path).read_text(encoding="utf-8"))["segments"] == before.segments == 2
    assert {found.name for found in tmp_path.iterdir()} == {"model.keras", "model.keras.check.json"}


def test_a_failing_writer_leaves_nothing(masked, tmp_path, monkeypatch):
    def fail(model, path, quantize):
        path.write_bytes(b"half")
        raise OSError("no space left")

    write_instead(monkeypatch, "litert", fail)
    with pytest.raises(OSError, match="no space left"):
        export(masked, tmp_path / "model.tflite", "litert")
    assert not list(tmp_path.iterdir())


def test_a_saved_model_replaces_its_predecessor_and_no_other_folder(exports, mixed, tmp_path, monkeypatch):
    samples = synthetic_segments(mixed, count=2)
    made, _ = exports[1]["mixed", "saved_model", None]
    write_instead(monkeypatch, "saved_model", lambda model, path, quantize: shutil.copytree(made, path))
    path = tmp_path / "model"
    (path / "variables").mkdir(parents=True)
    (path / "saved_model.pb").write_bytes(b"an earlier one")
    export(mixed, path, samples=samples)
    assert open_exported(path, "saved_model")(samples).shape == (2, 3)
    assert {found.name for found in tmp_path.iterdir()} == {"model", "model.check.json"}
    (path / "notes.txt").write_text("mine")
    with pytest.raises(ExportError, match=r"model: holds notes\.txt besides an earlier SavedModel, expected that alone"):
        export(mixed, path, samples=samples)
    assert (path / "notes.txt").is_file()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(b"a cat")
    with pytest.raises(ExportError, match="photos: is a folder, expected none, an empty one, or an earlier SavedModel"):
        export(mixed, tmp_path / "photos", samples=samples)
    assert (tmp_path / "photos" / "cat.png").is_file()


def test_no_folder_is_replaced_that_one_stands_in(mixed, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for path in (".", "..", tmp_path / "here", ""):
        with pytest.raises(ExportError, match="is the current folder or holds it, expected the name of another"):
            export(mixed, path)
    assert (tmp_path / "here").is_dir()


def test_an_export_and_the_file_that_a_network_is_judged_by_do_not_replace_each_other(masked, tmp_path):
    network, onnx = tmp_path / "mine.keras", tmp_path / "mine.onnx"
    masked.save(network)
    kept = light.write(network).read_bytes()
    with pytest.raises(ExportError, match=r"mine\.onnx: is the file by which .*mine\.keras is judged without TensorFlow"):
        export(masked, onnx, "onnx")
    assert onnx.read_bytes() == kept and light.write(network).read_bytes() == kept
    (tmp_path / "mine.onnx.check.json").write_text("{}")
    with pytest.raises(light.LightFileError, match=r"mine\.onnx: is an export, with mine\.onnx\.check\.json beside it"):
        light.write(network)
    assert onnx.read_bytes() == kept


@pytest.mark.parametrize("module, format", [("onnx", "onnx"), ("tf2onnx", "onnx"), ("onnxruntime", "onnx"), ("ai_edge_litert", "litert")])
def test_a_runtime_that_is_not_installed_is_named(masked, tmp_path, monkeypatch, module, format):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ExportError, match=rf"needs {module.replace('_', '-')}, not installed here: pip install 'ser_acrnn\[export\]'"):
        export(masked, tmp_path / NAMES[format], format)
    with pytest.raises(ExportError, match="not installed here"):
        open_exported(tmp_path / NAMES[format], format)
    assert not list(tmp_path.iterdir())


ON_JAX = """
import keras, numpy
from ser_acrnn.config import ModelConfig
from ser_acrnn.export.checks import synthetic_segments
from ser_acrnn.export.exporting import ExportError, export
from ser_acrnn.models.networks import acrnn
keras.utils.set_random_seed(0)
model = acrnn(ModelConfig(conv=((4, 8, 8),), linear_units=8, blstm_units=4, segment_frames=16))
for format, path in (("saved_model", "model"), ("litert", "model.tflite"), ("onnx", "model.onnx")):
    try:
        export(model, f"{sys.argv[1]}/{path}", format)
    except ExportError as error:
        print("refused", error)
print("made", export(model, f"{sys.argv[1]}/model.keras", "keras", samples=synthetic_segments(model, count=2)).max_difference)
"""


@pytest.mark.skipif(jax_python() is None, reason=NO_JAX)
def test_on_jax_only_a_keras_file_is_made_and_the_reason_is_given(tmp_path):
    lines = run_on_jax(ON_JAX, tmp_path).splitlines()
    refused = [line for line in lines if line.startswith("refused")]
    assert len(refused) == 3
    assert all("is made from a TensorFlow graph, and Keras runs on 'jax' here" in line for line in refused)
    assert [float(line.split()[1]) for line in lines if line.startswith("made")] == [0]
    assert {found.name for found in tmp_path.iterdir()} == {"model.keras", "model.keras.check.json"}


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("model", {"format": "coreml"}, "format is 'coreml', expected one of"),
        ("model.tflite", {"format": "litert", "quantize": "int4"}, "quantize is 'int4', expected None, 'int8' or 'float16'"),
        ("model.onnx", {"format": "onnx", "quantize": "int8"}, "quantize is 'int8' and format 'onnx', expected the format 'litert'"),
        ("model.bin", {"format": "litert"}, "expected a name ending in .tflite"),
        ("model.onnx", {}, "expected the name of a folder for the format 'saved_model'"),
        ("model.keras", {"format": "keras", "samples": np.zeros((2, 80, 40, 1))}, r"samples have the shape \(2, 80, 40, 1\), expected"),
        ("model.keras", {"format": "keras", "samples": np.zeros((0, 80, 40, 3))}, r"expected \(1 or more, 80, 40, 3\)"),
        ("model.keras", {"format": "keras", "samples": np.full((1, 80, 40, 3), np.inf)}, "not finite"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(masked, tmp_path, name, options, message):
    with pytest.raises(ExportError, match=message):
        export(masked, tmp_path / name, **options)
    assert not list(tmp_path.iterdir())


def test_models_of_others_and_with_other_outputs_are_refused(masked, tmp_path):
    with pytest.raises(ExportError, match="is not a network of ser_acrnn"):
        export(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]), tmp_path / "model")
    with pytest.raises(ExportError, match=r"has the outputs \['attention', 'emotion'\], expected the posteriors alone"):
        export(with_attention(masked), tmp_path / "model")


def test_the_network_of_the_baseline_is_exported_too(tmp_path):
    model = dnn(DnnElmConfig(hidden_units=(16,)), recipe_hash="feed")
    assert export(model, tmp_path / "dnn.tflite", "litert").max_difference < 1e-5


def test_synthetic_segments_have_the_features_statistics_and_padding(masked):
    segments = synthetic_segments(masked)
    np.testing.assert_array_equal(segments, synthetic_segments(masked))
    real = (segments != 0).any(axis=(2, 3))
    assert real[0].all() and not real[1].any()
    assert all(line[0] and not line[-1] and (np.diff(line.astype(int)) <= 0).all() for line in real[2:])
    layer = masked.get_layer("normalise")
    units = (segments[real] - np.asarray(layer.mean)) / np.sqrt(np.asarray(layer.variance))
    assert abs(units.mean()) < 0.3 and 1 < units.std() < 2
    assert not np.array_equal(segments, synthetic_segments(masked, seed=1))


def test_what_is_no_network_of_segments_is_named(tmp_path):
    with pytest.raises(ExportError, match=r"the model is a str, expected a keras.Model, as ser_acrnn.load_pretrained gives"):
        export("acrnn3d-emodb", tmp_path / "a.keras", "keras")
    listening = waveform_model(acrnn(SMALL, recipe_hash=FEATURE_RECIPES["paper"].recipe_hash))
    with pytest.raises(ExportError, match="takes raw audio already, expected the network that it was made of, and waveform=True"):
        export(listening, tmp_path / "a.keras", "keras")
    assert not list(tmp_path.iterdir())
