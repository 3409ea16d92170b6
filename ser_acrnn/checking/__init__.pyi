from . import answers, behaviour, bounds, checking, correctness, degradations, judges, outcomes, pages, sounds, surroundings
from .bounds import Bounds
from .checking import check, check_predictions
from .outcomes import CheckError, Outcome, Report

__all__ = [
    "Bounds",
    "CheckError",
    "Outcome",
    "Report",
    "answers",
    "behaviour",
    "bounds",
    "check",
    "check_predictions",
    "checking",
    "correctness",
    "degradations",
    "judges",
    "outcomes",
    "pages",
    "sounds",
    "surroundings",
]
