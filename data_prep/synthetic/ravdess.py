"""A look-alike of RAVDESS's audio-only speech: its folders, names, counts and sampling rate, with synthetic voices for the actors.

    python -m data_prep.synthetic.ravdess DIR [--scale 0.5] [--seed 0] [--workers N]

It is read by `data_prep.corpora.ravdess` as the release is. It shows that the code works from the file to the report; a result on it says
nothing about recognising emotions in recordings.
"""

from __future__ import annotations

import shutil
import sys
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import numpy as np
import soundfile
import typer
from numpy.typing import NDArray
from scipy import signal

from data_prep import command
from data_prep.corpora.ravdess import ACTORS, parse_name
from data_prep.loader import SYNTHETIC_MARKER
from data_prep.synthetic.emodb import VOICES, Generated
from data_prep.synthetic.style import STYLES, Style, Variation, Voice
from data_prep.synthetic.voice import SynthesisConfig, synthesise
from ser_acrnn import files

RELEASE_FOLDER = "Audio_Speech_Actors_01-24"
RATE_HERTZ = 48_000  # as published
SCALE = 1.0

MEN = ("03", "10", "11", "12", "15")
WOMEN = tuple(sorted(set(VOICES) - set(MEN)))

# The two statements in the letters of `synthetic_phones.PHONES`.
TEXTS = {
    "Kids are talking by the door": "k'Its a: t'o:kIN baI d@ d'o:",
    "Dogs are sitting by the door": "d'Ogs a: s'ItIN baI d@ d'o:",
}
# What Emo-DB does not have. The numbers are ours, like those of the other styles: calm is slow, soft and even, surprise leaps and rises.
STYLES_OF_RAVDESS = STYLES | {
    "calm": Style(
        pitch_semitones=-0.5, melody_octaves=-0.6, declination_semitones=2.0, final_semitones=-2.5, rate_octaves=-0.3, final_octaves=0.5,
        pause_share=0.1, level_decibels=-3.0, stress_decibels=2.0, attack_seconds=0.022, tilt_decibels=2.5, breath_decibels=1.5,
        jitter_percent=0.5, shimmer_decibels=0.3,
    ),
    "surprise": Style(
        pitch_semitones=5.0, melody_octaves=1.2, declination_semitones=-2.0, final_semitones=6.0, rate_octaves=0.15, final_octaves=0.6,
        pause_share=0.06, level_decibels=2.0, stress_decibels=7.0, attack_seconds=0.008, tilt_decibels=-1.0, breath_decibels=2.0,
    ),
}  # fmt: skip
# Factor on the style, ours: strong begins where normal ends.
INTENSITY = {"normal": (0.6, 0.95), "strong": (0.95, 1.3)}
# The published recordings have about a second of silence on both sides and last 3 to 5 s.
SYNTHESIS = SynthesisConfig(edge_seconds=(0.7, 1.3))


def voice(actor: str, seed: int = 0) -> Voice:
    """The voice of an actor, drawn between the extremes of the embedded corpus's voices of the same sex."""
    spoken = np.array([astuple(VOICES[speaker]) for speaker in (MEN if int(actor) % 2 else WOMEN)])
    return Voice(*_generator(seed, f"actor {actor}").uniform(spoken.min(axis=0), spoken.max(axis=0)).tolist())


def speak(name: str, seed: int = 0) -> NDArray[np.float32]:
    """Speaks a take; the same arguments give the same samples, whatever else is generated.

    Args:
        name: Stem of a file of audio-only speech, such as `03-01-06-01-02-01-12`.
        seed: Seed of the corpus, 0 or more.

    Returns:
        float32 waveform `(samples,)` at 48 kHz.

    Raises:
        CorpusError: The name is none of RAVDESS's.
    """
    take = parse_name(name)
    variation = replace(Variation(), intensity=INTENSITY[take.intensity])
    style, text = STYLES_OF_RAVDESS[take.emotion], TEXTS[take.statement]
    waveform = synthesise(voice(take.actor, seed), style, text, _generator(seed, name), variation, SYNTHESIS)
    return np.clip(signal.resample_poly(waveform, RATE_HERTZ // SYNTHESIS.sample_rate_hertz, 1), -1, 1).astype(np.float32)


def plan(scale: float = SCALE) -> list[str]:
    """The takes of a look-alike, sorted by name.

    Args:
        scale: Share of the published takes of each actor and emotion, above 0 and up to 1; one is kept at least. First repetitions come
            before second ones, statements and intensities alternate.

    Raises:
        ValueError: A scale out of range.
    """
    if not 0 < scale <= 1:
        raise ValueError(f"scale is {scale}, expected more than 0 and up to 1")
    names = []
    for actor in ACTORS:
        for emotion in range(1, 9):
            takes = [
                f"03-01-{emotion:02}-{intensity:02}-{statement:02}-{repetition:02}-{actor}"
                for repetition in (1, 2)
                for intensity, statement in ((1, 1), (2, 2), (1, 2), (2, 1))
                if emotion > 1 or intensity == 1
            ]
            names += takes[: max(1, round(scale * len(takes)))]
    return sorted(names)


def write_ravdess_like(directory: str | Path, scale: float = SCALE, seed: int = 0, workers: int = 1) -> list[Path]:
    """Writes a look-alike as `<directory>/Audio_Speech_Actors_01-24/Actor_<NN>/<name>.wav`, 48 kHz, mono, PCM 16-bit.

    The same arguments give the same bytes. A look-alike that was written there before is replaced.

    Args:
        directory: Where to; created.
        scale: See `plan`.
        seed: Seed of the corpus, 0 or more.
        workers: Processes to share the work; 1 stays in this one.

    Returns:
        The files, sorted.

    Raises:
        FileExistsError: The folder holds a release that is not ours.
        ValueError: See `plan`.
    """
    names, release = plan(scale), Path(directory) / RELEASE_FOLDER
    if release.is_dir() and any(release.iterdir()):
        if not (release / SYNTHETIC_MARKER).is_file():
            raise FileExistsError(
                f"{release} holds files but {release / SYNTHETIC_MARKER} does not exist, expected an empty folder or a look-alike"
            )
        shutil.rmtree(release)
    for actor in ACTORS:
        (release / f"Actor_{actor}").mkdir(parents=True)
    about = f"Synthetic audio made by `python -m data_prep.synthetic.ravdess`: scale {scale}, seed {seed}. May be written over.\n"
    (release / SYNTHETIC_MARKER).write_text(about, encoding="ascii", newline="\n")
    paths = [release / f"Actor_{name[-2:]}" / f"{name}.wav" for name in names]
    if workers > 1:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            list(pool.map(_record, paths, [seed] * len(paths), chunksize=8))
    else:
        for path in paths:
            _record(path, seed)
    return sorted(paths)


def _record(path: Path, seed: int) -> None:
    """Writes a recording, whole or not at all."""
    pcm = np.clip(np.round(speak(path.stem, seed) * 32768), -32768, 32767).astype(np.int16)
    with files.replacing(path) as partial:
        soundfile.write(partial, pcm, RATE_HERTZ, subtype="PCM_16", format="WAV")


def _generator(seed: int, name: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(name.encode())])))


@command.entry
def main(
    options: Generated, scale: Annotated[float, typer.Option(min=0.001, max=1, help="share of the published takes, up to 1")] = SCALE
) -> None:
    """Writes the look-alike."""
    paths = write_ravdess_like(options.directory, scale, options.seed, options.workers)
    print(f"{len(paths)} synthetic utterances of {len(ACTORS)} actors in {options.directory / RELEASE_FOLDER}")


if __name__ == "__main__":
    sys.exit(main())
