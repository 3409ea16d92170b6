"""The licence rule: what a network that ships learned from, against what may be passed on."""

import json

import pytest

from data_prep import loader
from experiments import catalogue, shipped
from ser_acrnn.pretrained import list_pretrained, model_card


@pytest.mark.parametrize("name", list_pretrained())
def test_what_ships_learned_from_open_corpora_and_its_card_says_so(name):
    about = shipped.index()[name]
    shipped.check_licences(name, about)
    trained = {catalogue.corpus(corpus).title for corpus in shipped.learned_from(about)}
    data = model_card(name).split("## Data and training")[1].split("##")[0]
    published = {loader.find(corpus).CORPUS.title for corpus in loader.names()}
    assert {title for title in published if title in data} == trained


@pytest.mark.parametrize(
    ("corpus", "said"),
    [
        ("ravdess", "learned from RAVDESS, whose licence is CC BY-NC-SA 4.0, expected corpora under CC0 1.0"),
        ("emodb+nemo", "learned from nEMO, whose licence is CC BY-NC-SA 4.0"),
        ("iemocap", "learned from IEMOCAP, whose licence is unknown to its loader"),
        ("iemocap-excited", "learned from IEMOCAP, variant excited"),
    ],
)
def test_a_network_that_learned_from_another_corpus_may_not_ship(corpus, said):
    with pytest.raises(shipped.LicenceError, match=f"mine: {said}"):
        shipped.check_licences("mine", {"corpus": corpus})


def test_several_open_corpora_may():
    shipped.check_licences("mine", {"corpus": "emodb+crema_d+banglaser"})
    assert shipped.learned_from({"corpus": "emodb+crema_d+banglaser"}) == ("emodb", "crema_d", "banglaser")


def test_an_index_that_is_not_there_yet_is_empty(tmp_path):
    assert shipped.index(tmp_path) == {}
    (tmp_path / "index.json").write_text(json.dumps({"mine": {"corpus": "emodb"}}))
    assert list(shipped.index(tmp_path)) == ["mine"]
