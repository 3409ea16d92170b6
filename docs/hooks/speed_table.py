"""The committed records of `make bench` -> the newest figures beside their yardsticks, and a list of the records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docs.hooks.sources import ROOT

TABLE, RECORDS = "<!-- speed -->", "<!-- speed records -->"
FOLDER = "results/bench"
# Instruction of a processor's best units -> name of its column; the first that it has.
_UNITS = {"amx_bf16": "AMX", "avx512_bf16": "AVX512-BF16", "avx512f": "AVX512", "avx2": "AVX2"}


def table(root: Path = ROOT) -> str:
    """Ratios above 1 are in our favour; of several records of a kind of processor the newest one's figure stands."""
    cells: dict[tuple[str, str, str], dict[str, float]] = {}
    for _, record in _records(root):
        for row in record["rows"]:
            if row["ratio"] is not None:
                key = row["group"], row["what"], row["yardstick"]
                cells.setdefault(key, {})[_units(record)] = row["ratio"]
    columns = [name for name in _UNITS.values() if any(name in ratios for ratios in cells.values())]
    lines = [f"| | what | beside | {' | '.join(columns)} |", f"| --- | --- | --- |{' --- |' * len(columns)}"]
    for (group, what, yardstick), ratios in sorted(cells.items(), key=lambda cell: cell[0][0]):
        values = [f"{ratios[name]:.2f}" if name in ratios else "" for name in columns]
        lines.append(f"| {group} | {what} | {yardstick} | {' | '.join(values)} |")
    return "\n".join(lines)


def records(root: Path = ROOT) -> str:
    """A line a record, the newest first."""
    return "\n".join(
        f"- [{path.stem}](../../{FOLDER}/{path.stem}.md): {record['device'].removeprefix('cpu: ')}, {_units(record)}: "
        f"{'; '.join(dict.fromkeys(row['group'] for row in record['rows']))}"
        for path, record in reversed(_records(root))
    )


def _records(root: Path) -> list[tuple[Path, dict[str, Any]]]:
    paths = sorted((root / FOLDER).glob("*.json"), key=lambda path: tuple(int(part) for part in path.stem.split("-")))
    return [(path, json.loads(path.read_text(encoding="utf-8"))) for path in paths]


def _units(record: dict[str, Any]) -> str:
    return next((name for flag, name in _UNITS.items() if flag in record.get("instructions", ())), "instructions not recorded")
