"""Outcomes of tests: passed, failed or not tested, against which bound; and the report of all of them as text and for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ser_acrnn.evaluation.markdown import markdown_table

PASSED, FAILED, NOT_TESTED = "passed", "failed", "not tested"


class CheckError(ValueError):
    """A model or recordings that cannot be checked; the message names file, value and expectation.

    Attributes:
        place: Number of the recording, among those that were to be judged; None where it is about none of them.
    """

    place: int | None = None


@dataclass(frozen=True)
class Outcome:
    """One test.

    Attributes:
        name: Of the test.
        about: What is measured, in words.
        value: What was measured; NaN where it was not.
        bound: What passes; NaN where nothing was measured.
        at_least: Whether the value has to be the bound or more; False: or less.
        details: What the value is made of, such as each speaker's UAR.
        of_each: Whether the bound is one of each detail: the value is the worst of them.
        reason: Why it was not tested; "" where it was.
    """

    name: str
    about: str
    value: float = math.nan
    bound: float = math.nan
    at_least: bool = True
    details: Mapping[str, float] = field(default_factory=dict)
    of_each: bool = False
    reason: str = ""

    @property
    def verdict(self) -> str:
        """`PASSED`, `FAILED` or `NOT_TESTED`."""
        if self.reason or math.isnan(self.value):
            return NOT_TESTED
        return PASSED if (self.value >= self.bound if self.at_least else self.value <= self.bound) else FAILED

    @property
    def criterion(self) -> str:
        """The bound in words; "" where nothing was measured."""
        return "" if math.isnan(self.bound) else f"{'at least' if self.at_least else 'at most'} {self.bound:.3g}"


@dataclass(frozen=True)
class Report:
    """All tests of a model.

    Attributes:
        model: Its name.
        labels: The file of the recordings' labels.
        recordings: How many were judged.
        outcomes: The tests, in their order.
        evaluation: Rates, recall and confusion on the recordings, see `ser_acrnn.evaluation.Evaluation.to_dict`.
        problems: What could not be judged.
        seconds: Time that it took.
    """

    model: str
    labels: str
    recordings: int
    outcomes: tuple[Outcome, ...]
    evaluation: Mapping[str, Any]
    problems: tuple[str, ...] = ()
    seconds: float = 0.0

    def count(self, verdict: str) -> int:
        """How many tests ended so."""
        return sum(outcome.verdict == verdict for outcome in self.outcomes)

    @property
    def passed(self) -> bool:
        """Whether no test failed, and one was done at least."""
        return not self.count(FAILED) and bool(self.count(PASSED))

    @property
    def summary(self) -> str:
        """How many tests ended how, in a line."""
        counts = ", ".join(f"{self.count(verdict)} {verdict}" for verdict in (PASSED, FAILED, NOT_TESTED))
        return f"{self.model} on {self.recordings} recordings of {self.labels}: {counts}"

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON; None for what was not measured."""
        tests = [
            {
                "name": one.name,
                "about": one.about,
                "verdict": one.verdict,
                "value": _or_none(one.value),
                "bound": _or_none(one.bound),
                "criterion": one.criterion,
                "details": {name: _or_none(value) for name, value in one.details.items()},
                "reason": one.reason,
            }
            for one in self.outcomes
        ]
        return {
            "model": self.model,
            "labels": self.labels,
            "recordings": self.recordings,
            "passed": self.passed,
            "tests": tests,
            "evaluation": dict(self.evaluation),
            "problems": list(self.problems),
            "seconds": round(self.seconds, 1),
        }

    def rows(self) -> list[list[str]]:
        """Test, verdict, value, bound, what is measured or why not."""
        return [
            [one.name, one.verdict, "" if math.isnan(one.value) else f"{one.value:.3f}", one.criterion, one.reason or one.about]
            for one in self.outcomes
        ]

    def to_markdown(self) -> str:
        """A table of the tests, and one of the details."""
        details = [[one.name, name, f"{value:.3f}"] for one in self.outcomes for name, value in one.details.items()]
        text = [f"# {self.model}", f"{self.summary}.", markdown_table(["test", "verdict", "value", "bound", "about"], self.rows())]
        if details:
            text += ["## Details", markdown_table(["test", "of", "value"], details)]
        if self.problems:
            text += ["## Not judged", "\n".join(f"- {problem}" for problem in self.problems)]
        return "\n\n".join(text) + "\n"


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 6)
