"""Importing the package costs nothing: what is heavy comes with the first use of it."""

import configparser
import json
from pathlib import Path

import pytest
from layer_check import run_python

import ser_acrnn

ROOT = Path(__file__).parents[1]
HEAVY = {"jax", "keras", "librosa", "matplotlib", "numpy", "pandas", "scipy", "sklearn", "soundfile", "tensorflow", "torch"}


def modules_after(code):
    printed = run_python(f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)))")
    return set(json.loads(printed.splitlines()[-1]))


def test_importing_the_package_imports_nothing_heavy():
    nothing, package = modules_after(""), modules_after("import ser_acrnn; ser_acrnn.__version__; dir(ser_acrnn)")
    assert not package & HEAVY
    assert {name for name in package if name.startswith("ser_acrnn")} == {"ser_acrnn", "ser_acrnn._version", "ser_acrnn.quiet"}
    assert len(package - nothing) < 250  # TensorFlow is some thousands


def test_configurations_and_the_protocol_need_the_standard_library_alone():
    assert (
        not modules_after(
            "import ser_acrnn.config.features, ser_acrnn.config.json_config; from ser_acrnn import config, preset, protocol, Fold"
        )
        & HEAVY
    )


def test_what_prepares_plans_and_judges_imports_neither_keras_nor_tensorflow():
    code = """
from ser_acrnn import audio, features
from ser_acrnn.data import corpus, prepared, tfrecords
from ser_acrnn.evaluation import metrics, report, results, summary
from ser_acrnn.features import extraction, mfcc_pitch
import data_prep.pack, data_prep.prepare, experiments.grid.run_grid, experiments.grid.run_one, experiments.grid.runs
import experiments.reporting.summarise
from ser_acrnn.auditing import audformat, estimating, same_audio, splitting, writing
from ser_acrnn.checking import checking, pages
"""
    assert not modules_after(code) & {"keras", "tensorflow", "jax", "torch"}


def test_an_audit_from_labels_alone_needs_the_standard_library_alone():
    code = """
from pathlib import Path
import tempfile, ser_acrnn
table = Path(tempfile.mkdtemp(), "split.csv")
table.write_text("path,speaker,part\\na.wav,a,train\\nb.wav,a,test\\n")
assert not ser_acrnn.audit(table).clean
"""
    assert not modules_after(code) & HEAVY


def test_predicting_alone_requires_what_the_package_requires():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    required = setup["options"]["install_requires"].split("\n")
    alone = [line for line in (ROOT / "requirements-predict.txt").read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert set(alone) < set(required) and any(line.startswith("onnxruntime ") for line in alone)


def test_every_public_name_resolves_and_is_listed():
    for name in ser_acrnn.__all__:
        assert getattr(ser_acrnn, name) is not None, name
    assert sorted(ser_acrnn.__all__) == sorted(set(ser_acrnn.__all__))
    assert set(ser_acrnn.__all__) <= set(dir(ser_acrnn))
    from ser_acrnn.evaluation.protocol import Fold
    from ser_acrnn.models.networks import acrnn

    assert ser_acrnn.acrnn is acrnn and ser_acrnn.Fold is Fold


SUB_PACKAGES = sorted(path.parent.name for path in Path(ser_acrnn.__file__).parent.glob("*/__init__.py"))


@pytest.mark.parametrize(
    "before",
    [
        "",
        "import keras, ser_acrnn.config.features; from ser_acrnn.evaluation import metrics",
        "import ser_acrnn.models.layers, keras",
        "import ser_acrnn.models.speech_gate, keras",
    ],
)
def test_every_sub_package_and_layer_is_there_whatever_was_imported_before(before):
    layer = "import keras; print(keras.saving.get_registered_object('ser_acrnn>AttentionPooling').__name__)"
    names = f"import ser_acrnn\nfor name in {SUB_PACKAGES}: print(getattr(ser_acrnn, name).__name__)"
    printed = run_python(f"{before}\n{names}\n{layer}")
    assert printed.split() == [*(f"ser_acrnn.{name}" for name in SUB_PACKAGES), "AttentionPooling"] and len(SUB_PACKAGES) == 16


def test_an_unknown_name_is_an_attribute_error_that_names_it():
    with pytest.raises(AttributeError, match="No ser_acrnn attribute acrnn3d"):
        ser_acrnn.acrnn3d  # noqa: B018
    with pytest.raises(ImportError, match="acrnn3d"):
        from ser_acrnn import acrnn3d  # noqa: F401
