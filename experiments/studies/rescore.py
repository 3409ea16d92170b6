"""Networks that the grid kept judge again, in another way than they were trained to; finished results are skipped, nothing is trained.

python -m experiments.studies.rescore --prepared build/data/emodb --models DIR --trained lite-by-speaker --system lite-by-speaker.adapted
"""

from __future__ import annotations

import os
import sys
from itertools import product
from pathlib import Path
from typing import Annotated

import typer

from data_prep import command
from experiments.grid.runs import Experiment, named_experiment
from experiments.options import GridOptions, Seeds
from ser_acrnn.cli.progress import Progress
from ser_acrnn.config import Preset
from ser_acrnn.evaluation.results import RunResult


@command.entry
def main(
    options: GridOptions,
    trained: Annotated[str, typer.Option(help="the system whose networks are there")],
    system: Annotated[str, typer.Option(help="the system that differs from it in judging alone")],
    seeds: Seeds = "0",
) -> None:
    """Judges all folds and seeds that have no result yet, and says how many that were.

    Raises:
        ValueError: A result or a network is missing or is another one, or the two systems are trained otherwise.
    """
    if options.models is None:
        raise ValueError("--models is missing, expected the folder that the grid kept its networks in")
    before, again = (named_experiment(options, name) for name in (trained, system))
    if not isinstance(again.preset, Preset):
        raise ValueError(f"--system is {again.system}, expected a network that the grid keeps")
    again.settle_manifest(options.results)
    keys = [(before.run(*place), again.run(*place)) for place in product(range(len(again.folds)), seeds)]
    missing = [(old, new) for old, new in keys if not again.finished(new, options.results)]
    needed = [path for old, _ in missing for path in (old.file(options.results), old.file(options.models, ".keras"))]
    if absent := [str(path) for path in needed if not path.is_file()]:
        raise ValueError(f"missing: {', '.join(absent)}; expected the finished runs of {trained} and their networks")
    for old, new in Progress(len(missing), again.system, "runs").over(missing):
        network = new.file(options.models, ".keras")
        _judge(again, again.preset, old.file(options.results), old.file(options.models, ".keras"), new.file(options.results))
        network.parent.mkdir(parents=True, exist_ok=True)
        network.unlink(missing_ok=True)
        os.link(old.file(options.models, ".keras"), network)  # where what asks for the system's network finds it
    print(f"{len(missing)} results of {system}")


def _judge(experiment: Experiment, preset: Preset, result: Path, network: Path, path: Path) -> None:
    from ser_acrnn.models import loading
    from ser_acrnn.training import rescoring

    trained, model = RunResult.load_checked(result, experiment.split), loading.load(network)
    try:
        judged = rescoring.rescore(experiment.corpus, trained, experiment.system, preset, model)
    except ValueError as error:
        raise ValueError(f"{network}: {error}") from error
    judged.save(path)


if __name__ == "__main__":
    sys.exit(main())
