"""The report of the tests as one HTML page, its figures and styles inside."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_acrnn.checking.outcomes import FAILED, NOT_TESTED, PASSED, Outcome, Report
from ser_acrnn.evaluation import drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = {PASSED: "#1b7f4b", FAILED: "#b3261e", NOT_TESTED: "#777777"}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}"
    "img{max-width:100%}"
    + "".join(f".{verdict.replace(' ', '-')}{{color:{colour};font-weight:600}}" for verdict, colour in _COLOURS.items())
)


def page(report: Report) -> str:
    """The page.

    Args:
        report: All tests of a model.
    """
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td class='{verdict.replace(' ', '-')}'>{verdict}</td><td>{value}</td><td>{bound}</td>"
        f"<td>{escape(about)}</td></tr>"
        for name, verdict, value, bound, about in report.rows()
    )
    figures = [(one.name, _bars(one)) for one in report.outcomes if one.details and one.verdict != NOT_TESTED]
    drawn = "".join(
        f"<h2>{escape(name)}</h2><img alt='{escape(name, quote=True)}' src='{drawing.address(figure)}'>" for name, figure in figures
    )
    confusion = _confusion(report.evaluation)
    problems = "".join(f"<li>{escape(problem)}</li>" for problem in report.problems)
    return (
        f"<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>{escape(report.model)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{escape(report.model)}</h1><p>{escape(report.summary)}.</p><table><tr><th>test</th><th>verdict</th><th>value</th>"
        f"<th>bound</th><th>about</th></tr>{rows}</table><h2>Confusion</h2><img alt='confusion' src='{drawing.address(confusion)}'>{drawn}"
        + (f"<h2>Not judged</h2><ul>{problems}</ul>" if problems else "")
        + "</body></html>\n"
    )


def _bars(one: Outcome) -> Figure:
    """What the value of a test is made of; of recalls with their intervals."""
    from matplotlib.figure import Figure

    names = [name for name in one.details if not name.endswith((", from", ", to"))]
    values = [one.details[name] for name in names]
    low, high = ([one.details.get(f"{name}, {end}", value) for name, value in zip(names, values, strict=True)] for end in ("from", "to"))
    figure = Figure(figsize=(8, 0.8 + 0.3 * len(names)), layout="constrained")
    axes = figure.subplots()
    errors = np.clip([np.subtract(values, low), np.subtract(high, values)], 0, None)
    axes.barh(names, values, xerr=errors if errors.any() else None, color=_COLOURS[one.verdict], alpha=0.7)
    if one.of_each:
        axes.axvline(one.bound, color="black", linestyle="--", linewidth=1)
    axes.invert_yaxis()
    axes.set_xlim(0, max(1, *values))
    return figure


def _confusion(evaluation: Mapping[str, Any]) -> Figure:
    from ser_acrnn.evaluation.figures import confusions_figure

    counts, emotions = np.array(evaluation["confusion"], float), [str(name) for name in evaluation["emotions"]]
    numbers = counts.sum(axis=1)
    truths = [f"{emotion} ({number:.0f})" for emotion, number in zip(emotions, numbers, strict=True)]
    return confusions_figure([("", truths, 100 * counts / np.maximum(numbers, 1)[:, None])], emotions)
