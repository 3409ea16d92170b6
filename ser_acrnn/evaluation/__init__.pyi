from . import (
    calibration,
    comparison,
    ensembles,
    figures,
    intervals,
    metrics,
    protocol,
    report,
    results,
    results_check,
    results_manifest,
    summary,
)
from .metrics import confusion, macro_f1, unweighted_average_recall, weighted_accuracy
from .protocol import Fold, LeakError, leave_one_speaker_out
from .results import ResultError, RunResult, collect

__all__ = [
    "Fold",
    "LeakError",
    "ResultError",
    "RunResult",
    "calibration",
    "collect",
    "comparison",
    "confusion",
    "ensembles",
    "figures",
    "intervals",
    "leave_one_speaker_out",
    "macro_f1",
    "metrics",
    "protocol",
    "report",
    "results",
    "results_check",
    "results_manifest",
    "summary",
    "unweighted_average_recall",
    "weighted_accuracy",
]
