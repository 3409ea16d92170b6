"""The command that packs a prepared corpus into one `.npz`, from which hosts without TensorFlow train.

python -m data_prep.pack build/data/emodb build/emodb.npz
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ser_acrnn.data import prepared


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m data_prep.pack", description=str(__doc__).split("\n\n")[0])
    parser.add_argument("corpus", type=Path, help="folder of a prepared corpus")
    parser.add_argument("file", type=Path, help="the .npz to write")
    options = parser.parse_args(arguments)
    try:
        prepared.pack(prepared.open_corpus(options.corpus), options.file)
    except (prepared.DatasetError, prepared.tfrecords.RecordError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{options.file}: {options.file.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
