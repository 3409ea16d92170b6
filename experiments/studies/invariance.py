"""What a decision must not depend on: silence or room noise around the speech and in its pauses, level, offset; how many decisions stay.

python -m experiments.studies.invariance --prepared build/data/emodb --source ../emodb --system best-by-utterance --models build/models
python -m experiments.studies.invariance --prepared build/data/emodb --source ../emodb --system acrnn3d-emodb
"""

from __future__ import annotations

import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from data_prep import command
from experiments.grid.runs import named_experiment, open_experiment
from experiments.studies.checkpoints import KeptOptions, kept_runs, recordings_of, show, write
from ser_acrnn import audio
from ser_acrnn.checking.surroundings import RATE_HERTZ, SURROUNDINGS
from ser_acrnn.cli.progress import Progress
from ser_acrnn.evaluation import report
from ser_acrnn.pretrained import list_pretrained

if TYPE_CHECKING:  # heavy, and not needed for --help
    from ser_acrnn.inference.predictor import Predictor

FOLDER = "invariance"  # below a corpus's results
RECORDINGS = 6  # of each speaker
COLUMNS = ["condition", "speaker", "utterance", "before", "decision", "change"]


def some_of_each_speaker(manifest: pd.DataFrame) -> dict[str, list[str]]:
    """Speaker -> names of `RECORDINGS` of the speaker's recordings, evenly among them all in their order."""
    chosen = {}
    for speaker, own in manifest.groupby("speaker"):
        names = sorted(own["utterance"])
        chosen[str(speaker)] = [names[index] for index in np.linspace(0, len(names) - 1, min(RECORDINGS, len(names))).round().astype(int)]
    return chosen


def try_network(predictor: Predictor, speaker: str, recordings: dict[str, Path]) -> pd.DataFrame:
    """Judges recordings as they are and under each condition; a recording that is refused has no decision.

    Returns:
        The columns `COLUMNS`; `change` is that of the posterior that won before.
    """
    rows: list[list[Any]] = []
    for name, path in recordings.items():
        waveform = audio.load(path, RATE_HERTZ)
        before = predictor.predict(waveform, RATE_HERTZ)
        for condition, surround in SURROUNDINGS.items():
            changed = surround(waveform, np.random.default_rng(zlib.crc32(f"{condition} {name}".encode())))
            try:
                after = predictor.predict(changed, RATE_HERTZ)
                change = after.posteriors[before.emotion] - before.posteriors[before.emotion]
                rows.append([condition, speaker, name, before.emotion, after.emotion, round(change, 4)])
            except audio.AudioError:
                rows.append([condition, speaker, name, before.emotion, "", -round(before.posteriors[before.emotion], 4)])
    return pd.DataFrame(rows, columns=COLUMNS)


def table(root: Path, folder: str) -> str:
    """Decisions that stay, and the mean change of the posterior that won, of all networks that were tried, as Markdown."""
    found = {path.stem: pd.read_csv(path, keep_default_na=False) for path in sorted((root / folder / FOLDER).glob("*.csv"))}
    rows = []
    for condition in SURROUNDINGS if found else []:
        cells = []
        for tried in found.values():
            part = tried[tried["condition"] == condition]
            stay = int((part["before"] == part["decision"]).sum())
            cells.append(f"{stay} of {len(part)}, {part['change'].astype(float).abs().mean():.2f}")
        rows.append([condition, *cells])
    return report.markdown_table(["decisions that stay, mean change of the posterior", *found], rows) if rows else ""


@command.entry
def main(options: KeptOptions) -> None:
    """Judges, and prints the table."""
    show(run(options), table, options.results)


def run(options: KeptOptions) -> Path:
    """Tries a system's kept networks on their test speakers, or one that ships on all, and returns the file of all decisions.

    Raises:
        ValueError: A result, a network or a recording is missing or is another one.
    """
    from ser_acrnn.inference.predictor import Predictor

    if options.system in list_pretrained():
        experiment = open_experiment(options.prepared, "tiny")
        networks = dict.fromkeys(experiment.corpus.speakers, options.system)
    else:
        experiment = named_experiment(options, options.system)
        networks = {result.fold["test"]: str(network) for ((network, result),) in kept_runs([experiment], options)}
    recordings = recordings_of(experiment.corpus.manifest, options.source)
    chosen = some_of_each_speaker(experiment.corpus.manifest)
    tried = [
        try_network(Predictor(network), speaker, {name: recordings[name] for name in chosen[speaker]})
        for speaker, network in Progress(len(networks), options.system, "speakers").over(networks.items())
    ]
    return write(tried, options.results / experiment.folder / FOLDER / f"{options.system}.csv")


if __name__ == "__main__":
    sys.exit(main())
