"""The training step on JAX: beside the device's matrix product, and several seeds in one compiled step beside one after another.

KERAS_BACKEND=jax python -m experiments.bench.seeds [--system tiny] [--seeds 5] [--precision bfloat16] [--quick]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from data_prep import command
from experiments import catalogue
from experiments.bench.harness import Row, interleaved, table
from experiments.options import Precision
from ser_acrnn.config import Preset

# Rows and columns of the products that find the ceiling; an accelerator needs larger ones than a processor to show what it can do.
MATRIX = {"cpu": 2048}
MATRIX_ON_ACCELERATORS = 8192

# Features `(seeds, batch, 300, mels, channels)` and labels `(seeds, batch)` -> the losses before the step, `(seeds,)`.
Trainer = Callable[[NDArray[np.float32], NDArray[np.int32]], NDArray[np.float32]]


class Seeds:
    """Trainings of one system that differ in their seed: initial weights and dropout.

    Attributes:
        model: The network of the last seed, compiled; its own variables stay as they are.
        states: The variables of each seed: trainable, others, and the optimiser's.
    """

    def __init__(self, preset: Preset, seeds: int) -> None:
        import keras

        from ser_acrnn.training.loop import compile_model
        from ser_acrnn.training.systems import system_of

        method, shape = system_of(preset), preset.features.shape
        self.states = []
        for seed in range(seeds):
            keras.utils.set_random_seed(seed)
            self.model = method.network(np.zeros(shape, np.float32), np.ones(shape, np.float32))
            compile_model(self.model, preset.training, steps=1)
            kinds = (self.model.trainable_variables, self.model.non_trainable_variables, self.model.optimizer.variables)
            self.states.append([[np.asarray(variable.value) for variable in kind] for kind in kinds])

    def one_after_another(self) -> Trainer:
        """Trains each seed by a step of its own, compiled once."""
        import jax

        step, states = jax.jit(self._step, donate_argnums=0), list(self.states)

        def train(features: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.float32]:
            losses = []
            for number, batch in enumerate(zip(features, labels, strict=True)):
                loss, states[number] = step(states[number], batch)
                losses.append(loss)
            return np.array(losses)

        return train

    def ensemble(self) -> Trainer:
        """Trains all seeds by one step over stacked variables."""
        import jax

        step = jax.jit(jax.vmap(self._step), donate_argnums=0)
        stacked = jax.tree.map(lambda *values: np.stack(values), *self.states)

        def train(features: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.float32]:
            nonlocal stacked
            losses, stacked = step(stacked, (features, labels))
            return np.asarray(losses)

        return train

    def _step(self, state: Any, batch: Any) -> Any:
        """Keras's own step as a pure function: variables and a batch -> its loss and the next variables."""
        nothing_yet = [np.zeros(variable.shape, variable.dtype) for variable in self.model.metrics_variables]
        logs, (*after, _) = self.model.train_step((*state, nothing_yet), batch)
        return logs["loss"], after


def rows(system: str, preset: Preset, seeds: int, quick: bool) -> list[Row]:
    """Measures; a training step is counted as three forward passes, two operations a multiply-add.

    Args:
        system: The system's name.
        preset: The system's configuration, in float32 or bfloat16.
        seeds: How many train side by side.
        quick: Only once.
    """
    import jax

    together = Seeds(preset, seeds)
    batch_size, model = preset.training.batch_size, preset.model
    random = np.random.default_rng(0)
    features = random.standard_normal((seeds, batch_size, model.segment_frames, model.mels, model.channels)).astype(np.float32)
    labels = random.integers(0, len(model.emotions), (seeds, batch_size)).astype(np.int32)
    matrix = MATRIX.get(jax.devices()[0].platform, MATRIX_ON_ACCELERATORS)
    ways = {
        "as training takes it": partial(together.model.train_on_batch, features[0], labels[0]),
        "one after another": partial(together.one_after_another(), features, labels),
        "together": partial(together.ensemble(), features, labels),
        "product": _product(matrix, preset.training.precision),
    }
    found = interleaved(ways, rounds=1 if quick else 5)
    operations = 3 * 2 * model.multiply_adds() * batch_size
    ceiling = 2 * matrix**3 / found["product"]
    group = f"training step on JAX, {system}, {preset.training.precision}"
    lines = [Row(group, f"matrix product {matrix} x {matrix}", ceiling / 1e9, "GFLOP/s")]
    for what, seconds, yardstick in (
        ("one seed, as training takes it", found["as training takes it"], None),
        (f"{seeds} seeds one after another, a seed", found["one after another"] / seeds, None),
        (f"{seeds} seeds in one step, a seed", found["together"] / seeds, found["one after another"] / seeds),
    ):
        beside = ("one after another", yardstick / seconds) if yardstick else ("", None)
        lines += [
            Row(group, what, 1000 * seconds, "ms", *beside),
            Row(group, what, operations / seconds / 1e9, "GFLOP/s", "matrix product", operations / seconds / ceiling),
        ]
    return lines


@command.entry
def main(
    system: Annotated[str, typer.Option(help="row of the tables")] = "tiny",
    seeds: Annotated[int, typer.Option(help="trained side by side")] = catalogue.SEEDS,
    precision: Precision = None,
    quick: Annotated[bool, typer.Option("--quick", help="one round: whether it works, not how fast")] = False,
) -> None:
    """Measures, and prints a table."""
    import keras

    from ser_acrnn.training.devices import place

    preset = catalogue.entry(system).preset if system in catalogue.SYSTEMS else None
    if not isinstance(preset, Preset):
        raise typer.BadParameter(f"--system is {system}, expected a convolutional network")
    if seeds < 1:
        raise typer.BadParameter(f"--seeds is {seeds}, expected 1 or more")
    if keras.backend.backend() != "jax":
        raise typer.BadParameter(f"KERAS_BACKEND is {keras.backend.backend()}, expected jax")
    placement = place("auto", preset.training.batch_size)
    precision = placement.precision(precision or preset.training.precision)
    preset = replace(preset, training=replace(preset.training, precision=precision))
    print(f"measuring on {placement.description} ..", file=sys.stderr)
    print(table(rows(system, preset, seeds, quick)))


def _product(size: int, precision: str) -> Callable[[], object]:
    import jax

    left, right = (jax.random.normal(jax.random.key(seed), (size, size), precision) for seed in (0, 1))
    multiply = jax.jit(lambda left, right: left @ right)
    return lambda: multiply(left, right).block_until_ready()


if __name__ == "__main__":
    sys.exit(main())
