"""Embeddings: the encoder is the network up to its embedding, the transformer a step like any other."""

import keras
import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from ser_acrnn import audio
from ser_acrnn.audio.files import AudioError
from ser_acrnn.config import FEATURE_RECIPES, ModelConfig
from ser_acrnn.inference import embedding
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.models.heads import encoder
from ser_acrnn.models.networks import acrnn

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]

SMALL = ModelConfig(emotions=("angry", "sad"), conv=((4, 4, 4),), linear_units=8, blstm_units=4, embedding_units=8)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("embedding") / "model.keras"
    model = acrnn(SMALL, recipe_hash=FEATURE_RECIPES["paper"].recipe_hash)
    model.get_layer("normalise").set_statistics(np.full((40, 3), -7.0), np.full((40, 3), 9.0))
    model.save(path)
    return path


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Low and high tones, a class each."""
    folder, rng = tmp_path_factory.mktemp("tones"), np.random.default_rng(0)
    for number in range(8):
        tone = np.sin(2 * np.pi * (200 if number % 2 else 3000) * np.arange(16_000 * (4 if number == 7 else 2)) / 16_000)
        soundfile.write(folder / f"{number}.wav", 0.2 * tone + 0.02 * rng.normal(size=len(tone)), 16_000)
    return [folder / f"{number}.wav" for number in range(8)]


def test_an_embedding_is_the_mean_over_segments_of_what_the_posteriors_come_from(network, paths):
    predictor = Predictor(network)
    segments = predictor.preprocessor.segments(paths[7])
    values = encoder(predictor.model).predict_on_batch(segments)
    assert values.shape == (2, 8)
    kernel, bias = predictor.model.get_layer("emotion").get_weights()
    logits = values @ kernel + bias
    posteriors = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(predictor.model.predict_on_batch(segments), posteriors, atol=1e-5)
    np.testing.assert_allclose(embedding.Embedder(predictor).embed(paths[7]), values.mean(axis=0), atol=1e-5)


def test_many_recordings_in_common_batches_are_embedded_as_one_by_one(network, paths, tmp_path):
    embedder = embedding.Embedder(Predictor(network))
    (tmp_path / "bad.wav").write_bytes(b"")
    soundfile.write(tmp_path / "long.wav", 0.1 * np.random.default_rng(1).normal(size=16_000 * 64), 16_000)
    soundfile.write(tmp_path / "still.wav", np.zeros(16_000 * 64), 16_000)
    some = [*paths, tmp_path / "bad.wav", tmp_path / "long.wav", tmp_path / "still.wav", paths[0]]
    found = list(embedder.embed_many(some))
    assert [number for number, one in enumerate(found) if isinstance(one, AudioError)] == [8, 10]
    for path, one in zip(some, found, strict=True):
        if isinstance(one, AudioError):
            with pytest.raises(AudioError) as caught:
                embedder.embed(path)
            assert str(caught.value) == str(one)
        else:
            np.testing.assert_allclose(embedder.embed(path), one, atol=1e-5)
    assert "still.wav: no window can be embedded" in str(found[10])
    windows = np.stack(list(embedder.predictor.preprocessor.window_segments(audio.stream(tmp_path / "long.wav"))))
    assert len(windows) == 62
    np.testing.assert_allclose(found[9], np.asarray(encoder(embedder.predictor.model)(windows)).mean(axis=0), atol=1e-4)


def test_a_table_with_a_row_a_file(network, paths):
    table = embedding.embed(paths[:3], network)
    assert list(table.index) == [str(path) for path in paths[:3]] and table.index.name == "path"
    assert list(table.columns) == [f"embedding_{unit:02d}" for unit in range(8)]
    with pytest.raises(AudioError, match=r"none\.wav: no such file"):
        embedding.embed(["none.wav"], network)


def test_it_is_a_step_of_a_pipeline(network, paths):
    labels = ["low" if number % 2 else "high" for number in range(8)]
    pipeline = make_pipeline(embedding.AcrnnEmbedding(network), SVC(kernel="linear"))
    assert list(clone(pipeline).fit(paths[:4], labels[:4]).predict(paths[4:7])) == labels[4:7]


def test_its_columns_have_the_names_of_the_table(network, paths):
    named = embedding.AcrnnEmbedding(network).set_output(transform="pandas").fit(paths).transform(paths)
    expected = embedding.embed(paths, network)
    assert list(named.columns) == list(expected.columns) == list(embedding.AcrnnEmbedding(network).fit(paths).get_feature_names_out())
    np.testing.assert_array_equal(named.to_numpy(), expected.to_numpy())


def test_a_transformer_that_is_not_fitted_says_so():
    with pytest.raises(NotFittedError, match="AcrnnEmbedding instance is not fitted"):
        embedding.AcrnnEmbedding().transform(["recording.wav"])


def test_what_is_no_file_is_named():
    with pytest.raises(ValueError, match="files are none, expected one or more"):
        embedding.embed([])
    with pytest.raises(ValueError, match=r"files hold a tuple, expected paths; Embedder\.embed_many takes samples"):
        embedding.embed([(np.zeros(16_000), 16_000)])
    table = pd.DataFrame({"path": ["a.wav", "b.wav"]})
    for several in (table, table.to_numpy()):
        with pytest.raises(ValueError, match=r"recordings are a \w+ with columns, expected one of them, such as table\['path'\]"):
            embedding.embed(several)
    with pytest.raises(ValueError, match=r"the model is a NoneType, expected a name, a path or a keras\.Model"):
        Predictor(None)
