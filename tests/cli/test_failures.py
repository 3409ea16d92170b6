"""What a command says of what went wrong, in a line."""

import errno

import pytest

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
