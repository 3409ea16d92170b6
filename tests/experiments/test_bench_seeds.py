"""Several seeds in one compiled step compute what each computes by itself; on JAX, in a process without TensorFlow."""

import json

import pytest
from layer_check import NO_JAX, jax_python, run_on_jax
from short_corpus import SMALL

from experiments.bench import seeds

pytestmark = pytest.mark.stochastic

COMPUTE = """
import json
from dataclasses import replace
import numpy as np
from experiments.bench import seeds
from experiments.bench.seeds import Seeds, rows
from short_corpus import SMALL

table = replace(SMALL.model, batch_norm=("conv", "linear", "embedding"), dropout=0.3, mask_padding=True)
preset = replace(SMALL, model=table)
random = np.random.default_rng(0)
data = [(random.normal(size=(3, 16, 40, 8, 3)).astype("float32"), random.integers(0, 3, (3, 16)).astype("int32")) for _ in range(4)]
for values in data[0]:
    values[1] = values[0]
trained = Seeds(preset, 3)
trained.states[1][0] = trained.states[0][0]  # the first two begin with the same weights and hear the same batch
before = [variable.numpy().copy() for variable in trained.model.variables]
ways = {"one": trained.one_after_another(), "together": trained.ensemble()}
found = {name: [train(*batch).tolist() for batch in data] for name, train in ways.items()}

# The last seed's network is still as new: Keras's own training of it gives the same losses.
assert all(np.array_equal(variable.numpy(), value) for variable, value in zip(trained.model.variables, before, strict=True))
found["keras"] = [float(trained.model.train_on_batch(features[2], labels[2])) for features, labels in data]

seeds.MATRIX = {"cpu": 64}
found["rows"] = [[row.what, row.figure, row.unit, row.yardstick, row.ratio] for row in rows("small", SMALL, 2, quick=True)]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found():
    if jax_python() is None:
        pytest.skip(NO_JAX)
    return json.loads(run_on_jax(COMPUTE).splitlines()[-1])


def test_one_step_of_several_seeds_computes_what_a_step_of_each_does(found):
    for one, together in zip(found["one"], found["together"], strict=True):
        assert together == pytest.approx(one, abs=1e-5)
    assert [losses[2] for losses in found["one"]] == pytest.approx(found["keras"], abs=1e-5)


def test_seeds_differ_in_their_dropout(found):
    """Of one and the same batch, with the weights of one seed, losses differ by dropout alone."""
    first, second, _ = found["together"][0]
    assert abs(first - second) > 1e-3


def test_the_measurements_are_figures_that_can_be_true(found):
    table = {(what, unit): (figure, yardstick, ratio) for what, figure, unit, yardstick, ratio in found["rows"]}
    assert all(figure > 0 for figure, _, _ in table.values())
    product, _, _ = table["matrix product 64 x 64", "GFLOP/s"]
    one, together = table["2 seeds one after another, a seed", "ms"], table["2 seeds in one step, a seed", "ms"]
    assert together[1:] == ("one after another", pytest.approx(one[0] / together[0]))
    for what in ("one seed, as training takes it", "2 seeds one after another, a seed", "2 seeds in one step, a seed"):
        speed, yardstick, ratio = table[what, "GFLOP/s"]
        assert yardstick == "matrix product" and ratio == pytest.approx(speed / product)
        operations = 3 * 2 * SMALL.model.multiply_adds() * SMALL.training.batch_size
        assert speed * 1e9 * table[what, "ms"][0] / 1e3 == pytest.approx(operations)


@pytest.mark.parametrize(
    "words, complaint",
    [("--system dnn-elm", "--system is dnn-elm, expected a convolutional network"), ("--seeds 0", "--seeds is 0, expected 1 or more")],
)
def test_wrong_arguments_end_in_one_sentence(words, complaint, capsys):
    assert seeds.main(words.split()) == 2
    assert complaint in capsys.readouterr().err


def test_another_backend_is_refused(capsys, monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "tensorflow")
    assert seeds.main([]) == 2
    assert "KERAS_BACKEND is tensorflow, expected jax" in capsys.readouterr().err
