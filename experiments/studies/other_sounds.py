"""What a network says of sounds that are no speech: noise, music, breathing, wind; nothing, that it is unsure, or an emotion.

python -m experiments.studies.other_sounds --network acrnn3d-emodb
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pandas as pd
import typer

from data_prep import command
from experiments.options import RESULTS, Results
from experiments.studies.checkpoints import show, write
from ser_acrnn import audio
from ser_acrnn.checking.sounds import RATE_HERTZ, SOUNDS, drawn
from ser_acrnn.evaluation import report

if TYPE_CHECKING:  # heavy, and not needed for --help
    from ser_acrnn.inference.predictor import Predictor

FOLDER = "other-sounds"  # below a corpus's results
COLUMNS = ["sound", "number", "answer", "unfamiliarity"]
NO_SPEECH, UNSURE = "no speech", "unsure"


def ask(predictor: Predictor, number: int) -> pd.DataFrame:
    """What a network says of so many recordings of 3 s of each sound.

    Returns:
        The columns `COLUMNS`; `answer` is an emotion, `NO_SPEECH` or `UNSURE`.
    """
    rows = []
    for name in SOUNDS:
        for draw in range(number):
            try:
                said = predictor.predict(drawn(name, draw), RATE_HERTZ)
                rows.append([name, draw, UNSURE if said.unsure else said.emotion, round(said.unfamiliarity, 2)])
            except audio.AudioError:
                rows.append([name, draw, NO_SPEECH, ""])
    return pd.DataFrame(rows, columns=COLUMNS)


def table(root: Path, folder: str) -> str:
    """Shares of each sound of which a network says nothing, that it is unsure, or an emotion, as Markdown."""
    found = {path.stem: pd.read_csv(path, keep_default_na=False) for path in sorted((root / folder / FOLDER).glob("*.csv"))}
    rows = []
    for sound in [*SOUNDS, "all"] if found else []:
        cells = []
        for asked in found.values():
            answers = asked["answer"] if sound == "all" else asked[asked["sound"] == sound]["answer"]
            shares = [(answers == answer).mean() for answer in (NO_SPEECH, UNSURE)]
            cells.append(" / ".join(f"{100 * share:.0f}" for share in (*shares, 1 - sum(shares))))
        rows.append([sound, *cells])
    return report.markdown_table(["% no speech / unsure / an emotion", *found], rows) if rows else ""


@command.entry
def main(
    network: Annotated[str, typer.Option(help="name of one that ships, or a .keras file")],
    results: Results = RESULTS,
    folder: Annotated[str, typer.Option(help="of the results, below the root")] = "emodb",
    number: Annotated[int, typer.Option(min=1, help="recordings of each sound")] = 100,
) -> None:
    """Asks the network, and prints the table.

    Raises:
        ValueError: The network cannot be used.
    """
    from ser_acrnn.inference.predictor import Predictor

    asked = ask(Predictor(network), number)
    show(write([asked], results / folder / FOLDER / f"{Path(network).stem}.csv"), table, results)


if __name__ == "__main__":
    sys.exit(main())
