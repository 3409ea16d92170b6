"""The result file: everything that a report computes from, one JSON a run."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from ser_acrnn import files
from ser_acrnn.evaluation import metrics, results_manifest
from ser_acrnn.evaluation.results_check import Split, of_folder, problems
from ser_acrnn.evaluation.results_manifest import ResultError

ROUNDED = 0.01  # share of the decisions that another processor's rounding may turn


@dataclass(frozen=True)
class RunResult:
    """What a finished run leaves.

    Attributes:
        corpus: Name of the prepared corpus.
        system: Row of the tables.
        fold: `train` (list), `validation` and `test`: speakers, or what else the protocol splits by; `validation` is null where that
            speaker trained too.
        seed: The run's seed.
        emotions: Classes, in the order of the posteriors.
        utterances: A dict a test utterance: `id`, `emotion` (the truth) and `posteriors` (maxima over segments; of a DNN-ELM or a
            support vector machine the machine's scores), of which the highest decides.
        chosen_epoch: The epoch that was judged, from 1; 1 of what knows no epochs.
        validation_curve: A dict an epoch: `epoch`, `loss` (mean over the epoch's batches; null where it was not recorded) and, where
            somebody validates, `validation_loss`, `validation_uar`. None of what knows no epochs.
        recipe_hash: The hash of the features' recipe.
        config: The configurations of features, model and training.
        version: The version of this package.
        backend: Name and version of what computed.
        device: What it computed on.
        precision: `float32` or `bfloat16`; of a support vector machine `float64`.
        wall_seconds: The time that training took, resumptions added up.
        protocol: What the folds leave out, see `ser_acrnn.evaluation.protocol.PROTOCOLS`.
        chosen: What else was chosen, and what spoke for it; nothing of networks.
        validation_utterances: As `utterances`, of the validation speaker, by the network that judged the test; empty where nobody
            validates, and in results of version 0.1.0.
        test_curve: Where the run was judged after every epoch once all were trained (`ser_acrnn.training.every_epoch`): a dict an epoch
            with `epoch`, `test_uar` and `decisions`, the number of each test utterance's emotion. It chooses nothing.
        initial_weights: Checksum of the weights that training began with; "" where they were drawn by the seed.
    """

    corpus: str
    system: str
    fold: dict[str, Any]
    seed: int
    emotions: list[str]
    utterances: list[dict[str, Any]]
    chosen_epoch: int
    validation_curve: list[dict[str, Any]]
    recipe_hash: str
    config: dict[str, Any]
    version: str
    backend: str
    device: str
    precision: str
    wall_seconds: float
    protocol: str = "leave-one-speaker-out"
    chosen: dict[str, Any] = dataclasses.field(default_factory=dict)
    validation_utterances: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    test_curve: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    initial_weights: str = ""

    @cached_property
    def truth(self) -> list[str]:
        """The test utterances' emotions."""
        return self.decided(self.utterances)[0]

    @cached_property
    def decisions(self) -> list[str]:
        """The emotion with the highest posterior of each test utterance."""
        return self.decided(self.utterances)[1]

    @cached_property
    def uar(self) -> float:
        """UAR on the test part, 0 to 1."""
        return metrics.unweighted_average_recall(self.truth, self.decisions)

    @cached_property
    def wa(self) -> float:
        """Share of right decisions on the test part, 0 to 1."""
        return metrics.weighted_accuracy(self.truth, self.decisions)

    @cached_property
    def macro_f1(self) -> float:
        """Macro F1 on the test part, 0 to 1."""
        return metrics.macro_f1(self.truth, self.decisions)

    @cached_property
    def validation_uar(self) -> float:
        """UAR on the validation part at the chosen epoch, 0 to 1: of its decisions where the result has them, else as the curve has it.

        Raises:
            ValueError: Nobody validated.
        """
        if self.fold["validation"] is None:
            raise ValueError(f"{self.system}, test part {self.fold['test']}: nobody validated, expected a validation part")
        if self.validation_utterances:
            return metrics.unweighted_average_recall(*self.decided(self.validation_utterances))
        return next(entry["validation_uar"] for entry in self.validation_curve if entry["epoch"] == self.chosen_epoch)

    def decided(self, utterances: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
        """The emotions of `utterances` or `validation_utterances`, and those with the highest posteriors."""
        posteriors = [utterance["posteriors"] for utterance in utterances]
        return [utterance["emotion"] for utterance in utterances], [self.emotions[row.index(max(row))] for row in posteriors]

    def check_network(self, decisions: list[str]) -> None:
        """Makes sure that a network is this run's: it decides as the run did on the test utterances, but for what rounding may turn.

        Raises:
            ValueError: It decides otherwise on more than one utterance in a hundred.
        """
        differing = sum(mine != its for mine, its in zip(decisions, self.decisions, strict=True))
        if differing > ROUNDED * len(decisions):
            raise ValueError(
                f"decides otherwise on {differing} of {len(decisions)} utterances than the result of {self.system}, expected its network"
            )

    def save(self, path: str | Path) -> None:
        """Writes the result atomically."""
        files.write_text(path, _compact(dataclasses.asdict(self)) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Reads a result as it stands; `load_checked` also makes sure that it can be what it says.

        Raises:
            ResultError: The file is not a result.
        """
        try:
            return cls(**json.loads(Path(path).read_text(encoding="utf-8")))
        except (TypeError, ValueError) as error:
            raise _no_result(path, error) from error

    @classmethod
    def load_checked(cls, path: str | Path, split: Split | None) -> Self:
        """Reads a result, and refuses one that cannot be what it says.

        Name of file and folder, configuration, posteriors and chosen epoch have to agree, see `ser_acrnn.evaluation.results_check`.
        Values that could be true, such as another posterior, are not noticed.

        Args:
            path: `<system>/<test>-seed<N>.json`.
            split: What it should be of. None leaves unchecked: corpus and protocol, the fold, which utterances there are, their labels.

        Raises:
            ResultError: The file is not a result, or cannot be right; the message names file, value and expectation.
        """
        result = cls.load(path)
        try:
            problem = next(problems(vars(result), Path(path), split), "")
        except (AttributeError, LookupError, TypeError) as error:
            raise _no_result(path, error) from error
        if problem:
            raise ResultError(f"{path}: {problem}")
        return result


def collect(directory: str | Path, split: Split | None = None) -> list[RunResult]:
    """Reads all results below a folder by `RunResult.load_checked`, sorted by path.

    Args:
        directory: The folder, such as `results/emodb.leaky-random`.
        split: What the results should be of. Without it: what the protocol in the folder's name makes of its manifest
            (`ser_acrnn.evaluation.results_manifest`), with no partners and no groups of speakers. Where there is no manifest either, what
            `RunResult.load_checked` says is unchecked, but for the protocol where the folder has the corpus's name.

    Raises:
        ResultError: There is none, a file is not a result or cannot be right, runs of one system were configured differently (which
            precision they were computed in aside), or the manifest was changed.
    """
    directory = Path(directory)
    corpus, protocol = of_folder(directory.name)
    if split is None and (rows := results_manifest.read(directory)) is not None:
        try:
            split = Split.of(corpus, protocol, rows)
        except ValueError as error:
            raise ResultError(f"{directory}: {error}") from error
    results = []
    configured: dict[str, tuple[Path, dict[str, Any]]] = {}
    for path in sorted(directory.glob("*/*-seed*.json")):
        results.append(result := RunResult.load_checked(path, split))
        if split is None and result.corpus == corpus and result.protocol != protocol:
            raise ResultError(f"{path}: protocol is {result.protocol!r}, expected {protocol!r} in the folder {directory.name}")
        first, its = configured.setdefault(result.system, (path, _settings(result.config)))
        mine = _settings(result.config)
        if differing := sorted(name for name in mine.keys() & its.keys() if mine[name] != its[name]):
            name = differing[0]
            raise ResultError(
                f"{path}: was configured with {name} {mine[name]!r}, expected {its[name]!r} as {first.name}: runs of a system are averaged"
            )
    if not results:
        raise ResultError(f"{directory}: holds no result, expected files such as <system>/<speaker>-seed<N>.json")
    return results


def _settings(config: Mapping[str, Any], within: str = "") -> dict[str, Any]:
    """What a run was configured with, by dotted names; a field that a version did not have yet is not there."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        name = f"{within}{key}"
        found |= _settings(value, f"{name}.") if isinstance(value, Mapping) else {name: value} if name != "training.precision" else {}
    return found


def _no_result(path: str | Path, error: Exception) -> ResultError:
    return ResultError(f"{path}: is not a result file ({type(error).__name__}: {error}), expected the fields of RunResult")


def _compact(fields: dict[str, Any]) -> str:
    """JSON with one line a field, and one a list's item: small, and readable in a difference."""
    lines = []
    for name, value in fields.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            text = "[\n  " + ",\n  ".join(json.dumps(item) for item in value) + "\n ]"
        else:
            text = json.dumps(value)
        lines.append(f" {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}"
