"""Nothing of TensorFlow's on standard error and nothing of ONNX Runtime's to its makers, in processes of their own; all else stays."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_acrnn import quiet

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("quiet") / "a.wav"
    swelling = np.sin(np.arange(16_000) / 16_000 * 3 * np.pi) ** 2
    soundfile.write(path, 0.1 * swelling * np.random.default_rng(0).normal(size=16_000), 16_000)
    return path


def process(*words, **environment):
    """A process that nobody has told TensorFlow's log level."""
    kept = {name: value for name, value in os.environ.items() if name not in (quiet.LEVEL, "TF_ENABLE_ONEDNN_OPTS")}
    kept |= {"PYTHONPATH": str(ROOT), "KERAS_BACKEND": "tensorflow"} | environment
    return subprocess.run([sys.executable, *map(str, words)], env=kept, capture_output=True, text=True, check=True)


def test_python_predicts_in_silence(recording):
    code = f"""
from ser_acrnn import Predictor
import tensorflow, numpy as np, soundfile
predictor = Predictor("acrnn3d-emodb", runtime="keras")
samples, rate = soundfile.read({str(recording)!r})
for times in range(1, 20, 3):  # of other numbers of segments
    predictor.predict(np.tile(samples, times), rate)
predictor.enrol([{str(recording)!r}])
predictor.predict({str(recording)!r})
"""
    assert process("-c", code).stderr == ""


def test_a_command_that_needs_tensorflow_is_silent(recording, tmp_path):
    pytest.importorskip("ai_edge_litert")
    words = ("export", "acrnn3d-emodb", tmp_path / "a.tflite", "--format", "litert", "--speech", recording)
    lines = process("-m", "ser_acrnn", *words).stderr.splitlines()
    assert not [line for line in lines if not line.startswith("export: ")]  # how far it is, on a slow machine


def test_an_experiment_is_silent():
    assert process("-c", "import experiments.studies.transfer_methods, tensorflow").stderr == ""


TALK = [
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n",
    b"I0000 00:00:1795739610.941719   13315 cudart_stub.cc:31] Could not find cuda drivers on your machine, GPU will not be used.\n",
    b"E0000 00:00:1795739637.359815   13315 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error\n",
    b"2026-01-02 03:04:05.678901: I tensorflow/core/util/port.cc:153] oneDNN custom operations are on.\n",
    b"To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow.\n",
    b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n",
]


def test_what_others_write_is_kept(capfd):
    with quiet.without_talk():
        for line in [*TALK, b"mine\n", b"F0000 00:00:1795739637.359815   13315 x.cc:52] fatal\n"]:
            os.write(2, line)
    assert capfd.readouterr().err == "mine\nF0000 00:00:1795739637.359815   13315 x.cc:52] fatal\n"


def test_a_service_without_standard_error_imports_keras():
    process("-c", "import os, sys; os.close(2); sys.stderr = None; import ser_acrnn, keras; ser_acrnn.load_pretrained('acrnn3d-open')")


def test_an_error_in_silence_is_raised(capfd):
    with pytest.raises(ValueError, match="mine"), quiet.without_talk():
        os.write(2, TALK[0])
        raise ValueError("mine")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_tensorflow_is_found_as_it_would_be(monkeypatch, tmp_path, capfd):
    (tmp_path / "tensorflow.py").write_text(f"import os\nos.write(2, {TALK[1]!r})\nos.write(2, b'seen\\n')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "tensorflow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    for level, expected in (("3", "seen\n"), ("0", TALK[1].decode() + "seen\n")):
        monkeypatch.setenv(quiet.LEVEL, level)
        monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
        quiet.install()
        import tensorflow

        assert Path(tensorflow.__file__) == tmp_path / "tensorflow.py" == Path(tensorflow.__spec__.loader.path)
        assert capfd.readouterr().err == expected


def test_onnx_runtime_tells_nobody_and_leaves_no_file_unless_that_is_asked_for(recording, tmp_path, monkeypatch):
    monkeypatch.delenv(quiet.TELEMETRY, raising=False)
    code = f"import os, ser_acrnn; ser_acrnn.Predictor().predict({str(recording)!r}); print(os.environ[{quiet.TELEMETRY!r}])"
    assert process("-c", code, TMPDIR=str(tmp_path)).stdout.strip() == "1" and not list(tmp_path.iterdir())
    monkeypatch.setenv(quiet.TELEMETRY, "0")
    quiet.install()
    assert os.environ[quiet.TELEMETRY] == "0"
