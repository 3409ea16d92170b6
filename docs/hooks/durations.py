"""How long the tests take, by folder: from pytest's report to a committed file, and from that to a table.

python -m docs.hooks.durations build/tests.xml "two cores with AVX512"
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from docs.hooks.sources import ROOT

MARK = "<!-- durations -->"
FILE = "tests/durations.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the file from a report of `python -m pytest --junitxml=build/tests.xml`; returns the exit code."""
    report, machine = arguments or sys.argv[1:]
    folders: dict[str, list[float]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        top, place, *_ = case.attrib["classname"].split(".")
        folder = "docstrings" if top != "tests" else "tests" if place.startswith("test_") else f"tests/{place}"
        count_and_seconds = folders.setdefault(folder, [0, 0.0])
        count_and_seconds[0] += 1
        count_and_seconds[1] += float(case.attrib["time"])
    rounded = {name: [count, round(seconds)] for name, (count, seconds) in sorted(folders.items())}
    (ROOT / FILE).write_text(json.dumps({"machine": machine, "folders": rounded}, indent=1) + "\n", encoding="utf-8")
    return 0


def table(root: Path = ROOT) -> str:
    """A row a folder of tests."""
    known = json.loads((root / FILE).read_text(encoding="utf-8"))
    rows = [f"| `{name}` | {count} | {seconds} |" for name, (count, seconds) in known["folders"].items()]
    total = [sum(values) for values in zip(*known["folders"].values(), strict=True)]
    return "\n".join(
        [
            f"Tests and seconds by folder, added up over the tests, on {known['machine']}; `make test` runs three tests at a time.",
            "",
            "| | tests | seconds |",
            "| --- | --- | --- |",
            *rows,
            f"| all | {total[0]} | {total[1]} |",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
