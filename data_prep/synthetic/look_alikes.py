"""Look-alikes of CREMA-D, BanglaSER and nEMO: some of their file names, their sampling rates, and synthetic voices for their speakers.

    python -m data_prep.synthetic.look_alikes crema_d DIR [--speakers 20] [--takes 2] [--seed 0]

They are read by the corpora's loaders as the releases are. They show that the code works from the files of several corpora to the report; a
result on them says nothing about recognising emotions in recordings.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import soundfile
import typer
from numpy.typing import NDArray
from scipy import signal

from data_prep import command
from data_prep.corpora import banglaser, crema_d, nemo
from data_prep.loader import SYNTHETIC_MARKER, Corpus
from data_prep.synthetic.emodb import TEXTS, VOICES
from data_prep.synthetic.ravdess import MEN, STYLES_OF_RAVDESS, WOMEN
from data_prep.synthetic.style import Variation, Voice
from data_prep.synthetic.voice import SynthesisConfig, synthesise
from ser_acrnn import files

SYNTHESIS = SynthesisConfig()
SENTENCES = tuple(TEXTS.values())  # what is said instead of the corpora's own sentences


@dataclass(frozen=True)
class LookAlike:
    """What a release looks like.

    Attributes:
        corpus: Whose.
        folder: Of the recordings, in the release's.
        rates_hertz: Sampling rates, in turn.
        speakers: Their names.
        names: Speaker, emotion and a number, from 0 -> a file's name without its suffix.
    """

    corpus: Corpus
    folder: str
    rates_hertz: tuple[int, ...]
    speakers: tuple[str, ...]
    names: Callable[[str, str, int], str]


def _code(codes: Mapping[str, str], emotion: str) -> str:
    return next(code for code, its in codes.items() if its == emotion)


def _crema_d(speaker: str, emotion: str, number: int) -> str:
    sentence = crema_d.SENTENCES[number % len(crema_d.SENTENCES)]
    return f"{speaker}_{sentence}_{_code(crema_d.EMOTION_OF_CODE, emotion)}_{'XX' if number else 'HI'}"


def _banglaser(speaker: str, emotion: str, number: int) -> str:
    sentence, repetition = number % 3 + 1, number // 3 % 3 + 1
    intensity = "02" if emotion in ("angry", "surprise") else "01"
    return f"03-01-{_code(banglaser.EMOTION_OF_NUMBER, emotion)}-{intensity}-{sentence:02}-{repetition:02}-{speaker}"


def _nemo(speaker: str, emotion: str, number: int) -> str:
    return f"{speaker}_{_code(nemo.EMOTION_OF_WORD, emotion)}_{number + 1}"


LOOK_ALIKES = {
    "crema_d": LookAlike(crema_d.CORPUS, crema_d.FOLDER, (16_000,), tuple(crema_d.SPEAKERS), _crema_d),
    "banglaser": LookAlike(banglaser.CORPUS, ".", (48_000, 44_100), banglaser.SPEAKERS, _banglaser),
    "nemo": LookAlike(nemo.CORPUS, nemo.FOLDER, (24_000,), tuple(nemo.SPEAKERS), _nemo),
}


def plan(look_alike: LookAlike, speakers: int, takes: int) -> Iterator[tuple[str, str, str]]:
    """Name, speaker and emotion of each recording: so many takes of each emotion that a speaker acts.

    Raises:
        ValueError: There are fewer speakers, or takes are none or more than nine, which every corpus has.
    """
    if not 0 < speakers <= len(look_alike.speakers):
        raise ValueError(f"speakers is {speakers}, expected 1 to {len(look_alike.speakers)} of {look_alike.corpus.title}")
    if not 0 < takes <= 9:
        raise ValueError(f"takes is {takes}, expected 1 to 9")
    for speaker in look_alike.speakers[:speakers]:
        for emotion in look_alike.corpus.emotions:
            for number in range(takes):
                yield look_alike.names(speaker, emotion, number), speaker, emotion


def write_look_alike(corpus: str, directory: str | Path, speakers: int, takes: int = 1, seed: int = 0) -> list[Path]:
    """Writes a look-alike, mono, PCM 16-bit; the same arguments give the same bytes.

    Args:
        corpus: One of `LOOK_ALIKES`.
        directory: Where to; created.
        speakers: How many of the corpus's, the first ones.
        takes: Of each emotion and speaker.
        seed: Of the corpus, 0 or more.

    Returns:
        The files, sorted.

    Raises:
        FileExistsError: The folder holds recordings that are not ours.
        ValueError: Another corpus; or see `plan`.
    """
    if corpus not in LOOK_ALIKES:
        raise ValueError(f"no look-alike is made of {corpus!r}, expected one of {', '.join(LOOK_ALIKES)}")
    look_alike = LOOK_ALIKES[corpus]
    planned, folder = list(plan(look_alike, speakers, takes)), Path(directory) / look_alike.folder
    marker = folder / SYNTHETIC_MARKER
    if folder.is_dir() and any(folder.iterdir()) and not marker.is_file():
        raise FileExistsError(f"{folder} holds files but {marker} does not exist, expected an empty folder or a look-alike")
    for earlier in folder.glob("*.wav"):
        earlier.unlink()
    about = f"Synthetic audio made by `python -m data_prep.synthetic.look_alikes {corpus}`: seed {seed}. May be written over.\n"
    files.write_text(marker, about)
    for number, (name, speaker, emotion) in enumerate(planned):
        rate = look_alike.rates_hertz[number % len(look_alike.rates_hertz)]
        pcm = np.round(_speak(look_alike, name, speaker, emotion, rate, seed) * 32767).astype(np.int16)
        with files.replacing(folder / f"{name}.wav") as partial:
            soundfile.write(partial, pcm, rate, subtype="PCM_16", format="WAV")
    return sorted(folder.glob("*.wav"))


def _speak(look_alike: LookAlike, name: str, speaker: str, emotion: str, rate_hertz: int, seed: int) -> NDArray[np.float64]:
    details = look_alike.corpus.details
    spoken = np.array([astuple(VOICES[one]) for one in (MEN if details and details(name)["sex"] == "male" else WOMEN)])
    voice = Voice(*_generator(seed, f"{look_alike.corpus.name} {speaker}").uniform(spoken.min(axis=0), spoken.max(axis=0)).tolist())
    rng = _generator(seed, name)
    sentence = SENTENCES[int(rng.integers(len(SENTENCES)))]
    waveform = synthesise(voice, STYLES_OF_RAVDESS[emotion], sentence, rng, Variation(), SYNTHESIS)
    common = int(np.gcd(rate_hertz, SYNTHESIS.sample_rate_hertz))
    return np.clip(signal.resample_poly(waveform, rate_hertz // common, SYNTHESIS.sample_rate_hertz // common), -1, 1)


def _generator(seed: int, name: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(name.encode())])))


@command.entry
def main(
    corpus: Annotated[str, typer.Argument(help=f"one of {', '.join(LOOK_ALIKES)}")],
    directory: Annotated[Path, typer.Argument(help="where to; created")],
    speakers: Annotated[int, typer.Option(min=1, help="how many of the corpus's")] = 9,
    takes: Annotated[int, typer.Option(min=1, max=9, help="of each emotion and speaker")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="of the corpus")] = 0,
) -> None:
    """Writes a look-alike."""
    paths = write_look_alike(corpus, directory, speakers, takes, seed)
    print(f"{len(paths)} synthetic utterances of {speakers} speakers in {directory}")


if __name__ == "__main__":
    sys.exit(main())
