"""The command keeps what the cases came to, goes on where it was interrupted, and repeats one case."""

import json

import pytest

from experiments.stress import __main__ as stress
from experiments.stress import audio
from experiments.stress.cases import Case, Part


@pytest.fixture
def tried(monkeypatch):
    """The numbers that were tried; every seventh case has a fault."""
    numbers = []

    def cases(wanted, seed, folder):
        assert folder.is_dir()
        for number in wanted:
            numbers.append(number)
            yield Case(number, "ended", "goes wrong" if number % 7 == 3 else "")

    monkeypatch.setattr(audio, "PARTS", (Part("some", 100, 60, cases), Part("others", 10, 60, cases)))
    return numbers


@pytest.fixture
def words(tmp_path):
    return [f"--out={tmp_path / 'out'}", f"--work={tmp_path / 'work'}"]


def test_outcomes_are_kept_and_shown(tried, words, tmp_path, capsys):
    assert stress.main(["audio.some", "--scale=0.2", "--seed=5", *words]) == 1
    kept = json.loads((tmp_path / "out" / "audio.json").read_text())
    assert list(kept) == ["some"] and kept["some"]["count"] == 20 and kept["some"]["ended"] == {"ended": 20}
    assert [fault["number"] for fault in kept["some"]["faults"]] == [3, 10, 17]
    report = (tmp_path / "out" / "report.md").read_text()
    assert "`audio.some`, seed 5: goes wrong: 3, 10, 17" in report and report in capsys.readouterr().out
    assert stress.main(["audio.others", "--scale=0.2", *words]) == 0
    assert set(json.loads((tmp_path / "out" / "audio.json").read_text())) == {"some", "others"}


def test_an_interrupted_part_goes_on_and_a_finished_one_begins_anew(tried, words, tmp_path):
    path = tmp_path / "out" / "audio.json"
    stress.main(["audio.some", "--scale=0.2", *words])
    whole = json.loads(path.read_text())
    part = whole["some"] | {"count": 12, "ended": {"ended": 12}, "faults": whole["some"]["faults"][:2]}
    path.write_text(json.dumps({"some": part}))
    tried.clear()
    stress.main(["audio.some", "--scale=0.2", *words])
    assert tried == list(range(12, 20))
    again = json.loads(path.read_text())
    assert again["some"] | {"seconds": 0} == whole["some"] | {"seconds": 0}
    tried.clear()
    stress.main(["audio.some", "--scale=0.2", *words])
    assert tried == list(range(20))


def test_one_case_is_repeated_by_its_number(tried, words, tmp_path, capsys):
    assert stress.main(["audio.some", "--only=10", *words]) == 1
    assert tried == [10] and "some 10: ended: goes wrong" in capsys.readouterr().out
    assert stress.main(["audio.some", "--only=11", *words]) == 0
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name, expected", [("video", "expected some of"), ("audio.none", "expected a part of audio: some, others")])
def test_unknown_kinds_are_named(tried, words, capsys, name, expected):
    assert stress.main([name, *words]) == 1
    assert expected in capsys.readouterr().err and tried == []


def test_a_few_malformed_recordings_are_read_or_refused(words, tmp_path):
    part = audio.PARTS[0]
    assert {case.ended for case in part.tried(range(39), 0, tmp_path)} <= {"read", "refused"}
