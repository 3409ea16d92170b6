"""What the cases of a kind came to: kept in one JSON a kind as they come, and shown in one table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from experiments.stress.cases import Case
from ser_acrnn import files
from ser_acrnn.evaluation import report

REPORT = "report.md"
HEAD = """# Proof against faults

Kills, malformed recordings and files, failing writes and processes at once, by `make stress`. A case is repeated by its number:
`python -m experiments.stress KIND.PART --seed SEED --only NUMBER`."""
SHOWN = 20  # numbers of a part's cases with one kind of fault


@dataclass
class Outcome:
    """What a part's cases came to so far.

    Attributes:
        planned: How many cases are meant.
        seed: Of all draws.
        version: Of this package.
        count: How many have been tried, the first ones in order.
        seconds: The time that took.
        ended: How many ended so.
        faults: `number` and `what` of each case with one.
        skipped: Why none can be tried here; "" where they can.
    """

    planned: int
    seed: int
    version: str
    count: int = 0
    seconds: float = 0.0
    ended: dict[str, int] = field(default_factory=dict)
    faults: list[dict[str, int | str]] = field(default_factory=list)
    skipped: str = ""

    def add(self, case: Case) -> None:
        """Counts the next case."""
        self.count += 1
        self.ended[case.ended] = self.ended.get(case.ended, 0) + 1
        if case.fault:
            self.faults.append({"number": case.number, "what": case.fault})

    def goes_on(self, other: Outcome) -> bool:
        """Whether another one is unfinished and means the same cases."""
        same = all(getattr(self, name) == getattr(other, name) for name in ("planned", "seed", "version"))
        return same and 0 < other.count < other.planned


def load(path: Path) -> dict[str, Outcome]:
    """The outcomes of a kind, by part; none where there is no file.

    Raises:
        ValueError: The file holds something else.
    """
    if not path.is_file():
        return {}
    try:
        return {name: Outcome(**fields) for name, fields in json.loads(path.read_text(encoding="utf-8")).items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: holds no outcomes ({error}), expected those of a kind of fault by part") from error


def save(path: Path, outcomes: dict[str, Outcome]) -> None:
    """Writes the outcomes of a kind."""
    files.write_text(path, json.dumps({name: asdict(outcome) for name, outcome in outcomes.items()}, indent=1) + "\n")


def write_report(folder: Path, kinds: Iterable[str]) -> Path:
    """Writes the table of all kinds of which a folder holds outcomes, and what is known of their faults; returns its path."""
    found = {(kind, part): outcome for kind in kinds for part, outcome in load(folder / f"{kind}.json").items()}
    table = report.markdown_table(
        ["kind", "part", "cases", "seed", "seconds", "how they ended", "faults"],
        [_row(kind, part, outcome) for (kind, part), outcome in found.items()],
    )
    faults = [text for (kind, part), outcome in found.items() if (text := _listed(f"{kind}.{part}", outcome))]
    texts = [HEAD, table, *(["## Faults", *faults] if faults else [])]
    files.write_text(folder / REPORT, "\n\n".join(texts) + "\n")
    return folder / REPORT


def _row(kind: str, part: str, outcome: Outcome) -> list[str]:
    number = str(outcome.count) if outcome.count == outcome.planned else f"{outcome.count} of {outcome.planned}"
    ended = outcome.skipped or ", ".join(f"{count} {how}" for how, count in sorted(outcome.ended.items()))
    faults = str(len(outcome.faults)) if outcome.count else ""
    return [kind, part, number, str(outcome.seed), f"{outcome.seconds:.0f}", ended, faults]


def _listed(name: str, outcome: Outcome) -> str:
    """A line a kind of fault, as its first case has it, with the numbers of the cases; faults of one kind differ in numbers alone."""
    kinds: dict[str, list[dict[str, int | str]]] = {}
    for fault in outcome.faults:
        kinds.setdefault(re.sub(r"0x[0-9a-f]+|[\d-]+", "", str(fault["what"])), []).append(fault)
    lines = []
    for faults in kinds.values():
        more = f" and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        lines.append(
            f"- `{name}`, seed {outcome.seed}: {faults[0]['what']}: {', '.join(str(one['number']) for one in faults[:SHOWN])}{more}"
        )
    return "\n".join(lines)
