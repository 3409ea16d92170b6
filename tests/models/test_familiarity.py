"""A network that knows how far what it hears is from its training, and says the same of emotions as before."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from ser_acrnn.config import FEATURE_RECIPES, ModelConfig
from ser_acrnn.features.voicing import LEAST_SHARE
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.models.heads import FAMILIARITY, encoder, with_familiarity, with_new_head
from ser_acrnn.models.layers import Familiarity
from ser_acrnn.models.networks import acrnn
from ser_acrnn.models.saving import save_compact

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]

SMALL = ModelConfig(emotions=("angry", "sad", "happy"), conv=((4, 4, 4),), linear_units=8, blstm_units=4, embedding_units=8)
HEARD = np.random.default_rng(0).normal(size=(60, 300, 40, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def plain() -> keras.Model:
    keras.utils.set_random_seed(0)
    return acrnn(SMALL, recipe_hash=FEATURE_RECIPES["paper"].recipe_hash)


@pytest.fixture(scope="module")
def knowing(plain: keras.Model) -> keras.Model:
    return with_familiarity(plain, encoder(plain).predict_on_batch(HEARD), limit=20.0)


def test_the_distance_is_mahalanobis_as_a_share_of_the_limit() -> None:
    rng = np.random.default_rng(1)
    mixing = rng.normal(size=(8, 8))
    values = (rng.normal(size=(500, 8)) @ mixing + 3).astype(np.float32)
    covariance = np.cov(values.T)
    layer = Familiarity()
    np.testing.assert_array_equal(layer(values), values)
    layer.set_gaussian(values.mean(0), np.linalg.cholesky(np.linalg.inv(covariance)), 5.0)
    centred = values - values.mean(0)
    expected = np.einsum("ij,jk,ik->i", centred, np.linalg.inv(covariance), centred) / 5
    np.testing.assert_allclose(layer.unfamiliarity(values), expected, rtol=1e-3)
    for wrong in (
        (np.zeros(7), np.eye(8), 1),
        (np.zeros(8), np.eye(7), 1),
        (np.zeros(8), np.eye(8), 0),
        (np.full(8, np.nan), np.eye(8), 1),
    ):
        with pytest.raises(ValueError, match="expected"):
            layer.set_gaussian(*wrong)


def test_posteriors_stay_and_the_file_keeps_what_is_known(plain: keras.Model, knowing: keras.Model, tmp_path: Path) -> None:
    np.testing.assert_array_equal(knowing.predict_on_batch(HEARD[:4]), plain.predict_on_batch(HEARD[:4]))
    save_compact(knowing, tmp_path / "knowing.keras")
    loaded = keras.saving.load_model(tmp_path / "knowing.keras")
    embeddings = encoder(plain).predict_on_batch(HEARD[:4])
    found, expected = (np.asarray(one.get_layer(FAMILIARITY).unfamiliarity(embeddings)) for one in (loaded, knowing))
    np.testing.assert_allclose(found, expected, rtol=0.02)
    assert expected.min() > 0 and expected.max() < 2


def test_a_new_head_knows_nothing_and_the_encoder_ends_before(plain: keras.Model, knowing: keras.Model) -> None:
    new = with_new_head(knowing, ["calm", "tense"])
    assert not any(isinstance(layer, Familiarity) for layer in new.layers) and new.output_shape == (None, 2)
    assert not any(isinstance(layer, Familiarity) for layer in encoder(knowing).layers)
    np.testing.assert_array_equal(encoder(knowing).predict_on_batch(HEARD[:2]), encoder(plain).predict_on_batch(HEARD[:2]))
    again = with_familiarity(knowing, encoder(plain).predict_on_batch(HEARD), 7.0)
    assert sum(isinstance(layer, Familiarity) for layer in again.layers) == 1 and float(again.get_layer(FAMILIARITY).limit) == 7


def voiced(seconds: float, hertz: float) -> np.ndarray:
    phase = 2 * np.pi * hertz * np.arange(round(16_000 * seconds)) / 16_000
    sound = sum(np.sin(number * phase) / number for number in range(1, 20)) + 0.1 * np.random.default_rng(0).normal(size=len(phase))
    return (0.1 * sound).astype("f")


def test_every_predictor_is_unsure_of_what_holds_no_voice(plain: keras.Model) -> None:
    noise = 0.1 * np.random.default_rng(0).normal(size=65 * 16_000).astype("f")
    predictor = Predictor(plain)
    for samples in (noise[: 2 * 16_000], noise):
        said = predictor.predict(samples, 16_000)
        assert said.unsure and said.unfamiliarity == 2 and all(piece.unsure for piece in said.segments)
    whole = np.concatenate([voiced(10, 150), noise[: 3 * 16_000]])
    assert [piece.unsure for piece in predictor.timeline(whole, 16_000, hop_seconds=5)] == [False, False, True]
    assert not predictor.predict(whole, 16_000).unsure


def test_a_predictor_is_unsure_beyond_the_limit(plain: keras.Model, knowing: keras.Model) -> None:
    sounds = [voiced(seconds, hertz) for seconds, hertz in ((2, 100), (5, 200), (65, 300))]
    predictor, before = Predictor(knowing), Predictor(plain)
    found, other = list(predictor.predict_many(sounds)), list(before.predict_many(sounds))
    assert [one.posteriors for one in found] == [one.posteriors for one in other]
    assert all(one.unfamiliarity == pytest.approx(LEAST_SHARE) and not one.unsure for one in other)
    for one in found:
        pieces = [piece.unfamiliarity for piece in one.segments]
        assert min(pieces) > 0 and one.unfamiliarity == pytest.approx(np.mean(pieces), rel=1e-5) and one.unsure == (one.unfamiliarity > 1)
    limit = predictor.model.get_layer(FAMILIARITY).limit
    limit.assign(float(limit) * found[0].unfamiliarity * 0.99)
    assert predictor.predict(sounds[0]).unsure and predictor.predict(sounds[0]).segments[0].unsure
    limit.assign(float(limit) * 1.1)
    assert not predictor.predict(sounds[0]).unsure
