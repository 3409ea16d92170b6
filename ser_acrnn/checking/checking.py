"""A model, or predictions that somebody made, and labelled recordings -> all tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ser_acrnn import audio
from ser_acrnn.checking import behaviour, correctness
from ser_acrnn.checking.answers import RATE_HERTZ, Answers, Judge, answered
from ser_acrnn.checking.bounds import BOUNDS, Bounds
from ser_acrnn.checking.outcomes import CheckError, Outcome, Report
from ser_acrnn.evaluation import evaluating, predictions_table
from ser_acrnn.features.mfcc_pitch import DEFAULT, pitch

MOST_CHANGED = 100  # recordings that are judged again under each change: within minutes on two cores, to five points
_NO_MODEL = "there are predictions alone, and no model"
_CHANGES = ("silence around", "level", "noise", "telephone band", "codec", "room", "tempo")
_SOUNDS = ("silence and noise", "music", "sounds without speech", "agreement of the export")

_COLUMNS = {"path", "speaker", "sex", "truth", "decision", correctness.LENGTH, correctness.PITCH}


def check(
    judge: Judge,
    labels: str | Path,
    *,
    export: Judge | None = None,
    bounds: Bounds = BOUNDS,
    most_changed: int = MOST_CHANGED,
    on_step: Callable[[], object] = lambda: None,
) -> Report:
    """Tests a model on labelled recordings.

    Args:
        judge: The model, see `ser_acrnn.checking.judges.opened`.
        labels: CSV with the columns `path` and `emotion`, and `speaker` and `sex` where the tests by them are wanted.
        export: The model's export, which has to say the same.
        bounds: What passes.
        most_changed: How many recordings are judged again under each change, evenly among all.
        on_step: Called now and then.

    Raises:
        CheckError: The model judges none of the recordings, fails on one, or calls an emotion as a column beside the posteriors.
        PredictionsError: The labels cannot be used, or have an emotion that the model does not know.
    """
    started = time.perf_counter()
    if mistaken := sorted(_COLUMNS & set(judge.emotions)):
        raise CheckError(f"{judge.name}: calls emotions {', '.join(mistaken)}, expected none called as columns that stand beside them")
    known = predictions_table.read_labels(labels, emotions=judge.emotions).frame
    waveforms, problems = _loaded(known["path"], on_step)
    frame = known[known["path"].isin(waveforms)].reset_index(drop=True)
    speakers = frame["speaker"].astype(str).tolist() if "speaker" in frame else []
    heard = [waveforms[path] for path in frame["path"]]
    if not heard:
        raise CheckError(f"{labels}: no recording can be read: {'; '.join(problems)}")
    answers = answered(judge, heard, frame["path"].tolist(), speakers)
    problems += [f"{frame['path'][place]}: {reason}" for place, reason in answers.problems.items()]
    table = _table(frame, answers, judge.emotions).assign(
        seconds=[len(samples) / RATE_HERTZ for samples in heard], pitch_hertz=[_median_pitch(samples) for samples in heard]
    )[answers.judged]
    if table.empty:
        raise CheckError(f"{labels}: {judge.name} judges none of the {len(frame)} recordings: {problems[0]}")
    found = evaluating.evaluate(table, emotions=judge.emotions)
    places = np.flatnonzero(answers.judged)
    places = places[np.unique(np.linspace(0, len(places) - 1, min(most_changed, len(places))).round().astype(int))]
    some = {str(frame["path"][place]): heard[place] for place in places}
    outcomes = [
        *correctness.tests(table, found, len(table) / len(known), bounds),
        *behaviour.invariances(judge, some, [speakers[place] for place in places] if speakers else [], bounds, on_step),
        *behaviour.other_sounds(judge, bounds),
        behaviour.agreement(judge, export, some, bounds),
    ]
    return Report(judge.name, str(labels), len(table), tuple(outcomes), found.to_dict(), tuple(problems), time.perf_counter() - started)


def check_predictions(predictions: str | Path, labels: str | Path, *, bounds: Bounds = BOUNDS) -> Report:
    """Does the tests that need no model.

    Args:
        predictions: CSV as `ser-acrnn predict --csv` prints it: `path`, the decided `emotion`, and a column of posteriors each or none.
        labels: See `check`.
        bounds: What passes.

    Raises:
        PredictionsError: They cannot be evaluated.
    """
    started = time.perf_counter()
    judged = predictions_table.read(predictions, labels)
    found = evaluating.evaluate(predictions, labels)
    table = judged.rows.frame.assign(truth=judged.truth, decision=judged.decisions).reset_index(drop=True)
    table = table.assign(seconds=_numbers(table, correctness.LENGTH), pitch_hertz=_numbers(table, correctness.PITCH))
    missing = [Outcome(name, "", reason=_NO_MODEL) for name in (*_CHANGES, *_SOUNDS)]
    outcomes = (*correctness.tests(table, found, 1.0, bounds), *missing)
    return Report(str(predictions), str(labels), len(table), outcomes, found.to_dict(), (), time.perf_counter() - started)


def _loaded(paths: Sequence[str] | pd.Series, on_step: Callable[[], object]) -> tuple[dict[str, NDArray[np.float32]], list[str]]:
    found, problems = {}, []
    for path in paths:
        try:
            found[path] = audio.load(path, RATE_HERTZ)
        except audio.AudioError as error:
            problems.append(str(error))
        on_step()
    return found, problems


def _table(frame: pd.DataFrame, answers: Answers, emotions: Sequence[str]) -> pd.DataFrame:
    """Labels, decisions and posteriors, a row a recording."""
    kept = {column: frame[column].astype(str) for column in ("speaker", "sex") if column in frame}
    decided = {"truth": frame["emotion"].astype(str), "decision": [emotions[place] for place in answers.decisions]}
    return pd.DataFrame({**kept, **decided, **dict(zip(emotions, answers.posteriors.T, strict=True))})


def _median_pitch(samples: NDArray[np.float32]) -> float:
    """Of the voiced frames; NaN where there are none."""
    hertz, voicing = pitch(samples)
    voiced = hertz[voicing > DEFAULT.voiced_above]
    return float(np.median(voiced)) if len(voiced) else np.nan


def _numbers(table: pd.DataFrame, column: str) -> Any:
    return pd.to_numeric(table[column], errors="coerce") if column in table else np.nan
