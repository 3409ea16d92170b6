"""By how much a split flatters: much where each voice has its own way to sound, nothing where emotions sound alike in all."""

from __future__ import annotations

import json
import zlib

import numpy as np
import pytest

from ser_acrnn import audit, cli
from ser_acrnn.auditing import SplitError, estimating
from ser_acrnn.features.functionals import Extractor

EMOTIONS = ("angry", "sad")
SPEAKERS = "abcdef"


def vectors(paths, own=True):
    """Of each voice, or of all in the same way, the emotion is in the sign of some functionals."""
    for path in paths:
        speaker, emotion, _ = path.stem.split("-")
        rng = np.random.default_rng(zlib.crc32(path.stem.encode()))
        found = 0.3 * rng.standard_normal(12)
        place = SPEAKERS.index(speaker) if own else 0
        found[place] += {"angry": 2, "sad": -2}[emotion] * (1 if place % 2 else -1)
        found[6 + SPEAKERS.index(speaker)] += 3
        yield found.astype(np.float32)


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """Files of six speakers, split so that each voice is in both parts; openSMILE is not asked."""
    monkeypatch.setattr(estimating, "opensmile_extractor", lambda config: Extractor("stand-in 1", vectors))
    rows = ["path,speaker,emotion,fold"]
    for speaker in SPEAKERS:
        for emotion in EMOTIONS:
            for number in range(8):
                path = tmp_path / "wav" / f"{speaker}-{emotion}-{number}.wav"
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(path.stem.encode())
                rows.append(f"{path.name},{speaker},{emotion},{number % 4}")
    (tmp_path / "split.csv").write_text("\n".join(rows))
    return tmp_path


def estimated(corpus):
    return estimating.estimate(audit(corpus / "split.csv").split, corpus / "wav", corpus / "kept")


def test_a_split_that_shares_voices_flatters_where_each_has_its_own_way(corpus):
    found = estimated(corpus)
    assert found.given > 0.95 and found.honest < 0.7 and found.difference.low > 10
    assert (found.speakers, found.recordings, found.folds) == (6, 96, 4)
    assert (
        f"UAR of {100 * found.given:.1f} % under this split, and {100 * found.honest:.1f} % on the same 96 recordings in 4 folds"
        in found.sentence
    )


def test_it_flatters_nothing_where_all_voices_sound_the_same(corpus, monkeypatch):
    extractor = Extractor("stand-in 2", lambda paths: vectors(paths, own=False))
    monkeypatch.setattr(estimating, "opensmile_extractor", lambda config: extractor)
    found = estimated(corpus)
    assert found.honest > 0.95 and abs(found.difference.mean) < 5


def test_what_was_computed_is_kept_where_a_folder_is_given(corpus, monkeypatch):
    first = estimated(corpus)
    monkeypatch.setattr(estimating, "opensmile_extractor", lambda config: Extractor("stand-in 1", lambda paths: iter(())))
    assert estimated(corpus) == first


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda rows: [row.replace(",a,", ",,") for row in rows], "its speaker is not known"),
        (lambda rows: [row.replace("angry,", ",") for row in rows], "its emotion is not known"),
        (lambda rows: [*rows, "gone.wav,a,sad,1"], "lacks 1 of 97 recordings, such as gone.wav"),
        (lambda rows: [row for row in rows if row[0] in "pab"], "has 2 speakers, expected 3 or more"),
    ],
)
def test_what_is_not_known_or_not_there_is_named(corpus, change, message):
    table = corpus / "split.csv"
    table.write_text("\n".join(change(table.read_text().splitlines())))
    with pytest.raises(SplitError, match=message):
        estimated(corpus)


def test_the_command_needs_the_recordings(capsys, corpus):
    assert cli.main(["audit", str(corpus / "split.csv"), "--estimate"]) == 2
    assert "--estimate needs --audio" in " ".join(capsys.readouterr().err.split())
    with pytest.raises(ValueError, match="expected audio"):
        audit(corpus / "split.csv", estimate=True)


def test_the_report_has_the_estimate(corpus, monkeypatch):
    from ser_acrnn.auditing import same_audio

    monkeypatch.setattr(same_audio, "findings", lambda *given: ([], []))  # the files hold no audio
    found = audit(corpus / "split.csv", audio=corpus / "wav", estimate=True)
    assert found.estimate is not None and f"Estimate:\n\n- {found.estimate.sentence}" in str(found)
    said = json.loads(json.dumps(found.to_dict()))["estimate"]
    assert said["difference_points"] == pytest.approx(found.estimate.difference.mean, abs=1e-3) and len(said["interval"]) == 2
