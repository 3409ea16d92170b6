"""The result file, there and back."""

import json
import os
from dataclasses import replace

import pytest
from sample_results import sample_result

from ser_acrnn.evaluation.results import ResultError, RunResult, collect


def test_a_result_survives_its_file(tmp_path):
    result = sample_result(right=(1, 0, 1, 1))
    result.save(tmp_path / "tiny" / "03-seed0.json")
    assert RunResult.load(tmp_path / "tiny" / "03-seed0.json") == result
    assert result.truth == ["angry", "angry", "sad", "sad"]
    assert result.decisions == ["angry", "sad", "sad", "sad"]


def test_the_file_is_json_with_the_documented_fields(tmp_path):
    sample_result().save(tmp_path / "result.json")
    fields = json.loads((tmp_path / "result.json").read_text())
    documented = "corpus system fold seed emotions utterances chosen_epoch validation_curve recipe_hash config version backend device"
    documented += " precision wall_seconds protocol chosen validation_utterances test_curve initial_weights"
    assert list(fields) == documented.split()
    assert set(fields["utterances"][0]) == {"id", "emotion", "posteriors"}


def test_a_result_from_before_there_were_protocols_left_one_speaker_out(tmp_path):
    sample_result().save(tmp_path / "result.json")
    fields = json.loads((tmp_path / "result.json").read_text())
    assert fields.pop("protocol") == "leave-one-speaker-out"
    (tmp_path / "result.json").write_text(json.dumps(fields))
    assert RunResult.load(tmp_path / "result.json") == sample_result()


def test_the_protocol_survives_the_file(tmp_path):
    result = replace(sample_result(), protocol="leaky-random")
    result.save(tmp_path / "result.json")
    assert RunResult.load(tmp_path / "result.json").protocol == "leaky-random"


def test_a_failed_write_leaves_the_old_result(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    sample_result(seed=1).save(path)

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        sample_result(seed=2).save(path)
    assert RunResult.load(path).seed == 1


def test_collect_reads_every_run_and_names_what_is_none(tmp_path):
    with pytest.raises(ResultError, match="holds no result"):
        collect(tmp_path)
    for speaker in ("08", "03"):
        sample_result(speaker).save(tmp_path / "tiny" / f"{speaker}-seed0.json")
    assert [result.fold["test"] for result in collect(tmp_path)] == ["03", "08"]
    (tmp_path / "tiny" / "09-seed0.json").write_text('{"corpus": "emodb"}')
    with pytest.raises(ResultError, match=r"09-seed0\.json"):
        collect(tmp_path)


def test_what_is_no_text_is_named_in_a_line(tmp_path):
    path = tmp_path / "result.json"
    sample_result().save(path)
    path.write_bytes(path.read_bytes()[:-5] + b"\xff")
    with pytest.raises(ResultError, match=r"result\.json: is not a result file \(UnicodeDecodeError: ") as caught:
        RunResult.load(path)
    assert len(str(caught.value)) < 300 and "\n" not in str(caught.value)
