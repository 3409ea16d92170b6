"""The command of functionals and their machine, with a stand-in for openSMILE; and with it where it is installed."""

import importlib
import shutil
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from experiments import catalogue
from experiments.catalogue import baselines
from experiments.grid import runs
from experiments.reporting import summarise
from experiments.studies import opensmile_svm
from ser_acrnn import audio
from ser_acrnn.evaluation.metrics import unweighted_average_recall
from ser_acrnn.evaluation.protocol import LeakError
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.features.functionals import Extractor

SYSTEM, BY_SPEAKER = "opensmile-compare-svm", "opensmile-compare-svm-by-speaker"


def bands(waveform):
    """The logarithm of the power in eight bands up to 1 kHz: enough to tell tones an octave apart."""
    power = np.abs(np.fft.rfft(waveform)) ** 2
    return np.log([band.sum() / len(waveform) + 1e-9 for band in np.array_split(power[: len(power) // 8], 8)]).astype(np.float32)


@pytest.fixture
def stand_in(monkeypatch):
    """Stands for openSMILE; the list of the files that it was given."""
    heard = []

    def functionals(paths):
        for path in paths:
            heard.append(path.name)
            yield bands(audio.load(path))

    monkeypatch.setattr(opensmile_svm, "opensmile_extractor", lambda config: Extractor("stand-in 1", functionals))
    for name, preset in baselines.SYSTEMS.items():  # two complexities are a choice
        few = replace(preset, model=replace(preset.model, complexities=preset.model.complexities[::4]))
        monkeypatch.setitem(baselines.SYSTEMS, name, few)
    return heard


def run(corpus, folder, *more, source=None):
    words = ["--prepared", corpus, "--source", source or corpus.parents[1], "--results", folder / "results", "--work", folder / "work"]
    return opensmile_svm.main([str(word) for word in [*words, *more]])


def results(folder, system, corpus="synthetic"):
    return [RunResult.load(path) for path in sorted((folder / "results" / corpus / system).glob("*.json"))]


@pytest.mark.parametrize("kind", ["small_corpus", "small_packed"])
def test_four_systems_leave_a_result_a_fold_as_networks_do(kind, request, small_corpus, tmp_path, stand_in):
    assert run(request.getfixturevalue(kind), tmp_path, source=small_corpus.parents[1]) == 0
    assert len(stand_in) == 2 * 18
    for system, preset in baselines.SYSTEMS.items():
        found = results(tmp_path, system)
        assert [result.fold for result in found] == [
            {"train": train, "validation": None, "test": test}
            for train, test in ((["08", "09"], "03"), (["03", "09"], "08"), (["03", "08"], "09"))
        ]
        for result in found:
            assert (result.corpus, result.system, result.seed, result.protocol) == ("synthetic", system, 0, "leave-one-speaker-out")
            assert result.emotions == result.config["model"]["emotions"] == list(catalogue.corpus("synthetic").emotions)
            assert result.recipe_hash == preset.features.recipe_hash
            expected = replace(preset, model=replace(preset.model, emotions=tuple(result.emotions)))
            assert baselines.SvmPreset.from_dict(result.config) == expected
            assert result.config["training"]["train_on_validation"] is True
            assert result.backend.startswith("scikit-learn ") and result.backend.endswith(", stand-in 1")
            assert result.precision == "float64" and result.device.startswith("cpu: ")
            assert result.chosen["complexity"] in preset.model.complexities and result.validation_curve == []
            assert [utterance["id"] for utterance in result.utterances] == [
                f"{result.fold['test']}a0{number + 1}{letter}a" for number, letter in enumerate("WTFWTF")
            ]
            assert {len(utterance["posteriors"]) for utterance in result.utterances} == {7}
    for system in (SYSTEM, BY_SPEAKER):
        uars = [unweighted_average_recall(result.truth, result.decisions) for result in results(tmp_path, system)]
        assert np.mean(uars) > 0.8, "tones an octave apart are not told apart"


def test_what_is_finished_is_skipped_and_what_is_missing_done_again_alike(small_corpus, tmp_path, stand_in, capsys):
    assert run(small_corpus, tmp_path, "--system", SYSTEM) == 0
    path = tmp_path / "results" / "synthetic" / SYSTEM / "08-seed0.json"
    before, done = RunResult.load(path), len(stand_in)
    path.unlink()
    kept = {file: file.stat().st_mtime_ns for file in path.parent.iterdir()}
    capsys.readouterr()
    assert run(small_corpus, tmp_path, "--system", SYSTEM) == 0
    assert "2 of 3 results are already there" in capsys.readouterr().out
    assert len(stand_in) == done
    assert replace(RunResult.load(path), wall_seconds=before.wall_seconds) == before
    assert all(file.stat().st_mtime_ns == time for file, time in kept.items())
    shutil.rmtree(tmp_path / "work")
    assert run(small_corpus, tmp_path, "--system", SYSTEM) == 0
    assert len(stand_in) == done, "functionals were computed for finished results"


def test_the_result_of_another_configuration_is_refused(small_corpus, tmp_path, stand_in, capsys):
    assert run(small_corpus, tmp_path, "--system", SYSTEM) == 0
    path = tmp_path / "results" / "synthetic" / SYSTEM / "03-seed0.json"
    synthetic = {"emotions": RunResult.load(path).emotions}
    other = baselines.SYSTEMS[BY_SPEAKER].to_dict()
    for config, words in (
        ({}, "is not a result file"),
        ({"features": {}, "model": {}, "training": {}}, "recipe_hash is"),
        (other | {"model": other["model"] | synthetic}, "is the result of another configuration"),
    ):
        replace(RunResult.load(path), config=config).save(path)
        assert run(small_corpus, tmp_path, "--system", SYSTEM) == 1
        assert f"{path}: {words}" in capsys.readouterr().err


def test_another_recording_than_the_prepared_one_is_refused(small_corpus, tmp_path, stand_in, capsys):
    source = Path(shutil.copytree(small_corpus.parents[1] / "wav", tmp_path / "corpus" / "wav")).parent
    shutil.copy(source / "wav" / "03a01Wa.wav", source / "wav" / "08a02Ta.wav")
    assert run(small_corpus, tmp_path, source=source) == 1
    error = capsys.readouterr().err
    assert "08a02Ta.wav: is another recording than the prepared one" in error and error.count("\n") == 1
    assert not stand_in and not (tmp_path / "results").exists()


def test_an_unknown_system_is_named_with_the_known_ones(small_corpus, tmp_path, capsys):
    assert run(small_corpus, tmp_path, "--system", f"{SYSTEM},dnn-elm") == 1
    error = capsys.readouterr().err
    assert "--system names ['dnn-elm']" in error and BY_SPEAKER in error


def opened(small_corpus, tmp_path, system, protocol=None):
    facts, preset = catalogue.corpus("synthetic"), baselines.SYSTEMS[system]
    preset = replace(preset, model=replace(preset.model, emotions=facts.emotions, complexities=(1e-3, 1e-1)))
    return runs.split_corpus(small_corpus, facts, system, preset, protocol)


@pytest.mark.parametrize("system", [SYSTEM, BY_SPEAKER])
def test_the_test_speaker_has_no_part_in_what_the_training_speakers_choose(small_corpus, tmp_path, system):
    experiment = opened(small_corpus, tmp_path, system)
    this, rng = experiment.run(1, 0), np.random.default_rng(0)
    tested = (experiment.corpus.manifest["speaker"] == "08").to_numpy()
    vectors = rng.normal(size=(len(tested), 8)).astype(np.float32)
    before = opensmile_svm.scored(experiment, this, vectors, "stand-in 1")

    other = vectors.copy()
    other[tested] = 100 * rng.normal(size=(tested.sum(), 8)) - 7
    after = opensmile_svm.scored(experiment, this, other, "stand-in 1")
    assert after.chosen == before.chosen
    assert after.utterances != before.utterances

    turned = experiment.corpus.manifest
    turned.loc[tested, "emotion"] = turned.loc[tested, "emotion"].to_numpy()[::-1]
    unlabelled = opensmile_svm.scored(experiment, this, vectors, "stand-in 1")
    assert unlabelled.truth == before.truth[::-1] != before.truth
    assert [said["posteriors"] for said in unlabelled.utterances] == [said["posteriors"] for said in before.utterances]
    assert unlabelled.chosen == before.chosen

    one = np.flatnonzero(tested)[0]
    other = vectors.copy()
    other[one] += 5
    moved = opensmile_svm.scored(experiment, this, other, "stand-in 1").utterances
    same = [was["posteriors"] == now["posteriors"] for was, now in zip(unlabelled.utterances, moved, strict=True)]
    # By speaker, what is said of one recording depends on the speaker's others: they are heard first.
    assert same == [False, *[system == SYSTEM] * 5]


def test_identical_audio_in_two_parts_is_refused(small_corpus, tmp_path):
    experiment = opened(small_corpus, tmp_path, SYSTEM)
    manifest = experiment.corpus.manifest
    manifest.loc[manifest["utterance"] == "08a01Wa", "sha256"] = manifest["sha256"][0]
    with pytest.raises(LeakError, match=r"the same audio .* is in test \(03a01Wa\) and in training \(08a01Wa\)"):
        opensmile_svm.scored(experiment, experiment.run(0, 0), np.zeros((18, 8), np.float32), "stand-in 1")


def test_an_emotion_that_the_corpus_does_not_have_is_named(small_corpus, tmp_path):
    experiment = opened(small_corpus, tmp_path, SYSTEM)
    experiment.corpus.manifest.loc[3, "emotion"] = "amused"
    with pytest.raises(ValueError, match=r"synthetic: has the emotions \['amused'\], expected some of"):
        opensmile_svm.scored(experiment, experiment.run(0, 0), np.zeros((18, 8), np.float32), "stand-in 1")


def test_another_protocol_has_its_own_folder_and_only_known_ones_are_taken(small_corpus, tmp_path, stand_in, capsys):
    assert run(small_corpus, tmp_path, "--system", BY_SPEAKER, "--protocol", "leaky-random") == 0
    found = results(tmp_path, BY_SPEAKER, "synthetic.leaky-random")
    assert [result.fold["test"] for result in found] == [f"part{number}" for number in range(10)]
    assert {result.protocol for result in found} == {"leaky-random"} and len(found[0].fold["train"]) == 9
    assert sorted(utterance["id"] for result in found for utterance in result.utterances) == sorted(
        f"{speaker}a0{number + 1}{letter}a" for speaker in ("03", "08", "09") for number, letter in enumerate("WTFWTF")
    )
    with pytest.raises(SystemExit):
        run(small_corpus, tmp_path, "--protocol", "leaky-choice")
    assert run(small_corpus, tmp_path, "--protocol", "leave-one-session-out") == 1
    assert "have no session" in capsys.readouterr().err


def test_the_report_takes_them_and_knows_that_they_have_no_epochs(small_corpus, tmp_path, stand_in):
    assert run(small_corpus, tmp_path) == 0
    assert summarise.main(["synthetic", "--results", str(tmp_path / "results")]) == 0
    directory = tmp_path / "results" / "synthetic"
    text = (directory / "report.md").read_text()
    rows = [line.split("|")[1].strip() for line in text.splitlines() if "| 3 x 1 " in line]
    assert rows == list(baselines.TITLES.values())
    assert "each fold tests one speaker; all others train, and choose the complexity by leaving out one of them after the other." in text
    assert "Not yet complete" not in text and "## Calibration" not in text and "epochs." not in text.split("## Recall")[0]
    assert not list(directory.glob("*-curves.png")) and len(list(directory.glob("*-confusion.png"))) == 4


@pytest.mark.skipif(find_spec("opensmile") is None, reason="opensmile is not installed (extra [baselines])")
def test_opensmile_itself_tells_the_tones_apart(small_corpus, tmp_path):
    importlib.import_module("tensorflow")  # beside which openSMILE cannot compute in one process
    assert run(small_corpus, tmp_path, "--system", "opensmile-egemaps-svm") == 0
    found = results(tmp_path, "opensmile-egemaps-svm")
    assert len(found) == 3 and "opensmile" in found[0].backend
    assert np.mean([unweighted_average_recall(result.truth, result.decisions) for result in found]) > 0.8
