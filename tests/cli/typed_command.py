"""The `ser-acrnn` command as it is typed, and the emotions and size of the networks that it is given."""

import json

from ser_acrnn import cli

EMOTIONS = ("angry", "sad", "happy")
SMALL = {"emotions": EMOTIONS, "conv": ((4, 4, 4),), "linear_units": 8, "blstm_units": 4, "embedding_units": 8}


def run(capsys, *words):
    """Its exit code, and what it wrote to standard output and standard error."""
    code = cli.main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def json_lines(printed):
    return [json.loads(line) for line in printed.splitlines()]
