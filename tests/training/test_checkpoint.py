"""What a killed training leaves: a state that it goes on from to the same end, and that no other training takes for its own."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from layer_check import run_python
from short_corpus import SMALL, InterruptError, ShortCorpus, changed, check_same_run, interrupt_after, train

from ser_acrnn.evaluation import protocol
from ser_acrnn.training import stages
from ser_acrnn.training.checkpoint import CheckpointError, TrainingState

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]


@pytest.fixture(scope="module")
def undisturbed():
    return train()


def test_an_interrupted_run_goes_on_to_the_same_end(undisturbed, tmp_path):
    checkpoint, epochs = tmp_path / "work" / "a-seed0.npz", []
    with pytest.raises(InterruptError):
        train(checkpoint=checkpoint, on_epoch=interrupt_after(3))
    with np.load(checkpoint) as arrays:
        seconds = json.loads(str(arrays["about"]))["wall_seconds"]
    resumed = train(checkpoint=checkpoint, on_epoch=lambda entry: epochs.append(entry["epoch"]))
    assert epochs == [4, 5]
    check_same_run(resumed, undisturbed)
    assert resumed[0].wall_seconds > seconds > 0

    again = train(checkpoint=checkpoint, on_epoch=lambda entry: epochs.append(entry["epoch"]))
    assert epochs == [4, 5], "a finished run trained on"
    check_same_run(again, undisturbed)


KILLED_WHILE_SAVING = """
import os, signal, sys
from pathlib import Path
from short_corpus import train
replace, saved = os.replace, []
def kill_at_the_third(*paths):
    saved.append(paths)
    if len(saved) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(*paths)
os.replace = kill_at_the_third
train(checkpoint=Path(sys.argv[1]))
print("survived")
"""


def test_a_run_killed_while_it_saves_goes_on_from_the_epoch_before(undisturbed, tmp_path):
    checkpoint, epochs = tmp_path / "a-seed0.npz", []
    assert "survived" not in run_python(KILLED_WHILE_SAVING, checkpoint, check=False)
    assert list(tmp_path.glob("*.partial")), "it was not killed between writing and renaming"
    resumed = train(checkpoint=checkpoint, on_epoch=lambda entry: epochs.append(entry["epoch"]))
    assert epochs == [3, 4, 5]
    check_same_run(resumed, undisturbed)


def test_a_save_that_fails_leaves_the_state_before_it(tmp_path, monkeypatch):
    path = tmp_path / "state.npz"
    state = TrainingState(variables=[np.arange(3)], curve=[{"epoch": 1}], wall_seconds=1.5)
    state.save(path, "run")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        TrainingState(variables=[np.arange(9)], curve=[{"epoch": 1}, {"epoch": 2}]).save(path, "run")
    loaded = TrainingState.load(path, "run")
    assert loaded.curve == [{"epoch": 1}] and loaded.wall_seconds == 1.5
    np.testing.assert_array_equal(loaded.variables[0], np.arange(3))


def test_arrays_return_in_their_order_however_many(tmp_path):
    arrays = [np.full((2, index + 1), index, "float32") for index in range(120)]
    TrainingState(variables=arrays, optimiser=arrays[:3], best_weights=arrays[::-1]).save(tmp_path / "state.npz", "run")
    loaded = TrainingState.load(tmp_path / "state.npz", "run")
    for name, expected in (("variables", arrays), ("optimiser", arrays[:3]), ("best_weights", arrays[::-1])):
        assert [array.tolist() for array in getattr(loaded, name)] == [array.tolist() for array in expected]


@pytest.mark.parametrize("place", [0, 30, 200, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("damage", ["a bit", "cut off"])
def test_a_damaged_checkpoint_is_named(tmp_path, place, damage):
    path, arrays = tmp_path / "a-seed0.npz", [np.full((40, 30), index, "float32") for index in range(3)]
    TrainingState(variables=arrays, optimiser=arrays, best_weights=arrays).save(path, "run")
    data = bytearray(path.read_bytes())
    place = int(place * len(data)) if isinstance(place, float) else place
    if damage == "cut off":
        del data[place:]
    else:
        data[place] ^= 2
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"a-seed0\.npz: cannot be read .*remove it, and training starts anew"):
        TrainingState.load(path, "run")


def test_the_checkpoint_of_another_configuration_is_not_used(tmp_path, caplog):
    checkpoint, epochs = tmp_path / "a-seed0.npz", []
    with pytest.raises(InterruptError):
        train(checkpoint=checkpoint, on_epoch=interrupt_after(1))
    preset = changed(epochs=1, learning_rate=0.02)
    with caplog.at_level("WARNING"):
        result = train(preset=preset, checkpoint=checkpoint, on_epoch=lambda entry: epochs.append(entry["epoch"]))
    assert epochs == [1] and "another configuration" in caplog.text and "a-seed0.npz" in caplog.text
    assert len(result[0].validation_curve) == 1


def test_a_checkpoint_belongs_to_all_that_the_training_depends_on(monkeypatch):
    def identity(*arguments, **named):
        def capture(*_, identity, **__):
            raise InterruptError(identity)

        monkeypatch.setattr(stages, "fit", capture)
        with pytest.raises(InterruptError) as captured:
            train(*arguments, **named)
        return captured.value.args[0]

    own = identity()
    assert identity(ShortCorpus(noise="a")) == own, "the test speaker decides whether a checkpoint is used"
    others = [
        identity(seed=1),
        identity(preset=changed(epoch_choice="last")),
        identity(preset=changed(epoch_choice="last", train_on_validation=True)),
        identity(preset=changed(learning_rate=0.02)),
        identity(preset=changed(precision="bfloat16")),
        identity(preset=replace(SMALL, model=replace(SMALL.model, dropout=0.2))),
        identity(fold=protocol.Fold(("c", "d", "e"), "a", "b")),
        identity(fold=protocol.Fold(("c", "d"), "b", "a")),
        identity(ShortCorpus(noise="c")),
        identity(ShortCorpus(noise="b")),
    ]
    assert len({own, *others}) == 1 + len(others)
