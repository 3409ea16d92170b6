"""The command that packs a prepared corpus into one `.npz`, from which hosts without TensorFlow train.

python -m data_prep.pack build/data/emodb build/emodb.npz
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from data_prep import command
from ser_acrnn.data import prepared


@command.entry
def main(
    corpus: Annotated[Path, typer.Argument(help="folder of a prepared corpus")],
    file: Annotated[Path, typer.Argument(help="the .npz to write")],
) -> None:
    """Packs a corpus."""
    prepared.pack(prepared.open_corpus(corpus), file)
    print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    sys.exit(main())
