"""What a run of the grid is: its name and file, its system's configuration, its corpus and folds; and whether it is done."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

from data_prep.loader import Corpus
from experiments import catalogue
from experiments.catalogue import baselines
from ser_acrnn.config import ConfigError, DnnElmPreset, Preset
from ser_acrnn.dataset import DatasetError, GroupedCorpus, PreparedCorpus, open_corpus, prepared_name
from ser_acrnn.protocol import LEAVE_ONE_SPEAKER_OUT, PROTOCOLS, Fold, grouping, leave_one_speaker_out
from ser_acrnn.results import RunResult


@dataclass(frozen=True)
class RunKey:
    """Names one run of the grid; `folder` is the corpus's, see `catalogue.results_folder`."""

    folder: str
    system: str
    fold: Fold
    seed: int

    def file(self, root: Path, suffix: str = ".json") -> Path:
        """The run's file below a root: `<root>/<folder>/<system>/<test>-seed<N>`."""
        return root / self.folder / self.system / f"{self.fold.test}-seed{self.seed}{suffix}"


@dataclass(frozen=True)
class Experiment:
    """A system on a prepared corpus under a protocol."""

    corpus: PreparedCorpus
    facts: Corpus
    system: str
    preset: Preset | DnnElmPreset | baselines.SvmPreset
    protocol: str
    folds: list[Fold]

    def key(self, fold: int, seed: int) -> RunKey:
        """The run of a fold, by its number, and a seed."""
        return RunKey(catalogue.results_folder(self.corpus.name, self.protocol), self.system, self.folds[fold], seed)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that one run and the grid share."""
    parser.add_argument("--prepared", type=Path, required=True, help="a prepared corpus: its folder, or a packed .npz")
    parser.add_argument("--protocol", choices=PROTOCOLS, help="what a fold leaves out (default: the corpus's own)")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of the result files (default: %(default)s)")
    parser.add_argument("--work", type=Path, default=Path("build/work"), help="folder of checkpoints and logs (default: %(default)s)")
    parser.add_argument("--models", type=Path, help="also keep the networks, <corpus>/<system>/<tested>-seed<N>.keras below this folder")
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        help="instead of the system's own; auto: bfloat16 where there are units for it",
    )
    parser.add_argument("--epochs", type=int, help="bound of the epochs, instead of the system's own")
    parser.add_argument(
        "--devices",
        default="auto",
        help="auto: the first GPU, or the processor; cpu; gpu:N: N GPUs of this host share every batch; "
        "cpu:N: N logical CPUs, to test that with (default: %(default)s)",
    )


def open_experiment(options: argparse.Namespace, system: str) -> Experiment:
    """Opens what the command line names, prepared by the system's recipe.

    Raises:
        DatasetError: It is not there, or another corpus than its name says.
        LeakError: The corpus cannot be split so.
        ValueError: An unknown system.
    """
    facts = catalogue.corpus(corpus_name(options.prepared))
    preset = catalogue.system(system, facts)
    changes = {name: getattr(options, name) for name in ("precision", "epochs") if getattr(options, name) is not None}
    preset = replace(preset, training=replace(preset.training, **changes))
    return split(prepared_path(options.prepared, preset), facts, system, preset, options)


def split(
    path: Path, facts: Corpus, system: str, preset: Preset | DnnElmPreset | baselines.SvmPreset, options: argparse.Namespace
) -> Experiment:
    """Opens a prepared corpus, split by the protocol that the options name, or by its own.

    Raises:
        DatasetError: It is not there, or another corpus than its name says.
        LeakError: The corpus cannot be split so.
    """
    corpus = open_corpus(path)
    if corpus.name != facts.name:
        raise DatasetError(f"{path}: holds the corpus {corpus.name!r}, expected {facts.name!r} by its name")
    protocol = options.protocol or facts.protocol
    partner = facts.partner if protocol == facts.protocol else None
    if protocol != LEAVE_ONE_SPEAKER_OUT:
        corpus = GroupedCorpus(
            corpus, grouping(protocol, corpus.manifest[["utterance", "speaker", "session"]].itertuples(index=False), facts.groups)
        )
    return Experiment(corpus, facts, system, preset, protocol, leave_one_speaker_out(corpus.groups, partner))


def corpus_name(prepared: Path) -> str:
    """The corpus that a prepared folder or packed file is of."""
    return prepared.name.removesuffix(".npz").partition(".")[0]


def prepared_path(prepared: Path, preset: Preset | DnnElmPreset) -> Path:
    """The corpus as the preset's recipe prepared it: beside the one that was named, `emodb.npz` -> `emodb.mfcc-pitch.npz`."""
    packed = ".npz" if prepared.suffix == ".npz" else ""
    return prepared.with_name(prepared_name(corpus_name(prepared), preset.features) + packed)


def finished(path: Path, preset: Preset | DnnElmPreset | baselines.SvmPreset) -> bool:
    """Whether the result is there; the precision that it was computed in is a property of the run, not of the system.

    Raises:
        ValueError: It is there, but of another configuration.
    """
    if not path.exists():
        return False
    try:
        done = type(preset).from_dict(RunResult.load(path).config)
        same = replace(done, training=replace(done.training, precision=preset.training.precision)) == preset
    except ConfigError:
        same = False
    if not same:
        raise ValueError(
            f"{path}: is the result of another configuration, expected this one's; move it away or give RESULTS another folder"
        )
    return True
