"""The networks against the paper's table: parameters, names, shapes, padding, and what survives a file and a fresh process."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from layer_check import evaluate, randomise, run_python

from ser_acrnn.config import EMODB_EMOTIONS, PRESETS, ModelConfig, paper_conv
from ser_acrnn.models.networks import acrnn, dnn, with_attention

pytestmark = pytest.mark.stochastic

SMALL = ModelConfig(
    emotions=("angry", "sad", "happy"),
    conv=((4, 2, 2),),
    linear_units=8,
    blstm_units=4,
    embedding_units=6,
    segment_frames=40,
    mels=8,
)


def build(config=SMALL, *, seed=0, **arguments):
    """A network whose every weight differs from its neutral value, and whose attention is uneven."""
    keras.utils.set_random_seed(seed)
    model = acrnn(config, **arguments)
    rng = np.random.default_rng(seed)
    model.set_weights([value + 0.3 * np.abs(rng.normal(size=value.shape)) for value in model.get_weights()])
    randomise(model.get_layer("attention"))
    return model


def segments(config=SMALL, *, count=3, frames=None, seed=1):
    """Random segments, of which the first `frames` are real."""
    values = np.random.default_rng(seed).normal(size=(count, config.segment_frames, config.mels, config.channels)).astype("float32")
    if frames is not None:
        values[:, frames:] = 0
    return values


def parameters(*, conv, classes, channels=3, linear=768, cells=128, embedding=64, released=False, mels=40):
    """What the paper's section II-B amounts to; `conv` is a row (maps, pooling over mels) a layer."""
    total, maps_below, height = 2 * mels * channels, channels, mels  # mean and variance of each coefficient
    for maps, pool in conv:
        total += 5 * 3 * maps_below * maps + maps
        maps_below, height = maps, height // pool
    total += height * maps_below * linear + linear
    total += 2 * 4 * ((linear + cells) * cells + cells)  # two directions, four gates: input, state, bias
    total += 2 * cells + (2 if released else 0)  # W; u and b
    total += 2 * cells * embedding + embedding
    total += 4 * (linear if released else embedding)  # batch norm: scale, shift, two moving statistics
    return total + embedding * classes + classes


CONVOLUTIONS = {layers: [(128, 2), *[(256, 1)] * (layers - 1)] for layers in range(1, 8)}
RELEASED = [(128, 4), *[(256, 1)] * 5]


@pytest.mark.parametrize(
    "name, counted, expected",
    [
        ("paper-emodb", parameters(conv=CONVOLUTIONS[5], classes=7), 8_316_663),
        ("paper-iemocap", parameters(conv=CONVOLUTIONS[6], classes=4), 9_299_764),
        ("released-code", parameters(conv=RELEASED, classes=4, released=True), 7_336_502),
        ("tiny", parameters(conv=[(16, 2), (32, 2)], classes=7, linear=64, cells=32), 58_999),
    ],
)
def test_the_presets_have_the_parameters_of_their_description(name, counted, expected):
    model = acrnn(PRESETS[name].model)
    assert model.count_params() == counted == expected
    assert model.input_shape == (None, 300, 40, 3)
    assert model.output_shape == (None, len(PRESETS[name].model.emotions))
    assert model.get_layer("emotion").emotions == PRESETS[name].model.emotions


@pytest.mark.parametrize("layers", range(1, 8))
@pytest.mark.parametrize("channels", [3, 1])
def test_every_row_of_table_1_in_3d_and_2d(layers, channels):
    model = acrnn(ModelConfig(conv=paper_conv(layers), channels=channels))
    expected = parameters(conv=CONVOLUTIONS[layers], classes=7, channels=channels)
    assert model.count_params() == expected
    if (layers, channels) == (1, 3):
        assert expected == 2_908_919
    assert model.input_shape == (None, 300, 40, channels)
    # "Names": fine-tuning addresses the layers by them.
    convolutions = [f"conv_{number}" for number in range(1, layers + 1)]
    named = ["normalise", *convolutions, "pool_1", "linear", "blstm", "attention", "embedding", "emotion"]
    assert set(named) <= {layer.name for layer in model.layers}
    assert [layer.name for layer in model.layers if layer.name.startswith("pool")] == ["pool_1"]
    assert [model.get_layer(name).filters for name in convolutions] == [128, *[256] * (layers - 1)]
    assert model.get_layer("pool_1").output.shape == (None, 150, 20, 128)
    assert model.get_layer(f"conv_{layers}").output.shape[1:3] == ((150, 20) if layers > 1 else (300, 40))
    assert model.get_layer("linear").output.shape == (None, 150, 768)
    assert model.get_layer("blstm").output.shape == (None, 150, 256)
    assert model.get_layer("attention").output[0].shape == (None, 256)
    assert model.get_layer("embedding").output.shape == (None, 64)


def test_each_preset_normalises_batches_where_it_says_and_nowhere_else():
    def places(config):
        return [layer.name for layer in acrnn(config).layers if isinstance(layer, keras.layers.BatchNormalization)]

    assert places(PRESETS["paper-emodb"].model) == ["embedding_batch_norm"]
    assert places(PRESETS["released-code"].model) == ["linear_batch_norm"]
    assert places(replace(SMALL, batch_norm=())) == []
    assert acrnn(replace(SMALL, batch_norm_momentum=0.7)).get_layer("embedding_batch_norm").momentum == 0.7
    everywhere = replace(SMALL, conv=((4, 2, 2), (4, 1, 1)), batch_norm=("conv", "linear", "embedding"))
    assert places(everywhere) == ["conv_1_batch_norm", "conv_2_batch_norm", "linear_batch_norm", "embedding_batch_norm"]


def test_the_released_code_pools_mels_by_four_and_scores_with_its_own_attention():
    model = acrnn(PRESETS["released-code"].model)
    assert model.get_layer("pool_1").output.shape == (None, 150, 10, 128)
    assert model.get_layer("attention").form == "released-code"
    assert acrnn(PRESETS["paper-emodb"].model).get_layer("attention").form == "paper"


def test_the_slope_of_every_activation_is_that_of_the_released_code():
    model = acrnn(ModelConfig(conv=paper_conv(2)))
    activations = [layer for layer in model.layers if layer.name.endswith("_activation")]
    assert [layer.name for layer in activations] == ["conv_1_activation", "conv_2_activation", "linear_activation", "embedding_activation"]
    for layer in activations:
        np.testing.assert_allclose(np.asarray(layer(np.array([[-2.0, 3.0]], "float32"))), [[-0.02, 3.0]], rtol=1e-6)


def test_padding_is_masked_in_no_paper_preset_and_dropout_is_in_none():
    for name in ("paper-emodb", "paper-iemocap", "released-code"):
        names = {layer.name for layer in acrnn(PRESETS[name].model).layers}
        assert "padding" not in names and not any("dropout" in other for other in names)
    tiny = {layer.name for layer in acrnn(PRESETS["tiny"].model).layers}
    assert {"padding", "linear_dropout", "attention_dropout", "embedding_dropout"} <= tiny


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_posteriors_are_float32_and_sum_to_one(precision):
    model = build(precision=precision)
    (posteriors,) = evaluate(model, [segments()])
    assert posteriors.dtype == np.float32 and posteriors.shape == (3, 3)
    np.testing.assert_allclose(posteriors.sum(axis=1), 1, atol=1e-6)
    assert {weight.dtype for weight in model.trainable_weights} == {"float32"}


@pytest.mark.parametrize("network", [acrnn, dnn])
def test_an_unknown_precision_is_refused(network):
    with pytest.raises(ValueError, match="precision is 'auto', expected 'float32' or 'bfloat16'"):
        network(precision="auto")


@pytest.mark.parametrize("batch_norm, last", [((), "conv_1_activation"), (("conv",), "pool_1")])
def test_pooling_takes_the_maxima_of_what_is_activated(batch_norm, last):
    model = acrnn(replace(SMALL, conv=((6, 2, 2),), batch_norm=batch_norm))
    before = model.get_layer("conv_1_batch_norm" if batch_norm else "conv_1").output
    convolved, pooled = evaluate(keras.Model(model.input, [before, model.get_layer(last).output]), [segments()])
    activated = np.where(convolved > 0, convolved, 0.01 * convolved)
    batch, steps, mels, maps = pooled.shape
    windows = activated[:, : 2 * steps, : 2 * mels].reshape(batch, steps, 2, mels, 2, maps)
    np.testing.assert_allclose(pooled, windows.max(axis=(2, 4)), rtol=1e-6)


def test_bfloat16_computes_in_bfloat16_all_but_normalisation_and_softmax():
    exact, rounded = acrnn(SMALL), acrnn(SMALL, precision="bfloat16")
    rounded.set_weights(exact.get_weights())
    computed = {layer.name: layer.compute_dtype for layer in rounded.layers}
    for name in ("conv_1", "linear", "blstm", "attention", "embedding"):
        assert computed[name] == "bfloat16"
    for name in ("normalise", "embedding_batch_norm", "emotion"):
        assert computed[name] == "float32"
    (posteriors,), (expected,) = evaluate(rounded, [segments()]), evaluate(exact, [segments()])
    np.testing.assert_allclose(posteriors, expected, atol=0.02)
    assert not np.array_equal(posteriors, expected)


def test_fitted_statistics_are_what_the_network_sees():
    inputs = segments()
    plain, fitted = build(), build()
    for model in (plain, fitted):
        model.get_layer("normalise").set_statistics(np.zeros((8, 3)), np.ones((8, 3)))
    mean, variance = np.linspace(-1, 1, 24).reshape(8, 3), np.linspace(0.5, 2, 24).reshape(8, 3)
    fitted.get_layer("normalise").set_statistics(mean, variance)
    np.testing.assert_allclose(fitted(inputs), plain((inputs - mean) / np.sqrt(variance)), atol=1e-5)
    assert not np.allclose(fitted(inputs), plain(inputs), atol=1e-3)


def leaky(x):
    return np.where(x > 0, x, 0.01 * x)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(x, kernel, recurrent, bias):
    state = cell = np.zeros((len(x), len(recurrent)))
    outputs = []
    for step in range(x.shape[1]):
        into, forget, candidate, out = np.split(x[:, step] @ kernel + state @ recurrent + bias, 4, axis=1)
        cell = sigmoid(forget) * cell + sigmoid(into) * np.tanh(candidate)
        state = sigmoid(out) * np.tanh(cell)
        outputs.append(state)
    return np.stack(outputs, axis=1)


def test_the_network_is_section_2b_written_out_in_numpy():
    model, x = build(), segments()
    weights = {layer.name: [value.astype("float64") for value in layer.get_weights()] for layer in model.layers}
    mean, variance = weights["normalise"]
    x = (x - mean) / np.sqrt(variance)
    kernel, bias = weights["conv_1"]
    padded = np.pad(x, [(0, 0), (2, 2), (1, 1), (0, 0)])
    x = bias + sum(padded[:, time : time + 40, mel : mel + 8] @ kernel[time, mel] for time in range(5) for mel in range(3))
    x = leaky(x).reshape(3, 20, 2, 4, 2, 4).max(axis=(2, 4))
    kernel, bias = weights["linear"]
    x = leaky(x.reshape(3, 20, 4 * 4) @ kernel + bias)
    x = np.concatenate([lstm(x, *weights["blstm"][:3]), lstm(x[:, ::-1], *weights["blstm"][3:])[:, ::-1]], axis=2)
    scores = np.exp(x @ weights["attention"][0][:, 0])
    x = np.einsum("bt,btf->bf", scores / scores.sum(axis=1, keepdims=True), x)
    kernel, bias = weights["embedding"]
    scale, shift, mean, variance = weights["embedding_batch_norm"]
    x = leaky((x @ kernel + bias - mean) / np.sqrt(variance + 1e-3) * scale + shift)
    kernel, bias = weights["emotion"]
    scores = np.exp(x @ kernel + bias)
    expected = scores / scores.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model(segments()), expected, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 1e-3, "the example's segments are too much alike to tell networks apart"


@pytest.mark.parametrize("mask_padding", [False, True])
def test_attention_is_the_second_output(mask_padding):
    model = build(replace(SMALL, mask_padding=mask_padding))
    inputs = segments(frames=22)
    outputs = with_attention(model)(inputs)
    assert set(outputs) == {"emotion", "attention"}
    np.testing.assert_array_equal(outputs["emotion"], model(inputs))
    attention = np.asarray(outputs["attention"])
    assert attention.shape == (3, 20)
    np.testing.assert_allclose(attention.sum(axis=1), 1, atol=1e-6)
    # 22 frames are eleven steps after pooling by two.
    assert (attention[:, :11] > 0).all()
    assert (attention[:, 11:] == 0).all() == mask_padding


def test_with_attention_shares_the_weights():
    model = build()
    inspected = with_attention(model)
    model.get_layer("embedding").kernel.assign(np.zeros((8, 6), "float32"))
    np.testing.assert_array_equal(inspected(segments())["emotion"], model(segments()))


@pytest.mark.parametrize("form", ["paper", "released-code"])
@pytest.mark.parametrize("frames", [2, 24, 31])
def test_masked_padding_does_not_change_the_posteriors(form, frames):
    """One convolution sees zeros beyond a short segment as it sees them in padding, so that a mask leaves no trace of the padding."""
    config = replace(SMALL, mask_padding=True, attention=form)
    even = frames + frames % 2
    short = replace(config, segment_frames=even)
    model, alone = build(config), acrnn(short)
    alone.set_weights(model.get_weights())
    inputs = segments(frames=frames)
    np.testing.assert_allclose(model(inputs), alone(inputs[:, :even]), atol=1e-6)
    unmasked = acrnn(SMALL if form == "paper" else replace(SMALL, attention=form))
    unmasked.set_weights(model.get_weights())
    assert np.abs(np.asarray(unmasked(inputs)) - np.asarray(model(inputs))).max() > 1e-4


def test_masked_padding_reaches_no_further_than_the_convolutions_see():
    """Deeper, the convolutions carry the last real frames into the padding and back, and no other step may know of it."""
    config = replace(SMALL, mask_padding=True, conv=((4, 2, 2), (4, 1, 1), (4, 1, 1)))
    model = build(config)
    alone = acrnn(replace(config, segment_frames=30))
    alone.set_weights(model.get_weights())
    inputs = segments(frames=30)
    before_blstm = [keras.Model(network.input, network.get_layer("linear").output) for network in (model, alone)]
    difference = np.abs(np.asarray(before_blstm[0](inputs))[:, :15] - np.asarray(before_blstm[1](inputs[:, :30]))).max(axis=(0, 2))
    # Padding differs from a border once a bias has passed over it: two convolutions later, each two steps wide at either side.
    assert difference[:11].max() < 1e-5 < difference[11:].max()
    weights = np.asarray(with_attention(model)(inputs)["attention"])
    assert (weights[:, 15:] == 0).all() and (weights[:, :15] > 0).all()


def test_a_segment_of_padding_alone_gives_finite_posteriors():
    for mask_padding in (False, True):
        (posteriors,) = evaluate(build(replace(SMALL, mask_padding=mask_padding)), [np.zeros((1, 40, 8, 3), "float32")])
        np.testing.assert_allclose(posteriors.sum(), 1, atol=1e-6)


def test_the_posteriors_of_a_segment_do_not_depend_on_its_batch():
    model, inputs = build(replace(SMALL, mask_padding=True)), segments(frames=30)
    together = np.asarray(model(inputs))
    for number in range(3):
        np.testing.assert_allclose(model(inputs[number : number + 1]), together[number : number + 1], atol=1e-6)


# Elsewhere Keras is imported first, see COMPUTE_OUTPUTS in layer_check.py.
LOAD = """
import ser_acrnn, keras
import json, numpy, sys
from pathlib import Path
facts = {}
for path in sorted(Path(sys.argv[1]).glob("*.keras")):
    model = keras.saving.load_model(path)
    outputs = model(numpy.load(path.with_suffix(".npy")))
    facts[path.stem] = {
        "posteriors": numpy.asarray(outputs).tolist(),
        "emotions": model.get_layer("emotion").emotions,
        "recipe_hash": model.get_layer("normalise").recipe_hash,
        "frozen": [layer.name for layer in model.layers if not layer.trainable],
        "trainable_weights": len(model.trainable_weights),
    }
print(json.dumps(facts))
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder of networks with frozen layers and their inputs, and the networks."""
    directory = tmp_path_factory.mktemp("saved")
    models = {
        "paper": build(recipe_hash="0123456789abcdef"),
        "masked": build(replace(SMALL, mask_padding=True, dropout=0.2), recipe_hash="0123456789abcdef"),
        "released": build(replace(SMALL, attention="released-code", batch_norm=("linear",)), recipe_hash="0123456789abcdef"),
    }
    for name, model in models.items():
        for frozen in ("conv_1", "blstm"):
            model.get_layer(frozen).trainable = False
        model.save(directory / f"{name}.keras")
        np.save(directory / f"{name}.npy", segments(frames=30))
    return directory, models


def test_a_fresh_process_loads_saved_networks(saved):
    directory, models = saved
    facts = json.loads(run_python(LOAD, directory))
    assert set(facts) == set(models)
    for name, model in models.items():
        np.testing.assert_allclose(facts[name]["posteriors"], model(segments(frames=30)), atol=1e-6)
        assert tuple(facts[name]["emotions"]) == SMALL.emotions
        assert facts[name]["recipe_hash"] == "0123456789abcdef"
        assert facts[name]["frozen"] == ["conv_1", "blstm"]
    # linear 2, attention 1, embedding 2, batch norm 2, emotion 2; the released attention has 3
    assert {name: fact["trainable_weights"] for name, fact in facts.items()} == {"paper": 9, "masked": 9, "released": 11}


def test_emotions_default_to_those_of_emodb():
    assert acrnn().get_layer("emotion").emotions == EMODB_EMOTIONS


def test_the_released_initialisation_is_a_cut_off_normal_distribution_and_biases_of_a_tenth():
    keras.utils.set_random_seed(0)
    model = acrnn(ModelConfig(initialisation="released-code"))
    for name in ("conv_1", "conv_5", "linear", "embedding", "emotion"):
        kernel, bias = model.get_layer(name).get_weights()
        assert np.abs(kernel).max() <= 0.2
        assert kernel.std() == pytest.approx(0.088, rel=0.1)  # of a normal distribution of 0.1 that is cut off at 0.2
        assert (bias == np.float32(0.1)).all()
    third, fourth = (model.get_layer(name).get_weights()[0] for name in ("conv_3", "conv_4"))
    assert not np.array_equal(third, fourth)
    recurrent = model.get_layer("blstm").forward_layer.cell
    assert set(np.asarray(recurrent.bias)) == {0.0, 1.0}  # as TF1's BasicLSTMCell: forget gates open


def test_the_initialisation_of_keras_is_unchanged():
    keras.utils.set_random_seed(0)
    kernel, bias = acrnn(SMALL).get_layer("linear").get_weights()
    limit = np.sqrt(6 / sum(kernel.shape))
    assert 0.9 * limit < np.abs(kernel).max() <= limit
    assert not bias.any()
