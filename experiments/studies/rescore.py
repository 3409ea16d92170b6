"""Networks that the grid kept judge again, in another way than they were trained to; finished results are skipped, nothing is trained.

python -m experiments.studies.rescore --prepared build/data/emodb --models DIR --trained lite-by-speaker --system lite-by-speaker.adapted
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from tqdm import tqdm

from experiments import catalogue
from experiments.grid.runs import Experiment, add_arguments, named_experiment
from ser_acrnn.config import Preset
from ser_acrnn.evaluation.results import RunResult


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m experiments.studies.rescore", description=str(__doc__).split("\n\n")[0])
    add_arguments(parser)
    parser.add_argument("--trained", required=True, help="the system whose networks are there")
    parser.add_argument("--system", required=True, help="the system that differs from it in judging alone")
    parser.add_argument("--seeds", type=catalogue.number_list, default=[0], help="such as 0-2 (default: 0)")
    options = parser.parse_args(arguments)
    try:
        made = run(options)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{made} results of {options.system}")
    return 0


def run(options: argparse.Namespace) -> int:
    """Judges all folds and seeds that have no result yet, and returns how many that were.

    Raises:
        ValueError: A result or a network is missing or is another one, or the two systems are trained otherwise.
    """
    if options.models is None:
        raise ValueError("--models is missing, expected the folder that the grid kept its networks in")
    trained, again = (named_experiment(options, system) for system in (options.trained, options.system))
    if not isinstance(again.preset, Preset):
        raise ValueError(f"--system is {again.system}, expected a network that the grid keeps")
    again.settle_manifest(options.results)
    keys = [(trained.run(*place), again.run(*place)) for place in product(range(len(again.folds)), options.seeds)]
    missing = [(old, new) for old, new in keys if not again.finished(new, options.results)]
    needed = [path for old, _ in missing for path in (old.file(options.results), old.file(options.models, ".keras"))]
    if absent := [str(path) for path in needed if not path.is_file()]:
        raise ValueError(f"missing: {', '.join(absent)}; expected the finished runs of {trained.system} and their networks")
    for old, new in tqdm(missing, desc=again.system, unit=" runs"):
        network = new.file(options.models, ".keras")
        _judge(again, again.preset, old.file(options.results), old.file(options.models, ".keras"), new.file(options.results))
        network.parent.mkdir(parents=True, exist_ok=True)
        network.unlink(missing_ok=True)
        os.link(old.file(options.models, ".keras"), network)  # where what asks for the system's network finds it
    return len(missing)


def _judge(experiment: Experiment, preset: Preset, result: Path, network: Path, path: Path) -> None:
    import keras

    from ser_acrnn.training import rescoring

    trained, model = RunResult.load_checked(result, experiment.split), keras.saving.load_model(network, compile=False)
    try:
        judged = rescoring.rescore(experiment.corpus, trained, experiment.system, preset, model)
    except ValueError as error:
        raise ValueError(f"{network}: {error}") from error
    judged.save(path)


if __name__ == "__main__":
    sys.exit(main())
