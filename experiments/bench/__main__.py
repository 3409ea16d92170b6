"""The command that measures and prints a table.

python -m experiments.bench [--emodb DIR]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from experiments.bench import preparation
from ser_acrnn import report


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m experiments.bench", description=str(__doc__).split("\n\n")[0])
    parser.add_argument("--emodb", type=Path, help="the real corpus (default: the embedded one)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        source = options.emodb
        if source is None:
            from data_prep import synthetic

            source = Path(folder)
            synthetic.write_emodb_like(source)
        figures = preparation.measure(source)
    name = "Emo-DB" if options.emodb else "the embedded corpus"
    rows = [
        [f"preparing {name}, {figures['utterances']} utterances", f"{figures['fresh']:.1f} s"],
        ["imports before that", f"{figures['imports']:.1f} s"],
        ["preparing it again, nothing to do", f"{figures['again']:.1f} s"],
        ["peak memory, workers included", f"{figures['peak']:.0f} MiB"],
    ]
    print(report.markdown_table(["what", "figure"], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
