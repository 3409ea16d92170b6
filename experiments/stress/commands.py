"""The commands that write, on a corpus of three speakers and a few short sounds: what is killed, what cannot write, what runs at once."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from ser_acrnn import files

SPEAKERS, LETTERS = ("03", "08", "09"), "WTFWTF"  # an emotion a letter, as Emo-DB names files
EMOTIONS = {"W": "angry", "T": "sad", "F": "happy"}
RATE_HERTZ = 16_000
# What two equal runs differ by, by the kind of file: times, addresses in memory, checksums of files that hold these, who held a lock.
VOLATILE = {
    "": (re.compile(rb"process \d+ on \S+"),),
    ".json": (re.compile(rb'"wall_seconds": [\d.]+'), re.compile(rb'"network": "[0-9a-f]+"')),
    ".csv": (re.compile(rb",(wall_seconds|[\d.]+)$", re.MULTILINE),),
    ".md": (re.compile(rb"\d+\.\d( +\|| hours)"),),
    ".keras": (re.compile(rb'"shared_object_id": \d+'),),
}

Run = Callable[[Path], int]


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        name: The part of the report.
        needs: The commands whose outcome it needs in its folder.
        run: Runs it in a folder, and returns its exit code.
        leaves: Names below the folder of what it leaves.
    """

    name: str
    needs: tuple[str, ...]
    run: Run
    leaves: tuple[str, ...]

    def left(self, folder: Path) -> dict[str, str]:
        """What it has left: path below the folder -> checksum of what has to be the same each time."""
        folder = folder.resolve()
        roots = [folder / name for name in self.leaves]
        paths = [path for root in roots for path in ([root] if root.is_file() else root.resolve().rglob("*")) if path.is_file()]
        return {str(path.relative_to(folder)): digest(path) for path in sorted(paths)}


def write_recordings(folder: Path) -> None:
    """Writes `source/wav/*.wav`, in syllables whose pitch is that of the emotion, and `mine.csv` beside it."""
    rng, rows = np.random.default_rng(0), []
    (folder / "source" / "wav").mkdir(parents=True)
    for speaker in SPEAKERS:
        for number, letter in enumerate(LETTERS):
            time = np.arange(int((0.6 + 0.2 * number) * RATE_HERTZ)) / RATE_HERTZ
            tone = np.sin(2 * np.pi * 150 * 2 ** "WTF".index(letter) * time) * np.abs(np.sin(2 * np.pi * 2 * time))
            path = folder / "source" / "wav" / f"{speaker}a0{number + 1}{letter}a.wav"
            soundfile.write(path, 0.3 * tone + 0.001 * rng.normal(size=len(time)), RATE_HERTZ)
            rows.append([path.relative_to(folder), speaker, EMOTIONS[letter]])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["path", "speaker", "emotion"], *rows])
    files.write_text(folder / "mine.csv", text.getvalue())


def digest(path: Path) -> str:
    """Checksum of a file's content, without what two equal runs differ by."""
    data = path.read_bytes()
    if path.suffix == ".keras":
        with contextlib.suppress(files.DAMAGED_ARCHIVE), zipfile.ZipFile(io.BytesIO(data)) as archive:
            data = archive.read("config.json") + archive.read("model.weights.h5")
    for volatile in VOLATILE.get(path.suffix, ()):
        data = volatile.sub(b"", data)
    return hashlib.sha256(data).hexdigest()


def prepared_words(folder: Path) -> list[str]:
    """How the grid's commands are told where everything is."""
    words = ["--prepared", folder / "data" / "synthetic", "--results", folder / "results", "--work", folder / "work"]
    return [str(word) for word in [*words, "--system", "tiny", "--epochs", 2, "--precision", "float32", "--devices", "cpu"]]


def _prepare(folder: Path) -> int:
    from data_prep import prepare

    return prepare.main(["synthetic", "--source", str(folder / "source"), "--data", str(folder / "data")])


def _pack(folder: Path) -> int:
    from data_prep import pack

    return pack.main([str(folder / "data" / "synthetic"), str(folder / "packed" / "synthetic.npz")])


def _run(folder: Path) -> int:
    from experiments.grid import run_one

    network = folder / "models" / "one.keras"
    return run_one.main([*prepared_words(folder), "--fold", "0", "--seed", "0", "--save-model", str(network)])


def _grid(folder: Path) -> int:
    from experiments.grid import run_grid

    return run_grid.main([*prepared_words(folder), "--folds", "0-1", "--seeds", "0"])


def _report(folder: Path) -> int:
    from experiments.reporting import summarise

    return summarise.main(["synthetic", "--results", str(folder / "results"), "--partial"])


def _train(folder: Path) -> int:
    from ser_acrnn import cli

    words = ["--labels", folder / "mine.csv", "--out", folder / "own", "--init", "scratch", "--epochs", 2]
    return cli.main(["train", *map(str, words)])


def _plot(folder: Path) -> int:
    from ser_acrnn import cli

    return cli.main(["predict", "--plot", str(folder / "plot.png"), str(folder / "source" / "wav" / "03a06Fa.wav")])


def _export(folder: Path) -> int:
    from ser_acrnn import cli

    return cli.main(["export", "acrnn3d-emodb", str(folder / "exported.keras"), "--format", "keras"])


COMMANDS = {
    command.name: command
    for command in (
        Command("preparation", (), _prepare, ("data",)),
        Command("packing", ("preparation",), _pack, ("packed",)),
        Command("run", ("preparation",), _run, ("results", "models")),
        Command("grid", ("preparation",), _grid, ("results",)),
        Command("report", ("preparation", "run"), _report, ("results",)),
        Command("train", (), _train, ("own",)),
        Command("plot", (), _plot, ("plot.png",)),
        Command("export", (), _export, ("exported.keras",)),
    )
}


def names(folder: Path) -> set[str]:
    """Of all files and links below a folder, but the curves that TensorBoard shows, whose names have the time in them."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() and "tfevents" not in path.name}


def copied(folder: Path, target: Path) -> Path:
    """A folder anew as another one was, links as links."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target, symlinks=True)
    return target
