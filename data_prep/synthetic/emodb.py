"""The embedded corpus: synthetic speech for demos and tests, laid out and named as Emo-DB is.

    python -m data_prep.synthetic.emodb DIR [--utterances-per-speaker N] [--seed S] [--workers W]

The ten speakers, their sentences and the proportions of the classes are Emo-DB's, the sound is `synthetic_voice`'s. It shows that
the code works from the file to the report; a result on it says nothing about recognising emotions in recordings.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import soundfile
import typer
from numpy.typing import NDArray

from data_prep import command
from data_prep.corpora.emodb import ARCHIVE_FOLDER, EMOTION_OF_LETTER, PUBLISHED_COUNTS
from data_prep.loader import SYNTHETIC_MARKER
from data_prep.synthetic.style import STYLES, Voice
from data_prep.synthetic.voice import SynthesisConfig, synthesise
from ser_acrnn import files

# Says of a folder that what it holds is ours, and may be written over.
MARKER = SYNTHETIC_MARKER
UTTERANCES_PER_SPEAKER = 21  # two fifths of Emo-DB: seconds to make, and enough to learn from

# Columns: pitch in Hz, tract and rate factors, accents in semitones, tilt and breath in dB. 03, 10, 11, 12 and 15 are men.
VOICES = {
    "03": Voice(118, 1.00, 1.22, 4.0, 10.0, -34.0),
    "08": Voice(205, 1.17, 1.26, 4.5, 12.0, -30.0),
    "09": Voice(188, 1.13, 1.14, 3.5, 11.0, -32.0),
    "10": Voice(104, 0.96, 1.10, 3.0, 9.0, -36.0),
    "11": Voice(131, 1.03, 1.30, 4.5, 11.0, -33.0),
    "12": Voice(112, 0.98, 1.20, 3.5, 12.0, -31.0),
    "13": Voice(214, 1.19, 1.20, 5.0, 11.0, -31.0),
    "14": Voice(196, 1.15, 1.32, 4.0, 10.0, -34.0),
    "15": Voice(124, 1.02, 1.16, 4.0, 10.0, -33.0),
    "16": Voice(222, 1.21, 1.18, 4.0, 13.0, -29.0),
}

# Emo-DB's ten sentences in the letters of `synthetic_phones.PHONES`.
TEXTS = {
    "a01": "de:6 l'ap@n l'i:kt aUf de:m 'aIsSraNk",
    "a02": "das v'Il zi: am m'ItvOx 'apge:b@n",
    "a04": "h'OIt@ 'a:b@nt k'9nt@ IC Es i:m z'a:g@n",
    "a05": "das Sv'a6ts@ St'yk pap'i:6 b@f'Ind@t zIC da: 'o:b@n n'e:b@n de:m h'OltsStyk",
    "a07": "In z'i:b@n St'Und@n vI6t Es zov'aIt zaIn",
    "b01": "v'as zInt dEn das fy:6 t'y:t@n di: da: 'Unt6 de:m t'IS Ste:@n",
    "b02": "zi: h'a:b@n Es g@r'a:d@ h'o:xg@tra:g@n Unt j'Etst g'e:@n zi: v'i:d6 r'Unt6",
    "b03": "an de:n v'Ox@nEnd@n bIn IC j'Etst 'Im6 nax h'aUz@ g@f'a:r@n Unt h'a:b@ 'agnEs b@z'u:xt",
    "b09": "IC v'Il das 'e:b@n v'EkbrIN@n Unt dan mIt k'a6l vas tr'INk@n g'e:@n",
    "b10": "di: vI6t aUf de:m pl'ats zaIn vo: vi:6 zi: 'Im6 h'Inle:g@n",
}
VERSIONS = "abcdefghijklmnopqrstuvwxyz"


class Take(NamedTuple):
    """One file of the corpus: speaker, text, emotion letter, version, as its name puts them together."""

    speaker: str
    text: str
    letter: str
    version: str

    @property
    def name(self) -> str:
        """The file's stem, such as `03a01Fa`."""
        return "".join(self)


def generate_utterance(speaker: str, letter: str, text: str, version: str = "a", seed: int = 0) -> NDArray[np.float32]:
    """Speaks one of Emo-DB's sentences; the same arguments give the same samples, whatever else is generated.

    Args:
        speaker: One of `VOICES`.
        letter: Emotion letter, one of W L E A F T N.
        text: One of `TEXTS`.
        version: Letter that tells takes of the same sentence apart.
        seed: Seed of the corpus, 0 or more.

    Returns:
        float32 waveform `(samples,)` at 16 kHz, 1.2 to 9 s long, exactly representable in 16 bits.

    Raises:
        ValueError: An argument names nothing known.
    """
    for what, value, known in (
        ("speaker", speaker, VOICES),
        ("emotion letter", letter, EMOTION_OF_LETTER),
        ("text", text, TEXTS),
        ("version", version, list(VERSIONS)),
    ):
        if value not in known:
            raise ValueError(f"unknown {what} {value!r}, expected one of {', '.join(known)}")
    name = Take(speaker, text, letter, version).name
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(name.encode())])))
    return synthesise(VOICES[speaker], STYLES[EMOTION_OF_LETTER[letter]], TEXTS[text], rng)


def plan(utterances_per_speaker: int = UTTERANCES_PER_SPEAKER, seed: int = 0, speakers: Iterable[str] | None = None) -> list[Take]:
    """Returns the takes of a corpus, sorted by name, in Emo-DB's proportions of speakers and classes.

    Args:
        utterances_per_speaker: Their number on average over all ten speakers; a class that a speaker has keeps one at least.
        seed: Chooses the sentences of a speaker's class.
        speakers: Some of `VOICES`; all ten by default.

    Raises:
        ValueError: An unknown speaker, or a number of utterances below 1 or beyond what names can tell apart.
    """
    chosen = sorted(VOICES if speakers is None else set(speakers))
    unknown = [speaker for speaker in chosen if speaker not in VOICES]
    if unknown or not chosen:
        raise ValueError(f"unknown speaker(s) {unknown}, expected some of {', '.join(VOICES)}")
    if utterances_per_speaker < 1:
        raise ValueError(f"utterances_per_speaker is {utterances_per_speaker}, expected 1 or more")
    share = utterances_per_speaker * len(PUBLISHED_COUNTS) / sum(map(sum, PUBLISHED_COUNTS.values()))
    takes = []
    for speaker in chosen:
        for letter, published in zip(EMOTION_OF_LETTER, PUBLISHED_COUNTS[speaker], strict=True):
            count = max(round(published * share), 1) if published else 0
            if count > len(TEXTS) * len(VERSIONS):
                raise ValueError(
                    f"utterances_per_speaker is {utterances_per_speaker}: {count} takes of {speaker}..{letter}, expected 260 at most"
                )
            order = np.random.default_rng([seed, zlib.crc32((speaker + letter).encode())]).permutation(sorted(TEXTS))
            takes += [Take(speaker, str(order[i % len(order)]), letter, VERSIONS[i // len(order)]) for i in range(count)]
    return sorted(takes, key=lambda take: take.name)


def write_emodb_like(
    directory: str | Path,
    utterances_per_speaker: int = UTTERANCES_PER_SPEAKER,
    seed: int = 0,
    speakers: Iterable[str] | None = None,
    workers: int = 1,
) -> list[Path]:
    """Writes the embedded corpus as `<directory>/wav/<name>.wav`, 16 kHz, mono, PCM 16-bit.

    The same arguments give the same bytes. A corpus of other arguments that was written there before is replaced.

    Args:
        directory: Where to; created.
        utterances_per_speaker: Their number on average over all ten speakers.
        seed: Seed of the corpus, 0 or more.
        speakers: Some of `VOICES`; all ten by default.
        workers: Processes to share the work; 1 stays in this one.

    Returns:
        The files, sorted.

    Raises:
        FileExistsError: The folder holds files that are not ours, which might be recordings.
        ValueError: See `plan`.
    """
    takes = plan(utterances_per_speaker, seed, speakers)
    folder, marker = Path(directory) / ARCHIVE_FOLDER, Path(directory) / MARKER
    if folder.is_dir() and any(folder.iterdir()) and not marker.is_file():
        raise FileExistsError(f"{folder} holds files but {marker} does not exist, expected an empty folder or an embedded corpus")
    folder.mkdir(parents=True, exist_ok=True)
    marker.write_text(f"Synthetic audio made by `python -m data_prep.synthetic.emodb`, seed {seed}. No recordings; may be written over.\n")
    paths = [folder / f"{take.name}.wav" for take in takes]
    for stale in set(folder.glob("*.wav")) - set(paths):
        stale.unlink()
    if workers > 1:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            list(pool.map(_write, paths, takes, [seed] * len(takes), chunksize=8))
    else:
        for path, take in zip(paths, takes, strict=True):
            _write(path, take, seed)
    return paths


def _write(path: Path, take: Take, seed: int) -> None:
    """Writes one file, whole or not at all."""
    waveform = generate_utterance(take.speaker, take.letter, take.text, take.version, seed)
    pcm = np.round(waveform * 32768).astype(np.int16)
    with files.replacing(path) as partial:
        soundfile.write(partial, pcm, SynthesisConfig().sample_rate_hertz, subtype="PCM_16", format="WAV")


@dataclass(frozen=True, kw_only=True)
class Generated:
    """What is asked of every corpus that is generated."""

    directory: Annotated[Path, typer.Argument(metavar="DIR", help="folder to write to; gets a subfolder with the corpus")]
    seed: Annotated[int, typer.Option(min=0, help="seed of the corpus, 0 or more")] = 0
    workers: Annotated[int, typer.Option(min=1, help="processes to share the work")] = 1


@command.entry
def main(
    options: Generated, utterances_per_speaker: Annotated[int, typer.Option(min=1, help="on average")] = UTTERANCES_PER_SPEAKER
) -> None:
    """Writes the corpus."""
    paths = write_emodb_like(options.directory, utterances_per_speaker, options.seed, workers=options.workers)
    minutes = sum(soundfile.info(path).duration for path in paths) / 60
    print(f"{len(paths)} synthetic utterances of {len(VOICES)} speakers, {minutes:.1f} minutes, in {options.directory / ARCHIVE_FOLDER}")


if __name__ == "__main__":
    sys.exit(main())
