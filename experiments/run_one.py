"""One run: (corpus, system, fold, seed) -> one result file; skipped when that file is there.

python -m experiments.run_one --prepared build/data/emodb --system tiny --fold 0 --seed 0
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from experiments import catalogue
from ser_acrnn.config import ConfigError, Preset
from ser_acrnn.dataset import DatasetError, PreparedCorpus, open_corpus
from ser_acrnn.protocol import Fold, LeakError, leave_one_speaker_out
from ser_acrnn.results import RunResult
from ser_acrnn.tfrecords import RecordError


@dataclass(frozen=True)
class RunKey:
    """Names one run of the grid."""

    corpus: str
    system: str
    fold: Fold
    seed: int

    def file(self, root: Path, suffix: str = ".json") -> Path:
        """The run's file below a root: `<root>/<corpus>/<system>/<test speaker>-seed<N>`."""
        return root / self.corpus / self.system / f"{self.fold.test}-seed{self.seed}{suffix}"


def folds(corpus: PreparedCorpus) -> list[Fold]:
    """The corpus's folds, as the catalogue pairs its speakers."""
    return leave_one_speaker_out(corpus.speakers, catalogue.corpus(corpus.name).partner)


def preset_of(corpus: PreparedCorpus, options: argparse.Namespace) -> Preset:
    """The system's configuration with the command line's changes."""
    preset = catalogue.system(options.system, catalogue.corpus(corpus.name))
    changes = {name: getattr(options, name) for name in ("precision", "epochs") if getattr(options, name) is not None}
    return replace(preset, training=replace(preset.training, **changes))


def finished(path: Path, preset: Preset) -> bool:
    """Whether the result is there; the precision that it was computed in is a property of the run, not of the system.

    Raises:
        ValueError: It is there, but of another configuration.
    """
    if not path.exists():
        return False
    done = Preset.from_dict(RunResult.load(path).config)
    if replace(done, training=replace(done.training, precision=preset.training.precision)) != preset:
        raise ValueError(
            f"{path}: is the result of another configuration, expected this one's; move it away or give RESULTS another folder"
        )
    return True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that one run and the grid share."""
    parser.add_argument("--prepared", type=Path, required=True, help="a prepared corpus: its folder, or a packed .npz")
    parser.add_argument("--system", default="acrnn3d-5conv", help="row of the tables (default: %(default)s)")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of the result files (default: %(default)s)")
    parser.add_argument("--work", type=Path, default=Path("build/work"), help="folder of checkpoints and logs (default: %(default)s)")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), help="instead of the system's own")
    parser.add_argument("--epochs", type=int, help="bound of the epochs, instead of the system's own")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m experiments.run_one", description=str(__doc__).split("\n\n")[0])
    add_arguments(parser)
    parser.add_argument("--fold", type=int, required=True, help="number of the test speaker in sorted order, from 0")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--save-model", type=Path, help="also save the network, ending in .keras")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        return _run(options)
    except (ConfigError, DatasetError, LeakError, RecordError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    corpus = open_corpus(options.prepared)
    preset = preset_of(corpus, options)
    every = folds(corpus)
    if not 0 <= options.fold < len(every):
        raise ValueError(f"--fold is {options.fold}, expected 0 to {len(every) - 1}")
    key = RunKey(corpus.name, options.system, every[options.fold], options.seed)
    path = key.file(options.results)
    if finished(path, preset):
        print(f"{path}: already there")
        return 0
    from ser_acrnn import training

    checkpoint = key.file(options.work, ".npz")
    with tqdm(total=preset.training.epochs, desc=f"{key.fold.test} seed {key.seed}", unit=" epochs") as bar:

        def show(entry: dict) -> None:
            bar.n = entry["epoch"]
            bar.set_postfix(loss=entry["loss"], uar=entry["validation_uar"])

        result, model = training.run(
            corpus,
            key.system,
            preset,
            key.fold,
            key.seed,
            checkpoint=checkpoint,
            log_directory=key.file(options.work, "-tensorboard"),
            on_epoch=show,
        )
    if options.save_model:
        model.save(options.save_model)
    result.save(path)
    for leftover in checkpoint.parent.glob(f"{checkpoint.name}*"):  # the checkpoint, and what a killed run was writing of it
        leftover.unlink()
    print(f"{path}: epoch {result.chosen_epoch}, {result.wall_seconds:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
