"""The networks that ship: whole, small, documented, and right on recordings that they were trained on."""

import re

import keras
import pytest

import ser_acrnn
from data_prep.corpora import emodb
from ser_acrnn import features, pretrained
from ser_acrnn.config import EMODB_EMOTIONS, FEATURE_RECIPES
from ser_acrnn.evaluation import metrics
from ser_acrnn.export.checks import synthetic_waveforms

NAMES = ser_acrnn.list_pretrained()


def test_all_networks_are_there():
    assert NAMES == ["acrnn3d-emodb", "acrnn3d-emodb-adapted", "acrnn3d-open", "acrnn3d-open-adapted"]


@pytest.mark.parametrize("name", NAMES)
def test_a_network_is_whole_small_and_in_float32(name):
    path = pretrained.pretrained_path(name)
    assert path.stat().st_size < 20e6
    model = ser_acrnn.load_pretrained(name)
    emotions = EMODB_EMOTIONS[:6] if "open" in name else EMODB_EMOTIONS
    assert model.input_shape == (None, 300, 40, 3) and model.output_shape == (None, len(emotions))
    assert model.get_layer("emotion").emotions == emotions
    recipe = "paper" if name == "acrnn3d-emodb-adapted" else "speech-short-pauses"
    assert model.get_layer("normalise").recipe_hash == FEATURE_RECIPES[recipe].recipe_hash
    assert {str(weight.dtype) for weight in model.trainable_weights} == {"float32"}


@pytest.mark.parametrize("name", NAMES)
def test_log_mels_that_nobody_normalised_are_refused_whoever_opens_it(name):
    waveform = synthetic_waveforms(1, seed=0)[0]
    for model in (ser_acrnn.load_pretrained(name), keras.saving.load_model(pretrained.pretrained_path(name))):
        segments = features.segment(features.log_mels_3d(waveform))
        with pytest.raises(ValueError, match=r"segments cannot be judged, .*waveform_model\(model\) takes raw audio"):
            model.predict(segments, verbose=0)


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_what_it_is_worth_on_unheard_speakers_and_what_it_is_not_for(name):
    card = pretrained.model_card(name)
    assert card.startswith(f"# {name}\n")
    worth = ("corpora that it has never heard", "CREMA-D") if "open" in name else ("leave-one-speaker-out", "95 % interval over speakers")
    for words in (*worth, "must not be used to judge people", "Limits"):
        assert words in card
    assert ("nothing heard before" in card or "nothing of the test speaker is seen before" in card) != name.endswith("adapted")
    assert re.search("trained on (CREMA-D, BanglaSER and )?Emo-DB", pretrained.describe(name))


@pytest.mark.parametrize("name", NAMES)
def test_it_knows_a_speaker_that_it_was_trained_on(name, emodb_directory):
    predictor = ser_acrnn.Predictor(name)
    utterances = [
        utterance
        for utterance in emodb.utterances(emodb_directory)
        if utterance.speaker == "09" and utterance.emotion in predictor.emotions
    ]
    if predictor.preprocessor.scope == "speaker":
        predictor.enrol(utterance.path for utterance in utterances)
    decisions = [predictor.predict(utterance.path).emotion for utterance in utterances]
    assert metrics.unweighted_average_recall([utterance.emotion for utterance in utterances], decisions) > 0.8
