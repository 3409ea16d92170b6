"""Which run it is, by value: training, resuming, collecting and reporting mean the same one, and the same by "finished"."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self

from ser_acrnn.config import ConfigError, TrainConfig
from ser_acrnn.evaluation.protocol import LEAVE_ONE_SPEAKER_OUT, Fold
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.evaluation.results_check import Split, folder_name


class Configured(Protocol):
    """A system's configurations, such as `ser_acrnn.config.Preset`."""

    @property
    def training(self) -> TrainConfig:
        """The numbers of the training."""

    def to_dict(self) -> dict[str, Any]:
        """As a result holds them."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """As a result held them."""


@dataclass(frozen=True)
class Run:
    """One training and test: of a system, on a fold of a corpus, with a seed.

    Attributes:
        corpus: Name of the prepared corpus. Which recordings and labels it has, and who is in which part of the fold, a result is
            compared with by its `ser_acrnn.evaluation.results_check.Split`.
        system: Row of the tables.
        preset: The configurations. The precision in them is a property of where a run was computed, not of which run it is.
        fold: Who does what.
        seed: What decides initial weights, order of segments, dropout, and an extreme learning machine's hidden layer.
        protocol: Where the fold comes from, one of `ser_acrnn.evaluation.protocol.PROTOCOLS`.
        initial_weights: Checksum of the weights that training begins with; "" where they are drawn by the seed.
    """

    corpus: str
    system: str
    preset: Configured
    fold: Fold
    seed: int
    protocol: str = LEAVE_ONE_SPEAKER_OUT
    initial_weights: str = ""

    @property
    def folder(self) -> str:
        """Name of the folder with the corpus's results under the protocol."""
        return folder_name(self.corpus, self.protocol)

    def name(self, suffix: str = ".json") -> str:
        """The run's file in the folder of its system."""
        return f"{self.fold.test}-seed{self.seed}{suffix}"

    def file(self, root: Path, suffix: str = ".json") -> Path:
        """The run's file below the root of several corpora's results: `<root>/<folder>/<system>/<test>-seed<N>.json`."""
        return root / self.folder / self.system / self.name(suffix)

    def finished(self, path: Path, split: Split | None) -> RunResult | None:
        """The run's result, None where there is none.

        Args:
            path: Where it would be.
            split: What it should be of, see `RunResult.load_checked`.

        Raises:
            ResultError: It is there, but cannot be right.
            ValueError: It is there, but of other configurations, or began with other weights.
        """
        if not path.exists():
            return None
        result = RunResult.load_checked(path, split)
        try:
            found = type(self.preset).from_dict(result.config)
            same = replace(found.training, precision=self.preset.training.precision) == self.preset.training
            same = same and {**found.to_dict(), "training": None} == {**self.preset.to_dict(), "training": None}
        except ConfigError:
            same = False
        if not same:
            raise ValueError(f"{path}: is the result of another configuration, expected this one's; move it away or give another folder")
        if result.initial_weights != self.initial_weights:
            raise ValueError(
                f"{path}: began with the weights {result.initial_weights[:12] or 'that its seed draws'}, expected "
                f"{self.initial_weights[:12] or 'none but those'}; move it away or give another folder"
            )
        return result
