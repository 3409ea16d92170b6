"""The grid: systems x folds x seeds, here or on SLURM; finished runs are skipped, failed ones named at the end.

python -m experiments.grid.run_grid --prepared build/data/emodb --system acrnn3d-1conv,dnn-elm --folds 0-9 --seeds 0-4
python -m experiments.grid.run_grid --prepared build/data/emodb --table table2 --executor slurm --partition gpu --gpus 1 --hours 8
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Literal

import typer

from data_prep import command
from experiments import catalogue
from experiments.grid.runs import Experiment, corpus_name, named_experiment
from experiments.jobs.executors import compute, settled
from experiments.jobs.job import Job
from experiments.options import ExecutorOptions, GridOptions

COMMAND = "experiments.grid.run_one"
SYSTEM = "acrnn3d-5conv"


@dataclass(frozen=True, kw_only=True)
class Options(ExecutorOptions, GridOptions):
    """Which runs, how and where."""

    system: Annotated[str | None, typer.Option(help=f"rows of the tables, separated by commas (default: {SYSTEM})")] = None
    table: Annotated[
        Literal["table1", "table2"] | None, typer.Option(help="all systems of one of the paper's tables, instead of --system")
    ] = None
    folds: Annotated[str | None, typer.Option(help="test speakers, or what else the protocol leaves out: 0,1 or 0-3 (default: all)")] = None
    seeds: Annotated[str, typer.Option(help="such as 0-4")] = f"0-{catalogue.SEEDS - 1}"

    def __post_init__(self) -> None:
        if self.table and self.system:
            raise ValueError(f"--table {self.table} is not allowed with --system {self.system}")


def plan(experiments: Sequence[Experiment], options: Options) -> dict[Job, bool]:
    """All runs, seed by seed, so that a grid cut short has whole sets of folds; each with whether it is finished.

    Raises:
        ValueError: A list that cannot be read, or a fold that is not there.
    """
    runs = {}
    for seed in _numbers("--seeds", options.seeds):
        for experiment in experiments:
            every = range(len(experiment.folds))
            chosen = list(every) if options.folds is None else _numbers("--folds", options.folds)
            if not set(chosen) <= set(every):
                raise ValueError(f"--folds is {options.folds}, expected numbers from 0 to {len(every) - 1}")
            for fold in chosen:
                last = experiment.last(experiment.run(fold, seed), conditions=options.conditions)
                runs[job_of(experiment, fold, seed, options)] = experiment.finished(last, options.results)
    return runs


def _numbers(option: str, text: str) -> list[int]:
    try:
        return catalogue.number_list(text)
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from error


def job_of(experiment: Experiment, fold: int, seed: int, options: GridOptions) -> Job:
    """One run as a job."""
    run = experiment.run(fold, seed)
    words = ["--system", run.system, "--fold", str(fold), "--seed", str(seed)]
    for name in (field.name for field in fields(GridOptions)):
        value = getattr(options, name)
        if value is not None and value is not False:
            words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return Job(
        name=f"{run.system} {run.fold.test} seed {seed}",
        module=COMMAND,
        arguments=tuple(words),
        output=experiment.last(run, conditions=options.conditions).file(options.results),
        lock=run.file(options.work, ".lock"),
        log=run.file(options.work, ".log"),
        cost=catalogue.cost(experiment.preset),
    )


@command.entry
def main(options: Options) -> int:
    """Exit code 0 when every run is there, 1 when some failed, 2 for wrong arguments."""
    options = settled(options, "prepared", "results", "work", "models")
    try:
        corpus = catalogue.corpus(corpus_name(options.prepared))
        names = (SYSTEM if options.system is None else options.system).split(",")
        systems = catalogue.table_systems(options.table, corpus) if options.table else catalogue.trained(names)
        experiments = [named_experiment(options, system) for system in systems]
        for experiment in experiments:
            experiment.settle_manifest(options.results)
        runs = plan(experiments, options)
        missing = [run for run, finished in runs.items() if not finished]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return compute(list(runs), missing, options, f"{corpus.title}, {options.table or ', '.join(systems)}", "runs")


if __name__ == "__main__":
    sys.exit(main())
