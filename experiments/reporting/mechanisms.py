"""What may explain the paper's figures on Emo-DB: one network's decisions reported in the ways that could have made them.

    python -m experiments.reporting.mechanisms

A mechanism has to match the paper's mean, its deviation and its confusion matrix.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

from data_prep import command
from experiments import catalogue
from experiments.catalogue.published import PUBLISHED
from experiments.options import RESULTS, Results
from experiments.reporting.mechanisms_figure import draw
from experiments.reporting.reported import CORPUS, SYSTEMS, Row, rows
from ser_acrnn import files
from ser_acrnn.evaluation import report
from ser_acrnn.evaluation.intervals import around, ends
from ser_acrnn.evaluation.results import ResultError
from ser_acrnn.evaluation.summary import Published


def table(found: Sequence[Row], system: str) -> str:
    """The mechanisms of one system as Markdown, the paper's own figure first; empty where there are none."""
    mine = [row for row in found if row.system == system]
    if not mine:
        return ""
    paper = PUBLISHED[CORPUS, SYSTEMS[system]]
    cells = [[f"the paper's {paper.table}", "10 x 5", report.spread(paper.mean, paper.deviation), "", "", "", "", "", ""]]
    for row in mine:
        cells.append(
            [
                row.mechanism.name,
                f"{row.folds} x {row.seeds}" if row.runs == row.folds * row.seeds else f"{row.runs} runs, {row.folds} folds",
                report.spread(row.uar, row.std_runs),
                ends(row.low, row.high),
                _matches(row, paper),
                f"{report.number(row.std_folds)}{f' ({ends(row.std_low, row.std_high)})' if row.std_low > 0 else ''}",
                around(row.difference.mean, row.difference.low, row.difference.high, "+") if row.difference else "",
                "" if math.isnan(row.four) else f"{row.four:.1f}",
                "" if math.isnan(row.distance) else f"{row.distance:.1f}",
            ]
        )
    heads = [
        "reported",
        "folds x seeds",
        "UAR, mean ± std over runs",
        "95 % interval over folds",
        "the paper's mean / deviation inside",
        "std over folds (95 % interval)",
        "less as worded",
        "speakers 13-16",
        "distance from Fig. 4, %",
    ]
    return report.markdown_table(heads, cells)


def _matches(row: Row, paper: Published) -> str:
    """Whether the paper's mean lies in the interval of ours, and its deviation in that of ours."""
    if math.isnan(row.low):
        return ""
    inside = (row.low <= paper.mean <= row.high, row.std_low <= paper.deviation <= row.std_high)
    return " / ".join("yes" if yes else "no" for yes in inside)


CONCLUSION = """\
How the paper's tables came about cannot be told from outside; what can be told is which mechanisms could have made them, by mean, deviation
and confusion. Of the paper's own networks fewer than three folds have been scored in all conditions from one training, of `narrow` some
have: a row that is missing has not been run, and of a network with few folds little is shown.

- **Worded as it is, the protocol does not give the paper's figures here.** The paper's mean lies outside the interval of every network, and
  of DNN-ELM's.
- **Reporting the validation speaker would**, for the networks: of one convolution, and of the narrower one, mean and deviation both match,
  and the confusion is nearer to Fig. 4. The authors' `model.py` prints that speaker's figures.
- **DNN-ELM is not explained by a choice on whom is reported**: with epoch and machine chosen by the test speaker it stays below the paper's
  figure by more than its interval. Nor does a random split of utterances explain it. What the paper fed its baseline is not known; so no
  single mechanism is shown to explain all rows.
- **Batch norm of the judged speaker**, as `acrnn1.py` has it, **could as well**, with nothing chosen on the test speaker: for `narrow`,
  the paper's mean and deviation lie in its intervals, whether the epoch is chosen or the last ten are averaged, and also where batches of
  40 or 60, or the speaker's other half, give the statistics. So could a test speaker who chooses the epoch, as `model1.py` has it. On so
  few folds the three cannot be told apart, and only the last differs from the protocol as worded by more than its interval.
- **The first two at once do not fit for `narrow`**: with batch norm of the judged speaker, the validation speaker's figure lies above the
  paper's by more than its interval, and its deviation below.
- **Not yet shown or ruled out**: waveforms normalised by the speaker; features normalised over the whole corpus; splits of utterances or of
  segments that leak, for the networks.
"""
_READING = """\
Every row is the decisions of the same trained networks, but for those that a split or other features train anew. Each system stands
beside the paper's figure of its kind: `narrow`, a narrower network of one convolution, beside the paper's of one convolution; the 2-D
network of one convolution beside the paper's 2-D network of five.

- UAR is averaged over the parts that are reported, a part's seeds first; the interval is Student's t over parts.
- The paper does not say whether its deviation is over runs or over folds. Ours over folds has an interval as of normal folds
  (chi-square); whether the paper's mean and deviation lie in the two intervals stands between them.
- "Less as worded" is paired by speaker with the first row.
- The distance is from Fig. 4 on the utterances of the speakers 13 to 16, which are those that it shows: so many percent of an emotion's
  decisions would have to be others, averaged over emotions.
- Batch norm of batches: the speaker's segments in the order of their names, the last batch being smaller, as the authors' program feeds
  them.
"""


def write(root: Path) -> Path:
    """Writes `mechanisms.md` and `mechanisms.png` into the corpus's results, and returns the page.

    Raises:
        ResultError: There are no results of the systems.
    """
    found = rows(root)
    if not found:
        raise ResultError(f"{root / CORPUS}: holds no result of {', '.join(SYSTEMS)}, expected runs of some of them")
    text = ["# What may explain the paper's figures: Emo-DB", "", CONCLUSION, "## How to read the tables", "", _READING]
    names = catalogue.titles(SYSTEMS)
    for system in SYSTEMS:
        if shown := table(found, system):
            text += [f"## {names[system]}", "", shown, ""]
    text += ["![Mechanisms beside the paper](mechanisms.png)", ""]
    directory = root / CORPUS
    draw(found, {system: PUBLISHED[CORPUS, row] for system, row in SYSTEMS.items()}, names, directory / "mechanisms.png")
    path = directory / "mechanisms.md"
    files.write_text(path, "\n".join(text))
    return path


@command.entry
def main(results: Results = RESULTS) -> None:
    """Writes the page, and says where."""
    print(write(results))


if __name__ == "__main__":
    sys.exit(main())
