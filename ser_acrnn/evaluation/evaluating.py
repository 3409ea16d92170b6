"""What predictions are worth: UAR, WA, F1, recall, confusion and calibration, with intervals over speakers, and by sex or any column."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ser_acrnn.evaluation import metrics
from ser_acrnn.evaluation.calibration import reliability
from ser_acrnn.evaluation.intervals import around, ends, rate_interval
from ser_acrnn.evaluation.markdown import markdown_table
from ser_acrnn.evaluation.predictions_table import Predictions, Results, Table, read

GROUPS = ("speaker", "fold")  # columns of what is drawn independently; utterances of one speaker are not
SEED = "seed"
_RATES = ("uar", "wa", "macro_f1")


@dataclass(frozen=True)
class GroupMean:
    """A rate's mean over groups of utterances, each of which counts the same.

    Attributes:
        mean: 0 to 1.
        low: Lower end of the mean's 95 % t interval, cut at 0 and 1; NaN with fewer than three groups.
        high: The upper end of the interval.
    """

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Groups:
    """Rates over speakers, or other groups.

    Attributes:
        column: What tells the groups apart.
        number: How many there are.
        uar: The groups' mean UAR and its interval, each over the emotions that the group has.
        wa: Their mean WA and its interval.
        macro_f1: Their mean macro F1 and its interval.
    """

    column: str
    number: int
    uar: GroupMean
    wa: GroupMean
    macro_f1: GroupMean


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What predictions are worth; rates are 0 to 1, NaN where there is nothing to compute from.

    Attributes:
        emotions: Names, in the order of `confusion`.
        utterances: How many decisions; an utterance on which several seeds decided counts for each.
        seeds: How many there are.
        uar: UAR of all utterances put together: mean recall over the emotions that the truth has.
        wa: Share of right decisions.
        macro_f1: F1 averaged over the same emotions.
        confusion: Counts, rows = truth, columns = decision, shape `(emotions, emotions)`.
        groups: The same rates over speakers, with intervals; None where no column tells them apart.
        calibration_error: Expected calibration error, over ten bins of confidence.
        log_loss: Mean negative logarithm of the true emotion's posterior.
        breakdowns: Column -> its value -> the utterances with that value, evaluated alone.
    """

    emotions: tuple[str, ...]
    utterances: int
    seeds: int
    uar: float
    wa: float
    macro_f1: float
    confusion: NDArray[np.int64]
    groups: Groups | None
    calibration_error: float
    log_loss: float
    breakdowns: Mapping[str, Mapping[str, Evaluation]] = field(default_factory=dict)

    @property
    def chance(self) -> float:
        """UAR of decisions that are made without listening: 1 by the number of emotions that the truth has."""
        return 1 / len(self.recall)

    @property
    def recall(self) -> dict[str, float]:
        """Emotion -> recall; without those that the truth lacks."""
        counts = self.confusion.sum(axis=1)
        return {
            emotion: float(self.confusion[place, place] / counts[place]) for place, emotion in enumerate(self.emotions) if counts[place]
        }

    def by_emotion(self) -> pd.DataFrame:
        """A row an emotion that the truth has: `utterances`, `recall`, and how many of them were decided as each emotion."""
        counts = pd.DataFrame(self.confusion, index=pd.Index(self.emotions, name="truth"), columns=list(self.emotions))
        counts = counts.loc[list(self.recall)]
        rates = pd.DataFrame({"utterances": counts.sum(axis=1), "recall": self.recall.values()}, index=counts.index)
        return pd.concat([rates, counts], axis="columns")

    def to_frame(self) -> pd.DataFrame:
        """A row for all utterances, and one for each value of each column that they were broken down by.

        The columns are `by` and `value` (empty of all), `utterances, seeds, chance, uar, wa, macro_f1, calibration_error, log_loss`, and,
        of the groups, `groups` (their number), `uar_mean, uar_low, uar_high` and so on for the other rates.
        """
        parts = [("", "", self)] + [(by, value, part) for by, values in self.breakdowns.items() for value, part in values.items()]
        rows = []
        for by, value, part in parts:
            rows.append({"by": by, "value": value, **part._figures()})
            if part.groups is not None:
                rows[-1]["groups"] = part.groups.number
                for rate in _RATES:
                    rows[-1] |= {f"{rate}_{end}": figure for end, figure in asdict(getattr(part.groups, rate)).items()}
        return pd.DataFrame(rows)

    def _figures(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in ("utterances", "seeds", "chance", *_RATES, "calibration_error", "log_loss")}

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON; None for NaN."""
        groups = None if self.groups is None else asdict(self.groups)
        parts = {by: {value: part.to_dict() for value, part in values.items()} for by, values in self.breakdowns.items()}
        emotions = {"emotions": list(self.emotions), "recall": self.recall, "confusion": self.confusion.tolist()}
        return _without_nan({**self._figures(), **emotions, "groups": groups, "breakdowns": parts})

    def to_markdown(self) -> str:
        """Tables and a sentence, in percent: recall and confusion, the rates, and a table for each breakdown."""
        counts = self.by_emotion().to_dict("index")
        rows = [
            [str(emotion), str(row["utterances"]), f"{100 * row['recall']:.1f}", *(str(row[name]) for name in self.emotions)]
            for emotion, row in counts.items()
        ]
        text = [markdown_table(["truth", "utterances", "recall, %", *self.emotions], rows), self._sentence()]
        text += [_breakdown_table(by, values) for by, values in self.breakdowns.items()]
        return "\n\n".join(text)

    def _sentence(self) -> str:
        what = "utterances" if self.seeds == 1 else f"decisions of {self.seeds} seeds"
        found = f"UAR {100 * self.uar:.1f} % (chance {100 * self.chance:.1f} %), WA {100 * self.wa:.1f} % of {self.utterances} {what}"
        if self.groups is not None and self.groups.number > 1:
            uar = self.groups.uar
            interval = ends(100 * uar.low, 100 * uar.high)
            found += f"; mean over {self.groups.number} {self.groups.column}s {100 * uar.mean:.1f} %"
            found += f" (95 % interval {interval})" if interval else ""
        found += f"\nMacro F1 {100 * self.macro_f1:.1f} %"
        if not math.isnan(self.log_loss):
            found += f"; expected calibration error {100 * self.calibration_error:.1f} %, log loss {self.log_loss:.3f}"
        return found

    def __str__(self) -> str:
        return self.to_markdown()


def evaluate(
    predictions: Table | Results,
    labels: Table | None = None,
    *,
    by: str | Sequence[str] = (),
    emotions: Sequence[str] | None = None,
    truth: str | None = None,
    decision: str | None = None,
    group: str | None = None,
    mapping: Mapping[str, str] | None = None,
    labels_only: bool = False,
) -> Evaluation:
    """Says what predictions of utterances whose emotions are known are worth.

    Args:
        predictions: An utterance a row, in a DataFrame or the path of a CSV: its true emotion in the column `truth`, and the decided one in
            `decision`, or a column of posteriors for each emotion, under its name, of which the highest decides; or both. Further columns,
            such as `speaker` and `sex`, group and break down. Or else results of one system: each a `RunResult` or the path of its JSON
            file; their columns are `fold` (the test part), `seed` and `utterance`.
        labels: Where the truth stands in another table, with the columns `path` and `emotion`, and further ones: then the predictions are
            as `ser-acrnn predict --csv` prints them, with `path`, the decided `emotion`, and posteriors. Relative paths of a CSV with
            labels start from its folder, all others from the current one. Each recording is in both, once.
        by: Columns to break down by, one after the other.
        emotions: Names of all that can be decided. None: those with a column of posteriors, or all that occur.
        truth: Column of the true emotion, instead of `truth`, or `emotion` in the labels.
        decision: Column of the decided one, instead of `decision`, or `emotion` beside labels.
        group: Column whose values are independent of each other, over which the intervals are. None: `speaker`, or else `fold`; without
            such a column there are no intervals. Where the table has the column `seed`, a group's figures are the means over its seeds.
        mapping: True emotions under other names -> those that are decided, such as `{"joy": "happy"}`; several may become one.
        labels_only: Decide among the emotions that the truth has, by their posteriors alone.

    Returns:
        Rates, intervals, recall, confusion, calibration and breakdowns.

    Raises:
        PredictionsError: A column or value is missing, an emotion is unknown, posteriors are not such, or something else is wrong; the
            message names file, line, column, value and expectation.
        ResultError: A result file cannot be used.

    Example:
        >>> import pandas as pd
        >>> import ser_acrnn
        >>> predictions = pd.DataFrame(
        ...     {
        ...         "truth": ["angry", "angry", "sad", "sad", "angry", "sad"],
        ...         "decision": ["angry", "sad", "sad", "sad", "angry", "sad"],
        ...         "speaker": ["a", "a", "a", "b", "b", "c"],
        ...     }
        ... )
        >>> print(ser_acrnn.evaluate(predictions))
        | truth | utterances | recall, % | angry | sad |
        | ----- | ---------- | --------- | ----- | --- |
        | angry | 3          | 66.7      | 2     | 1   |
        | sad   | 3          | 100.0     | 0     | 3   |
        <BLANKLINE>
        UAR 83.3 % (chance 50.0 %), WA 83.3 % of 6 utterances; mean over 3 speakers 91.7 % (95 % interval 55.8 to 100.0)
        Macro F1 82.9 %
    """
    judged = read(predictions, labels, emotions=emotions, truth=truth, decision=decision, mapping=mapping or {}, labels_only=labels_only)
    if group is None:
        group = next((column for column in GROUPS if column in judged.rows.frame.columns), None)
    columns = [by] if isinstance(by, str) else list(by)
    parts = {column: judged.by(column) for column in columns}  # first of all, so that a missing column is said at once
    breakdowns = {column: {value: _evaluated(part, group) for value, part in found.items()} for column, found in parts.items()}
    return _evaluated(judged, group, breakdowns)


def _evaluated(judged: Predictions, group: str | None, breakdowns: Mapping[str, Mapping[str, Evaluation]] | None = None) -> Evaluation:
    scored = judged.scored
    return Evaluation(
        emotions=judged.emotions,
        utterances=len(judged.truth),
        seeds=len(judged.by(SEED)) if SEED in judged.rows.frame.columns else 1,
        **_rates(judged),
        confusion=metrics.confusion(judged.truth, judged.decisions, judged.emotions),
        groups=None if group is None else _groups(judged, group),
        calibration_error=math.nan if scored is None else reliability(scored).error,
        log_loss=math.nan if scored is None else scored.log_loss,
        breakdowns=breakdowns or {},
    )


def _rates(judged: Predictions) -> dict[str, float]:
    pair = judged.truth, judged.decisions
    found = metrics.unweighted_average_recall(*pair), metrics.weighted_accuracy(*pair), metrics.macro_f1(*pair)
    return dict(zip(_RATES, found, strict=True))


def _groups(judged: Predictions, column: str) -> Groups:
    each = []
    for part in judged.by(column).values():
        seeds = part.by(SEED).values() if SEED in part.rows.frame.columns else [part]
        each.append(pd.DataFrame([_rates(seed) for seed in seeds]).mean())
    table = pd.DataFrame(each)
    means = {rate: GroupMean(float(table[rate].mean()), *map(float, rate_interval(table[rate]))) for rate in _RATES}
    return Groups(column, len(table), **means)


def _breakdown_table(by: str, parts: Mapping[str, Evaluation]) -> str:
    heads, rows = [by, "utterances", "chance, %", "UAR, %", "WA, %", "macro F1, %"], []
    for value, part in parts.items():
        rows.append([value, str(part.utterances), *(f"{100 * rate:.1f}" for rate in (part.chance, part.uar, part.wa, part.macro_f1))])
        if part.groups is not None and part.groups.column != by:
            uar = part.groups.uar
            rows[-1] += [str(part.groups.number), around(100 * uar.mean, 100 * uar.low, 100 * uar.high)]
            heads[6:] = [f"{part.groups.column}s", f"UAR, mean over {part.groups.column}s (95 % interval)"]
    return markdown_table(heads, rows)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
