"""The grid: systems x folds x seeds, each run in a child process, finished ones skipped, failed ones named at the end.

python -m experiments.run_grid --prepared build/data/emodb --system acrnn3d-1conv --folds 0-9 --seeds 0-4
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tqdm import tqdm

from experiments import catalogue
from experiments.run_one import RunKey, add_arguments, finished, folds, preset_of
from ser_acrnn.dataset import DatasetError, open_corpus


def command(key: RunKey, fold_number: int, options: argparse.Namespace) -> list[str]:
    """The command line of one run."""
    words = [sys.executable, "-m", "experiments.run_one", "--system", key.system, "--fold", str(fold_number), "--seed", str(key.seed)]
    for name in ("prepared", "results", "work", "precision", "epochs"):
        value = getattr(options, name)
        if value is not None:
            words += [f"--{name}", str(value)]
    return words


def run_child(key: RunKey, fold_number: int, options: argparse.Namespace) -> str:
    """Runs one child with its share of the processors.

    Returns:
        "" when it succeeded, otherwise the last line that it said and the file with all of it.
    """
    log = key.file(options.work, ".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    threads = str(max(1, (os.cpu_count() or 1) // options.jobs))
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        environment.setdefault(variable, threads)
    with log.open("w", encoding="utf-8") as stream:
        code = subprocess.run(command(key, fold_number, options), stdout=stream, stderr=stream, env=environment, check=False).returncode
    if code == 0:
        return ""
    lines = log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").strip().splitlines()
    return f"exit code {code}: {lines[-1] if lines else 'said nothing'} (see {log})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code: 0 when every run is there, 1 when some failed, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="python -m experiments.run_grid", description=str(__doc__).split("\n\n")[0])
    add_arguments(parser)
    parser.add_argument("--folds", help="numbers of test speakers, such as 0,1 or 0-3 (default: all)")
    parser.add_argument("--seeds", default=f"0-{catalogue.SEEDS - 1}", help="such as 0-4 (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time, sharing the processors (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        corpus = open_corpus(options.prepared)
        preset = preset_of(corpus, options)
        every = folds(corpus)
        chosen = catalogue.number_list(options.folds) if options.folds else list(range(len(every)))
        if not set(chosen) <= set(range(len(every))):
            raise ValueError(f"--folds is {options.folds}, expected numbers from 0 to {len(every) - 1}")
        seeds = catalogue.number_list(options.seeds)
        # Seed by seed, so that a grid cut short has whole sets of folds.
        keys = [(RunKey(corpus.name, options.system, every[fold], seed), fold) for seed in seeds for fold in chosen]
        missing = [(key, fold) for key, fold in keys if not finished(key.file(options.results), preset)]
    except (DatasetError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2

    failures: dict[Path, str] = {}
    title = f"{corpus.name} {options.system}"
    with (
        tqdm(total=len(keys), initial=len(keys) - len(missing), desc=title, unit=" runs") as bar,
        ThreadPoolExecutor(options.jobs) as pool,
    ):
        futures = {pool.submit(run_child, key, fold, options): key for key, fold in missing}
        try:
            for future in as_completed(futures):
                key = futures[future]
                if failure := future.result():
                    failures[key.file(options.results)] = failure
                bar.set_postfix_str(f"{key.fold.test} seed {key.seed}")
                bar.update()
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            print("interrupted: the same command goes on from here", file=sys.stderr)
            return 130
    for path, failure in sorted(failures.items()):
        print(f"failed: {path}: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
