from . import (
    calibration,
    comparison,
    ensembles,
    evaluating,
    figures,
    intervals,
    metrics,
    predictions_table,
    protocol,
    report,
    results,
    results_check,
    results_manifest,
    rows,
    summary,
)
from .evaluating import Evaluation, evaluate
from .metrics import confusion, macro_f1, unweighted_average_recall, weighted_accuracy
from .protocol import Fold, LeakError, leave_one_speaker_out
from .results import ResultError, RunResult, collect
from .rows import PredictionsError

__all__ = [
    "Evaluation",
    "Fold",
    "LeakError",
    "PredictionsError",
    "ResultError",
    "RunResult",
    "calibration",
    "collect",
    "comparison",
    "confusion",
    "ensembles",
    "evaluate",
    "evaluating",
    "figures",
    "intervals",
    "leave_one_speaker_out",
    "macro_f1",
    "metrics",
    "predictions_table",
    "protocol",
    "report",
    "results",
    "results_check",
    "results_manifest",
    "rows",
    "summary",
    "unweighted_average_recall",
    "weighted_accuracy",
]
