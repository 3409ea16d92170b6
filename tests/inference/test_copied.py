"""A predictor that was pickled or copied says what it said, keeps its speaker, and adapts alone: in pipelines, pools and on disk."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import ser_acrnn
from ser_acrnn.config import FEATURE_RECIPES, ModelConfig
from ser_acrnn.inference.onnx_network import OnnxNetwork, RuntimeUnavailableError
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.models.networks import acrnn
from ser_acrnn.pretrained import pretrained_path

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]

SMALL = ModelConfig(emotions=("angry", "sad", "happy"), conv=((4, 20, 4),), linear_units=8, blstm_units=4, embedding_units=8)


@pytest.fixture(scope="module")
def voices(small_corpus: Path) -> dict[str, list[str]]:
    paths = sorted(map(str, (small_corpus / "wav").glob("*.wav")))
    return {speaker: [path for path in paths if Path(path).name.startswith(speaker)] for speaker in ("03", "09")}


@pytest.fixture(params=["onnx", "keras"])
def predictor(request: pytest.FixtureRequest) -> Predictor:
    if request.param == "onnx":
        return Predictor("acrnn3d-open", runtime="onnx")
    keras.utils.set_random_seed(0)
    return Predictor(acrnn(SMALL, recipe_hash=FEATURE_RECIPES["paper"].recipe_hash))


def said(predictor: Predictor, path: str) -> np.ndarray:
    return np.array(list(predictor.predict(path).posteriors.values()))


@pytest.mark.parametrize("copied", [lambda one: pickle.loads(pickle.dumps(one)), copy.deepcopy])
def test_a_copy_says_the_same_and_adapts_alone(predictor: Predictor, voices: dict[str, list[str]], copied) -> None:
    path, plain = voices["03"][0], said(predictor, voices["03"][0])
    predictor.enrol(voices["03"])
    enrolled = said(predictor, path)
    other = copied(predictor)
    np.testing.assert_allclose(said(other, path), enrolled, atol=1e-6)
    assert np.abs(enrolled - plain).max() > 1e-5
    other.enrol(voices["09"])
    np.testing.assert_array_equal(said(predictor, path), enrolled)
    assert np.abs(said(other, path) - enrolled).max() > 1e-5
    other.enrol(voices["03"])  # from the statistics of its training, not from those of the other speaker
    np.testing.assert_allclose(said(other, path), enrolled, atol=1e-6)


def test_who_was_enrolled_stays_where_another_cannot_be(predictor: Predictor, voices: dict[str, list[str]]) -> None:
    predictor.enrol(voices["03"])
    enrolled = said(predictor, voices["03"][0])
    for others in ([*voices["09"], "nothing.wav"], []):
        with pytest.raises(ValueError, match=r"nothing\.wav|nothing was heard"):
            predictor.enrol(others)
        np.testing.assert_array_equal(said(predictor, voices["03"][0]), enrolled)


def test_a_pool_of_spawned_processes_takes_one(voices: dict[str, list[str]]) -> None:
    predictor = Predictor("acrnn3d-open", runtime="onnx")
    predictor.enrol(voices["03"])
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.map(predictor.predict, voices["03"][:2])
    for prediction, path in zip(found, voices["03"], strict=False):
        np.testing.assert_allclose(list(prediction.posteriors.values()), said(predictor, path), atol=1e-6)


def test_a_fitted_pipeline_is_kept(voices: dict[str, list[str]]) -> None:
    paths, speakers = [*voices["03"], *voices["09"]], [*(["03"] * len(voices["03"])), *(["09"] * len(voices["09"]))]
    fitted = make_pipeline(ser_acrnn.AcrnnEmbedding(), LogisticRegression()).fit(paths, speakers)
    kept = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(kept.predict_proba(paths), fitted.predict_proba(paths))


def test_the_file_has_to_be_that_of_the_network_that_was_pickled(tmp_path: Path) -> None:
    path = tmp_path / "one.onnx"
    shutil.copy(pretrained_path("acrnn3d-emodb").with_suffix(".onnx"), path)
    kept = pickle.dumps(OnnxNetwork(path, "one"))
    shutil.copy(pretrained_path("acrnn3d-open").with_suffix(".onnx"), path)
    with pytest.raises(RuntimeUnavailableError, match=f"{path}: holds other weights, expected those of the network that was pickled"):
        pickle.loads(kept)
    path.unlink()
    with pytest.raises(RuntimeUnavailableError, match=f"{path}: .*No such file"):
        pickle.loads(kept)


def test_a_network_that_ships_is_found_where_the_package_is_installed_now(tmp_path: Path) -> None:
    path = tmp_path / "acrnn3d-open.onnx"
    shutil.copy(pretrained_path("acrnn3d-open").with_suffix(".onnx"), path)
    kept = pickle.dumps(OnnxNetwork(path, "acrnn3d-open"))
    path.unlink()
    assert pickle.loads(kept).made_from == OnnxNetwork(pretrained_path("acrnn3d-open").with_suffix(".onnx"), "").made_from
