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
and confusion. `narrow` and the paper's network of one convolution have been scored in all conditions over ten folds, of one seed: a row
that is missing has not been run, and of a network with few folds little is shown.

- **Worded as it is, the protocol does not give the paper's figures here.** The paper's mean lies outside the interval of every network, and
  of DNN-ELM's.
- **Batch norm of the judged speaker**, as `acrnn1.py` has it, **would, with nothing chosen on the test speaker**: for `narrow`, the paper's
  mean and deviation lie in its intervals, whether the validation speaker chooses the epoch or the last ten are averaged, and where the
  speaker's other half gives the statistics; of batches of 60 as well, of 40 the mean barely. It differs from the protocol as worded by more
  than its interval in all of these but batches of 40, and its confusions are the nearest to Fig. 4 of all that was tried. The paper's
  network of one convolution does the same, and gains by more than its interval; where nothing is chosen, and with batches of 40, its folds
  lie nearer together than the paper's.
- **Reporting the validation speaker**, as the authors' `model.py` prints it, fits the mean of each network that has the row, and of one
  convolution the deviation too; for `narrow` the folds lie further apart than the paper's, and the confusions are further from Fig. 4 than
  with batch norm of the judged speaker. The same holds for a test speaker who chooses the epoch, as `model1.py` has it.
- **Both at once** cannot be ruled out for `narrow`: with batch norm of the judged speaker the paper's mean lies in the intervals of the
  validation speaker's figure and of a test speaker's choice as well. Of one convolution, both lie above the paper's mean by more than
  their intervals.
- **DNN-ELM is not explained by a choice on whom is reported**: with epoch and machine chosen by the test speaker it stays below the paper's
  figure by more than its interval. Nor does a random split of utterances explain it. What the paper fed its baseline is not known; so no
  single mechanism is shown to explain all rows.
- **Waveforms standardised by the speaker do not explain it, nor do features normalised over the whole corpus**: for `narrow` both means lie
  below the paper's by more than their intervals, with no more than chance between them and the protocol as worded. No confusions of that
  network are further from Fig. 4 than those of the former.
- **Utterances split at random** give `narrow` more than the paper has: the mean lies above by more than its interval, the deviation fits,
  and the confusions are further from Fig. 4 than those of the judged speaker's batch norm. A part of such an overlap is not ruled out.
- **Not yet shown or ruled out**: splits of segments that leak, for the networks; random splits for the paper's network of one convolution.
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
