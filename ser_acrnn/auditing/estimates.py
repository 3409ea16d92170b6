"""By how much a split flatters a system, as numbers and in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ser_acrnn.evaluation.intervals import Difference, ends


@dataclass(frozen=True)
class Estimate:
    """What a split is worth to a system.

    Attributes:
        system: What was trained.
        given: UAR under the split, 0 to 1, the mean over the speakers that it tests.
        honest: UAR of the same recordings, each tested where its speaker is not in training.
        folds: How many folds the latter has.
        difference: Over speakers, in percent points.
        speakers: How many the split tests.
        recordings: How many recordings it tests.
    """

    system: str
    given: float
    honest: float
    folds: int
    difference: Difference
    speakers: int
    recordings: int

    @property
    def sentence(self) -> str:
        """In words, to be quoted."""
        interval = ends(self.difference.low, self.difference.high)
        return (
            f"{self.system} reaches a UAR of {100 * self.given:.1f} % under this split, and {100 * self.honest:.1f} % on the same "
            f"{self.recordings} recordings in {self.folds} folds that share no speaker: a difference of {self.difference.mean:.1f} points"
            + (f" (95 % interval over {self.speakers} speakers {interval})." if interval else f", over {self.speakers} speakers.")
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON; no interval with fewer than three speakers."""
        known = not math.isnan(self.difference.low)
        return {
            "system": self.system,
            "uar": round(self.given, 6),
            "uar_without_known_speakers": round(self.honest, 6),
            "difference_points": round(self.difference.mean, 4),
            "interval": [round(self.difference.low, 4), round(self.difference.high, 4)] if known else None,
            "folds": self.folds,
            "speakers": self.speakers,
            "recordings": self.recordings,
            "sentence": self.sentence,
        }
