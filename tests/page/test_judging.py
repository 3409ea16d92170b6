"""The page says what `Predictor` says, adapts as `predict --same-speaker` does, and refuses in the same words."""

import re

import numpy as np
import pytest
import soundfile

from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.page.judging import Judge
from ser_acrnn.pretrained import DEFAULT_MODEL

RATE = 16_000


@pytest.fixture(scope="module")
def judge():
    return Judge(DEFAULT_MODEL, longest_seconds=100)


@pytest.fixture(scope="module")
def files(tmp_path_factory, write_corpus):
    return write_corpus(tmp_path_factory.mktemp("speaker"), "WTA", ("03",))


def shares(text):
    return {name: float(share) for name, share in re.findall(r"<th scope='row'>(\w+)</th><td class.*?<td>([\d.]+)</td>", text)}


def test_the_answer_is_predictor_s_with_a_figure(judge, files):
    text, found = judge(files[0]), Predictor().predict(files[0])
    assert shares(text) == pytest.approx(found.posteriors, abs=0.006)
    assert f"<h2>{'unsure' if found.unsure else found.emotion}</h2>" in text and "src='data:image/png;base64," in text


def test_it_adapts_to_all_recordings_of_the_speaker_each_time_anew(judge, files, tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("no audio")
    predictor = Predictor()
    predictor.enrol(files)
    alone, adapted = judge(files[0]), judge(files[0], [*files[1:], text])
    assert shares(adapted) == pytest.approx(predictor.predict(files[0]).posteriors, abs=0.006)
    assert shares(alone) != shares(adapted) and shares(judge(files[0])) == shares(alone)
    assert "1 of 4 recordings could not be used:<ul><li>notes.txt: " in adapted and "<dd>3 recordings" in adapted


def test_a_network_that_normalises_by_the_speaker_asks_for_others(files):
    judge = Judge("acrnn3d-emodb-adapted", longest_seconds=100)
    assert "normalises by the speaker&#x27;s own audio, expected other recordings of the same speaker" in judge(files[0])
    assert set(shares(judge(files[0], files[1:]))) == set(judge.predictor.emotions)


UNUSABLE = {
    "empty.wav": b"",
    "notes.txt": b"no audio at all",
    "silent.wav": np.zeros(RATE),
    "short.wav": np.random.default_rng(0).normal(size=RATE // 10),
    "long.wav": np.random.default_rng(0).normal(size=101 * RATE),
}


@pytest.mark.parametrize("name", UNUSABLE)
@pytest.mark.parametrize("others", [False, True])
def test_what_predict_refuses_is_refused_in_the_same_words(judge, files, tmp_path, monkeypatch, name, others):
    path, content = tmp_path / name, UNUSABLE[name]
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        soundfile.write(path, 0.1 * content, RATE)
    monkeypatch.chdir(tmp_path)
    predictor = Predictor()
    predictor.preprocessor.longest_seconds = 100
    with pytest.raises(ValueError) as error:
        predictor.predict(name)
    text = judge(path, files[:1] if others else [])
    assert f"<p class='refused' role='alert'>{error.value}</p>" in text and "<h2>" not in text


def test_no_recording_is_said(judge):
    assert judge(None) == "<p class='refused' role='alert'>no recording is there, expected one that is uploaded or spoken</p>"
