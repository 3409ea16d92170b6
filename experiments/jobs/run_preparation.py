"""A corpus prepared in pieces, here or on SLURM; finished pieces are skipped, failed ones named, the result is that of data_prep.prepare.

python -m experiments.jobs.run_preparation iemocap --source DIR --recipe paper,mfcc-pitch --executor slurm --pieces 10 --cpus 4 --hours 1
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import Annotated

import typer

from data_prep import command, pieces, prepare
from data_prep.loader import Reading
from experiments.jobs import executors
from experiments.jobs.job import Job
from experiments.jobs.run_piece import file
from experiments.options import ExecutorOptions
from ser_acrnn.locks import lock

COMMAND = "experiments.jobs.run_piece"
PIECES = 10  # on SLURM: as many as the speakers of the paper's corpora


@dataclass(frozen=True, kw_only=True)
class Options(ExecutorOptions, prepare.Preparation):
    """What is prepared, and where."""

    pieces: Annotated[int | None, typer.Option(help=f"number of pieces (default: as --jobs; without it {PIECES} on SLURM)")] = None


@command.entry
def main(options: Options) -> int:
    """Exit code 0 when the corpus is prepared, 1 when it is not, 2 for wrong arguments."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    options = executors.settled(options, "source", "data", "work")
    if options.pieces is not None and options.pieces < 1:
        raise typer.BadParameter(f"--pieces is {options.pieces}, expected 1 or more")
    reading = prepare.read(options)
    with lock(options.work / f"{reading.name}.pieces.lock"):  # of two commands at once, one would remove what the other one needs
        return _prepare(reading, options)


def _prepare(reading: Reading, options: Options) -> int:
    number = options.pieces or options.jobs or PIECES
    choice = {"skip_bad": options.leaves_out}
    planned = {
        recipe: pieces.plan(reading.name, reading.utterances, options.data, recipe, number, source=options.source, **choice)
        for recipe in options.recipes
    }
    jobs = {_job(piece, recipe, options): piece for recipe, some in planned.items() for piece in some}
    missing = [job for job, piece in jobs.items() if not piece.is_prepared()]
    code = executors.compute(list(jobs), missing, options, f"{reading.name}, {', '.join(options.recipes)}", "pieces")
    if code or options.detach:
        return code
    for recipe, some in planned.items():
        link = pieces.assemble(reading.name, some, options.data, recipe, about=reading.about, left_out=reading.left_out, **choice)
        prepare.describe(link)
    return 0


def _job(piece: pieces.Piece, recipe: str, options: Options) -> Job:
    threads = (options.cpus or 1) if options.executor == "slurm" else 1
    return Job(
        name=f"{recipe} {piece.file.stem}",
        module=COMMAND,
        arguments=("--piece", str(piece.file), "--work", str(options.work), "--threads", str(threads)),
        output=piece.outcome,
        lock=file(piece.file, options.work, ".lock"),
        log=file(piece.file, options.work, ".log"),
        cost=piece.bytes,
    )


if __name__ == "__main__":
    sys.exit(main())
