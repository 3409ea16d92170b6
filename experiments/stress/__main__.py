"""The command that proves the package against faults, kind by kind, and keeps what each came to; unfinished kinds go on.

python -m experiments.stress [KIND ...] [--seed 0] [--scale 1.0] [--out results/stress]
python -m experiments.stress audio.recordings --only 17
"""

from __future__ import annotations

import importlib
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from data_prep import command
from experiments.stress import outcomes
from experiments.stress.cases import Part
from experiments.stress.outcomes import Outcome
from ser_acrnn import __version__
from ser_acrnn.cli.progress import Progress

KINDS = ("audio", "files", "kills", "writes", "together")
SAVED_SECONDS = 10  # between two writings of the outcomes


@command.entry
def main(
    kinds: Annotated[list[str] | None, typer.Argument(help=f"of {', '.join(KINDS)}, or KIND.PART (default: all)")] = None,
    seed: Annotated[int, typer.Option(help="of all draws")] = 0,
    scale: Annotated[float, typer.Option(min=0.0, help="share of the cases")] = 1.0,
    out: Annotated[Path, typer.Option(help="folder of the outcomes and of the report")] = Path("results/stress"),
    work: Annotated[Path, typer.Option(help="folder of what is worked on")] = Path("build/stress"),
    only: Annotated[int | None, typer.Option(min=0, help="try this case instead of all, and keep nothing")] = None,
) -> int:
    """Exit code 0 where no case has a fault, 1 where some have."""
    logging.getLogger("ser_acrnn").setLevel(logging.ERROR)
    faults = 0
    for kind, part in chosen(kinds or KINDS):
        folder = work / kind / part.name
        if only is not None:
            faults += _show(part, only, seed, folder)
        else:
            outcome = run(kind, part, seed, scale, out, folder)
            faults += len(outcome.faults)
    if only is None:
        path = outcomes.write_report(out, KINDS)
        print(f"{path.read_text(encoding='utf-8')}\n{path}")
    return 1 if faults else 0


def chosen(names: Sequence[str]) -> Iterator[tuple[str, Part]]:
    """Kind and part of each part that is named, or whose kind is.

    Raises:
        ValueError: There is no such kind or part.
    """
    for name in names:
        kind, _, wanted = name.partition(".")
        if kind not in KINDS:
            raise ValueError(f"KIND is {name!r}, expected some of {', '.join(KINDS)}")
        parts = importlib.import_module(f"experiments.stress.{kind}").PARTS
        found = [part for part in parts if wanted in ("", part.name)]
        if not found:
            raise ValueError(f"KIND is {name!r}, expected a part of {kind}: {', '.join(part.name for part in parts)}")
        yield from ((kind, part) for part in found)


def run(kind: str, part: Part, seed: int, scale: float, out: Path, folder: Path) -> Outcome:
    """Tries a part's cases, those after the ones that an interrupted command has tried, and keeps what they came to."""
    path, outcome = out / f"{kind}.json", Outcome(part.scaled(scale), seed, __version__)
    kept = outcomes.load(path)
    if (before := kept.get(part.name)) and outcome.goes_on(before):
        outcome = before
    kept[part.name] = outcome
    outcome.skipped = part.why_not()
    folder.mkdir(parents=True, exist_ok=True)
    earlier, began, saved = outcome.seconds, time.monotonic(), time.monotonic()
    numbers = range(outcome.count, outcome.count if outcome.skipped else outcome.planned)
    with Progress(outcome.planned, f"{kind}.{part.name}", "cases", done=outcome.count) as bar:
        for case in part.tried(numbers, seed, folder) if numbers else ():
            outcome.add(case)
            bar.update()
            now = time.monotonic()
            outcome.seconds = round(earlier + now - began, 1)
            if now - saved > SAVED_SECONDS:
                outcomes.save(path, kept)
                saved = now
            if outcome.seconds > part.limit_seconds:
                break
    outcomes.save(path, kept)
    return outcome


def _show(part: Part, only: int, seed: int, folder: Path) -> int:
    """Tries one case and says how it ended; returns how many faults that is."""
    folder.mkdir(parents=True, exist_ok=True)
    (case,) = part.tried([only], seed, folder)
    print(f"{part.name} {only}: {case.ended}{': ' if case.fault else ''}{case.fault}")
    return 1 if case.fault else 0


if __name__ == "__main__":
    sys.exit(main())
