"""Two evaluations of the same utterances, such as of two networks: the mean difference of UAR over speakers, and its test."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ser_acrnn.evaluation.evaluating import Evaluation
from ser_acrnn.evaluation.intervals import TESTED, Difference, ends, family, tested
from ser_acrnn.evaluation.report import markdown_table
from ser_acrnn.evaluation.rows import PredictionsError


@dataclass(frozen=True, kw_only=True)
class GroupDifference(Difference):
    """First less second, in UAR points (percent): the mean over groups such as speakers, with a paired t test over these.

    Attributes:
        column: What tells the groups apart.
        groups: How many there are.
        utterances: How many both have decided on.
    """

    column: str
    groups: int
    utterances: int

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON; None for NaN."""
        facts = {**asdict(self), "verdict": self.verdict}
        return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in facts.items()}

    def to_markdown(self, first: str, second: str) -> str:
        """A table of one row, under the names of the two."""
        heads = ["UAR points", f"{self.column}s", "mean difference", f"95 % interval over {self.column}s", *TESTED]
        row = [f"{first} less {second}", str(self.groups), f"{self.mean:+.2f}", ends(self.low, self.high, "+"), *tested(self)]
        return markdown_table(heads, [row])


def compare(first: Evaluation, second: Evaluation, column: str = "speaker") -> GroupDifference:
    """Compares two evaluations, each broken down `by` the column.

    Args:
        first: What may be better.
        second: What it is compared with, on the same utterances.
        column: Tells groups apart that are independent of each other.

    Raises:
        PredictionsError: They were not broken down by the column, or are of other utterances.

    Example:
        >>> import pandas as pd
        >>> import ser_acrnn
        >>> table = pd.DataFrame({"truth": ["angry", "sad"] * 3, "decision": ["angry", "sad"] * 3, "speaker": list("aabbcc")})
        >>> other = table.assign(decision=["sad", "sad", "angry", "angry", "angry", "sad"])
        >>> found = compare(ser_acrnn.evaluate(table, by="speaker"), ser_acrnn.evaluate(other, by="speaker"))
        >>> round(found.mean, 1), found.groups
        (33.3, 3)
    """
    each, other = (_parts(evaluation, column) for evaluation in (first, second))
    if each.keys() != other.keys():
        raise PredictionsError(f"{column}: one has {sorted(each)}, the other {sorted(other)}, expected the same")
    for name, part in each.items():
        if (mine := _truth(part)) != (its := _truth(other[name])):
            raise PredictionsError(f"{column} {name!r}: one was judged on {mine}, the other on {its}, expected the same utterances")
    points = [100 * (part.uar - other[name].uar) for name, part in each.items()]
    return family([GroupDifference.over(points, column=column, groups=len(points), utterances=first.utterances)])[0]


def _parts(evaluation: Evaluation, column: str) -> Mapping[str, Evaluation]:
    if column not in evaluation.breakdowns:
        raise PredictionsError(f"an evaluation is broken down by {list(evaluation.breakdowns)}, expected {column!r} among them")
    return evaluation.breakdowns[column]


def _truth(evaluation: Evaluation) -> dict[str, int]:
    counts = np.asarray(evaluation.confusion.sum(axis=1))
    return {emotion: int(count) for emotion, count in sorted(zip(evaluation.emotions, counts, strict=True)) if count}
