"""Where a network trains: on one device, or on several of this host that share every batch (`tf.distribute.MirroredStrategy`).

Replicas compute what one device would: each takes its rows of the batch, batch norm and dropout see the whole batch, and the loss is
the mean over it. They train a mirrored copy of the network. The network itself stays an ordinary one on one device, so that
validation, judging, checkpoints and files know nothing of replicas.
"""

from __future__ import annotations

import json
import os
import platform
import re
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras
from numpy.typing import NDArray
from typing_extensions import override

ONE_HOST = (
    "Keras 3 does not work with tf.distribute.MultiWorkerMirroredStrategy (https://github.com/keras-team/keras/issues/20585); "
    "several hosts can share a grid's runs, not one run"
)


class DevicesError(ValueError):
    """Devices that cannot be had; the message names what was asked for, what is there and what was expected."""


@dataclass(frozen=True)
class Placement:
    """Where a run computes; by default wherever the backend chooses to.

    Attributes:
        description: For people, such as `"2 x gpu: NVIDIA A100"`.
        kind: `"cpu"` or `"gpu"`; None leaves it to the backend.
        replicas: Devices of that kind that share each batch.
        bfloat16: Whether all of them have units for bfloat16; False where that cannot be told.
    """

    description: str = ""
    kind: str | None = None
    replicas: int = 1
    bfloat16: bool = False

    def precision(self, asked: Literal["auto", "float32", "bfloat16"]) -> Literal["float32", "bfloat16"]:
        """The precision to compute in.

        Args:
            asked: `TrainConfig.precision`; `"auto"` is bfloat16 where there are units for it. Without them it is emulated, and slower
                than float32.
        """
        if asked != "auto":
            return asked
        return "bfloat16" if self.bfloat16 else "float32"

    def scope(self) -> AbstractContextManager[Any]:
        """Where all that is not replicated is computed; a backend takes the first GPU by itself."""
        return keras.device("cpu:0") if self.kind == "cpu" else nullcontext()

    def learner(self, network: keras.Model) -> Learner:
        """What trains a network here, freshly compiled."""
        return Learner(network) if self.replicas == 1 else MirroredLearner(network, self)


DEFAULT_PLACEMENT = Placement()

CPUINFO = Path("/proc/cpuinfo")
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}  # what it calls such units of x86 processors, and of arm64's
BFLOAT16_CAPABILITY = 8  # the first major compute capability of NVIDIA's GPUs with such units: Ampere


def place(devices: str, batch_size: int) -> Placement:
    """Finds devices of this host.

    Args:
        devices: `"auto"`: one device, the first GPU if there is one; more have to be asked for, because the runs of a grid are
            independent and finish sooner side by side. `"cpu"`. `"gpu:N"`: N GPUs. `"cpu:N"`: N logical CPUs, to test replicas with;
            TensorFlow divides the processor at its start only.
        batch_size: What the replicas share.

    Raises:
        DevicesError: They are not there, cannot share the batch, or are of several hosts, which Keras 3 cannot train on.
    """
    _refuse_several_hosts(devices)
    found = re.fullmatch(r"auto|cpu|(cpu|gpu):([1-9]\d*)", devices)
    if not found:
        raise DevicesError(f"devices is {devices!r}, expected 'auto', 'cpu', 'gpu:N', or for tests 'cpu:N'")
    kind, replicas = found[1] or (None if devices == "auto" else "cpu"), int(found[2] or 1)
    if batch_size % replicas:
        raise DevicesError(f"devices is {devices!r} and batch_size is {batch_size}, expected replicas that share a batch evenly")
    if keras.backend.backend() != "jax":
        description, bfloat16 = _on_tensorflow(devices, kind, replicas)
        return Placement(description, kind, replicas, bfloat16)
    if replicas > 1:
        raise DevicesError(
            f"devices is {devices!r}, expected one device on the JAX backend: replicas need tf.distribute, hence KERAS_BACKEND=tensorflow"
        )
    description, bfloat16 = _on_jax(devices, kind)
    return Placement(description, kind, bfloat16=bfloat16)


class Learner:
    """Trains a compiled network on one device.

    Attributes:
        model: What is trained, with the optimiser's state: the network itself.
    """

    def __init__(self, network: keras.Model) -> None:
        self.model = network

    def step(self, features: NDArray, labels: NDArray) -> float:
        """Trains on a batch; returns its mean loss before the step."""
        return float(self.model.train_on_batch(features, labels))

    def publish(self) -> None:
        """Gives the network the weights that were learned."""


class MirroredLearner(Learner):
    """Trains a copy of a compiled network on several devices, each of which takes its rows of a batch.

    Keras's `train_on_batch` would give every replica the whole batch, and its dropout would give every replica the same mask.

    Attributes:
        model: The mirrored copy, variable for variable that of the network.
    """

    def __init__(self, network: keras.Model, placement: Placement) -> None:
        import tensorflow as tf

        self.network = network
        # Not TensorFlow's default: the keys of its collective operations clash with those of an earlier run in the same process.
        self.strategy = tf.distribute.MirroredStrategy(
            [f"/{placement.kind}:{number}" for number in range(placement.replicas)], tf.distribute.ReductionToOneDevice()
        )
        with self.strategy.scope():
            self.model = keras.models.clone_model(network, clone_function=_for_replicas)
        for variable, original in zip(self.model.variables, network.variables, strict=True):
            variable.assign(keras.ops.convert_to_numpy(original))

        def step(features: Any, labels: Any) -> Any:
            logs = self.strategy.run(self.model.train_step, args=((features, labels),))
            return self.strategy.reduce(tf.distribute.ReduceOp.MEAN, logs["loss"], axis=None)

        self._step = tf.function(step, autograph=False)

    @override
    def step(self, features: NDArray, labels: NDArray) -> float:
        import tensorflow as tf

        rows = len(features) // self.strategy.num_replicas_in_sync

        def share(context: Any) -> tuple[Any, Any]:
            first = context.replica_id_in_sync_group * rows
            return tf.constant(features[first : first + rows]), tf.constant(labels[first : first + rows])

        self.model.reset_metrics()
        return float(self._step(*self.strategy.experimental_distribute_values_from_function(share)))

    @override
    def publish(self) -> None:
        self.network.set_weights(self.model.get_weights())


class BatchDropout(keras.layers.Dropout):
    """A replica's rows of the mask that one device would draw for the whole batch."""

    @override
    def call(self, inputs: Any, training: bool = False) -> Any:
        import tensorflow as tf

        replica = tf.distribute.get_replica_context()
        if not training or replica is None:
            return super().call(inputs, training=training)
        rows = tf.shape(inputs)[0]
        batch = tf.ones((rows * replica.num_replicas_in_sync, *inputs.shape[1:]), inputs.dtype)
        first = replica.replica_id_in_sync_group * rows
        return inputs * super().call(batch, training=True)[first : first + rows]


def _for_replicas(layer: keras.layers.Layer) -> keras.layers.Layer:
    config = layer.get_config()
    if type(layer) is keras.layers.Dropout:
        return BatchDropout.from_config(config)
    if type(layer) is keras.layers.BatchNormalization:
        return keras.layers.BatchNormalization.from_config({**config, "synchronized": True})
    return type(layer).from_config(config)


def _refuse_several_hosts(devices: str) -> None:
    try:
        cluster = json.loads(os.environ.get("TF_CONFIG") or "{}").get("cluster", {})
        tasks = sum(len(addresses) for addresses in cluster.values())
    except (ValueError, AttributeError, TypeError) as error:
        raise DevicesError(f"TF_CONFIG is {os.environ['TF_CONFIG']!r}, expected the JSON of a cluster, or that it is not set") from error
    if tasks > 1:
        raise DevicesError(f"TF_CONFIG names a cluster of {tasks} tasks, expected one: {ONE_HOST}")
    if devices.startswith("multi-worker"):
        raise DevicesError(f"devices is {devices!r}, expected devices of one host: {ONE_HOST}")


def _on_tensorflow(devices: str, kind: str | None, replicas: int) -> tuple[str, bool]:
    """Describes the devices, and says whether they have units for bfloat16."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if kind == "gpu" and len(gpus) < replicas:
        raise DevicesError(f"devices is {devices!r} and TensorFlow finds {len(gpus)} GPUs, expected {replicas} or more")
    if kind != "cpu" and gpus:
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus[:replicas]]
        names = ", ".join(sorted({detail.get("device_name", "unknown") for detail in details}))
        bfloat16 = all(detail.get("compute_capability", (0, 0))[0] >= BFLOAT16_CAPABILITY for detail in details)
        return (f"gpu: {names}" if replicas == 1 else f"{replicas} x gpu: {names}"), bfloat16
    if replicas == 1:
        return _processor()
    try:
        logical = [tf.config.LogicalDeviceConfiguration()] * replicas
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], logical)
    except RuntimeError:  # it has started; perhaps with as many
        pass
    started = len(tf.config.list_logical_devices("CPU"))
    if started < replicas:
        raise DevicesError(f"devices is {devices!r} and TensorFlow has started with {started} logical CPU, expected a fresh process")
    description, bfloat16 = _processor()
    return f"{replicas} x logical {description}", bfloat16


def _on_jax(devices: str, kind: str | None) -> tuple[str, bool]:
    """The device that JAX has first of a kind, and whether it has units for bfloat16."""
    import jax

    try:
        first = jax.devices(kind)[0]
    except RuntimeError as error:
        raise DevicesError(f"devices is {devices!r} and JAX finds none, expected 'auto' or 'cpu': {error}") from error
    if first.platform == "cpu":
        return _processor()
    capability = re.match(r"\d+", str(getattr(first, "compute_capability", "")))  # "8.0"; an AMD GPU has "gfx90a" there
    bfloat16 = first.platform == "tpu" or (capability is not None and int(capability[0]) >= BFLOAT16_CAPABILITY)
    return f"{first.platform}: {first.device_kind}", bfloat16


def _processor() -> tuple[str, bool]:
    """The processor's name and number of cores, and whether it has units for bfloat16."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    name = facts.get("model name") or platform.processor() or platform.machine()
    flags = facts.get("flags", facts.get("Features", "")).split()  # x86's word for them, and arm64's
    return f"cpu: {name}, {os.cpu_count()} cores", bool(BFLOAT16_FLAGS & set(flags))
