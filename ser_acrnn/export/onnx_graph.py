"""A network of `acrnn` as an ONNX graph with the recurrent operator of ONNX, its batch norms' statistics inputs that can be replaced.

`tf2onnx` makes loops of the recurrent layers, by which a segment takes three times as long, and constants of the statistics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper

from ser_acrnn.inference.onnx_network import (
    ATTENTION,
    EMBEDDING,
    HEARD,
    MEAN,
    OF_MEAN,
    OF_VARIANCE,
    POSTERIORS,
    SEGMENTS,
    UNFAMILIARITY,
    VARIANCE,
)
from ser_acrnn.models.layers import AttentionPooling, EmotionPosteriors, Familiarity, NeutralNormalisation, PaddingMask

OPSET, IR_VERSION = 17, 8  # what ONNX Runtime 1.14 reads
LARGE = 1_000  # numbers of an array that is kept in float16 where that changes none of them, as in the `.keras` files that ship


class GraphError(ValueError):
    """A network that has no such graph; the message names the layer."""


def graph_of(model: keras.Model, properties: Mapping[str, str]) -> onnx.ModelProto:
    """Builds the graph.

    Args:
        model: A network of `ser_acrnn.models.networks.acrnn`, in float32.
        properties: What the file is to tell of itself, by name.

    Returns:
        Segments `(batch, frames, mels, channels)`, named `segments` -> `emotion`, `(batch, emotions)`; `attention`, `(batch, steps)`;
        `embedding`, `(batch, units)`; of a network that has a layer `familiarity`, `unfamiliarity`, `(batch,)`; and, of each batch norm,
        what goes into it, `(batch, ..., channels)`. Mean and variance of each, which are outputs too, are further inputs, those of
        training by default. The names are those of `ser_acrnn.inference.onnx_network`.

    Raises:
        GraphError: It has a layer that `acrnn` does not make in float32, or whose normalisation is computed from the segment.
    """
    graph = _Graph(model)
    _cut_padding(graph, model)
    for layer in model.layers:
        write = next((write for kind, write in _WRITERS.items() if type(layer) is kind), None)
        if write is None or layer.compute_dtype != "float32":
            raise GraphError(
                f"{model.name}: its layer {layer.name!r} is a {type(layer).__name__} in {layer.compute_dtype}, expected the layers of "
                "ser_acrnn.acrnn in float32"
            )
        write(graph, layer)
    made = graph.proto()
    helper.set_model_props(made, dict(properties))
    onnx.checker.check_model(made)
    return made


class _Graph:
    """The graph so far: its last value, and which of `(batch, channels, frames, mels)` and `(batch, frames, ..)` that has."""

    def __init__(self, model: keras.Model) -> None:
        self.name = model.name
        self.nodes: list[onnx.NodeProto] = []
        self.values: list[onnx.TensorProto] = []
        self.inputs = [helper.make_tensor_value_info(SEGMENTS, TensorProto.FLOAT, ["batch", *model.input_shape[1:]])]
        self.outputs: dict[str, tuple[Any, ...]] = {}
        self.last = SEGMENTS
        self.loudest = self.node("ReduceMax", self.node("Abs", SEGMENTS), axes=(2, 3), keepdims=0)  # of each frame; zero in padding
        self.steps = ""  # that are left where frames are cut off
        self.mask = ""
        self.channels_first = False
        self.batch_norms = 0

    def proto(self) -> onnx.ModelProto:
        outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name, shape in self.outputs.items()]
        made = helper.make_graph(self.nodes, self.name, self.inputs, outputs, self.values)
        return helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Adds an operator, and returns the name of what it computes."""
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, value: ArrayLike, kind: type = np.float32) -> str:
        """Adds numbers, and returns their name."""
        array: NDArray[Any] = np.asarray(value, kind)
        name = f"constant_{len(self.values)}"
        with np.errstate(over="ignore"):  # what is beyond its range is not the same
            half = array.astype(np.float16)
        if array.size < LARGE or kind is not np.float32 or not np.array_equal(half.astype(kind), array):
            self.values.append(numpy_helper.from_array(array, name))
            return name
        self.values.append(numpy_helper.from_array(half, name))
        return self.node("Cast", name, to=TensorProto.FLOAT)

    def replaceable(self, value: NDArray[np.float32], name: str) -> str:
        """Adds numbers that whoever runs the graph can replace."""
        self.values.append(numpy_helper.from_array(value, name))
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape))
        return name

    def output(self, name: str, value: str, shape: tuple[Any, ...]) -> None:
        """Shows a value to whoever runs the graph."""
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs[name] = shape

    def channels_last(self) -> str:
        """The last value with its channels last."""
        if self.channels_first:
            self.last, self.channels_first = self.node("Transpose", self.last, perm=(0, 2, 3, 1)), False
        return self.last


def _array(weight: Any) -> NDArray[np.float32]:
    return np.asarray(keras.ops.convert_to_numpy(weight), np.float32)


def _nothing(graph: _Graph, layer: keras.layers.Layer) -> None:
    """Input and dropout change nothing."""


def _cut_padding(graph: _Graph, model: keras.Model) -> None:
    """Cuts off what is padding in all segments of a batch, but for what reaches their last steps through the convolutions.

    Recordings that are shorter than a segment take less time so. Where batch norm hears each frame, it hears the padding as well.
    """
    mask = next((layer for layer in model.layers if isinstance(layer, PaddingMask)), None)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    if mask is None or any(len(layer.input.shape) > 2 for layer in norms):
        return
    frames, pooling, reach, stride = mask.input.shape[1], mask.pooling, 0, 1
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            reach += layer.kernel_size[0] // 2 * stride
        elif isinstance(layer, keras.layers.MaxPooling2D):
            stride *= layer.pool_size[0]
    every = graph.constant([frames], np.int64)
    real = graph.node("Cast", graph.node("Greater", graph.loudest, graph.constant(0)), to=TensorProto.INT64)
    last = graph.node("ReduceMax", graph.node("Mul", real, graph.constant(np.arange(1, frames + 1), np.int64)), axes=(1,), keepdims=0)
    some = graph.node("Greater", last, graph.constant(0, np.int64))  # of nothing but padding, all frames are heard alike
    longest = graph.node("ReduceMax", graph.node("Where", some, last, every), axes=(0,), keepdims=1)
    size = graph.constant([pooling], np.int64)
    further = graph.constant([pooling - 1 + -(-reach // pooling) * pooling], np.int64)
    steps = graph.node("Div", graph.node("Add", longest, further), size)
    end = graph.node("Min", graph.node("Mul", steps, size), every)
    graph.steps = graph.node("Div", end, size)
    graph.last = _up_to(graph, SEGMENTS, end)
    graph.loudest = _up_to(graph, graph.loudest, end)


def _up_to(graph: _Graph, value: str, end: str, axis: int = 1) -> str:
    return graph.node("Slice", value, graph.constant([0], np.int64), end, graph.constant([axis], np.int64))


def _padding(graph: _Graph, layer: PaddingMask) -> None:
    loudest, whole = graph.loudest, layer.output.shape[1] * layer.pooling
    if whole < layer.input.shape[1]:
        loudest = _up_to(graph, loudest, graph.constant([whole], np.int64))
    pooled = graph.node("Reshape", loudest, graph.constant([0, -1, layer.pooling], np.int64))
    graph.mask = graph.node("Greater", graph.node("ReduceMax", pooled, axes=(2,), keepdims=0), graph.constant(0))


def _normalise(graph: _Graph, layer: NeutralNormalisation) -> None:
    if layer.scope == "segment":
        expected = "expected by training, the utterance or the speaker"
        raise GraphError(f"{graph.name}: its layer {layer.name!r} normalises by the segment, {expected}")
    centred = graph.node("Sub", graph.last, graph.constant(_array(layer.mean)))
    normalised = graph.node("Div", centred, graph.constant(np.sqrt(_array(layer.variance))))
    real = graph.node("Unsqueeze", graph.node("Greater", graph.loudest, graph.constant(0)), graph.constant([2, 3], np.int64))
    graph.last = graph.node("Where", real, normalised, graph.constant(0))


def _convolution(graph: _Graph, layer: keras.layers.Conv2D) -> None:
    kernel, bias = (_array(weight) for weight in (layer.kernel, layer.bias))
    if not graph.channels_first:
        graph.last, graph.channels_first = graph.node("Transpose", graph.last, perm=(0, 3, 1, 2)), True
    more = [size - 1 for size in layer.kernel_size]
    pads = [*(total // 2 for total in more), *(total - total // 2 for total in more)]
    graph.last = graph.node("Conv", graph.last, graph.constant(kernel.transpose(3, 2, 0, 1)), graph.constant(bias), pads=pads)


def _pooling(graph: _Graph, layer: keras.layers.MaxPooling2D) -> None:
    graph.last = graph.node("MaxPool", graph.last, kernel_shape=layer.pool_size, strides=layer.strides)


def _leaky(graph: _Graph, layer: keras.layers.LeakyReLU) -> None:
    graph.last = graph.node("LeakyRelu", graph.last, alpha=float(layer.negative_slope))


def _flatten(graph: _Graph, layer: keras.layers.Reshape) -> None:
    graph.last = graph.node("Reshape", graph.channels_last(), graph.constant([0, -1, *layer.target_shape[1:]], np.int64))


def _dense(graph: _Graph, layer: keras.layers.Dense) -> None:
    product = graph.node("MatMul", graph.last, graph.constant(_array(layer.kernel)))
    graph.last = graph.node("Add", product, graph.constant(_array(layer.bias)))


def _batch_norm(graph: _Graph, layer: keras.layers.BatchNormalization) -> None:
    number, first = graph.batch_norms, graph.channels_first
    graph.batch_norms += 1
    heard = graph.node("Transpose", graph.last, perm=(0, 2, 3, 1)) if first else graph.last
    graph.output(HEARD.format(number), heard, ("batch", *layer.input.shape[1:]))
    mean = graph.replaceable(_array(layer.moving_mean), MEAN.format(number))
    variance = graph.replaceable(_array(layer.moving_variance), VARIANCE.format(number))
    graph.output(OF_MEAN.format(number), mean, layer.moving_mean.shape)
    graph.output(OF_VARIANCE.format(number), variance, layer.moving_variance.shape)
    spread = graph.node("Sqrt", graph.node("Add", variance, graph.constant(layer.epsilon)))
    scale = graph.node("Div", graph.constant(_array(layer.gamma)), spread)
    shift = graph.node("Sub", graph.constant(_array(layer.beta)), graph.node("Mul", mean, scale))
    if first:
        scale, shift = (graph.node("Unsqueeze", value, graph.constant([1, 2], np.int64)) for value in (scale, shift))
    graph.last = graph.node("Add", graph.node("Mul", graph.last, scale), shift)


def _recurrent(graph: _Graph, layer: keras.layers.Bidirectional) -> None:
    kernels, recurrent, biases = [], [], []
    for direction in (layer.forward_layer, layer.backward_layer):
        cell = direction.cell
        order = np.concatenate([np.arange(cell.units) + gate * cell.units for gate in (0, 3, 1, 2)])  # ONNX has the output gate second
        kernels.append(_array(cell.kernel).T[order])
        recurrent.append(_array(cell.recurrent_kernel).T[order])
        biases.append(np.concatenate([_array(cell.bias)[order], np.zeros(4 * cell.units, np.float32)]))
    weights = [graph.constant(np.stack(values)) for values in (kernels, recurrent, biases)]
    by_time = graph.node("Transpose", graph.last, perm=(1, 0, 2))
    lengths = [_lengths(graph, layer.output.shape[1])] if graph.mask else []
    found = graph.node("LSTM", by_time, *weights, *lengths, direction="bidirectional", hidden_size=layer.forward_layer.units)
    in_order = graph.node("Transpose", found, perm=(2, 0, 1, 3))  # (steps, directions, batch, units) before
    graph.last = graph.node("Reshape", in_order, graph.constant([0, 0, -1], np.int64))


def _lengths(graph: _Graph, steps: int) -> str:
    """How many steps there are up to the last real one, `(batch,)`."""
    numbers = graph.constant(np.arange(1, steps + 1), np.int32)
    numbers = _up_to(graph, numbers, graph.steps, axis=0) if graph.steps else numbers
    place = graph.node("Mul", graph.node("Cast", graph.mask, to=TensorProto.INT32), numbers)
    return graph.node("ReduceMax", place, axes=(1,), keepdims=0)


def _attention(graph: _Graph, layer: AttentionPooling) -> None:
    scores = graph.node("MatMul", graph.last, graph.constant(_array(layer.kernel)))
    if layer.form == "released-code":
        gated = graph.node("Sigmoid", graph.node("Add", scores, graph.constant(_array(layer.bias))))
        scores = graph.node("MatMul", gated, graph.constant(_array(layer.context)))
    scores = graph.node("Squeeze", scores, graph.constant([2], np.int64))
    if graph.mask:
        scores = graph.node("Where", graph.mask, scores, graph.constant(-1e9))
    weights = graph.node("Softmax", scores, axis=1)
    steps, shown = layer.output[1].shape[1], weights
    if graph.steps:
        lacking = graph.node("Sub", graph.constant([steps], np.int64), graph.steps)
        shown = graph.node("Pad", weights, graph.node("Concat", graph.constant([0, 0, 0], np.int64), lacking, axis=0))
    graph.output(ATTENTION, shown, ("batch", steps))
    row = graph.node("Unsqueeze", weights, graph.constant([1], np.int64))
    graph.last = graph.node("Squeeze", graph.node("MatMul", row, graph.last), graph.constant([1], np.int64))


def _familiarity(graph: _Graph, layer: Familiarity) -> None:
    centred = graph.node("Sub", graph.last, graph.constant(_array(layer.mean)))
    whitened = graph.node("MatMul", centred, graph.constant(_array(layer.whitening)))
    distance = graph.node("ReduceSumSquare", whitened, axes=(1,), keepdims=0)
    graph.output(UNFAMILIARITY, graph.node("Div", distance, graph.constant(_array(layer.limit))), ("batch",))


def _emotion(graph: _Graph, layer: EmotionPosteriors) -> None:
    graph.output(EMBEDDING, graph.last, ("batch", *layer.input.shape[1:]))
    _dense(graph, layer)
    graph.output(POSTERIORS, graph.node("Softmax", graph.last, axis=1), ("batch", *layer.output.shape[1:]))


_WRITERS: dict[type, Callable[[_Graph, Any], None]] = {
    keras.layers.InputLayer: _nothing,
    keras.layers.Dropout: _nothing,
    PaddingMask: _padding,
    NeutralNormalisation: _normalise,
    keras.layers.Conv2D: _convolution,
    keras.layers.MaxPooling2D: _pooling,
    keras.layers.LeakyReLU: _leaky,
    keras.layers.Reshape: _flatten,
    keras.layers.Dense: _dense,
    keras.layers.BatchNormalization: _batch_norm,
    keras.layers.Bidirectional: _recurrent,
    AttentionPooling: _attention,
    Familiarity: _familiarity,
    EmotionPosteriors: _emotion,
}
