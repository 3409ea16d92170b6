"""A corpus prepared in pieces, here or on SLURM; finished pieces are skipped, failed ones named, the result is that of data_prep.prepare.

python -m experiments.jobs.run_preparation iemocap --source DIR --recipe paper,mfcc-pitch --executor slurm --pieces 10 --cpus 4 --hours 1
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from data_prep import pieces, prepare
from data_prep.loader import Reading
from experiments.jobs import executors
from experiments.jobs.job import Job
from experiments.jobs.locks import LockedError, lock
from experiments.jobs.run_piece import file
from ser_acrnn.data.corpus import CorpusError

COMMAND = "experiments.jobs.run_piece"
PIECES = 10  # on SLURM: as many as the speakers of the paper's corpora


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code: 0 when the corpus is prepared, 1 when it is not, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.jobs.run_preparation", description=str(__doc__).split("\n\n")[0], add_help=False
    )
    parser.add_argument("--pieces", type=int, help=f"number of pieces (default: as --jobs; without it {PIECES} on SLURM)")
    parser.add_argument("--work", type=Path, default=Path("build/work"), help="folder of locks and logs (default: %(default)s)")
    executors.add_arguments(parser, "pieces")
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        corpus, options = prepare.parse(parser, arguments)
    except CorpusError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        executors.settle(options, "source", "data", "work")
        if options.pieces is None:
            options.pieces = PIECES if options.jobs is None else options.jobs
        if options.pieces < 1:
            raise ValueError(f"--pieces is {options.pieces}, expected 1 or more")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        reading = prepare.read(corpus, options)
        with lock(options.work / f"{reading.name}.pieces.lock"):  # of two commands at once, one would remove what the other one needs
            return _prepare(reading, options)
    except (LockedError, CorpusError, OSError) as error:
        print(error, file=sys.stderr)
        return os.EX_TEMPFAIL if isinstance(error, LockedError) else 1


def _prepare(reading: Reading, options: argparse.Namespace) -> int:
    choice = {"skip_bad": options.skip_bad}
    planned = {
        recipe: pieces.plan(reading.name, reading.utterances, options.data, recipe, options.pieces, source=options.source, **choice)
        for recipe in options.recipe
    }
    jobs = {_job(piece, recipe, options): piece for recipe, some in planned.items() for piece in some}
    missing = [job for job, piece in jobs.items() if not piece.is_prepared()]
    code = executors.compute(list(jobs), missing, options, f"{reading.name}, {', '.join(options.recipe)}", "pieces")
    if code or options.detach:
        return code
    for recipe, some in planned.items():
        link = pieces.assemble(reading.name, some, options.data, recipe, about=reading.about, left_out=reading.left_out, **choice)
        prepare.describe(link)
    return 0


def _job(piece: pieces.Piece, recipe: str, options: argparse.Namespace) -> Job:
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
