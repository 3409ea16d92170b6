"""What a network of segments refuses: what is no number, and log-Mels that nobody normalised."""

import keras
import numpy as np
import pytest

from data_prep.corpora import emodb
from ser_acrnn import audio, features
from ser_acrnn.config import ModelConfig
from ser_acrnn.features.normalisation import normalise, statistics_of
from ser_acrnn.models.networks import acrnn
from ser_acrnn.models.segment_network import SegmentNetwork, _as_they_are, segment_network

SMALL = {"conv": ((4, 4, 4),), "linear_units": 8, "blstm_units": 4, "embedding_units": 8}


def network(scope: str) -> keras.Model:
    keras.utils.set_random_seed(0)
    return acrnn(ModelConfig(**SMALL, normalisation=scope), recipe_hash="feed")


@pytest.fixture(scope="module")
def log_mels():
    """Of two seconds of noise that swells and fades, as speech does."""
    noise = np.random.default_rng(0).normal(size=32_000)
    return features.log_mels_3d(np.float32(0.1 * noise * np.sin(np.linspace(0, 20, 32_000)) ** 4))


@pytest.mark.parametrize("scope", ["utterance", "speaker"])
def test_log_mels_that_nobody_normalised_get_no_emotion_and_spoil_no_other(scope, log_mels, tmp_path):
    right = features.segment(normalise(log_mels, statistics_of([log_mels])))
    both = np.concatenate([right, features.segment(log_mels), right])
    made = network(scope)
    said = np.asarray(made(both))
    assert np.isnan(said[1]).all() and np.isfinite(said[[0, 2]]).all()
    with pytest.raises(ValueError, match=rf"1 of 3 segments .* first is 1; expected finite log-Mels, normalised by the {scope}'s mean"):
        made.predict(both, verbose=0)
    np.testing.assert_allclose(made.predict_on_batch(both[::2]), said[::2], atol=1e-6)
    made.save(tmp_path / "made.keras")
    loaded = keras.saving.load_model(tmp_path / "made.keras")
    assert type(loaded) is SegmentNetwork
    np.testing.assert_array_equal(np.isnan(np.asarray(loaded(both))), np.isnan(said))


def test_a_layer_that_holds_the_speaker_s_statistics_normalises(log_mels):
    made = network("speaker")
    made.get_layer("normalise").set_statistics(*statistics_of([log_mels]))
    assert np.isfinite(np.asarray(made(features.segment(log_mels)))).all()


@pytest.mark.parametrize("scope", ["training", "segment"])
def test_a_network_that_normalises_by_itself_takes_them(scope, log_mels):
    assert np.isfinite(network(scope).predict_on_batch(features.segment(log_mels))).all()


@pytest.mark.parametrize("scope", ["training", "utterance"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_refused(scope, value):
    segments = np.random.default_rng(0).normal(size=(2, 300, 40, 3)).astype("f")
    segments[1, 50] = value
    with pytest.raises(ValueError, match="acrnn: 1 of 2 segments cannot be judged, the first is 1"):
        network(scope).predict(segments, verbose=0)


def test_training_is_spared(log_mels):
    assert np.isfinite(np.asarray(network("utterance")(features.segment(log_mels), training=True))).all()


def test_a_network_of_keras_becomes_one(log_mels):
    made = network("utterance")
    plain = keras.Model(made.input, made.output, name="saved_before")
    segments = features.segment(log_mels)
    assert np.isfinite(np.asarray(plain(segments))).all()
    assert np.isnan(np.asarray(segment_network(plain)(segments))).all() and segment_network(plain).name == "saved_before"


@pytest.mark.parametrize("decibels", [-40, -20, 0])
def test_no_level_makes_log_mels_pass_or_normalised_ones_fail(decibels, log_mels):
    """A factor on the samples is a constant on their log-Mels: the worst that another speaker's statistics can do."""
    shift = np.zeros_like(log_mels)
    shift[..., 0] = np.log(10) * decibels / 10
    made = network("speaker")
    assert np.isnan(np.asarray(made(features.segment(log_mels + shift)))).all()
    assert np.isfinite(np.asarray(made(features.segment(normalise(log_mels + shift, statistics_of([log_mels])))))).all()


@pytest.mark.parametrize("scope", ["utterance", "speaker"])
def test_on_real_speech_it_refuses_log_mels_as_they_are_and_none_that_are_normalised(scope, emodb_directory):
    """By the speaker, with the statistics of one other recording, the worst that there is."""
    by_speaker: dict[str, list[np.ndarray]] = {}
    for one in emodb.utterances(emodb_directory)[::3]:
        by_speaker.setdefault(one.speaker, []).append(features.log_mels_3d(audio.load(one.path)))
    right, raw = [], []
    for own in by_speaker.values():
        for heard, other in zip(own, [*own[1:], own[0]], strict=True):
            right.append(features.segment(normalise(heard, statistics_of([heard if scope == "utterance" else other]))))
            raw.append(features.segment(heard))
    layer = network(scope).get_layer("normalise")
    refused = [np.asarray(_as_they_are(np.concatenate(segments), layer)) for segments in (right, raw)]
    assert len(refused[0]) > 150 and not refused[0].any()
    assert refused[1].mean() > (0.999 if scope == "utterance" else 0.95)
