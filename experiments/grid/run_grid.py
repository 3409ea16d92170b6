"""The grid: systems x folds x seeds, here or on SLURM; finished runs are skipped, failed ones named at the end.

python -m experiments.grid.run_grid --prepared build/data/emodb --system acrnn3d-1conv,dnn-elm --folds 0-9 --seeds 0-4
python -m experiments.grid.run_grid --prepared build/data/emodb --table table2 --executor slurm --partition gpu --gpus 1 --hours 8
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from experiments import catalogue
from experiments.grid.runs import Experiment, add_arguments, corpus_name, named_experiment
from experiments.jobs.executors import add_arguments as add_executor_arguments
from experiments.jobs.executors import compute, settle
from experiments.jobs.job import Job

COMMAND = "experiments.grid.run_one"


def plan(experiments: Sequence[Experiment], options: argparse.Namespace) -> dict[Job, bool]:
    """All runs, seed by seed, so that a grid cut short has whole sets of folds; each with whether it is finished.

    Raises:
        ValueError: A list that cannot be read, or a fold that is not there.
    """
    runs = {}
    for seed in catalogue.number_list(options.seeds):
        for experiment in experiments:
            every = range(len(experiment.folds))
            chosen = catalogue.number_list(options.folds) if options.folds else list(every)
            if not set(chosen) <= set(every):
                raise ValueError(f"--folds is {options.folds}, expected numbers from 0 to {len(every) - 1}")
            for fold in chosen:
                last = experiment.last(experiment.run(fold, seed), conditions=options.conditions)
                runs[job_of(experiment, fold, seed, options)] = experiment.finished(last, options.results)
    return runs


def job_of(experiment: Experiment, fold: int, seed: int, options: argparse.Namespace) -> Job:
    """One run as a job."""
    run = experiment.run(fold, seed)
    words = ["--system", run.system, "--fold", str(fold), "--seed", str(seed)]
    for name in ("prepared", "protocol", "results", "work", "models", "precision", "epochs", "devices"):
        if (value := getattr(options, name)) is not None:
            words += [f"--{name}", str(value)]
    words += ["--conditions"] if options.conditions else []
    return Job(
        name=f"{run.system} {run.fold.test} seed {seed}",
        module=COMMAND,
        arguments=tuple(words),
        output=experiment.last(run, conditions=options.conditions).file(options.results),
        lock=run.file(options.work, ".lock"),
        log=run.file(options.work, ".log"),
        cost=catalogue.cost(experiment.preset),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code: 0 when every run is there, 1 when some failed, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="python -m experiments.grid.run_grid", description=str(__doc__).split("\n\n")[0])
    add_arguments(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--system", default="acrnn3d-5conv", help="rows of the tables, separated by commas (default: %(default)s)")
    what.add_argument("--table", choices=("table1", "table2"), help="all systems of one of the paper's tables")
    parser.add_argument(
        "--folds", help="numbers of test speakers, or of what else the protocol leaves out, such as 0,1 or 0-3 (default: all)"
    )
    parser.add_argument("--seeds", default=f"0-{catalogue.SEEDS - 1}", help="such as 0-4 (default: %(default)s)")
    add_executor_arguments(parser, "runs")
    options = parser.parse_args(arguments)
    try:
        settle(options, "prepared", "results", "work", "models")
        corpus = catalogue.corpus(corpus_name(options.prepared))
        systems = catalogue.table_systems(options.table, corpus) if options.table else catalogue.trained(options.system.split(","))
        experiments = [named_experiment(options, system) for system in systems]
        for experiment in experiments:
            experiment.settle_manifest(options.results)
        runs = plan(experiments, options)
        missing = [run for run, finished in runs.items() if not finished]
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return compute(list(runs), missing, options, f"{corpus.title}, {options.table or ', '.join(systems)}", "runs")


if __name__ == "__main__":
    sys.exit(main())
