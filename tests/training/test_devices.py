"""Devices: replicas that share a batch compute what one device computes, and what cannot be had is refused with its reason."""

import json
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from layer_check import NO_JAX, jax_python, run_on_jax, run_python
from short_corpus import FOLD, SMALL, ShortCorpus, posteriors, score

from experiments.grid import run_one
from experiments.grid.runs import Experiment
from ser_acrnn.evaluation import protocol
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.training import devices
from ser_acrnn.training.devices import DevicesError, place

pytestmark = pytest.mark.stochastic

on_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="replicas need tf.distribute")

# Two replicas come first: TensorFlow divides the processor at its start only.
# Nadam divides a gradient by its own size. Of a bias that batch norm cancels it is rounding alone and moves the bias at random, a little
# differently on two devices. With a larger epsilon such a bias stays, and weights and validation can be compared as well.
REPLICAS = """
import json, shutil, sys
from dataclasses import replace
from pathlib import Path
import keras, numpy
import tensorflow as tf
from ser_acrnn.training import run as training
from ser_acrnn.training.devices import place
from ser_acrnn.models.networks import acrnn
from short_corpus import SMALL, train

tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})  # it takes longer than it saves here
folder, nadam = Path(sys.argv[1]), keras.optimizers.Nadam
table = replace(SMALL.model, batch_norm=("conv", "linear", "embedding"), dropout=0.3, mask_padding=True)
preset = replace(SMALL, model=table, training=replace(SMALL.training, epochs=3))
saved, save, steps, train_step = [], training.TrainingState.save, [], keras.Model.train_step
training.TrainingState.save = lambda self, path, identity: (saved.append(path.name), save(self, path, identity))
keras.Model.train_step = lambda self, data: (steps.append([tf.zeros(()).device, *data[0].shape]), train_step(self, data))[1]

def compute(name, devices, start=None):
    checkpoint = folder / name / "checkpoint.npz"
    checkpoint.parent.mkdir()
    if start:
        shutil.copy(folder / start / "after-2.npz", checkpoint)
    def keep(entry):
        if entry["epoch"] == 2:
            shutil.copy(checkpoint, checkpoint.with_name("after-2.npz"))
    saved.clear(), steps.clear()
    result, network = train(preset=preset, devices=devices, checkpoint=checkpoint, on_epoch=keep)
    result.save(folder / name / "result.json")
    network.save(folder / name / "network.keras")
    mirrored = any(isinstance(variable.value, tf.distribute.DistributedValues) for variable in network.variables)
    facts[name] = {"saved": list(saved), "steps": list(steps), "mirrored": mirrored}

facts = {}
keras.optimizers.Nadam = lambda *arguments, **named: nadam(*arguments, **named, epsilon=1e-3)
compute("two", "cpu:2")
compute("one", "cpu")
compute("two from two", "cpu:2", "two")
compute("two from one", "cpu:2", "one")
compute("one from two", "cpu", "two")

keras.optimizers.Nadam = nadam
preset = replace(SMALL, training=replace(SMALL.training, epochs=2, learning_rate=1e-3))
for name, devices in (("two", "cpu:2"), ("one", "cpu")):
    train(preset=preset, devices=devices)[0].save(folder / f"{name} as configured.json")

keras.utils.set_random_seed(0)
network = acrnn(table)
learner = place("cpu:2", 16).learner(network)
layers, ones = [model.get_layer("linear_dropout") for model in (network, learner.model)], tf.ones((16, 5, 8))
draw = tf.function(lambda: learner.strategy.run(lambda: layers[1](ones[:8], training=True)))
numpy.savez(folder / "masks.npz", one=[layers[0](ones, training=True) for _ in range(2)], two=[draw().values for _ in range(2)])
(folder / "facts.json").write_text(json.dumps(facts))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("replicas")
    run_python(REPLICAS, folder)
    return folder


@pytest.fixture(scope="module")
def facts(folder):
    return json.loads((folder / "facts.json").read_text())


def load(folder, name):
    return RunResult.load(folder / name / "result.json")


def check_same_within_rounding(folder, name, expected):
    result, other = load(folder, name), load(folder, expected)
    assert len(result.validation_curve) == 3
    for entry, item in zip(result.validation_curve, other.validation_curve, strict=True):
        assert entry == pytest.approx(item, abs=1e-4)
    assert result.chosen_epoch == other.chosen_epoch
    np.testing.assert_allclose(posteriors(result), posteriors(other), atol=1e-4)
    with np.load(folder / name / "checkpoint.npz") as arrays, np.load(folder / expected / "checkpoint.npz") as others:
        assert arrays.files == others.files
        for key in set(arrays.files) - {"about"}:
            np.testing.assert_allclose(arrays[key], others[key], atol=1e-3, err_msg=key)


@on_tensorflow
def test_two_replicas_compute_what_one_device_does_batch_norm_and_dropout_included(folder):
    check_same_within_rounding(folder, "two", "one")
    curve = load(folder, "one").validation_curve
    assert curve[-1]["loss"] < 0.9 * curve[0]["loss"]


@on_tensorflow
def test_with_the_optimiser_as_configured_the_loss_curve_is_the_same_too(folder):
    two, one = (RunResult.load(folder / f"{name} as configured.json") for name in ("two", "one"))
    for entry, expected in zip(two.validation_curve, one.validation_curve, strict=True):
        assert entry["loss"] == pytest.approx(expected["loss"], abs=1e-4)
        assert entry["validation_loss"] == pytest.approx(expected["validation_loss"], abs=5e-3)


@on_tensorflow
def test_a_replica_computes_its_rows_on_its_device(facts):
    steps = [(device.rpartition("device:")[2], rows) for device, rows, *_ in facts["two"]["steps"]]
    assert sorted(steps) == [("CPU:0", 8), ("CPU:1", 8)]
    assert {rows for _, rows, *_ in facts["one"]["steps"]} == {16}


@on_tensorflow
def test_masks_of_two_replicas_are_the_rows_of_one_mask(folder):
    with np.load(folder / "masks.npz") as arrays:
        one, two = arrays["one"], arrays["two"]
    assert 0.1 < (one == 0).mean() < 0.5
    for number in range(2):
        np.testing.assert_array_equal(np.concatenate(two[number]), one[number])
        assert not np.array_equal(two[number][0], two[number][1])
    assert not np.array_equal(one[0], one[1])


@on_tensorflow
def test_the_checkpoint_is_written_once_an_epoch(folder, facts):
    assert facts["two"]["saved"] == ["checkpoint.npz"] * 3
    assert {path.name for path in (folder / "two").iterdir()} == {"after-2.npz", "checkpoint.npz", "network.keras", "result.json"}


@on_tensorflow
def test_a_run_goes_on_to_the_same_end_on_as_many_devices_and_on_others(folder, facts):
    result, expected = load(folder, "two from two"), load(folder, "two")
    assert (result.validation_curve, result.utterances) == (expected.validation_curve, expected.utterances)
    check_same_within_rounding(folder, "two from one", "two")
    check_same_within_rounding(folder, "one from two", "one")
    assert {len(facts[name]["saved"]) for name in ("two from two", "two from one", "one from two")} == {1}


@on_tensorflow
def test_the_network_that_replicas_trained_is_an_ordinary_one(folder, facts):
    assert not facts["two"]["mirrored"]
    network = keras.saving.load_model(folder / "two" / "network.keras")
    assert {type(layer) for layer in network.layers if "dropout" in layer.name} == {keras.layers.Dropout}
    assert not any(layer.synchronized for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization))
    _, maxima, _ = score(network, ShortCorpus(), "a")
    np.testing.assert_allclose(posteriors(load(folder, "two")), maxima, atol=1e-5)


@on_tensorflow
def test_the_result_names_the_devices(folder):
    two, one = load(folder, "two").device, load(folder, "one").device
    assert one.startswith("cpu: ") and two == f"2 x logical {one}"


@on_tensorflow
def test_devices_are_found_and_named(monkeypatch):
    import tensorflow as tf

    gpus = [tf.config.PhysicalDevice(f"/physical_device:GPU:{number}", "GPU") for number in range(2)]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus if kind == "GPU" else [])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {"device_name": "NVIDIA A100"})
    assert place("auto", 40) == devices.Placement("gpu: NVIDIA A100")
    assert place("gpu:1", 40) == devices.Placement("gpu: NVIDIA A100", "gpu", 1)
    assert place("gpu:2", 40) == devices.Placement("2 x gpu: NVIDIA A100", "gpu", 2)
    assert place("cpu", 40).description.startswith("cpu: ")
    with pytest.raises(DevicesError, match="devices is 'gpu:4' and TensorFlow finds 2 GPUs, expected 4 or more"):
        place("gpu:4", 40)


@on_tensorflow
@pytest.mark.parametrize(
    "first, second, one, two",
    [
        ((9, 0), (8, 0), "bfloat16", "bfloat16"),
        ((8, 6), (7, 5), "bfloat16", "float32"),
        ((12, 0), None, "bfloat16", "float32"),
        (None, (8, 0), "float32", "float32"),
    ],
)
def test_graphics_processors_compute_in_bfloat16_where_all_have_units_for_it(monkeypatch, first, second, one, two):
    import tensorflow as tf

    details = {
        number: {} if capability is None else {"compute_capability": capability} for number, capability in enumerate((first, second))
    }
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(details) if kind == "GPU" else [])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", details.get)
    assert place("auto", 40).precision("auto") == one
    assert place("gpu:2", 40).precision("auto") == two
    assert place("gpu:2", 40).precision("bfloat16") == "bfloat16" and place("auto", 40).precision("float32") == "float32"


@pytest.mark.parametrize(
    "line, precision",
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16", "bfloat16"),
        ("flags\t\t: fpu amx_bf16 amx_tile", "bfloat16"),
        ("flags\t\t: fpu avx2 avx512f avx512_vnni", "float32"),
        ("Features\t: fp asimd i8mm bf16", "bfloat16"),
        ("Features\t: fp asimd svebf16x", "float32"),
        ("bugs\t\t: avx512_bf16", "float32"),
        ("", "float32"),
        (None, "float32"),
    ],
)
def test_a_processor_computes_in_bfloat16_where_it_has_units_for_it(monkeypatch, tmp_path, line, precision):
    if line is not None:
        (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nmodel name\t: A: 1\n{line}\n\n")
    monkeypatch.setattr(devices, "CPUINFO", tmp_path / "cpuinfo")
    placement = place("cpu", 40)
    assert placement.precision("auto") == precision
    assert placement.precision("bfloat16") == "bfloat16" and placement.precision("float32") == "float32"
    assert placement.description.startswith("cpu: A: 1, " if line is not None else "cpu: ")


@pytest.mark.parametrize(
    "platform, facts, precision",
    [
        ("tpu", {}, "bfloat16"),
        ("gpu", {"compute_capability": "8.0"}, "bfloat16"),
        ("gpu", {"compute_capability": "12.0"}, "bfloat16"),
        ("gpu", {"compute_capability": "7.5"}, "float32"),
        ("gpu", {"compute_capability": "gfx90a"}, "float32"),
        ("METAL", {}, "float32"),
    ],
)
def test_what_jax_finds_computes_in_bfloat16_where_it_has_units_for_it(monkeypatch, platform, facts, precision):
    device = SimpleNamespace(platform=platform, device_kind="a kind", **facts)
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(devices=lambda kind: [device]))
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    placement = place("auto", 40)
    assert placement.description == f"{platform}: a kind" and placement.precision("auto") == precision


@pytest.mark.parametrize("devices", ["", "gpu", "gpu:0", "gpu:-1", "cpu:two", "tpu", "gpu:1,gpu:2", "auto:2"])
def test_what_names_no_devices_is_refused(devices):
    with pytest.raises(DevicesError, match=rf"devices is {devices!r}, expected 'auto', 'cpu', 'gpu:N'"):
        place(devices, 40)


def test_replicas_that_cannot_share_a_batch_evenly_are_refused_with_both_numbers(monkeypatch, capsys, tmp_path):
    with pytest.raises(DevicesError, match="devices is 'gpu:3' and batch_size is 40, expected"):
        place("gpu:3", 40)
    experiment = Experiment(ShortCorpus(), None, "small", SMALL, protocol.LEAVE_ONE_SPEAKER_OUT, [FOLD])
    monkeypatch.setattr(run_one, "named_experiment", lambda options, system: experiment)
    monkeypatch.setattr(Experiment, "settle_manifest", lambda *_: None)  # the corpus in memory has no sessions
    folders = ["--prepared", "short", "--results", str(tmp_path / "results"), "--work", str(tmp_path / "work")]
    assert run_one.main([*folders, "--fold", "0", "--seed", "0", "--devices", "cpu:5"]) == 1
    assert "devices is 'cpu:5' and batch_size is 16, expected" in capsys.readouterr().err


@on_tensorflow
def test_logical_processors_are_refused_once_tensorflow_has_started():
    import tensorflow as tf

    assert len(tf.config.list_logical_devices("CPU")) == 1
    with pytest.raises(DevicesError, match="devices is 'cpu:2' and TensorFlow has started with 1 logical CPU, expected a fresh process"):
        place("cpu:2", 40)


@pytest.mark.parametrize(
    "cluster",
    [{"worker": ["a:1", "b:1"]}, {"chief": ["a:1"], "worker": ["b:1"]}, {"worker": ["a:1"], "ps": ["b:1"]}],
)
@pytest.mark.parametrize("devices", ["auto", "cpu", "gpu:2"])
def test_a_cluster_is_refused_with_the_reason(monkeypatch, cluster, devices):
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 0}}))
    with pytest.raises(DevicesError, match=r"a cluster of 2 tasks, expected one: Keras 3 .*MultiWorkerMirroredStrategy .*/issues/20585"):
        place(devices, 40)


def test_several_workers_are_refused_by_name_and_a_cluster_of_one_is_none(monkeypatch):
    with pytest.raises(DevicesError, match=r"devices is 'multi-worker', expected .*MultiWorkerMirroredStrategy .*/issues/20585"):
        place("multi-worker", 40)
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": ["a:1"]}}))
    assert place("cpu", 40).replicas == 1
    monkeypatch.setenv("TF_CONFIG", "[")
    with pytest.raises(DevicesError, match=r"TF_CONFIG is '\['"):
        place("cpu", 40)


ON_JAX = """
import json
from ser_acrnn.training.devices import place
found = {}
for devices in ("auto", "cpu", "gpu:1", "gpu:2", "cpu:2"):
    try:
        with place(devices, 40).scope():
            found[devices] = [place(devices, 40).description, place(devices, 40).precision("auto")]
    except ValueError as error:
        found[devices] = str(error)
print(json.dumps(found))
"""


@pytest.mark.skipif(jax_python() is None, reason=NO_JAX)
def test_on_jax_there_is_one_device():
    found = json.loads(run_on_jax(ON_JAX))
    here = place("cpu", 40)
    assert found["auto"] == found["cpu"] == [here.description, here.precision("auto")]
    assert found["gpu:1"].startswith("devices is 'gpu:1' and JAX finds none")
    for asked in ("gpu:2", "cpu:2"):
        assert found[asked].startswith(f"devices is '{asked}', expected one device on the JAX backend: replicas need tf.distribute")
