"""A forked process is told what to do instead of waiting for threads that it does not have."""

import multiprocessing
import os

import keras
import numpy as np
import pytest

from ser_acrnn.config import FEATURE_RECIPES, ModelConfig
from ser_acrnn.inference.embedding import Embedder
from ser_acrnn.inference.forked import ForkedError
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.models.networks import acrnn

pytestmark = [pytest.mark.stochastic, pytest.mark.skipif(not hasattr(os, "fork"), reason="a system that forks")]

SMALL = ModelConfig(emotions=("angry", "sad"), conv=((4, 4, 4),), linear_units=8, blstm_units=4, embedding_units=8)
SOUND = np.random.default_rng(0).normal(size=16_000)
PATIENCE_SECONDS = 60


def judged(path):
    return Predictor(path).predict(SOUND).emotion


def attempt(act, queue):
    try:
        act()
        queue.put("judged")
    except ForkedError as error:
        queue.put(str(error))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("forked") / "network.keras"
    acrnn(SMALL, recipe_hash=FEATURE_RECIPES["paper"].recipe_hash).save(path)
    return path


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")  # of forking where threads are, which is the point
def test_what_was_opened_before_the_fork_or_is_after_it_is_refused_at_once(path):
    predictor = Predictor(path)
    embedder, expected = Embedder(predictor), predictor.predict(SOUND)
    acts = (
        lambda: predictor.predict(SOUND),
        lambda: list(predictor.timeline(SOUND)),
        lambda: predictor.enrol([SOUND]),
        lambda: embedder.embed(SOUND),
        lambda: Predictor(path),
    )
    context = multiprocessing.get_context("fork")
    for act in acts:
        queue = context.SimpleQueue()
        child = context.Process(target=attempt, args=(act, queue))
        child.start()
        child.join(PATIENCE_SECONDS)
        if child.is_alive():
            child.kill()
            pytest.fail(f"{act} waits for ever")
        assert "was forked from" in (said := queue.get()) and "get_context('spawn')" in said
    assert predictor.predict(SOUND) == expected


def test_a_spawned_process_judges(path):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply_async(judged, (path,)).get(PATIENCE_SECONDS) in SMALL.emotions
