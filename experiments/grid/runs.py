"""What the runs of the grid are of: a system's configuration, a corpus and its folds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from data_prep.degraded import degraded_name
from data_prep.loader import Corpus
from experiments import catalogue
from experiments.catalogue import ablations, baselines
from experiments.options import GridOptions
from ser_acrnn.config import DnnElmPreset, Preset
from ser_acrnn.data.grouped import GroupedCorpus
from ser_acrnn.data.prepared import DatasetError, PreparedCorpus, open_corpus, prepared_name
from ser_acrnn.data.segmented import SegmentedCorpus
from ser_acrnn.evaluation import results_manifest
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.evaluation.protocol import (
    BY_SPEAKER,
    LEAKY_SEGMENTS,
    SPEAKER_AND_TEXTS,
    Fold,
    LeakError,
    grouping,
    leave_one_speaker_and_texts_out,
    leave_one_speaker_out,
)
from ser_acrnn.evaluation.results_check import Split, folder_name


@dataclass(frozen=True)
class Experiment:
    """A system on a prepared corpus under a protocol, with the degraded copies of the corpus where it trains with them."""

    corpus: PreparedCorpus
    facts: Corpus
    system: str
    preset: Preset | DnnElmPreset | baselines.SvmPreset
    protocol: str
    folds: list[Fold]
    by_texts: dict[str, PreparedCorpus] = field(default_factory=dict)
    copies: PreparedCorpus | None = None

    @property
    def conditions(self) -> dict[str, Preset]:
        """The systems that judge by the same training in another condition, see `ser_acrnn.training.every_epoch`."""
        names = catalogue.entry(self.system).conditions
        changes = {name: ablations.JUDGED[catalogue.entry(name).change] for name in names}
        return {name: ablations.changed(self.preset, change) for name, change in changes.items() if isinstance(self.preset, Preset)}

    def last(self, run: Run, *, conditions: bool) -> Run:
        """The run whose result is the last that a training leaves: itself, or that of the last condition."""
        if not conditions:
            return run
        *_, (system, preset) = self.conditions.items()
        return replace(run, system=system, preset=preset)

    def finished(self, run: Run, results: Path) -> bool:
        """Whether a run's result is there, see `Run.finished`."""
        return run.finished(run.file(results), self.split) is not None

    def corpus_of(self, fold: Fold) -> PreparedCorpus:
        """The corpus, grouped as the fold splits it."""
        return self.by_texts.get(fold.test, self.corpus)

    @property
    def folder(self) -> str:
        """Name of the folder with its results and those of other systems."""
        return folder_name(self.corpus.name, self.protocol)

    def run(self, fold: int, seed: int) -> Run:
        """The run of a fold, by its number, and a seed."""
        return Run(self.corpus.name, self.system, self.preset, self.folds[fold], seed, self.protocol)

    @cached_property
    def split(self) -> Split:
        """What its results are of."""
        return Split.of_prepared(self.corpus, self.protocol, self.folds, self.by_texts)

    def settle_manifest(self, root: Path) -> None:
        """Writes the corpus's manifest beside its results where there is none.

        Raises:
            ResultError: The results there are of another corpus.
        """
        results_manifest.settle(root / self.folder, results_manifest.rows_of(self.corpus.manifest))


def open_experiment(
    prepared: Path, system: str, *, protocol: str | None = None, precision: str | None = None, epochs: int | None = None
) -> Experiment:
    """Opens a system on a corpus, prepared by the system's recipe.

    Args:
        prepared: A prepared corpus of any recipe: its folder, or a packed `.npz`; that of the system's recipe stands beside it.
        system: A name of the catalogue.
        protocol: What a fold leaves out; by default the corpus's own.
        precision: Instead of the system's own.
        epochs: Their bound, instead of the system's own.

    Raises:
        DatasetError: It is not there, or another corpus than its name says.
        LeakError: The corpus cannot be split so.
        ValueError: An unknown system.
    """
    facts = catalogue.corpus(corpus_name(prepared))
    preset = catalogue.system(system, facts)
    changes = {name: value for name, value in (("precision", precision), ("epochs", epochs)) if value is not None}
    preset = replace(preset, training=replace(preset.training, **changes))
    found = split_corpus(prepared_path(prepared, preset), facts, system, preset, protocol)
    if not isinstance(preset, Preset) or preset.training.copies is None:
        return found
    if found.protocol not in BY_SPEAKER:
        raise ValueError(f"{system}: trains with degraded copies, expected one of the protocols {sorted(BY_SPEAKER)}, not {found.protocol}")
    return replace(found, copies=open_corpus(prepared_path(prepared, preset, degraded_name(facts.name))))


def named_experiment(options: GridOptions, system: str) -> Experiment:
    """Opens what the options name; errors as of `open_experiment`, and a DatasetError where a recipe is named that nobody prepared."""
    if "." in options.prepared.name.removesuffix(".npz") and not options.prepared.exists():
        raise DatasetError(f"{options.prepared}: is not there, expected a prepared corpus, or the name of one without its recipe")
    return open_experiment(options.prepared, system, protocol=options.protocol, precision=options.precision, epochs=options.epochs)


def split_corpus(
    path: Path, facts: Corpus, system: str, preset: Preset | DnnElmPreset | baselines.SvmPreset, protocol: str | None = None
) -> Experiment:
    """Opens a prepared corpus, split by a protocol, or by its own.

    Raises:
        DatasetError: It is not there, or another corpus than its name says.
        LeakError: The corpus cannot be split so.
    """
    corpus = open_corpus(path)
    if corpus.name != facts.name:
        raise DatasetError(f"{path}: holds the corpus {corpus.name!r}, expected {facts.name!r} by its name")
    protocol = protocol or facts.protocol
    if protocol == SPEAKER_AND_TEXTS:
        by_texts = grouped_by_texts(corpus, facts)
        return Experiment(corpus, facts, system, preset, protocol, list(by_texts), {fold.test: found for fold, found in by_texts.items()})
    if protocol not in BY_SPEAKER:
        corpus = SegmentedCorpus(corpus) if protocol == LEAKY_SEGMENTS else corpus
        corpus = GroupedCorpus(
            corpus, grouping(protocol, corpus.manifest[["utterance", "speaker", "session"]].itertuples(index=False), facts.groups)
        )
    return Experiment(corpus, facts, system, preset, protocol, leave_one_speaker_out(corpus.groups, catalogue.partner(facts, protocol)))


def grouped_by_texts(corpus: PreparedCorpus, facts: Corpus) -> dict[Fold, PreparedCorpus]:
    """The folds of `leave-one-speaker-and-texts-out`, each with the corpus grouped as it splits it.

    Raises:
        LeakError: The corpus's loader does not know what is said.
    """
    names = list(corpus.manifest["utterance"])
    if facts.text is None:
        raise LeakError(f"{corpus.name}: the loader does not tell what is said, expected texts for {SPEAKER_AND_TEXTS}")
    texts = {name: facts.text(name) for name in names}
    speakers = dict(zip(names, corpus.speakers_of(names), strict=True))
    return {
        fold: GroupedCorpus(corpus, groups)
        for fold, groups in leave_one_speaker_and_texts_out(speakers, texts, catalogue.partner(facts, SPEAKER_AND_TEXTS))
    }


def corpus_name(prepared: Path) -> str:
    """The corpus that a prepared folder or packed file is of."""
    return prepared.name.removesuffix(".npz").partition(".")[0]


def prepared_path(prepared: Path, preset: Preset | DnnElmPreset, corpus: str | None = None) -> Path:
    """The corpus, or another one, as the preset's recipe prepared it: beside the one named, `emodb.npz` -> `emodb.mfcc-pitch.npz`."""
    packed = ".npz" if prepared.suffix == ".npz" else ""
    return prepared.with_name(prepared_name(corpus or corpus_name(prepared), preset.features) + packed)
