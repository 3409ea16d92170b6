"""What a trained network is worth on another corpus with few labelled examples: fine-tuned, or trained from scratch, on the same draws.

python -m experiments.studies.transfer_curve --prepared build/data/ravdess --init acrnn3d-open --examples 1,5,20,100 --repeats 6

A repeat tests one group of speakers, in turn, and draws its examples among those who neither test nor validate; fewer examples are a part
of more. All trainings see the same examples, augmentation and number of updates, and take their last weights; from scratch is the same
network with weights drawn anew. Results that are there, of these weights and settings, are not computed again.
"""

from __future__ import annotations

import dataclasses
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from data_prep import command
from experiments import catalogue
from experiments.catalogue import SYSTEMS, number_list
from experiments.grid.runs import Experiment, corpus_name, prepared_path, split_corpus
from experiments.options import RESULTS, Results
from experiments.shipped import index
from experiments.studies import transfer_report
from experiments.studies.open_corpora import RECIPES
from experiments.studies.transfer_methods import METHODS, FewShotConfig
from ser_acrnn import files
from ser_acrnn.cli.progress import Progress
from ser_acrnn.config import Preset, lite_augmented
from ser_acrnn.data.grouped import GroupedCorpus
from ser_acrnn.data.in_memory import MemoryCorpus
from ser_acrnn.data.prepared import PreparedCorpus
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.evaluation.protocol import Fold
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.evaluation.results_check import Split
from ser_acrnn.evaluation.summary import Summary
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.pretrained import list_pretrained, pretrained_path

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TransferResult(RunResult):
    """The result of a draw.

    Attributes:
        examples: How many examples each emotion has.
        drawn: Names of the training utterances.
        init: The trained network; "" from scratch.
        init_sha256: The checksum of its file.
    """

    examples: int = 0
    drawn: list[str] = field(default_factory=list)
    init: str = ""
    init_sha256: str = ""


@dataclass(frozen=True)
class Source:
    """A trained network.

    Attributes:
        name: The name of a shipped network, or of the file.
        sha256: The checksum of the file.
        predictor: Judges with it, and knows what it normalises by.
        preset: How it was trained, but for its emotions and without degraded copies; of a file, what its normalisation suggests. Its
            feature recipe is that of the network.
    """

    name: str
    sha256: str
    predictor: Predictor
    preset: Preset

    @classmethod
    def find(cls, name: str) -> Source:
        """Finds a shipped network or a `.keras` file.

        Raises:
            ValueError: There is none.
        """
        shipped = name in list_pretrained()
        path = pretrained_path(name) if shipped else Path(name)
        if not path.is_file():
            raise ValueError(f"--init is {name}, expected a .keras file or one of {list_pretrained()}")
        predictor = Predictor(name)
        preset = _trained_by(index()[name]["system"]) if shipped else lite_augmented(predictor.preprocessor.scope)
        training = replace(preset.training, copies=None)
        preset = replace(preset, training=training, features=predictor.preprocessor.features)
        return cls(name if shipped else path.name, files.sha256(path), predictor, preset)


def _trained_by(system: str) -> Preset:
    """The configurations of a shipped network; one of several corpora is trained further on a single one."""
    if system in SYSTEMS:
        return SYSTEMS[system].preset
    return replace(RECIPES[system], training=replace(RECIPES[system].training, sampling="balanced"))


def draw(manifest: pd.DataFrame, emotions: Sequence[str], examples: int, seed: int) -> list[str]:
    """Draws utterances of each emotion; the same seed with fewer examples gives the first of them.

    Args:
        manifest: The utterances to draw from.
        emotions: Names.
        examples: How many examples each emotion has.
        seed: The seed of the draw.

    Raises:
        ValueError: An emotion has fewer.
    """
    names: list[str] = []
    for number, emotion in enumerate(emotions):
        own = sorted(manifest["utterance"][manifest["emotion"] == emotion])
        if len(own) < examples:
            raise ValueError(f"{emotion}: has {len(own)} utterances to draw from, expected {examples} or more")
        names += [own[index] for index in np.random.default_rng([seed, number]).permutation(len(own))[:examples]]
    return names


class Draws:
    """A corpus held in memory, and what a draw leaves of it: few training utterances, fewer to validate on, all that test."""

    def __init__(self, experiment: Experiment, config: FewShotConfig) -> None:
        corpus = experiment.corpus
        self.experiment, self.config = experiment, config
        self.values: dict[str, NDArray[np.float32]] = {name: values for name, _, values in corpus.utterances(corpus.groups)}
        self.manifest = corpus.manifest.assign(group=corpus.group)

    def corpus(self, fold: Fold, examples: int, seed: int) -> tuple[PreparedCorpus, list[str]]:
        """The corpus of a draw, and the names of its training utterances."""
        emotions, group = self.experiment.facts.emotions, self.manifest["group"]
        drawn = draw(self.manifest[group.isin(fold.train)], emotions, examples, seed)
        validation = self.manifest[group == fold.validation]
        spoken = [emotion for emotion in emotions if (validation["emotion"] == emotion).any()]
        validating = draw(validation, spoken, 1, seed)[: self.config.validation_utterances]
        rows = self.manifest[self.manifest["utterance"].isin([*drawn, *validating]) | (group == fold.test)].reset_index(drop=True)
        values = [self.values[name] for name in rows["utterance"]]
        corpus = self.experiment.corpus
        memory = MemoryCorpus(corpus.name, rows.drop(columns="group"), values, corpus.features)
        return GroupedCorpus(memory, dict(zip(rows["utterance"], rows["group"], strict=True))), drawn


def compute(draws: Draws, source: Source, method: str, examples: int, seed: int, path: Path) -> TransferResult:
    """The result of one draw and method, from its file where that is of the same draw, weights and settings.

    Args:
        draws: The corpus.
        source: What is transferred.
        method: One of `METHODS`.
        examples: How many examples each emotion has.
        seed: The seed of the draw and the training; it chooses the fold, too.
        path: The result's file.
    """
    from ser_acrnn.training import run as training

    experiment, folds = draws.experiment, draws.experiment.folds
    fold = folds[seed % len(folds)]
    corpus, drawn = draws.corpus(fold, examples, seed)
    # Groups without a drawn utterance are no part of the run.
    fold = Fold(tuple(name for name in fold.train if name in set(corpus.group)), fold.validation, fold.test)
    emotions, channels = experiment.facts.emotions, source.predictor.model.input_shape[-1]
    numbers = replace(source.preset.training, batch_size=draws.config.batch_size, epoch_choice="last", precision="float32")
    numbers = replace(numbers, learning_rate=draws.config.learning_rate[method])
    preset = replace(source.preset, model=replace(source.preset.model, emotions=emotions, channels=channels), training=numbers)
    network = source.predictor.model
    segments = len(METHODS[method](preset, network).segments(corpus, fold.train, training=True).labels)
    steps = -(-segments // preset.training.batch_size)
    epochs = 3 * max(1, round(draws.config.updates / steps / 3))
    preset = replace(preset, training=replace(preset.training, epochs=epochs))
    origin = ("", "") if method == "scratch" else (source.name, source.sha256)
    if path.is_file():
        done = TransferResult.load(path)
        if (Preset.from_dict(done.config), done.drawn, done.init, done.init_sha256) == (preset, drawn, *origin):
            return TransferResult.load_checked(path, Split.of_prepared(experiment.corpus, experiment.protocol, [fold]))
        logger.warning("%s: is of other weights or settings, and is computed again", path)
    this = Run(corpus.name, path.parent.name, preset, fold, seed, experiment.protocol)
    found, _ = training.run(corpus, this, system=METHODS[method](preset, network))
    about = {one.name: getattr(found, one.name) for one in dataclasses.fields(RunResult)}
    about |= {"validation_curve": found.validation_curve[-1:], "validation_utterances": []}
    result = TransferResult(**about, drawn=drawn, examples=examples, init=origin[0], init_sha256=origin[1])
    result.save(path)
    return result


@command.entry
def main(
    prepared: Annotated[
        Path, typer.Option(help="a prepared corpus that the trained network has not seen; by the network's recipe, beside it or itself")
    ],
    init: Annotated[str, typer.Option(help="a shipped network, or a .keras file")] = "acrnn3d-open",
    examples: Annotated[str, typer.Option(help="of each emotion")] = "1,5,20",
    repeats: Annotated[int, typer.Option(min=1, help="draws; they test the groups of speakers in turn")] = 6,
    methods: Annotated[str, typer.Option(help="some of the default")] = ",".join(METHODS),
    updates: Annotated[int, typer.Option(min=1, help="of the weights")] = FewShotConfig().updates,
    learning_rate: Annotated[float | None, typer.Option(help="learning rate of all methods, instead of their own")] = None,
    results: Results = RESULTS,
) -> None:
    """Computes what is missing, writes the page and prints it.

    Raises:
        ValueError: Something that is named cannot be used.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    chosen = methods.split(",")
    if unknown := sorted(set(chosen) - set(METHODS)):
        raise ValueError(f"--methods has {unknown}, expected some of {sorted(METHODS)}")
    source = Source.find(init)
    facts = catalogue.corpus(corpus_name(prepared))
    experiment = split_corpus(prepared_path(prepared, source.preset), facts, init, source.preset)
    rates = {method: learning_rate for method in METHODS} if learning_rate else FewShotConfig().learning_rate
    config = FewShotConfig(updates=updates, learning_rate=rates)
    draws, folder = Draws(experiment, config), results / "transfer" / experiment.corpus.name
    plan = [(method, number, seed) for seed in range(repeats) for number in number_list(examples) for method in chosen]
    found = []
    for method, number, seed in Progress(len(plan), unit="runs").over(plan):
        test = experiment.folds[seed % len(experiment.folds)].test
        path = folder / transfer_report.system(method, number) / f"{test}-seed{seed}.json"
        found.append(compute(draws, source, method, number, seed, path))
    shown = ", ".join(f"{rates[method]:g} {transfer_report.TITLES[method]}" for method in chosen if method != "probe")
    settings = f"About {config.updates} updates of {config.batch_size} segments; learning rate: {shown}."
    page = transfer_report.write(Summary.of(found), folder, experiment.facts, source.name, source.sha256, settings)
    print(f"{page.read_text(encoding='utf-8').rstrip()}\n\n{page}")


if __name__ == "__main__":
    sys.exit(main())
