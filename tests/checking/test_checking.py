"""All tests of a model or of predictions, as a report, a page and a command."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from ser_acrnn import cli
from ser_acrnn.checking import CheckError, behaviour, check, check_predictions, pages
from ser_acrnn.checking.answers import FunctionJudge
from ser_acrnn.checking.bounds import BOUNDS
from ser_acrnn.evaluation import PredictionsError

CHANGED = ["silence around", "level", "noise", "telephone band", "codec", "room", "tempo"]


def verdicts(report):
    return {one.name: one.verdict for one in report.outcomes}


def test_a_steady_judge_passes_and_every_test_is_in_the_report(judge, labels):
    report = check(judge, labels, most_changed=6, export=judge)
    assert len(report.outcomes) == 20 and report.recordings == 48 and not report.problems
    found = verdicts(report)
    assert {name for name, verdict in found.items() if verdict == "failed"} <= {"music", "sounds without speech", "telephone band"}
    assert found["agreement of the export"] == found["tempo"] == found["silence and noise"] == "passed"


@pytest.mark.parametrize("name", CHANGED)
def test_a_judge_that_goes_by_what_is_changed_fails_that_test(name, labels):
    """Of a recording as it is, it says one thing, and of any other one the other."""
    import soundfile

    path = labels.parent / "00.wav"
    samples = soundfile.read(path, dtype="float32")[0]

    def strict(waveform):
        same = waveform.shape == samples.shape and np.allclose(waveform, samples, atol=1e-6)
        return {"angry": float(same), "sad": 1 - float(same)}

    found = {one.name: one for one in behaviour.invariances(FunctionJudge("strict", strict, ("angry", "sad")), {"00": samples}, [], BOUNDS)}
    assert found[name].verdict == "failed" and found[name].value == 0
    level = {
        one.name: one for one in behaviour.invariances(FunctionJudge("deaf", lambda _: {"sad": 1.0}, ("sad",)), {"00": samples}, [], BOUNDS)
    }
    assert level[name].verdict == "passed"


def test_a_function_may_change_the_samples_that_it_is_given():
    samples = np.ones(16_000, np.float32)

    def careless(waveform):
        waveform[:] = np.nan
        return {"angry": 1.0, "sad": 0.0}

    FunctionJudge("careless", careless, ("angry", "sad"))([samples])
    assert (samples == 1).all()


def test_a_judge_that_names_an_emotion_for_every_sound_fails_and_one_that_is_not_sure_passes():
    loud = FunctionJudge("loud", lambda _: {"angry": 0.9, "sad": 0.1}, ("angry", "sad"))
    low = FunctionJudge("low", lambda _: dict.fromkeys("abc", 1 / 3), tuple("abc"))
    assert [one.verdict for one in behaviour.other_sounds(loud, BOUNDS)] == ["failed"] * 3
    assert [one.verdict for one in behaviour.other_sounds(low, BOUNDS)] == ["passed"] * 3


def test_an_export_that_says_something_else_fails(judge):
    wave = np.sin(np.arange(16_000) / 5).astype(np.float32)
    other = FunctionJudge("other", lambda _: {"angry": 0.2, "sad": 0.8}, ("angry", "sad"))
    found = behaviour.agreement(judge, other, {"wave": wave}, BOUNDS)
    assert (found.verdict, found.value) == ("failed", 0) and found.details["largest difference"] == pytest.approx(0.75)
    assert behaviour.agreement(judge, None, {"wave": wave}, BOUNDS).verdict == "not tested"


def test_the_page_stands_alone_and_has_every_test(judge, labels):
    report = check(judge, labels, most_changed=2)
    page = pages.page(report)
    assert all(f"<td>{name}</td>" in page for name in ("calibration", "telephone band")) and page.count("<img") > 10
    assert not re.search(r"(?:src|href)='(?!data:)", page) and "http" not in page


def test_names_are_no_markup_on_the_page(judge, labels):
    named = FunctionJudge("<script>", judge._function, judge.emotions)
    assert "<script>" not in pages.page(check(named, labels, most_changed=1))


def test_emotions_called_as_columns_are_refused(labels):
    for name in ("speaker", "truth", "seconds"):
        named = FunctionJudge("odd", lambda _, name=name: {name: 0.5, "sad": 0.5}, (name, "sad"))
        with pytest.raises(CheckError, match=f"odd: calls emotions {name}, expected none called as columns"):
            check(named, labels)


def test_what_is_refused_is_told(labels):
    def picky(samples):
        if len(samples) < 1.2 * 16_000:
            raise ValueError("is too short")
        return {"angry": 1.0, "sad": 0.0}

    report = check(FunctionJudge("picky", picky, ("angry", "sad")), labels, most_changed=1)
    assert verdicts(report)["recordings are judged"] == "failed" and len(report.problems) == 48 - report.recordings
    with pytest.raises(CheckError, match="judges none of the 48 recordings"):
        check(FunctionJudge("mute", lambda _: (_ for _ in ()).throw(ValueError("no")), ("angry", "sad")), labels)


@pytest.mark.parametrize(
    "said", [{"angry": 2.0, "sad": -1.0}, {"angry": 0.2, "sad": 0.2}, {"angry": float("nan"), "sad": 1.0}, {"angry": 1.0}]
)
def test_what_is_no_posterior_is_refused(labels, said):
    with pytest.raises(CheckError, match=r"odd: says"):
        check(FunctionJudge("odd", lambda _: said, ("angry", "sad")), labels)


def test_an_emotion_that_the_model_does_not_know_is_refused(labels):
    with pytest.raises(PredictionsError, match=r"emotion is 'sad', expected one of \['angry'\]"):
        check(FunctionJudge("one", lambda _: {"angry": 1.0}, ("angry",)), labels)


@pytest.fixture
def predicted(labels):
    rows = [line.split(",") for line in labels.read_text().splitlines()[1:]]
    path = labels.parent / "predicted.csv"
    lines = [f"{labels.parent / name},{emotion},{emotion == 'angry':d},{emotion == 'sad':d}" for name, _, emotion, _ in rows]
    path.write_text("\n".join(["path,emotion,angry,sad", *lines]))
    return path


def test_predictions_are_tested_without_a_model(predicted, labels):
    report = check_predictions(predicted, labels)
    found = verdicts(report)
    assert len(found) == 20 and all(found[name] == "not tested" for name in CHANGED)
    assert found["sex"] == found["worst speaker"] == found["calibration"] == found["UAR above chance"] == "passed" and report.passed


def test_the_command_prints_json_and_writes_both_reports(capsys, predicted, labels, tmp_path):
    words = [
        "check",
        "--predictions",
        predicted,
        "--labels",
        labels,
        "--json",
        "--html",
        tmp_path / "c.html",
        "--markdown",
        tmp_path / "c.md",
    ]
    assert cli.main([str(word) for word in words]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["passed"] and len(said["tests"]) == 20 and said["tests"][0]["criterion"] == "at least 0.99"
    assert "| sex " in (tmp_path / "c.md").read_text() and (tmp_path / "c.html").read_text().startswith("<!doctype html>")


def test_a_failed_test_ends_the_command_with_one(capsys, predicted, labels):
    predicted.write_text(predicted.read_text().replace("sad,0,1", "angry,1,0"))
    assert cli.main(["check", "--predictions", str(predicted), "--labels", str(labels)]) == 1
    assert "| recall of each emotion  | failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words, code, message",
    [
        ([], 2, "expected either a MODEL or --predictions"),
        (["--predictions", "none.csv"], 1, "none.csv: cannot be read"),
        (["--predictions", "none.csv", "--emotions", "a"], 2, "expected neither --export nor --emotions"),
    ],
)
def test_what_cannot_be_done_is_said(capsys, labels, words, code, message):
    assert cli.main(["check", "--labels", str(labels), *words]) == code
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_function_that_raises_is_named_with_the_recording(labels):
    def judge(waveform):
        return {"angry": 1.0, "sad": 0.0} if len(waveform) < 1.04 * 16_000 else 1 / 0

    with pytest.raises(CheckError, match=r"04\.wav: of mine: raises ZeroDivisionError \(division by zero\), expected"):
        check(FunctionJudge("of mine", judge, ("angry", "sad")), labels)


def test_a_function_that_raises_on_a_changed_recording_or_another_sound_is_named_with_it(labels):
    def silence(waveform):
        return {"angry": 1.0, "sad": 0.0} if waveform[:8_000].any() else 1 / 0

    with pytest.raises(CheckError, match=r"\d\d\.wav, 1 s of zeros on both sides: of mine: raises ZeroDivisionError"):
        check(FunctionJudge("of mine", silence, ("angry", "sad")), labels)
    with pytest.raises(CheckError, match=r"^silence: of mine: raises ZeroDivisionError"):
        list(behaviour.other_sounds(FunctionJudge("of mine", lambda _: 1 / 0, ("angry", "sad")), BOUNDS))
