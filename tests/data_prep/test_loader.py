"""How a corpus's loader is found, and what it hands over."""

import re
from pathlib import Path

import pytest

from data_prep import loader
from data_prep.synthetic import iemocap as synthetic_iemocap
from ser_acrnn.data.corpus import CorpusError, Utterance
from ser_acrnn.evaluation.protocol import PROTOCOLS


def test_every_loader_is_found_and_hands_over_a_reading():
    assert {"banglaser", "crema_d", "emodb", "iemocap", "nemo", "ravdess", "synthetic"} <= set(loader.names())
    for name in loader.names():
        assert callable(loader.find(name).read), name


def test_every_loader_tells_what_the_experiments_have_to_know():
    for name in loader.names():
        module = loader.find(name)
        assert isinstance(module.CORPUS, loader.Corpus)
        assert (module.CORPUS.name, module.CORPUS.emotions) == (name, module.EMOTIONS)
        assert module.CORPUS.protocol in PROTOCOLS
    partner = loader.find("iemocap").CORPUS.partner
    assert len(partner) == 10 and all(partner[partner[speaker]] == speaker != partner[speaker] for speaker in partner)
    assert loader.find("emodb").CORPUS.partner is None and not loader.find("emodb").CORPUS.caveat
    assert loader.find("synthetic").CORPUS.caveat == loader.GENERATED


@pytest.mark.parametrize("name", ["none", "checksums", "loader", "iemocap.labels", "../emodb", ""])
def test_a_module_that_is_no_loader_is_named_with_those_there_are(name):
    with pytest.raises(CorpusError, match=f"no loader '{re.escape(name)}', expected one of .*'emodb'"):
        loader.find(name)


def test_a_loader_adds_its_own_options():
    choices = {name: default for name, _, default in loader.choices("iemocap")}
    assert choices == {"merge_excited": False, "dialogs": "improvised", "skip_bad": False}
    assert loader.choices("emodb") == []


def test_counts_are_compared_a_speaker_and_emotion():
    utterances = [Utterance(f"u{number}", Path("u"), speaker, "sad") for number, speaker in enumerate("aab")]
    published = {"a": (2, 1), "c": (0, 1)}
    assert loader.count_differences(utterances, published, ("sad", "angry")) == [
        "speaker a, angry: found 0, published 1",
        "speaker b, sad: found 1, published 0",
        "speaker c, angry: found 0, published 1",
    ]


def test_a_look_alike_is_never_called_by_the_corpuss_name(tmp_path):
    synthetic_iemocap.write_iemocap_like(tmp_path, scale=0.005)
    read = loader.find("iemocap").read
    reading = read(tmp_path)
    assert reading.name == "iemocap-synthetic" and not reading.differences
    (tmp_path / "IEMOCAP_full_release" / "SYNTHETIC.txt").unlink()
    real = read(tmp_path)
    assert real.name == "iemocap" and real.differences
    excited = read(tmp_path, merge_excited=True, dialogs="all")
    assert excited.name == "iemocap-all-excited" and excited.about["selection"] == "all dialogs, happy = hap + exc"
    assert len(excited.utterances) > len(real.utterances)
