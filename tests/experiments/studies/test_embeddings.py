"""Embeddings beside functionals on a tiny corpus: who trains and who is judged, what is kept, and what the page says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.studies import embeddings
from experiments.studies.embeddings import BY_SPEAKER, EGEMAPS
from ser_acrnn import audio
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.evaluation.summary import Summary
from ser_acrnn.features.functionals import Extractor
from ser_acrnn.inference.embedder import Embedder

NETWORK = "acrnn3d-open"
RESULTS = Path(__file__).parents[3] / "results"


@pytest.fixture
def heard(monkeypatch):
    """Recordings that were embedded and that openSMILE was given, by stand-ins: embeddings tell tones, functionals the speaker."""
    found = {NETWORK: [], EGEMAPS: []}

    def functionals(paths):
        for path in paths:
            found[EGEMAPS].append(path.stem)
            yield np.full(88, int(path.stem[:2]), np.float32)

    def embed_many(embedder, paths):
        for path in paths:
            found[NETWORK].append(path.stem)
            yield bands(audio.load(path))

    monkeypatch.setattr(embeddings, "opensmile_extractor", lambda config: Extractor("opensmile stand-in", functionals))
    monkeypatch.setattr(Embedder, "embed_many", embed_many)
    monkeypatch.setattr(embeddings, "STRENGTHS", (0.01, 1.0))
    return found


def bands(waveform):
    """The logarithm of the power in eight bands up to 1 kHz."""
    power = np.abs(np.fft.rfft(waveform)) ** 2
    return np.log([band.sum() / len(waveform) + 1e-9 for band in np.array_split(power[: len(power) // 8], 8)]).astype(np.float32)


def run(corpus, folder, *more):
    words = ["--prepared", corpus, "--source", corpus.parents[1], "--results", folder / "results", "--work", folder / "work"]
    return embeddings.main([str(word) for word in [*words, *more]])


def results(folder):
    paths = sorted((folder / "results" / "embeddings" / "synthetic").glob("*/*.json"))
    return {(path.parent.name, path.stem.removesuffix("-seed0")): RunResult.load(path) for path in paths}


def test_a_fold_trains_on_the_others_and_judges_its_speaker_and_what_is_there_is_kept(small_corpus, tmp_path, heard, capsys):
    assert run(small_corpus, tmp_path) == 0
    systems = [name + suffix for name in (EGEMAPS, NETWORK) for suffix in ("", BY_SPEAKER)]
    found = results(tmp_path)
    assert set(found) == {(system, speaker) for system in systems for speaker in ("03", "08", "09")}
    for (system, speaker), result in found.items():
        assert result.fold == {"train": sorted({"03", "08", "09"} - {speaker}), "validation": None, "test": speaker}
        assert {one["id"][:2] for one in result.utterances} == {speaker} and len(result.utterances) == 6
        np.testing.assert_allclose([sum(one["posteriors"]) for one in result.utterances], 1, atol=1e-5)
        assert (result.config["model"]["normalisation"] == "speaker") is system.endswith(BY_SPEAKER)
        assert result.chosen["strength"] in (0.01, 1.0)
    # Of what is the same for a speaker's recordings nothing can be learned; tones are an octave apart.
    summary = Summary.of([*found.values()])
    assert summary.rows[EGEMAPS + BY_SPEAKER].uar < 40 < summary.rows[NETWORK].uar
    page = (tmp_path / "results" / "embeddings" / "synthetic" / "embeddings.md").read_text()
    assert embeddings.table(summary, NETWORK) in page and f"Embeddings of {NETWORK}" in page

    assert [len(names) for names in heard.values()] == [18, 18]
    lost = tmp_path / "results" / "embeddings" / "synthetic" / NETWORK / "08-seed0.json"
    lost.unlink()
    stale = lost.with_name("09-seed0.json")
    stale.write_text(stale.read_text().replace(embeddings.index()[NETWORK]["sha256"], "of other weights"))
    assert run(small_corpus, tmp_path) == 0
    assert [len(names) for names in heard.values()] == [36, 18]
    again = results(tmp_path)
    assert {key: replace(one, wall_seconds=0) for key, one in again.items()} == {
        key: replace(one, wall_seconds=0) for key, one in found.items()
    }


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("none", "--network is none, expected one of"),
        (NETWORK, "has learned from crema_d, banglaser, synthetic, expected a corpus that it has not heard"),
    ],
)
def test_what_cannot_be_compared_is_said(small_corpus, tmp_path, heard, capsys, monkeypatch, network, message):
    known = embeddings.index()[NETWORK]
    monkeypatch.setattr(embeddings, "index", lambda: {NETWORK: {**known, "corpus": "crema_d+banglaser+synthetic"}})
    assert run(small_corpus, tmp_path, "--network", network) == 1
    assert message in capsys.readouterr().err and not any(heard.values())


@pytest.mark.parametrize("corpus", ["ravdess", "nemo"])
def test_the_committed_page_is_what_the_committed_results_say(corpus):
    folder = RESULTS / "embeddings" / corpus
    found = [RunResult.load_checked(path, None) for path in sorted(folder.glob("*/*.json"))]
    assert embeddings.table(Summary.of(found), NETWORK) in (folder / "embeddings.md").read_text(encoding="utf-8")
