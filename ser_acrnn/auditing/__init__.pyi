from . import (
    audformat,
    auditing,
    columns,
    conventions,
    coverage,
    estimates,
    estimating,
    files_of_splits,
    findings,
    leaks,
    linear_svm,
    reading,
    same_audio,
    selection,
    split,
    splitting,
    writing,
)
from .auditing import audit
from .columns import Columns
from .findings import Audit, Finding
from .split import Split, SplitError

__all__ = [
    "Audit",
    "Columns",
    "Finding",
    "Split",
    "SplitError",
    "audformat",
    "audit",
    "auditing",
    "columns",
    "conventions",
    "coverage",
    "estimates",
    "estimating",
    "files_of_splits",
    "findings",
    "leaks",
    "linear_svm",
    "reading",
    "same_audio",
    "selection",
    "split",
    "splitting",
    "writing",
]
