"""Judging across corpora: what is drawn and shared, what leaks, what machines and networks leave, and the page."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep.corpora import banglaser, crema_d, nemo
from experiments.cross_corpus import __main__ as cross_corpus
from experiments.cross_corpus import confidence, differences, machines, networks, page, results
from experiments.cross_corpus.recordings import FOUR, SIX, Recording, check_leaks, drawn, read, shared
from experiments.cross_corpus.results import CONDITIONS, Cell, decisions
from experiments.shipped import index
from experiments.studies import left_out
from ser_acrnn import audio
from ser_acrnn.evaluation.intervals import t_interval
from ser_acrnn.evaluation.protocol import LeakError
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.evaluation.results_manifest import ResultError
from ser_acrnn.features.functionals import Extractor
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.pretrained import DIRECTORY

RATE_HERTZ = 16_000
HERTZ = dict(zip(SIX, (300, 500, 700, 900, 1100, 1300), strict=True))
SYSTEM = "opensmile-compare-svm"


def tone(path: Path, emotion: str, seed: int) -> None:
    """Half a second in whose middle a tone's pitch tells the emotion, in noise of its own."""
    rng = np.random.default_rng(seed)
    time = np.arange(RATE_HERTZ // 2) / RATE_HERTZ
    wave = 0.04 * rng.standard_normal(len(time))
    wave[2000:6000] += 0.4 * np.sin(2 * np.pi * HERTZ[emotion] * rng.uniform(0.97, 1.03) * time[:4000])
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave, RATE_HERTZ)


def bands(waveform):
    """The logarithm of the power in forty bands up to 2 kHz."""
    power = np.abs(np.fft.rfft(waveform)) ** 2
    return np.log([band.sum() + 1e-9 for band in np.array_split(power[: len(power) // 4], 40)]).astype(np.float32)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Three corpora of two speakers, two recordings of each emotion that they have."""
    root, seed = tmp_path_factory.mktemp("corpora"), 0
    for speaker in ("1001", "1002"):
        for code, emotion in crema_d.EMOTION_OF_CODE.items():
            for sentence in ("DFA", "IEO"):
                tone(root / "crema_d" / "AudioWAV" / f"{speaker}_{sentence}_{code}_XX.wav", emotion, seed := seed + 1)
    for speaker in ("01", "02"):
        for number, emotion in banglaser.EMOTION_OF_NUMBER.items():
            if emotion in FOUR:
                for take in ("01", "02"):
                    tone(root / "banglaser" / f"03-01-{number}-01-01-{take}-{speaker}.wav", emotion, seed := seed + 1)
    for speaker in ("EB0", "KS0"):
        for word, emotion in nemo.EMOTION_OF_WORD.items():
            if emotion in SIX:
                for take in ("1", "2"):
                    tone(root / "nemo" / "samples" / f"{speaker}_{word}_{take}.wav", emotion, seed := seed + 1)
    return {name: root / name for name in ("banglaser", "crema_d", "nemo")}


@pytest.fixture
def stand_in(monkeypatch):
    """Stands for openSMILE; the list of the files that it was given."""
    heard = []

    def functionals(paths):
        for path in paths:
            heard.append(path.name)
            yield bands(audio.load(path))

    monkeypatch.setattr(machines, "COMPLEXITIES", (1e-4, 1e-2))
    monkeypatch.setattr(cross_corpus, "opensmile_extractor", lambda config: Extractor("stand-in 1", functionals))
    return heard


def run(folders, tmp_path, *more):
    words = ["--corpora", ",".join(f"{name}={folder}" for name, folder in folders.items())] if folders else []
    return cross_corpus.main([*words, "--results", str(tmp_path / "results"), "--work", str(tmp_path / "work"), *map(str, more)])


def recording(corpus="crema_d", speaker="1", emotion="sad", sha256="0", path="x.wav", utterance="u"):
    return Recording(corpus, utterance, f"{corpus}/{speaker}", emotion, Path(path), sha256)


def test_recordings_are_drawn_evenly_and_fewer_are_a_part_of_more():
    every = [
        recording(speaker=s, emotion=e, sha256=f"{h}{s}{e}", utterance=f"{s}{e}{h}") for s in "ab" for e in ("sad", "angry") for h in "312"
    ]
    four, six = drawn(every, 4), drawn(reversed(every), 6)
    assert {one.utterance for one in four} == {"asad1", "aangry1", "bsad1", "bangry1"} <= {one.utterance for one in six}
    assert [one.utterance for one in six] == sorted(one.utterance for one in six) and len(drawn(every, 100)) == 12


def test_shared_emotions_are_those_of_the_test_that_some_training_corpus_has():
    assert shared(SIX, [nemo.EMOTIONS], crema_d.EMOTIONS) == (*FOUR, "fear")
    assert shared(SIX, [nemo.EMOTIONS, crema_d.EMOTIONS], banglaser.EMOTIONS) == FOUR
    assert shared(SIX, [banglaser.EMOTIONS, nemo.EMOTIONS], crema_d.EMOTIONS) == (*FOUR, "fear")


def test_a_corpus_is_not_trained_on_and_tested():
    with pytest.raises(ResultError, match="nemo is trained on and tested"):
        Cell(SYSTEM, "all", ("crema_d", "nemo"), "nemo", FOUR)


def test_audio_in_two_corpora_is_a_leak(folders, tmp_path):
    corpora = {name: read(name, folder, 100) for name, folder in folders.items()}
    assert [len(own) for own in corpora.values()] == [16, 24, 20]
    check_leaks(corpora)
    copied = corpora["crema_d"][0]
    louder = tmp_path / "louder.wav"
    soundfile.write(louder, 0.5 * audio.load(copied.path), RATE_HERTZ)
    corpora["nemo"].append(replace(corpora["nemo"][0], path=louder))
    with pytest.raises(LeakError, match=rf"{copied.path.name}.*louder\.wav.* are the same audio.*expected each recording in one corpus"):
        check_leaks(corpora)


def test_machines_learn_from_other_corpora_and_are_told_by_the_page(folders, tmp_path, stand_in):
    assert run(folders, tmp_path, "--network", "") == 0
    assert len(stand_in) == 60
    found = results.collect(tmp_path / "results")
    # Each of three is tested after training on each other one and on both: nine pairs, of which those of crema_d and nemo have two sets.
    sizes = {(tuple(one.fold["train"]), one.corpus, len(one.emotions)) for one in found}
    assert sizes == {
        (train, test, size)
        for test, trains in (("banglaser", ("crema_d", "nemo")), ("crema_d", ("banglaser", "nemo")), ("nemo", ("banglaser", "crema_d")))
        for train in ((trains[0],), (trains[1],), trains)
        for size in ((4,) if "banglaser" in (test, *(train if len(train) == 1 else ())) else (4, 5 if "nemo" in (test, *train) else 6))
    }
    assert len(found) == 3 * len(sizes)
    for one in found:
        assert one.uar > 0.8, one.system
        assert one.chosen["complexity"] in machines.COMPLEXITIES and 0 <= one.chosen["uar_of_training_speakers"] <= 1
        assert {row["speaker"].split("/")[0] for row in one.utterances} == {one.corpus}
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").rglob("*.json")}
    assert run(folders, tmp_path, "--network", "") == 0 and len(stand_in) == 60
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "results").rglob("*.json")}
    target = tmp_path / "docs" / "cross-corpus.md"
    assert run({}, tmp_path, "--page", target) == 0
    text = re.sub(" +", " ", target.read_text())
    assert "| judge | heard before | trained on | BanglaSER | CREMA-D | nEMO |" in text
    assert (
        "../results/cross-corpus/four-emotions.png" in text and (tmp_path / "results/cross-corpus/four-emotions.png").stat().st_size > 5_000
    )
    [both] = [
        one
        for one in found
        if one.system == f"{SYSTEM}.all" and one.corpus == "crema_d" and len(one.fold["train"]) == 2 and len(one.emotions) == 5
    ]
    assert f"{100 * both.uar:.1f} (5)" in next(
        line for line in text.splitlines() if f"`{SYSTEM}` | all | all but" in line and "(5)" in line
    )


def test_a_result_of_other_recordings_is_not_taken_for_the_same(folders, tmp_path, stand_in, capsys):
    two = {name: folders[name] for name in ("banglaser", "crema_d")}
    assert run(two, tmp_path, "--network", "", "--most", "8") == 0
    assert run(two, tmp_path, "--network", "", "--most", "16") == 1
    assert "is of 8 recordings" in (said := capsys.readouterr().err) and "the same --most continues it" in said


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (("--machine", "libsvm"), "--machine names ['libsvm'], expected some of ['opensmile-compare-svm', 'opensmile-egemaps-svm']"),
        (("--network", "none"), "--network names ['none'], expected some of ['acrnn3d-emodb'"),
    ],
)
def test_unknown_judges_are_refused(more, complaint, folders, tmp_path, capsys):
    assert run(folders, tmp_path, *more) == 1
    assert complaint in capsys.readouterr().err


def test_one_corpus_alone_trains_no_machine(folders, tmp_path, capsys):
    assert run({"nemo": folders["nemo"]}, tmp_path) == 1
    assert "expected two or more" in capsys.readouterr().err
    assert run({}, tmp_path, "--page", tmp_path / "page.md") == 0
    assert "*No runs yet.*" in (tmp_path / "page.md").read_text() and not (tmp_path / "results").exists()


def test_a_changed_result_is_refused(tmp_path):
    cell = Cell("acrnn3d-emodb", "unadapted", ("emodb",), "nemo", FOUR)
    facts = {"recipe_hash": "", "config": {}, "backend": "", "device": "", "precision": "float32", "wall_seconds": 1.0, "chosen": {}}
    heard = [recording("nemo", emotion="angry"), recording("nemo", emotion="sad", utterance="v")]
    result = results.of(cell, heard, np.array([[0.4, 0.3, 0.2, 0.1], [np.nan] * 4]), **facts)
    assert [len(one["posteriors"]) for one in result.utterances] == [4, 0]
    assert decisions(result, FOUR) == (["angry", "sad"], ["angry", ""]) and decisions(result, ("sad", "happy")) == (["sad"], [""])
    result.save(path := cell.file(tmp_path))
    assert results.load(path) == result and cell.finished(tmp_path, heard) and cell.finished(tmp_path, heard, {})
    assert not cell.finished(tmp_path, heard, {"network": "acrnn3d-emodb", "sha256": "another"})
    result.save(other := path.with_name("emodb-to-ravdess-4.json"))
    with pytest.raises(ResultError, match=rf"{other.name}: is not the result that its name says"):
        results.collect(tmp_path)


def test_a_network_is_judged_on_corpora_that_it_has_not_learned_from(folders, monkeypatch):
    corpora = {name: read(name, folder, 8) for name, folder in folders.items()}
    ships = networks.shipped("acrnn3d-emodb")
    cells = list(networks.cells(ships, corpora | {"emodb": corpora["nemo"]}))
    assert {cell.test for cell in cells} == set(corpora) and {cell.condition for cell in cells} == set(CONDITIONS)
    assert {cell.condition for cell in networks.cells(networks.shipped("acrnn3d-emodb-adapted"), corpora)} == {"halves", "all"}
    halves = next(cell for cell in cells if cell.test == "nemo" and cell.condition == "halves")
    result = networks.judged(halves, ships, corpora["nemo"])
    assert [one["id"] for one in result.utterances] == [one.utterance for one in corpora["nemo"]]
    assert result.fold == {"train": ["emodb"], "validation": None, "test": "nemo"} and len(result.emotions) == 7
    plain = networks.judged(replace(halves, condition="unadapted"), ships, corpora["nemo"])
    assert {len(one["posteriors"]) for one in [*result.utterances, *plain.utterances]} == {7}
    assert [one["posteriors"] for one in result.utterances] != [one["posteriors"] for one in plain.utterances]


def test_what_is_committed_is_of_the_networks_that_ship():
    of_networks = [result for result in results.collect(Path("results")) if "network" in result.config]
    names = {result.config["network"] for result in of_networks}
    assert set(index()) <= names <= {*index(), *left_out.recipes(Path("results"))}
    for result in of_networks:
        if (name := result.config["network"]) in index():
            assert result.config == networks.shipped(name).config, f"{result.system} on {result.corpus}: of another network"


def test_networks_that_left_a_corpus_out_judge_that_one(folders, tmp_path, capsys):
    def fold(train, test):
        facts = {"backend": "", "device": "", "precision": "float32", "wall_seconds": 1.0}
        recipe = Predictor("acrnn3d-emodb").preprocessor.features.recipe_hash
        config = {"model": {"normalisation": "utterance"}}
        said = [{"id": f"{test}/u", "emotion": "sad", "posteriors": [0.2] * 5}]
        emotions = list(index()["acrnn3d-emodb"]["emotions"])
        places = {"train": train, "validation": None, "test": test}
        return RunResult("pool", "mine", places, 0, emotions, said, 1, [], recipe, config, "", **facts)

    for train, test in ((["crema_d"], "nemo"), (["nemo"], "crema_d")):
        fold(train, test).save(tmp_path / "results" / left_out.FOLDER / "mine" / f"{test}-seed0.json")
        path = left_out.network(tmp_path / "models", "mine", test)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DIRECTORY / "acrnn3d-emodb.keras", path)
    words = ["--machine", "", "--network", "", "--most", "8", "--models", tmp_path / "models"]
    two = {name: folders[name] for name in ("banglaser", "nemo")}
    assert run(two, tmp_path, *words, "--left-out", "mine") == 0
    found = results.collect(tmp_path / "results")
    assert {(one.system, one.corpus, *one.fold["train"]) for one in found} == {
        (f"mine.{condition}", "nemo", "crema_d") for condition in CONDITIONS
    }
    assert {one.config["network"] for one in found} == {"mine"}
    left_out.network(tmp_path / "models", "mine", "crema_d").unlink()
    assert run(two, tmp_path, *words, "--left-out", "mine") == 1
    assert "crema_d-seed0.keras: no such file, expected the network that" in capsys.readouterr().err
    assert run(two, tmp_path, *words, "--left-out", "other") == 1
    assert "--left-out is 'other', expected one of ['mine']" in capsys.readouterr().err


def test_what_another_network_of_the_name_said_is_computed_anew(folders, tmp_path, monkeypatch):
    words = {"nemo": folders["nemo"]}, tmp_path, "--machine", "", "--network", "acrnn3d-emodb", "--most", "8"
    assert run(*words) == 0
    path = tmp_path / "results" / "cross-corpus" / "acrnn3d-emodb.unadapted" / "emodb-to-nemo-7.json"
    first = path.read_text()
    path.write_text(first.replace(index()["acrnn3d-emodb"]["sha256"], "0" * 64))
    monkeypatch.setattr(networks, "_of_speaker", lambda predictor, waveforms, *_: np.full((len(waveforms), 7), 1 / 7))
    assert run(*words) == 0
    assert "0.14286" in path.read_text() and index()["acrnn3d-emodb"]["sha256"] in path.read_text()


def test_networks_are_compared_speaker_by_speaker():
    speakers, truth = ("a", "b", "c", "d"), ("angry", "sad")
    heard = [recording("nemo", speaker, emotion, utterance=f"{speaker}-{emotion}") for speaker in speakers for emotion in truth]

    def said(network, right):
        rows = [[float((emotion == one.emotion) == good) for emotion in SIX] for one, good in zip(heard, right, strict=True)]
        facts = {"recipe_hash": "", "backend": "", "device": "", "precision": "float32", "wall_seconds": 1.0, "chosen": {}}
        cell = Cell(network, "halves", ("emodb",), "nemo", SIX)
        return results.of(cell, heard, np.array(rows), config={"network": network, "sha256": ""}, **facts)

    ours, default = said("acrnn3d-open", [True] * 6 + [True, False]), said("acrnn3d-emodb", [True, False] * 4)
    assert differences.by_speaker(ours, SIX) == [1.0, 1.0, 1.0, 0.5] and differences.by_speaker(default, SIX) == [0.5] * 4
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in differences.table([ours, default]).splitlines()[2:]]
    assert [row[:5] for row in rows] == [["`acrnn3d-open`", "nEMO", "halves", number, "4"] for number in ("4", "5")]
    low, high = t_interval([50, 50, 50, 0])
    assert rows[0][5] == f"+37.5 ({low:+.1f} to {high:+.1f})" and rows[0][-1] == "within chance"
    assert not differences.table([ours]) and not differences.table([default])
    with pytest.raises(ResultError, match=r"acrnn3d-open.halves and acrnn3d-emodb.halves on nemo: are of other recordings"):
        differences.table([replace(ours, utterances=ours.utterances[1:]), default])


def test_how_sure_networks_are_stands_beside_how_often_they_are_right():
    heard = [recording("nemo", "a", emotion, utterance=emotion) for emotion in ("angry", "sad", "happy", "neutral")]
    rows = np.array([[0.9, 0.1, 0, 0, 0, 0], [0.9, 0.1, 0, 0, 0, 0], [0, 0.1, 0.5, 0.4, 0, 0], [0, 0, 0, 0, 0, 0]])
    rows[3] = np.nan  # refused
    facts = {"recipe_hash": "", "config": {}, "backend": "", "device": "", "precision": "float32", "wall_seconds": 1.0, "chosen": {}}

    def said(judge):
        return results.of(Cell(judge, "halves", ("emodb",), "nemo", SIX), heard, rows, **facts)

    (line,) = confidence.table([said("opensmile-compare-svm"), said("acrnn3d-emodb")]).splitlines()[2:]
    # Two of three are right; (0.9 + 0.9 + 0.5) / 3 sure; at 0.9 one of two is right, at 0.5 all: (2 * 0.4 + 0.5) / 3.
    assert [cell.strip() for cell in line.split("|")[1:-1]] == ["`acrnn3d-emodb`", "halves", "nEMO", "66.7", "76.7", "43.3"]
    assert not confidence.table([said("opensmile-compare-svm")])


def test_a_table_names_how_many_emotions_are_behind_a_figure(tmp_path):
    cell = Cell("acrnn3d-emodb", "all", ("emodb",), "nemo", SIX)
    facts = {"recipe_hash": "", "config": {}, "backend": "b", "device": "d", "precision": "float32", "wall_seconds": 1.0, "chosen": {}}
    result = results.of(cell, [recording("nemo", emotion="fear")], np.array([[0.1, 0.0, 0.0, 0.0, 0.3, 0.6]]), **facts)
    assert "| 100.0 (5) |" in re.sub(" +", " ", page.table([result], SIX))  # nEMO has no disgust, which would have been decided for
