"""New voices of a corpus that a network of several corpora knows: each speaker's UAR, and the table beside networks of the corpus alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.studies import unheard_speakers
from ser_acrnn.evaluation import results_manifest
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.evaluation.results_manifest import ResultError, Row

POOLED, ALONE = ["angry", "fear", "sad"], ["angry", "bored", "sad", "fear"]
SPEAKERS = ("03", "08", "09")


def result(test: str, emotions: list[str], said: dict[str, tuple[str, str]]) -> RunResult:
    """An utterance -> its emotion and the decision."""
    utterances = [
        {"id": name, "emotion": truth, "posteriors": [0.8 if one == decision else 0.1 for one in emotions]}
        for name, (truth, decision) in said.items()
    ]
    return RunResult("pool", "one", {"test": test}, 0, emotions, utterances, 1, [], "", {}, "", "", "", "float32", 1.0)


def kept(results: Path) -> None:
    """Three speakers' results of both: the pooled network is right of all, that of the corpus alone of anger."""
    rows = [Row(f"{speaker}{emotion}", speaker, "", emotion, f"{speaker}{emotion}") for speaker in SPEAKERS for emotion in ALONE]
    results_manifest.write(results / "emodb", rows)
    for number, group in enumerate((SPEAKERS[:2], SPEAKERS[2:])):
        said = {f"emodb/{speaker}{emotion}": (emotion, emotion) for speaker in group for emotion in POOLED}
        result(f"emodb-{number}", POOLED, said).save(results / unheard_speakers.FOLDER / "both" / f"emodb-{number}-seed0.json")
    for speaker in SPEAKERS:
        said = {f"{speaker}{emotion}": (emotion, "angry") for emotion in ALONE}
        result(speaker, ALONE, said).save(results / "emodb" / "best-by-utterance" / f"{speaker}-seed0.json")


def test_each_speaker_counts_once_over_the_emotions_of_both(tmp_path: Path) -> None:
    kept(tmp_path)
    lines = unheard_speakers.table("both", "emodb", tmp_path).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    assert cells[0][:4] == ["`both`", "3", "100.0 ± 0.0", "100.0 to 100.0"]
    assert cells[1][:5] == ["`best-by-utterance`", "3", "33.3 ± 0.0", "33.3 to 33.3", "+66.7 (+66.7 to +66.7)"]
    assert cells[2][:5] == ["`best-by-utterance.robust-short-pauses`", "0", "", "", ""]


def test_without_results_there_is_no_table(tmp_path: Path) -> None:
    assert unheard_speakers.table("both", "emodb", tmp_path) == ""


def test_an_utterance_of_no_speaker_or_twice_is_refused() -> None:
    one = result("emodb-0", POOLED, {"emodb/03angry": ("angry", "sad")})
    with pytest.raises(ResultError, match=r"emodb-0: \['03angry'\] are not of the corpus, or twice"):
        unheard_speakers.by_speaker([one, one], POOLED, {"03angry": "03"})
    with pytest.raises(ResultError, match=r"emodb-0: \['03angry'\] are not of the corpus, or twice"):
        unheard_speakers.by_speaker([one], POOLED, {"03sad": "03"})
    assert unheard_speakers.by_speaker([one], POOLED, {"03angry": "03"}) == {"03": 0.0}
