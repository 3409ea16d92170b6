"""What a command says of what went wrong, in a line."""

import errno
import subprocess
import sys

import pytest
from typed_command import run

from ser_acrnn.cli.failures import reason


def missing(name):
    return ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.mark.parametrize(
    "error, said",
    [
        (missing("matplotlib.figure"), "this needs matplotlib, not installed here: pip install matplotlib"),
        (missing("sklearn"), "this needs sklearn, not installed here: pip install scikit-learn"),
        (ModuleNotFoundError("the extra is missing", name="x"), "the extra is missing"),
        (MemoryError(), "there is not enough memory"),
        (OSError(errno.ENOSPC, "No space left on device", "a.csv"), "a.csv: No space left on device"),
        (OSError(errno.EPIPE, "Broken pipe"), "the output: Broken pipe"),
    ],
)
def test_the_reason_is_a_line(error, said):
    assert reason(error) == said


@pytest.mark.parametrize("closed, code", [(">&-", 0), ("2>&-", 1), (">&- 2>&-", 1), ("<&- >&- 2>&-", 1)])
def test_standard_streams_that_are_closed_end_nothing(closed, code):
    words = f"'{sys.executable}' -m ser_acrnn.cli {'info no-such.keras' if code else 'models'} {closed}"
    done = subprocess.run(["sh", "-c", words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


@pytest.mark.parametrize(
    "words",
    [
        ["predict", ""],
        ["predict", "x.wav", ""],
        ["predict", "x.wav", "--plot", ""],
        ["embed", ""],
        ["audit", ""],
        ["split", "x.csv", "--out", ""],
        ["check", "--labels", ""],
    ],
)
def test_an_empty_name_is_not_the_current_folder(capsys, words):
    code, _, error = run(capsys, *words)
    assert code == 2 and "is '', expected the name of a file or folder" in error


@pytest.mark.parametrize(
    "words, said",
    [
        (["predict", "x.wav", "--width", "5km"], "'5km' is no width from 2 to 40 inches, expected something like 3.5in or 8.9cm"),
        (["evaluate", "--labels", "x.csv", "--width", "5"], "'5' is no width from 2 to 40 inches"),
        (["train", "--labels", "x.csv", "--out", "x", "--seeds", "-1"], "'-1' is not a list of numbers and ranges"),
        (["train", "--labels", "x.csv", "--out", "x", "--seeds", "0-5000"], "'0-5000' is no list of at most 1000 seeds"),
    ],
)
def test_the_words_of_what_reads_an_option_are_kept(capsys, words, said):
    code, _, error = run(capsys, *words)
    assert code == 2 and f"Invalid value for '{words[-2]}': {said}" in error
