"""What listeners make of CREMA-D: their votes beside its results, and the UAR of who only heard the recordings, the ceiling of any machine.

python -m experiments.studies.listeners --source path/to/CREMA-D
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import numpy as np
import pandas as pd

from data_prep import command
from data_prep.corpora import crema_d
from experiments.options import RESULTS, Results, Source
from experiments.studies.checkpoints import write
from ser_acrnn import files
from ser_acrnn.evaluation import report
from ser_acrnn.evaluation.results_check import folder_name

TABLE, PAGE = "listeners.csv", "listeners.md"
COLUMNS = ("utterance", "emotion", *crema_d.EMOTIONS)


def votes_table(votes: Mapping[str, Mapping[str, int]]) -> pd.DataFrame:
    """A row a recording that is not `UNUSABLE`: the acted emotion and the number of votes for each, the columns `COLUMNS`."""
    rows = [
        {"utterance": name, "emotion": crema_d.parse_name(name).emotion, **counts}
        for name, counts in sorted(votes.items())
        if name not in crema_d.UNUSABLE
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def rates(table: pd.DataFrame) -> tuple[float, float]:
    """UAR in percent of the most frequent vote, of equals each counted in part, and of a single listener."""
    votes = table[list(crema_d.EMOTIONS)].to_numpy(float)
    acted = np.array([crema_d.EMOTIONS.index(emotion) for emotion in table["emotion"]])
    most = votes == votes.max(axis=1, keepdims=True)
    shares = most / most.sum(axis=1, keepdims=True), votes / votes.sum(axis=1, keepdims=True)
    recalls = [[share[acted == emotion, emotion].mean() for emotion in np.unique(acted)] for share in shares]
    together, alone = (float(100 * np.mean(one)) for one in recalls)
    return together, alone


def page(table: pd.DataFrame) -> str:
    """The rates over all recordings, by sex and by intensity, and the votes by emotion, as Markdown."""
    details = pd.DataFrame([crema_d.details_of(name) for name in table["utterance"]])
    parts = [("all", table)] + [
        (f"{column} {value}", table[(details[column] == value).to_numpy()])
        for column in ("sex", "intensity")
        for value in sorted(details[column].unique())
    ]
    rows = [[name, str(len(part)), *(f"{rate:.1f}" for rate in rates(part))] for name, part in parts]
    acted = [emotion for emotion in crema_d.EMOTIONS if (table["emotion"] == emotion).any()]
    votes = table.groupby("emotion")[list(crema_d.EMOTIONS)].sum().loc[acted]
    percent = 100 * votes.div(votes.sum(axis=1), axis=0)
    confusion = [[emotion, *(f"{value:.1f}" for value in row)] for emotion, row in zip(percent.index, percent.to_numpy(), strict=True)]
    heads = ["acted \\ heard, %", *crema_d.EMOTIONS]
    return f"""# CREMA-D by its listeners

What people who only heard a recording took it for, against the emotion that was acted; {int(votes.to_numpy().sum())} votes on {len(table)}
recordings. UAR in percent of the most frequent vote, equals counted in part, and of one listener alone. The votes are those of
H. Cao et al., CREMA-D, Open Database License 1.0:
{crema_d.REPOSITORY}. Made by `python -m experiments.studies.listeners`.

{report.markdown_table(["recordings", "number", "most frequent vote", "one listener"], rows)}

The votes in percent of those on an emotion:

{report.markdown_table(heads, confusion)}
"""


@command.entry
def main(source: Source, results: Results = RESULTS) -> None:
    """Writes the table of votes and the page.

    Raises:
        CorpusError: The votes are not there.
    """
    folder = results / folder_name(crema_d.NAME, crema_d.CORPUS.protocol)
    table = votes_table(crema_d.votes(source))
    print(write([table], folder / TABLE))
    files.write_text(folder / PAGE, page(table))
    print(folder / PAGE)


if __name__ == "__main__":
    sys.exit(main())
