"""A CSV of one's own, and networks that training may begin with; nobody writes beside them."""

import keras
import pytest
from own_recordings import SMALL, write_corpus

from ser_acrnn.config import FEATURE_RECIPES, ModelConfig
from ser_acrnn.models.networks import acrnn


@pytest.fixture(scope="session")
def labels(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="session")
def sources(tmp_path_factory):
    """Networks of other emotions, one a scope."""
    folder = tmp_path_factory.mktemp("sources")
    keras.utils.set_random_seed(0)
    for scope in ("training", "speaker"):
        model = acrnn(ModelConfig(**SMALL, normalisation=scope), recipe_hash=FEATURE_RECIPES["paper"].recipe_hash)
        model.save(folder / f"{scope}.keras")
    return folder
