"""The layers against formulas written out in NumPy."""

import keras
import numpy as np
import pytest
from layer_check import NO_JAX, check_same_on_jax, evaluate, jax_python, randomise, run_layer_check, single_layer_model

from ser_acrnn.models.layers import AttentionPooling, EmotionPosteriors, NeutralNormalisation, PaddingMask

pytestmark = pytest.mark.stochastic

MASK = np.array([[True] * 9, [True] * 6 + [False] * 3])
REAL_FRAMES = (9, 6, 1)


def padded_segments(seed=0, frames=9, mels=5, channels=3):
    """Segments of 9, 6 and 1 real frames at about -8 with deviations that differ from mel to mel, then all-zero frames."""
    rng = np.random.default_rng(seed)
    segments = rng.normal(-8, np.arange(1, mels + 1)[:, None], (len(REAL_FRAMES), frames, mels, channels)).astype("float32")
    for segment, real in zip(segments, REAL_FRAMES, strict=True):
        segment[real:] = 0
    return segments


def sequences(seed=1, shape=(2, 9, 4)):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


# Class, arguments, inputs, trainable and other parameters.
CASES = {
    "normalisation": (NeutralNormalisation, {"recipe_hash": "0123456789abcdef"}, [padded_segments()], 0, 2 * 5 * 3),
    "normalisation_of_segments": (NeutralNormalisation, {"scope": "segment"}, [padded_segments()], 0, 2 * 5 * 3),
    "padding_mask": (PaddingMask, {"pooling": 2}, [padded_segments()], 0, 0),
    "attention_paper": (AttentionPooling, {"form": "paper"}, [sequences()], 4, 0),
    "attention_paper_masked": (AttentionPooling, {}, [sequences(), MASK], 4, 0),
    "attention_released": (AttentionPooling, {"form": "released-code"}, [sequences()], 4 + 1 + 1, 0),
    "attention_released_wide": (AttentionPooling, {"form": "released-code", "units": 3}, [sequences(), MASK], 3 * 4 + 3 + 3, 0),
    "posteriors": (EmotionPosteriors, {"emotions": ("angry", "sad", "happy")}, [sequences(shape=(2, 4))], 4 * 3 + 3, 0),
}


@pytest.mark.parametrize("name", CASES)
def test_the_layer_keeps_to_the_rules_of_keras(name, tmp_path):
    cls, arguments, inputs, trainable, others = CASES[name]
    run_layer_check(cls, arguments, inputs, tmp_path, trainable=trainable, non_trainable=others)


@pytest.mark.skipif(jax_python() is None, reason=NO_JAX)
def test_the_layers_compute_the_same_on_jax(tmp_path):
    models = {}
    for name, (cls, arguments, inputs, *_) in CASES.items():
        layer = cls(**arguments)
        models[name] = single_layer_model(layer, inputs), inputs
        randomise(layer)
    check_same_on_jax(models, tmp_path)


def normalisation(mean, variance):
    layer = NeutralNormalisation()
    layer.build((None, None, *np.shape(mean)))
    layer.set_statistics(mean, variance)
    return layer


def test_normalisation_standardises_real_frames_and_leaves_padding_zero():
    segments = padded_segments()
    real = np.concatenate([segment[:frames] for segment, frames in zip(segments, REAL_FRAMES, strict=True)])
    output = np.asarray(normalisation(real.mean(axis=0), real.var(axis=0))(segments))
    kept = np.concatenate([segment[:frames] for segment, frames in zip(output, REAL_FRAMES, strict=True)])
    np.testing.assert_allclose(kept, (real - real.mean(axis=0)) / real.std(axis=0), atol=1e-4)
    np.testing.assert_allclose(kept.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(kept.std(axis=0), 1, atol=1e-4)
    for segment, frames in zip(output, REAL_FRAMES, strict=True):
        assert not segment[frames:].any()


def test_a_segment_is_standardised_by_its_own_real_frames_alone():
    segments = padded_segments()
    layer = NeutralNormalisation(scope="segment")
    normalised = np.asarray(layer(segments))
    for found, segment in zip(normalised, segments, strict=True):
        real = (segment != 0).any(axis=(1, 2))
        assert not found[~real].any()
        expected = (segment[real] - segment[real].mean(axis=0)) / np.maximum(segment[real].std(axis=0), 1e-2)
        np.testing.assert_allclose(found[real], expected, atol=1e-4)
    before = normalised
    layer.set_statistics(np.full((5, 3), 7.0), np.full((5, 3), 9.0))
    np.testing.assert_array_equal(np.asarray(layer(segments)), before)  # whoever else is in the training
    louder = np.where(segments != 0, 2 * segments + 1, 0)
    np.testing.assert_allclose(np.asarray(layer(louder)), before, atol=1e-4)


def test_a_segment_in_which_nothing_varies_or_nothing_is_real_stays_finite():
    segments = np.zeros((2, 9, 5, 3), "float32")
    segments[0] = -36.04
    normalised = np.asarray(NeutralNormalisation(scope="segment")(segments))
    assert np.abs(normalised).max() < 1e-2


def test_a_frame_with_one_coefficient_that_is_not_zero_is_real():
    segments = np.zeros((1, 3, 5, 3), "float32")
    segments[0, 1, 4, 2] = 1e-6
    mean = np.arange(1.0, 16).reshape(5, 3)
    output = np.asarray(normalisation(mean, np.full((5, 3), 4.0))(segments))[0]
    np.testing.assert_allclose(output[1], (segments[0, 1] - mean) / 2, rtol=1e-6)
    assert not output[[0, 2]].any()
    assert np.asarray(PaddingMask()(segments)).tolist() == [[False, True, False]]


def test_normalisation_does_not_round_log_mels_in_bfloat16():
    segments = np.float32(-36) + padded_segments() / 100  # -36 is the floor's logarithm: there bfloat16 has steps of 0.25
    layer = NeutralNormalisation(dtype="mixed_bfloat16")
    layer.build(segments.shape)
    layer.set_statistics(np.full((5, 3), -36.0), np.full((5, 3), 1e-4))
    exact = normalisation(np.full((5, 3), -36.0), np.full((5, 3), 1e-4))(segments)
    rounded = keras.ops.cast(exact, "bfloat16")  # at the end alone
    np.testing.assert_array_equal(np.asarray(layer(segments), "float32"), np.asarray(rounded, "float32"))


def test_statistics_that_cannot_be_meant_are_refused_with_their_values():
    layer = normalisation(np.zeros((5, 3)), np.ones((5, 3)))
    good, bad = np.ones((5, 3)), np.ones((5, 3))
    with pytest.raises(ValueError, match=r"\(3, 5\) and \(5, 3\), expected \(5, 3\)"):
        layer.set_statistics(good.T, good)
    with pytest.raises(ValueError, match=r"\(5, 3\) and \(15,\), expected \(5, 3\)"):
        layer.set_statistics(good, good.ravel())
    for value in (0.0, -0.25):
        bad[2, 1] = value
        with pytest.raises(ValueError, match=rf"variance has the minimum {value}"):
            layer.set_statistics(good, bad)
    for value in (np.nan, np.inf):
        bad[2, 1] = value
        for statistics in ((bad, good), (good, bad)):
            with pytest.raises(ValueError, match="finite"):
                layer.set_statistics(*statistics)
    assert not np.asarray(layer.mean).any() and (np.asarray(layer.variance) == 1).all()


@pytest.mark.parametrize("pooling", [1, 2, 4])
def test_a_time_step_is_real_when_one_of_its_frames_is(pooling):
    segments = np.random.default_rng(3).normal(size=(10, 9, 2, 3)).astype("float32")
    for frames, segment in enumerate(segments):
        segment[frames:] = 0
    expected = [
        [any(segment[step * pooling + frame].any() for frame in range(pooling)) for step in range(9 // pooling)] for segment in segments
    ]
    assert np.asarray(PaddingMask(pooling)(segments)).tolist() == expected


def attention(layer_inputs, seed=2, **arguments):
    layer = AttentionPooling(**arguments)
    layer.build(layer_inputs.shape)
    randomise(layer, seed)
    return layer


def check_attention(layer, inputs, scores):
    pooled, weights = (np.asarray(output) for output in layer(inputs))
    expected = softmax(scores)
    np.testing.assert_allclose(weights, expected, atol=1e-6)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(pooled, np.einsum("bt,btf->bf", expected, inputs), atol=1e-5)
    assert np.ptp(expected, axis=1).min() > 0.05, "the example's weights are too even to tell formulas apart"


def test_attention_of_the_letter():
    inputs = sequences()
    layer = attention(inputs, form="paper")
    (kernel,) = layer.get_weights()
    check_attention(layer, inputs, np.einsum("btf,f->bt", inputs, kernel[:, 0]))


@pytest.mark.parametrize("units", [1, 3])
def test_attention_of_the_released_code(units):
    inputs = 3 * sequences()
    layer = attention(inputs, form="released-code", units=units)
    kernel, bias, context = layer.get_weights()
    assert (kernel.shape, bias.shape, context.shape) == ((4, units), (units,), (units, 1))
    hidden = 1 / (1 + np.exp(-(np.einsum("btf,fu->btu", inputs, kernel) + bias)))
    check_attention(layer, inputs, np.einsum("btu,u->bt", hidden, context[:, 0]))


def test_an_unknown_form_is_refused_by_name():
    with pytest.raises(ValueError, match="form is 'additive', expected 'paper' or 'released-code'"):
        AttentionPooling("additive")


@pytest.mark.parametrize("form", ["paper", "released-code"])
def test_masked_steps_get_no_weight_and_do_not_count(form):
    inputs = sequences()
    layer = attention(inputs, form=form)
    pooled, weights = (np.asarray(output) for output in layer(inputs, mask=MASK))
    assert (weights[~MASK] == 0).all() and (weights[MASK] > 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    alone, _ = layer(inputs[1:, :6])
    np.testing.assert_allclose(pooled[1], np.asarray(alone)[0], atol=1e-6)
    np.testing.assert_array_equal(layer(np.where(MASK[..., None], inputs, np.float32(1000)), mask=MASK)[0], pooled)
    assert not np.allclose(layer(inputs)[0][1], pooled[1])


def test_a_sequence_without_a_real_step_stays_finite():
    pooled, weights = attention(sequences())(sequences(), mask=np.zeros((2, 9), bool))
    assert np.isfinite(pooled).all()
    np.testing.assert_allclose(np.asarray(weights).sum(axis=1), 1, atol=1e-6)


def test_posteriors_are_float32_and_named_whatever_the_precision(tmp_path):
    layer = EmotionPosteriors(("angry", "sad", "happy"), name="emotion", dtype="mixed_bfloat16")
    hidden = keras.layers.Dense(4, dtype="mixed_bfloat16")
    tensor = keras.Input((4,))
    model = keras.Model(tensor, layer(hidden(tensor)))
    inputs = 5 * sequences(shape=(6, 4))
    (posteriors,) = evaluate(model, [inputs])
    assert hidden.compute_dtype == "bfloat16" and model.output.dtype == posteriors.dtype.name == "float32"
    np.testing.assert_allclose(posteriors.sum(axis=1), 1, atol=1e-6)
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(posteriors, softmax(np.asarray(hidden(inputs), "float32") @ kernel + bias), atol=1e-5)
    model.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").get_layer("emotion").emotions == ("angry", "sad", "happy")
