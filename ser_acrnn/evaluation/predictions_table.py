"""Predictions of utterances whose emotions are known: taken from a table, from a table and its labels, or from results, and checked."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ser_acrnn import tables
from ser_acrnn.evaluation.calibration import ScoredUtterances, scored_utterances
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.evaluation.rows import PredictionsError, Rows

Table = pd.DataFrame | str | Path
Results = RunResult | Sequence[RunResult | str | Path]

logger = logging.getLogger(__name__)

TRUTH, DECISION, PATH, EMOTION, SPEAKER = "truth", "decision", "path", "emotion", "speaker"
ROUNDED = 0.01  # by how much posteriors that were rounded may miss a sum of one


@dataclass(frozen=True)
class Predictions:
    """Truth and decision of some utterances, and what else is known of each.

    Attributes:
        emotions: Names, in the order of the posteriors.
        truth: Shape `(utterances,)`.
        decisions: Same shape.
        posteriors: Each row sums to one, shape `(utterances, emotions)`; None where there are none.
        rows: The table, its columns such as speaker and sex among them.
    """

    emotions: tuple[str, ...]
    truth: NDArray[np.str_]
    decisions: NDArray[np.str_]
    posteriors: NDArray[np.float64] | None
    rows: Rows

    @property
    def scored(self) -> ScoredUtterances | None:
        """Posteriors and truth; None without posteriors."""
        if self.posteriors is None:
            return None
        number = {emotion: place for place, emotion in enumerate(self.emotions)}
        return ScoredUtterances(self.posteriors, np.array([number[emotion] for emotion in self.truth]))

    def by(self, column: str) -> dict[str, Self]:
        """The utterances of each value of a column, in the order of the values.

        Raises:
            PredictionsError: There is no such column, or a value is missing.
        """
        values = self.rows.values(column, "what to tell utterances apart by")
        own = self.rows.frame[column]
        order = own.sort_values().astype(str).str.strip() if pd.api.types.is_numeric_dtype(own) else np.sort(values)
        return {str(value): self._where(values == value) for value in dict.fromkeys(order)}

    def among(self, emotions: Sequence[str]) -> Self:
        """The same with some of the emotions, the highest posterior among which decides.

        Raises:
            PredictionsError: There are no posteriors, and another emotion is decided.
        """
        if self.posteriors is None:
            self.rows.refuse("decision", ~np.isin(self.decisions, list(emotions)), f"expected posteriors, or one of {list(emotions)}")
            return replace(self, emotions=tuple(emotions))
        some = self.posteriors[:, [self.emotions.index(emotion) for emotion in emotions]]
        sums = some.sum(axis=1, keepdims=True)
        some = np.where(sums > 0, some / np.where(sums > 0, sums, 1), 1 / len(emotions))
        return replace(self, emotions=tuple(emotions), posteriors=some, decisions=np.array(emotions)[some.argmax(axis=1)])

    def _where(self, chosen: NDArray[np.bool_]) -> Self:
        posteriors = None if self.posteriors is None else self.posteriors[chosen]
        rows = replace(self.rows, frame=self.rows.frame[chosen])
        return replace(self, truth=self.truth[chosen], decisions=self.decisions[chosen], posteriors=posteriors, rows=rows)


def read(
    predictions: Table | Results,
    labels: Table | None = None,
    *,
    emotions: Sequence[str] | None = None,
    truth: str | None = None,
    decision: str | None = None,
    mapping: Mapping[str, str] | None = None,
    labels_only: bool = False,
) -> Predictions:
    """Reads and checks predictions; arguments as in `ser_acrnn.evaluate`.

    Raises:
        PredictionsError: They cannot be evaluated.
        ResultError: A result file cannot be used.
    """
    if (runs := _runs(predictions)) is not None:
        if labels is not None or emotions is not None or truth is not None or decision is not None or mapping or labels_only:
            raise PredictionsError("results hold their labels and emotions, expected no others with them")
        return _of_results(runs)
    said = Rows.of(cast(Table, predictions), "predictions")
    truth, decision = truth or (TRUTH if labels is None else EMOTION), decision or (DECISION if labels is None else EMOTION)
    decided = said.values(decision, "the decided emotion") if labels is not None or decision in said.frame.columns else None
    if labels is not None:
        said.require(PATH, "the path of a recording")
    known = renamed(said, truth, mapping) if labels is None else read_labels(labels, truth, mapping=mapping)
    true = known.values(truth, "the true emotion")
    names = tuple(map(str, emotions)) if emotions is not None else _emotions(said, true, decided, decision, labels is not None)
    if len(set(names)) < len(names):
        raise PredictionsError(f"emotions are {list(names)}, expected each once")
    _note_names_that_look_alike(said.name, "emotions", names)
    if known.word == "line" and SPEAKER in known.frame.columns:  # intervals are over speakers
        _note_names_that_look_alike(known.name, "speakers", known.frame[SPEAKER].astype(str))
    known.one_of(truth, true, names)
    if decided is not None:
        said.one_of(decision, decided, names)
    posteriors = _posteriors(said, names, needed=decided is None, decision=decision, named=emotions is not None or labels is None)
    if decided is None:
        assert posteriors is not None
        decided = np.array(names)[posteriors.argmax(axis=1)]
    elif posteriors is not None:
        own = posteriors[np.arange(len(decided)), [names.index(emotion) for emotion in decided]]
        said.refuse(decision, posteriors.max(axis=1) - own > ROUNDED, "expected the emotion with the highest posterior; leave out either")
    if labels is not None:
        place = _places(said, known)
        true, known = true[place], _beside(known, said, place, names)
    found = Predictions(names, true, decided, posteriors, known)
    return found.among(sorted(set(true), key=names.index)) if labels_only else found


def _note_names_that_look_alike(table: str, what: str, every: Iterable[str]) -> None:
    for names in tables.look_alike(every):
        logger.warning("%s: the %s %s look alike, and are taken for different ones", table, what, " and ".join(map(repr, names)))


def read_labels(
    labels: Table,
    truth: str = EMOTION,
    *,
    emotions: Sequence[str] | None = None,
    columns: Collection[str] = (),
    mapping: Mapping[str, str] | None = None,
) -> Rows:
    """Reads labels, with the path of each recording made absolute.

    Args:
        labels: Its column `path` is relative to the CSV, or of a DataFrame to the current folder.
        truth: Column of the true emotion.
        emotions: Those that may occur.
        columns: That have to be there, with a value in each row.
        mapping: See `renamed`.

    Raises:
        PredictionsError: A column or value is missing, an emotion is none of those, or a path occurs twice; see `renamed`.
    """
    rows = renamed(Rows.of(labels, "labels"), truth, mapping)
    paths = _absolute(rows, Path() if isinstance(labels, pd.DataFrame) else Path(labels).parent)
    found = rows.values(truth, "the true emotion")
    if emotions is not None:
        rows.one_of(truth, found, emotions)
    for column in columns:
        rows.values(column, "what to tell utterances apart by")
    return replace(rows, frame=rows.frame.assign(**{PATH: paths}))


def renamed(rows: Rows, truth: str, mapping: Mapping[str, str] | None) -> Rows:
    """The rows with the true emotions under other names.

    Raises:
        PredictionsError: A name that is to be replaced does not occur.
    """
    if not mapping:
        return rows
    values = rows.values(truth, "the true emotion")
    if unknown := [name for name in mapping if name not in values]:
        raise PredictionsError(
            f"{rows.name}: no {truth} is {unknown[0]!r}, which is to be another, expected one of {sorted(set(values.tolist()))}"
        )
    return replace(rows, frame=rows.frame.assign(**{truth: [mapping.get(value, value) for value in values]}))


def _absolute(rows: Rows, folder: Path) -> list[str]:
    paths = pd.Series([str((folder / path).absolute().resolve()) for path in rows.values(PATH, "the path of a recording")])
    rows.refuse(PATH, paths.duplicated(), "expected each recording once")
    return paths.tolist()


def _places(said: Rows, known: Rows) -> NDArray[np.int64]:
    """The label's place of each prediction."""
    number = {path: place for place, path in enumerate(known.frame[PATH])}
    paths = _absolute(said, Path())
    said.refuse(PATH, [path not in number for path in paths], f"expected a recording that {known.name} has")
    predicted = set(paths)
    known.refuse(PATH, [path not in predicted for path in number], f"expected a prediction of it in {said.name}")
    return np.array([number[path] for path in paths])


def _beside(known: Rows, said: Rows, place: NDArray[np.int64], emotions: Sequence[str]) -> Rows:
    """The labels in the predictions' order, with what else the predictions say."""
    frame = known.frame.iloc[place]
    more = [column for column in said.frame.columns if column not in frame.columns and column not in emotions]
    return replace(known, frame=frame.assign(**{column: said.frame[column].to_numpy() for column in more}))


def _emotions(said: Rows, true: NDArray[np.str_], decided: NDArray[np.str_] | None, decision: str, labelled: bool) -> tuple[str, ...]:
    """Names of the emotions: the columns of posteriors where the labels stand in a table of their own, else all that occur."""
    columns = list(said.frame.columns)
    if labelled and (others := [column for column in columns if column not in (*tables.PREDICTED, decision)]):
        return tuple(others)
    occurring = sorted({*true, *(() if decided is None else decided)})
    named = [column for column in columns if column in occurring]
    return tuple(map(str, named if set(named) == set(occurring) else occurring))


def _posteriors(said: Rows, emotions: Sequence[str], *, needed: bool, decision: str, named: bool) -> NDArray[np.float64] | None:
    """Those of the emotions, each row summing to one; `named` says whether somebody named them, or all other columns are taken for such."""
    if not any(emotion in said.frame.columns for emotion in emotions):
        if not needed:
            return None
        raise PredictionsError(
            f"{said.name}: lacks the column {decision!r} and those of posteriors, expected the decided emotion, or a column for each of "
            f"{list(emotions)}; found {list(said.frame.columns)}"
        )
    found = said.numbers(emotions, "" if named else f"; each column but {', '.join(tables.PREDICTED)} is taken for an emotion's")
    sums = found.sum(axis=1)
    bad = abs(sums - 1) > ROUNDED
    sum_of = f"sum of the posteriors of {', '.join(emotions)}"
    summed = replace(said, frame=pd.DataFrame({sum_of: sums.round(6)}, index=said.frame.index))
    summed.refuse(sum_of, bad, "expected 1; `emotions` names all columns of posteriors, also those of emotions that never occur")
    return found / sums[:, np.newaxis]


def _runs(predictions: Table | Results) -> list[RunResult] | None:
    """Results, read where they are files; None of what is a table."""
    if isinstance(predictions, RunResult) or (isinstance(predictions, str | Path) and Path(predictions).suffix == ".json"):
        predictions = [predictions]
    if isinstance(predictions, str | Path) or not isinstance(predictions, Sequence):
        return None
    if strangers := [run for run in predictions if not isinstance(run, RunResult | str | Path)]:
        raise PredictionsError(f"predictions hold a {type(strangers[0]).__name__}, expected results, or the paths of their files")
    return [run if isinstance(run, RunResult) else RunResult.load_checked(run, None) for run in predictions]


def _of_results(runs: Sequence[RunResult]) -> Predictions:
    """The test utterances of some runs of one system, with the columns `fold` (the test part), `seed` and `utterance`."""
    if not runs:
        raise PredictionsError("predictions: hold no result, expected one at least")
    whose = sorted({(run.corpus, run.protocol, run.system, tuple(run.emotions)) for run in runs})
    if len(whose) > 1:
        raise PredictionsError(f"results: are of {whose[0]} and {whose[1]}, expected one corpus, protocol, system and list of emotions")
    judged = [(run.fold["test"], run.seed, utterance["id"]) for run in runs for utterance in run.utterances]
    scores = [utterance["posteriors"] for run in runs for utterance in run.utterances]
    scored = [scored_utterances(run.utterances, run.emotions) for run in runs] if np.min(scores) >= 0 else []
    return Predictions(
        tuple(runs[0].emotions),
        np.array([emotion for run in runs for emotion in run.truth]),
        np.array([emotion for run in runs for emotion in run.decisions]),
        np.concatenate([one.posteriors for one in scored]) if scored else None,
        Rows(pd.DataFrame(judged, columns=["fold", "seed", "utterance"]), "results"),
    )
