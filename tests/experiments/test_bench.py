"""The measurements give figures that can be true."""

import itertools
import json
import subprocess
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pytest

from data_prep.synthetic import emodb as synthetic
from experiments.bench import __main__ as bench
from experiments.bench import copies, epoch, loop, predicting, preparation
from experiments.bench.harness import Row
from experiments.bench.memory import PeakMemory
from ser_acrnn.config import ModelConfig
from ser_acrnn.data.prepared import RecordCorpus


def timed(measure, *arguments, **named):
    """What a measurement finds, and the seconds that it took as a whole: a figure is a part of them, however busy the machine is."""
    started = time.perf_counter()
    return measure(*arguments, **named), time.perf_counter() - started


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    synthetic.write_emodb_like(folder / "corpus", utterances_per_speaker=1, speakers=("03", "08", "09"))
    figures, elapsed = timed(preparation.measure, "synthetic", folder / "corpus", folder / "data")
    return folder / "data" / "synthetic", {**figures, "elapsed": elapsed}


def test_preparation_is_measured(measured):
    prepared, figures = measured
    assert (prepared / "recipe.json").is_file()
    assert figures["utterances"] >= 9 and 0.2 < figures["minutes"] < 5
    assert 0 < figures["again"] < figures["fresh"] < figures["elapsed"]
    assert 100 < figures["peak"] < 3000


def test_the_whole_command_in_pieces_is_measured(measured, tmp_path):
    source = measured[0].parents[1] / "corpus"
    seconds, elapsed = timed(preparation.measure_command, "synthetic", source, tmp_path / "data", jobs=2)
    assert 0 < seconds < elapsed
    assert (tmp_path / "data" / "synthetic" / "recipe.json").is_file()
    assert len(list((tmp_path / "data" / "work").rglob("*.log"))) == 2  # a piece each process


def training_segments(prepared):
    manifest = pd.read_csv(prepared / "manifest.csv", dtype={"speaker": str})
    return manifest["segments"][manifest["speaker"] != manifest["speaker"].min()].sum()


@pytest.mark.parametrize("kind, measure", [("memory", epoch._measure_here), ("train-streamed", epoch.measure)])
def test_an_epoch_is_measured(measured, kind, measure):
    figures, elapsed = timed(measure, kind, measured[0])
    assert figures["segments"] >= training_segments(measured[0]) >= 10  # overlapping, as `tiny` trains on them
    assert 0 < figures["loading"] < elapsed and 0 < figures["seconds"] < elapsed
    assert 100 < figures["before"] <= figures["peak"]
    if measure is epoch.measure:  # the other one measures this process, which holds what the tests before have left
        assert figures["peak"] < 3000


def test_the_memory_of_the_shortest_work_is_seen():
    """However short: the thread that looks may never have had its turn."""
    now = psutil.Process().memory_info().rss / 2**20
    assert 0.5 * now < PeakMemory().stop() < 3 * now


def test_copies_of_a_corpus_have_its_statistics_and_features(measured, tmp_path):
    one = RecordCorpus(measured[0])
    three = RecordCorpus(copies.write(measured[0], 3, tmp_path / "three"))
    assert len(three.manifest) == 3 * len(one.manifest) and three.manifest["utterance"].is_unique
    for found, expected in zip(three.statistics(three.speakers), one.statistics(one.speakers), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    name = one.manifest["utterance"].iloc[-1]
    assert three.read(f"{name}-0").tobytes() == three.read(f"{name}-2").tobytes() == one.read(name).tobytes()


def test_streaming_takes_as_much_memory_of_a_larger_corpus(measured, tmp_path):
    """In memory, the larger one would take a hundred MiB more."""
    peak, mebibytes = [], []
    for times in (10, 60):
        figures = epoch.measure("stream", copies.write(measured[0], times, tmp_path / str(times)))
        peak.append(figures["peak"] - figures["before"])
        mebibytes.append(figures["segments"] * 300 * 40 * 3 * 4 / 2**20)
    assert mebibytes[1] - mebibytes[0] > 80
    assert peak[1] - peak[0] < 20


def test_the_training_loop_is_measured_beside_its_steps(monkeypatch):
    """By a clock of its own: the first epoch, which is not counted, takes 50 s, the others 3; the steps alone take 2."""
    ticks = itertools.accumulate(itertools.chain([0, 50, 0, 2, 0], itertools.cycle([3, 0, 2, 0])))
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    small = ModelConfig(segment_frames=40, mels=8, conv=((4, 2, 2),), linear_units=8, blstm_units=4)
    (row,) = loop.rows("small", small, rounds=3)
    assert row.group == "training loop, small" and "560 segments" in row.what
    assert (row.figure, row.ratio) == (3, 2 / 3)


@pytest.mark.slow
def test_predicting_is_measured_beside_keras():
    found, elapsed = timed(predicting.rows, quick=True)
    cold, memory = found[0], found[1]
    assert 0 < cold.figure < elapsed and cold.ratio > 3 and memory.figure < 200 and memory.ratio > 3
    threads = [f"{what}, one by one, 16 threads" for what in ("samples", "short files", "ONNX Runtime alone")]
    assert [row.what for row in found[-6:]] == ["short files", predicting.TIMELINE, predicting.TIMELINE, *threads]
    assert all(row.figure > 0 for row in found)


def test_the_command_keeps_its_figures(tmp_path, capsys):
    assert bench.main(["--quick", "--only", "startup,records", "--write", str(tmp_path)]) == 0
    written = json.loads(next(tmp_path.glob("*.json")).read_text())
    assert {row["group"] for row in written["rows"]} == {"start", "records"}
    assert all(row["figure"] > 0 for row in written["rows"])
    assert isinstance(written["instructions"], list) and written["device"]
    (page,), (figure,) = tmp_path.glob("*.md"), tmp_path.glob("*.png")
    assert page.read_text().startswith(f"Version {written['version']}, {written['device']}") and "| records " in page.read_text()
    assert figure.stat().st_size > 1000
    assert bench._keep([], tmp_path).stem == f"{figure.stem}-2"  # what was kept stays
    shown = capsys.readouterr().out
    assert "| start " in shown and "| records " in shown


def test_a_group_that_fails_is_named_and_the_others_are_kept(tmp_path, monkeypatch, capsys):
    def measure(group, options):
        if group == "records":
            raise subprocess.CalledProcessError(1, group)
        return [Row(group, "something", 1.5, "s", "nothing", 2.0)]

    monkeypatch.setattr(bench, "_measure", measure)
    assert bench.main(["--only", "startup,records,features", "--write", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert said.err == "failed: records\n" and "| features | something | 1.5 s" in said.out
    assert [row["group"] for row in json.loads(next(tmp_path.glob("*.json")).read_text())["rows"]] == ["startup", "features"]


def test_an_unknown_group_is_named(capsys):
    assert bench.main(["--only", "startup,sppeed"]) == 2
    assert "sppeed" in capsys.readouterr().err
