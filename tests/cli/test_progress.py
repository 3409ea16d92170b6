"""Progress: a bar on a terminal, in a log some lines with the time left, and nothing of what ends at once."""

import io
import re
import sys

import pytest

from ser_acrnn.cli import progress
from ser_acrnn.cli.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when they are added to."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_in_a_log_there_are_a_few_lines_with_the_time_left(capsys, clock):
    with Progress(100_000, "training", "epochs") as counted:
        for epoch in range(100_000):
            clock[0] += 0.36  # ten hours
            counted.update(note=f"loss {epoch}")
    lines = capsys.readouterr().err.splitlines()
    assert 55 < len(lines) < 85
    assert lines[0] == "training: 84 of 100000 epochs, 00:30 gone, 9:59:29 left (loss 83)"
    assert re.fullmatch(r"training: 9\d{4} of 100000 epochs, 9:5\d:\d\d gone, 0\d:\d\d left \(loss 9\d{4}\)", lines[-1])


def test_what_was_done_before_says_nothing_of_the_time_left(capsys, clock):
    counted = Progress(100, done=50)
    clock[0] += 30
    counted.reach(60)
    assert capsys.readouterr().err == "60 of 100 files, 00:30 gone, 02:00 left\n"


def test_of_an_unknown_number_no_time_is_left(capsys, clock):
    counted = Progress(None, "features")
    clock[0] += 40
    counted.update()
    assert capsys.readouterr().err == "features: 1 files, 00:40 gone\n"


@pytest.mark.parametrize(("seconds", "shown"), [(29, True), (90, False)])
def test_nothing_is_said_of_what_ends_soon_or_is_not_shown(capsys, clock, seconds, shown):
    counted = Progress(10, shown=shown)
    for _ in counted.over(range(9)):
        clock[0] += seconds / 9
    assert counted.done == 9 and capsys.readouterr().err == ""


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("silent", "shown"), [(0.0, True), (60.0, False)])
def test_on_a_terminal_there_is_a_bar_unless_it_ends_at_once(monkeypatch, silent, shown):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setattr(progress, "SILENT_SECONDS", silent)
    with Progress(2, "training", "epochs") as counted:
        counted.update(note="loss 1")
        counted.say("report: there")
        counted.update(note="loss 2")
    written = terminal.getvalue()
    assert "report: there\n" in written and ("2/2 [" in written and "loss 2" in written) == shown
