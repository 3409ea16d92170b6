"""The command that prepares a corpus: what is typed, what it says, and what it refuses."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from data_prep.corpora import emodb
from data_prep.prepare import main
from ser_acrnn.config import EMODB_EMOTIONS, FEATURE_RECIPES
from ser_acrnn.config.features import RECIPES
from ser_acrnn.data.prepared import RecordCorpus

ROOT = Path(__file__).parents[2]


def command(source: Path, data: Path, *options: str) -> int:
    return main(["emodb", "--source", str(source), "--data", str(data), "--jobs", "1", *options])


def test_the_command_prepares_and_says_what(
    source: Path, data: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert command(source, data) == 0
    assert capsys.readouterr().out == (
        f"{data / 'emodb'}: 6 utterances of 3 speakers, recipe {FEATURE_RECIPES['paper'].recipe_hash}, 0 left out\n"
    )
    assert any("speaker 03, angry: found 1, published 14" in message for message in caplog.messages)
    corpus = RecordCorpus(data / "emodb")
    assert corpus.name == "emodb"
    assert corpus.manifest["path"].iloc[0] == "wav/03a01Ta.wav"


def test_the_command_takes_recipes(source: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(source, data, "--recipe", "released-code") == 0
    assert RecordCorpus(data / "emodb.released-code").features == RECIPES["released-code"]
    assert not (data / "emodb").exists()
    capsys.readouterr()
    assert command(source, data, "--recipe", "paper,mfcc-pitch") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in lines] == [str(data / "emodb"), str(data / "emodb.mfcc-pitch")]
    assert [RecordCorpus(data / name).features for name in ("emodb", "emodb.mfcc-pitch")] == [RECIPES["paper"], RECIPES["mfcc-pitch"]]


@pytest.mark.parametrize("recipes", ["none", "paper,none", "paper,", "paper, mfcc-pitch"])
def test_the_command_names_an_unknown_recipe_with_the_known_ones(
    source: Path, data: Path, capsys: pytest.CaptureFixture[str], recipes: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        command(source, data, "--recipe", recipes)
    assert stop.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert f"--recipe is {recipes}" in last and all(name in last for name in RECIPES)
    assert not data.exists()


def test_the_command_refuses_bad_recordings_unless_told(
    source: Path, data: Path, bad: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(source, data) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    for name, reason in bad.items():
        assert any(f"{name}.wav: " in line and reason in line for line in captured.err.splitlines())
    assert command(source, data, "--skip-bad") == 0
    assert "3 utterances of 2 speakers" in (output := capsys.readouterr().out)
    assert output.endswith("3 left out\n")


def test_the_command_reports_a_corpus_that_is_not_there(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(tmp_path / "none", data) == 1
    assert f"{tmp_path / 'none'} is not a folder" in capsys.readouterr().err
    assert not data.exists()


@pytest.mark.parametrize(
    "loader",
    ["none", "checksums"],
)
def test_the_command_reports_an_unknown_loader(source: Path, data: Path, capsys: pytest.CaptureFixture[str], loader: str) -> None:
    assert main([loader, "--source", str(source), "--data", str(data)]) == 1
    assert f"data_prep has no loader {loader!r}" in capsys.readouterr().err


def test_runs_as_a_module(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "data_prep.prepare", "emodb", "--source", str(tmp_path), "--data", str(tmp_path / "data")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"emodb: {tmp_path} holds no .wav file")
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
def test_the_published_corpus_is_prepared_whole(emodb_directory: Path, data: Path) -> None:
    assert main(["emodb", "--source", str(emodb_directory), "--data", str(data), "--jobs", "2"]) == 0
    corpus = RecordCorpus(data / "emodb")
    assert len(list((data / "emodb").glob("*.tfrecord"))) == 10
    assert corpus.speakers == sorted(emodb.PUBLISHED_COUNTS)
    assert corpus.recipe["left_out"] == []
    assert len(corpus.manifest) == len(set(corpus.manifest["sha256"])) == 535
    counts = Counter(zip(corpus.manifest["speaker"], corpus.manifest["emotion"], strict=True))
    for speaker, published in emodb.PUBLISHED_COUNTS.items():
        assert tuple(counts[speaker, emotion] for emotion in EMODB_EMOTIONS) == published
    total = corpus.manifest["emotion"].value_counts()
    assert [int(total[emotion]) for emotion in EMODB_EMOTIONS] == [127, 62, 71, 79, 69, 46, 81]
    records = [(name, emotion) for name, emotion, _ in corpus.utterances(corpus.speakers)]
    assert records == list(corpus.manifest[["utterance", "emotion"]].itertuples(index=False, name=None))
    assert corpus.manifest["seconds"].between(1.2, 9.0).all()
    assert (corpus.manifest["segments"] == np.maximum(1, np.ceil(np.ceil((corpus.manifest["seconds"] - 0.015) * 100) / 300))).mean() > 0.99


def test_help_after_the_corpus_shows_the_loaders_own_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, shown in ((["--help"], False), (["emodb", "-h"], False), (["iemocap", "--help"], True)):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 0
        assert ("--merge-excited" in capsys.readouterr().out) == shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Missing argument 'corpus'"),
        (["emodb"], "Missing option '--source'"),
        (["emodb", "--source", "none", "--merge-excited"], "No such option: --merge-excited"),
        (["iemocap", "--source", "none", "--dialogs", "some"], "'some' is not one of 'improvised', 'scripted', 'all'"),
    ],
)
def test_a_missing_or_wrong_argument_is_named(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert words in capsys.readouterr().err
