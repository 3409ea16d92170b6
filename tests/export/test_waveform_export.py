"""An export that takes raw audio says what `ser_acrnn.features.log_mels` and the network say of it, or it is not there."""

import dataclasses
import itertools
import json

import keras
import numpy as np
import pytest
import soundfile
from layer_check import run_python

from ser_acrnn import AudioError, Predictor, cli, features, load_pretrained
from ser_acrnn.config import FEATURE_RECIPES, ModelConfig
from ser_acrnn.export import formats
from ser_acrnn.export.checks import pieces, synthetic_waveforms, utterance_posteriors
from ser_acrnn.export.exporting import ExportError, export, open_exported
from ser_acrnn.features.speech_activity import activity
from ser_acrnn.models import waveform
from ser_acrnn.models.front_end import LogMels, Segments, UtterancePosteriors
from ser_acrnn.models.networks import acrnn

pytestmark = pytest.mark.stochastic

SMALL = ModelConfig(emotions=("angry", "sad", "happy"), conv=((4, 20, 4),), linear_units=8, blstm_units=4, embedding_units=8)
PAPER, RELEASED = FEATURE_RECIPES["paper"], FEATURE_RECIPES["released-code"]

NAMES = {"saved_model": "model", "litert": "model.tflite", "onnx": "model.onnx", "keras": "model.keras"}
KINDS = [*((format, None) for format in NAMES), ("litert", "int8"), ("litert", "float16")]
HEARD, UNHEARD = synthetic_waveforms(8), synthetic_waveforms(8, seed=1)


@pytest.fixture(scope="module")
def source():
    """A network whose posteriors differ from sound to sound."""
    keras.utils.set_random_seed(0)
    model = acrnn(SMALL, recipe_hash=PAPER.recipe_hash)
    heard = [features.log_mels_3d(waveform) for waveform in HEARD]
    frames = np.concatenate(heard)
    model.get_layer("normalise").set_statistics(frames.mean(axis=0), frames.var(axis=0))
    emotion = model.get_layer("emotion")
    before = keras.Model(model.input, emotion.input)
    kernel = 20 * emotion.get_weights()[0]
    embedded = before.predict_on_batch(np.concatenate([features.segment(values) for values in heard]))
    emotion.set_weights([kernel, -np.median(embedded @ kernel, axis=0)])
    return model


@pytest.fixture(scope="module")
def exports(tmp_path_factory, one_graph, source):
    """Folder of the exports in all formats, with sounds they were not compared on and what the predictor says of them."""
    folder, comparisons = tmp_path_factory.mktemp("waveform-exports"), {}
    with one_graph():
        for format, quantize in KINDS:
            path = folder / f"{format}-{quantize}" / NAMES[format]
            comparisons[format, quantize] = path, export(source, path, format, quantize=quantize, samples=HEARD, waveform=True)
    predictor = Predictor(source)
    for name, waveforms in (("any", UNHEARD), ("cut", pieces(UNHEARD, PAPER.segment_samples))):
        expected = np.array([[*predictor.predict(waveform).posteriors.values()] for waveform in waveforms], np.float32)
        np.savez(folder / f"{name}.npz", *waveforms, expected=expected)
    return folder, comparisons


@pytest.mark.parametrize("format, quantize", KINDS)
def test_samples_that_are_no_numbers_get_no_emotion(exports, format, quantize):
    opened, sound = open_exported(exports[1][format, quantize][0], format), pieces(HEARD, PAPER.segment_samples)[0]
    assert np.isfinite(opened([sound])).all()
    for value, broken in itertools.product((np.nan, np.inf, -np.inf), ([1_000], slice(None))):
        spoilt = sound.copy()
        spoilt[broken] = value
        assert np.isnan(opened([spoilt])).all(), (value, broken)
    assert np.isfinite(opened([sound])).all()


@pytest.mark.parametrize("format, quantize", KINDS)
def test_each_format_takes_raw_audio(exports, format, quantize):
    path, comparison = exports[1][format, quantize]
    bound = {None: 1e-5, "float16": 1e-2, "int8": 0.2}[quantize]
    assert comparison.max_difference <= bound and comparison.agreement == 1
    cut = format == "litert"
    kept = json.loads(path.with_name(f"{path.name}.check.json").read_text(encoding="utf-8"))
    assert kept == json.loads(json.dumps(dataclasses.asdict(comparison)))
    assert kept["waveform"] and kept["input_shape"] == [48_240 if cut else None]
    assert kept["segments"] == (len(pieces(HEARD, 48_240)) if cut else 8)
    with np.load(exports[0] / ("cut.npz" if cut else "any.npz")) as arrays:
        expected, waveforms = arrays["expected"], [arrays[name] for name in arrays.files if name != "expected"]
    found = formats.FORMATS[format].open(path, None)(waveforms)
    np.testing.assert_allclose(found, expected, rtol=0, atol=bound)
    assert np.ptp(expected, axis=0).max() > 0.3


RUNTIMES_ALONE = """
import sys
for name in ("keras", "jax", "ser_acrnn", "librosa", "python_speech_features"):
    sys.modules[name] = None
import json, numpy, onnxruntime
from pathlib import Path
from ai_edge_litert.interpreter import Interpreter
folder, found = Path(sys.argv[1]), {}

def read(name):
    with numpy.load(folder / f"{name}.npz") as arrays:
        return [arrays[number] for number in arrays.files if number != "expected"], arrays["expected"]

waveforms, expected = read("any")
session = onnxruntime.InferenceSession(str(folder / "onnx-None" / "model.onnx"))
(entry,) = session.get_inputs()
assert entry.name == "waveform" and len(entry.shape) == 2 and not isinstance(entry.shape[1], int), entry
assert json.loads(session.get_modelmeta().custom_metadata_map["emotions"]) == ["angry", "sad", "happy"]
found["onnx"] = [session.run(["posteriors"], {"waveform": waveform[None]})[0][0] for waveform in waveforms] - expected
pair = numpy.stack([waveform[:8000] for waveform in waveforms[:2]])
both = session.run(None, {"waveform": pair})[0]
found["onnx batch"] = both - numpy.concatenate([session.run(None, {"waveform": row[None]})[0] for row in pair])
cut, expected_cut = read("cut")
run = Interpreter(model_path=str(folder / "litert-None" / "model.tflite")).get_signature_runner("serving_default")
found["litert"] = [run(waveform=waveform[None])["posteriors"][0] for waveform in cut] - expected_cut

import tensorflow
loaded = tensorflow.saved_model.load(str(folder / "saved_model-None" / "model"))
serve = loaded.signatures["serving_default"]
found["tensorflow"] = [serve(waveform=tensorflow.constant(waveform[None]))["posteriors"][0].numpy() for waveform in waveforms] - expected
batch = serve(waveform=tensorflow.constant(pair))["posteriors"].numpy()
found["tensorflow batch"] = batch - both
print(json.dumps({name: float(abs(difference).max()) for name, difference in found.items()}))
"""


def test_a_fresh_process_needs_the_runtime_alone(exports):
    found = json.loads(run_python(RUNTIMES_ALONE, exports[0]).splitlines()[-1])
    assert set(found) == {"onnx", "onnx batch", "litert", "tensorflow", "tensorflow batch"}
    assert max(found.values()) < 1e-5, found


@pytest.mark.parametrize("quantize", ["int8", "float16"])
def test_features_keep_their_digits_where_weights_are_quantised(exports, quantize):
    """The quantised network behind exact features differs as much from the source as the file does: nothing comes from features."""
    from ai_edge_litert.interpreter import Interpreter

    path, _ = exports[1]["litert", quantize]
    interpreter = Interpreter(model_path=str(path), experimental_preserve_all_tensors=True)
    run = interpreter.get_signature_runner("serving_default")
    waveform = pieces(UNHEARD, PAPER.segment_samples)[0]
    run(waveform=waveform[None])
    expected = features.log_mels_3d(waveform)
    of_features = [detail for detail in interpreter.get_tensor_details() if tuple(detail["shape"]) == (1, *expected.shape)]
    assert of_features
    nearest = min(np.abs(interpreter.get_tensor(detail["index"])[0] - expected).max() for detail in of_features)
    assert nearest < {"int8": 1e-4, "float16": 1e-2}[quantize]


def test_other_features_than_the_source_s_are_refused(source, tmp_path, monkeypatch):
    def write(model, path, quantize):
        entry = keras.Input((None,), name="waveform")
        posteriors = model.get_layer("acrnn")(Segments()(LogMels(RELEASED)(entry)))
        keras.Model(entry, UtterancePosteriors()(posteriors, entry)).save(path)

    monkeypatch.setitem(formats.FORMATS, "keras", dataclasses.replace(formats.FORMATS["keras"], write=write))
    with pytest.raises(ExportError, match="a posterior differs by"):
        export(source, tmp_path / "model.keras", "keras", samples=HEARD[:3], waveform=True)
    assert not list(tmp_path.iterdir())


def test_a_length_and_a_speaker_of_one_s_own(tmp_path):
    keras.utils.set_random_seed(0)
    model = acrnn(dataclasses.replace(SMALL, normalisation="speaker", channels=1), recipe_hash=PAPER.recipe_hash)
    predictor = Predictor(model)
    predictor.enrol(HEARD[:2])
    speaker = predictor.preprocessor.speaker
    check = export(predictor.model, tmp_path / "model.keras", "keras", samples=HEARD[2:4], waveform=True, seconds=0.5, speaker=speaker)
    assert check.input_shape == (8_000,) and check.segments == len(pieces(HEARD[2:4], 8_000)) and check.max_difference < 1e-5
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.input_shape == (None, 8_000)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"seconds": 2.0}, "seconds is 2.0 for a file that takes segments, expected waveform=True"),
        ({"speaker": (np.zeros((40, 3)), np.ones((40, 3)))}, "a speaker is given for a file that takes segments"),
        ({"waveform": True, "samples": [np.zeros(4_000, np.float32)]}, "1 recordings, none with a signal"),
        ({"waveform": True, "samples": [np.full(4_000, np.nan, np.float32)]}, "NaN or infinite"),
        ({"waveform": True, "seconds": 0.0}, "samples is 0, expected 1 or more"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(source, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        export(source, tmp_path / "model.keras", "keras", **options)
    assert not list(tmp_path.iterdir())


def test_pieces_cover_their_recordings():
    wave = np.arange(1, 26, dtype=np.float32)
    cut = pieces([wave, wave[:4], np.zeros(30, np.float32)], 10)
    assert [piece[0] for piece in cut] == [1, 11, 16, 1] and {len(piece) for piece in cut} == {10}
    np.testing.assert_array_equal(cut[-1], [1, 2, 3, 4, 0, 0, 0, 0, 0, 0])
    assert [len(piece) for piece in pieces([wave, wave[:4]])] == [25, 4]


def test_the_command_compares_on_whole_recordings_and_enrols_a_speaker(source, tmp_path, capsys):
    audio, target = tmp_path / "audio", tmp_path / "audio.keras"
    audio.mkdir()
    for number, seconds in enumerate((1.5, 3.2, 2)):
        soundfile.write(audio / f"{number}.wav", np.resize(HEARD[number], int(16_000 * seconds)), 16_000)
    source.save(tmp_path / "training.keras")
    acrnn(dataclasses.replace(SMALL, normalisation="speaker"), recipe_hash=PAPER.recipe_hash).save(tmp_path / "speaker.keras")

    def run(network, *words):
        options = ("--format", "keras", "--waveform", "--speech", audio)
        code = cli.main([str(word) for word in ("export", tmp_path / f"{network}.keras", target, *options, *words)])
        return code, capsys.readouterr()

    code, printed = run("training")
    assert code == 0 and "on 3 waveforms" in printed.out
    assert keras.saving.load_model(target).input_shape == (None, None)
    code, printed = run("speaker", "--seconds", 1)
    assert code == 1 and "no statistics of a speaker are given" in printed.err
    code, printed = run("speaker", "--seconds", 1, "--speaker", audio)
    assert code == 0 and "on 8 waveforms" in printed.out
    assert keras.saving.load_model(target).input_shape == (None, 16_000)


@pytest.fixture(scope="module")
def gated():
    keras.utils.set_random_seed(0)
    small = dataclasses.replace(SMALL, normalisation="utterance")
    return acrnn(small, recipe_hash=FEATURE_RECIPES["speech-short-pauses"].recipe_hash)


@pytest.mark.parametrize("format", ["litert", "onnx"])
def test_a_file_of_a_network_of_speech_hears_no_zeros(gated, tmp_path, format):
    """Of a fixed length, the file needs zeros behind a shorter recording; the predictor hears the recording without them."""
    check = export(gated, tmp_path / NAMES[format], format, waveform=True, seconds=6.0, samples=HEARD)
    assert check.max_difference < 1e-4 and check.agreement == 1 and check.segments > 4
    run, predictor = open_exported(tmp_path / NAMES[format], format), Predictor(gated)
    heard = [wave for wave in UNHEARD if activity(wave, FEATURE_RECIPES["speech-short-pauses"]).seconds > 0.3]
    heard.append(np.concatenate([heard[0][:9_000], np.zeros(30_000, np.float32), heard[0][9_000:40_000]]))
    assert len(heard) > 4 and min(map(len, heard)) < 3 * 16_000
    found = run([np.pad(wave, (0, 96_000 - len(wave))) for wave in heard])
    expected = [[*predictor.predict(wave).posteriors.values()] for wave in heard]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    nothing = [np.zeros(96_000, np.float32), np.pad(heard[0][8_000:10_000], (20_000, 74_000)).astype(np.float32)]
    assert np.isnan(run(nothing)).all()  # the predictor refuses both
    with pytest.raises(AudioError, match=r"holds .* s of speech, expected 0.3 s or more"):
        predictor.predict(nothing[1], 16_000)


def test_the_check_pads_one_side_only(gated, tmp_path, monkeypatch):
    """A file that hears the zeros, as one did before there was a gate, is refused."""
    monkeypatch.setattr(waveform, "feature_recipe", lambda *names: PAPER)
    with pytest.raises(ExportError, match="a posterior differs by"):
        export(gated, tmp_path / "model.keras", "keras", waveform=True, seconds=6.0, samples=HEARD)


def test_nothing_but_noise_is_nothing_to_compare_on(gated, tmp_path):
    noise = 0.01 * np.random.default_rng(0).normal(size=48_240).astype(np.float32)
    with pytest.raises(ExportError, match="there are 1 recordings, none with speech"):
        export(gated, tmp_path / "model.keras", "keras", waveform=True, samples=[noise])


def test_what_is_made_up_to_compare_on_is_judged_by_a_network_of_speakers_too(emodb_directory):
    """Zeros behind a sound make segments that nobody would have normalised so; the predictor judges them, and so does the comparison."""
    network = load_pretrained("acrnn3d-emodb-adapted")
    predictor = Predictor(network)
    predictor.enrol(sorted((emodb_directory / "wav").glob("03a0*.wav")), adapt=False)
    waveforms = pieces(synthetic_waveforms(), PAPER.segment_samples)
    said = utterance_posteriors(predictor.preprocessor.speaker, network, waveforms)
    assert np.isfinite(said).all()
    segments = np.concatenate([predictor.preprocessor.segments(waveform, 16_000) for waveform in waveforms])
    assert np.isnan(np.asarray(network(segments))).any()
