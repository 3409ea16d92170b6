"""The grid: systems x folds x seeds, here or on SLURM; finished runs are skipped, failed ones named at the end.

python -m experiments.run_grid --prepared build/data/emodb --system acrnn3d-1conv,dnn-elm --folds 0-9 --seeds 0-4
python -m experiments.run_grid --prepared build/data/emodb --table table2 --executor slurm --partition gpu --gpus 1 --hours 8
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from experiments import catalogue, slurm
from experiments.executors import Run, local, run_child
from experiments.runs import Experiment, add_arguments, corpus_name, finished, open_experiment


def plan(experiments: Sequence[Experiment], folds: str | None, seeds: str) -> list[Run]:
    """All runs, seed by seed, so that a grid cut short has whole sets of folds.

    Raises:
        ValueError: A list that cannot be read, or a fold that is not there.
    """
    runs = []
    for seed in catalogue.number_list(seeds):
        for experiment in experiments:
            every = range(len(experiment.folds))
            chosen = catalogue.number_list(folds) if folds else list(every)
            if not set(chosen) <= set(every):
                raise ValueError(f"--folds is {folds}, expected numbers from 0 to {len(every) - 1}")
            runs += [Run(experiment.key(fold, seed), fold, catalogue.cost(experiment.preset)) for fold in chosen]
    return runs


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code: 0 when every run is there, 1 when some failed, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="python -m experiments.run_grid", description=str(__doc__).split("\n\n")[0])
    add_arguments(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--system", default="acrnn3d-5conv", help="rows of the tables, separated by commas (default: %(default)s)")
    what.add_argument("--table", choices=("table1", "table2"), help="all systems of one of the letter's tables")
    parser.add_argument(
        "--folds", help="numbers of test speakers, or of what else the protocol leaves out, such as 0,1 or 0-3 (default: all)"
    )
    parser.add_argument("--seeds", default=f"0-{catalogue.SEEDS - 1}", help="such as 0-4 (default: %(default)s)")
    parser.add_argument("--jobs", type=int, help="runs at a time (default: 1, which share the processors; all at once on SLURM)")
    parser.add_argument("--executor", choices=("local", "slurm"), default="local", help="where to compute (default: %(default)s)")
    slurm.add_arguments(parser)
    options = parser.parse_args(arguments)
    on_slurm = options.executor == "slurm"
    try:
        if on_slurm:  # jobs, and the same command from elsewhere, see the same names
            options.prepared, options.results, options.work = (
                path.absolute() for path in (options.prepared, options.results, options.work)
            )
        else:
            slurm.refuse_arguments(options)
            options.jobs = options.jobs or 1
        corpus = catalogue.corpus(corpus_name(options.prepared))
        systems = catalogue.table_systems(options.table, corpus) if options.table else options.system.split(",")
        experiments = {system: open_experiment(options, system) for system in systems}
        runs = plan(list(experiments.values()), options.folds, options.seeds)
        missing = [run for run in runs if not finished(run.key.file(options.results), experiments[run.key.system].preset)]
        jobs = slurm.submit(missing, options) if on_slurm and missing else {}
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2

    if options.detach:
        numbers = sorted({job.job_id.partition("_")[0] for job in jobs.values()})
        print(f"{len(jobs)} of {len(runs)} runs are in the queue, as job {', '.join(numbers) or 'none'}; the same command shows them")
        return 0

    ends = (
        slurm.watch(jobs, options.results) if on_slurm else local(missing, lambda run: run_child(run, options), options.jobs, options.work)
    )
    failures: dict[Path, str] = {}
    title = f"{corpus.title}, {options.table or ', '.join(systems)}"
    total, left = sum(run.cost for run in runs), sum(run.cost for run in missing)
    layout = "{desc}{postfix} {percentage:3.0f}% |{bar}| [{elapsed}, {remaining} left]"
    # By cost, not by number: a run of seven convolutions costs thirty times as much as one of one.
    with tqdm(total=total, initial=total - left, desc=title, bar_format=layout, mininterval=0, postfix=f"{len(missing)} runs to do") as bar:
        try:
            for number, (run, failure) in enumerate(ends, start=1):
                if failure:
                    failures[run.key.file(options.results)] = failure
                done = len(runs) - len(missing) + number
                bar.set_postfix_str(
                    f"{done}/{len(runs)} runs, last {run.key.system} {run.key.fold.test} seed {run.key.seed}", refresh=False
                )
                bar.update(run.cost)
        except KeyboardInterrupt:
            jobs_stay = "the jobs stay in the queue, " if on_slurm else ""
            print(f"interrupted: {jobs_stay}the same command goes on from here", file=sys.stderr)
            return 130
    for path, failure in sorted(failures.items()):
        print(f"failed: {path}: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
