"""Emo-DB as it is published: its file names, its counts, its checksums, and how to fetch it.

F. Burkhardt, A. Paeschke, M. Rolfes, W. Sendlmeier, B. Weiss, "A Database of German Emotional Speech", Interspeech 2005.

    python -m data_prep.corpora.emodb --download DIR
    python -m data_prep.corpora.emodb --verify DIR
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from data_prep import command, published
from data_prep.checksums import Comparison, compare, list_files, read_checksums
from data_prep.download import ArchiveError, DownloadError, TransferConfig, install
from data_prep.loader import SYNTHETIC_MARKER, Corpus, Reading, count_differences
from ser_acrnn.data.corpus import CorpusError, Utterance, check_utterances

NAME = "emodb"
URL = "http://emodb.bilderbar.info/download/download.zip"
ARCHIVE_FOLDER = "wav"
TRANSFER = TransferConfig()
# Written by `sha256sum *.wav` in the published folder; `sha256sum -c` reads it.
CHECKSUMS = Path(__file__).with_name("emodb_sha256sums.txt")

# The letters are the German words' initials: Wut, Trauer, Freude, neutral, Angst, Ekel, Langeweile. The order is the paper's.
EMOTION_OF_LETTER = {"W": "angry", "T": "sad", "F": "happy", "N": "neutral", "A": "fear", "E": "disgust", "L": "bored"}
EMOTIONS = tuple(EMOTION_OF_LETTER.values())
# Sex and age in years, as the corpus's page has them.
SPEAKERS = {
    "03": ("male", 31),
    "08": ("female", 34),
    "09": ("female", 21),
    "10": ("male", 32),
    "11": ("male", 26),
    "12": ("male", 30),
    "13": ("female", 32),
    "14": ("female", 35),
    "15": ("male", 25),
    "16": ("female", 31),
}


def text_of(utterance: str) -> str:
    """The sentence that is said, by an utterance's name: `a01` of `03a01Fa`."""
    return utterance[2:5]


def details_of(utterance: str) -> dict[str, str]:
    """The speaker's sex and age, by an utterance's name."""
    sex, age = SPEAKERS[utterance[:2]]
    return {"sex": sex, "age": str(age)}


CORPUS = Corpus(
    NAME,
    "Emo-DB",
    EMOTIONS,
    text=text_of,
    details=details_of,
    licence="CC0 1.0",
    language="German",
    attribution="F. Burkhardt, A. Paeschke, M. Rolfes, W. Sendlmeier, B. Weiss, A Database of German Emotional Speech, Interspeech 2005",
)

# Utterances a speaker in the published distribution, in the order of EMOTIONS; 535 in all. Speaker 08 never acts disgust.
PUBLISHED_COUNTS = {
    "03": (14, 7, 7, 11, 4, 1, 5),
    "08": (12, 9, 11, 10, 6, 0, 10),
    "09": (13, 4, 4, 9, 1, 8, 4),
    "10": (10, 3, 4, 4, 8, 1, 8),
    "11": (11, 7, 8, 9, 10, 2, 8),
    "12": (12, 4, 2, 4, 6, 2, 5),
    "13": (12, 5, 10, 9, 7, 8, 10),
    "14": (16, 10, 8, 7, 12, 8, 8),
    "15": (13, 4, 6, 11, 8, 5, 9),
    "16": (14, 9, 11, 5, 7, 11, 14),
}

# Part of a name, its place, its form, the form in words.
_NAME_PARTS = (
    ("speaker", slice(0, 2), "[0-9]{2}", "two digits"),
    ("text", slice(2, 5), "[ab][0-9]{2}", "a or b and two digits"),
    ("emotion", slice(5, 6), f"[{''.join(EMOTION_OF_LETTER)}]", f"one of {', '.join(EMOTION_OF_LETTER)}"),
    ("version", slice(6, None), "[a-z]", "one letter a-z"),
)


class RecordingName(NamedTuple):
    """What a file name says: `03a01Fa` is speaker 03, text a01, emotion happy, version a."""

    speaker: str
    text: str
    emotion: str
    version: str


def parse_name(stem: str) -> RecordingName:
    """Reads a file name without its suffix.

    >>> parse_name("03a01Fa")
    RecordingName(speaker='03', text='a01', emotion='happy', version='a')

    Raises:
        CorpusError: A part of the name has another form; the message says which, its value and the form.
    """
    problems = [
        f"{part} {stem[place]!r}, expected {expected}"
        for part, place, form, expected in _NAME_PARTS
        if re.fullmatch(form, stem[place]) is None
    ]
    if problems:
        raise CorpusError(f"{stem!r}: " + ", ".join(problems))
    speaker, text, letter, version = (stem[place] for _, place, _, _ in _NAME_PARTS)
    return RecordingName(speaker, text, EMOTION_OF_LETTER[letter], version)


def wav_folder(directory: str | Path) -> Path:
    """Returns the folder that holds, or is to hold, the recordings: `directory/wav`, or the directory itself when it has them already."""
    directory = Path(directory)
    inner = directory / ARCHIVE_FOLDER
    return directory if not inner.is_dir() and directory.is_dir() and list_files(directory, {".wav"}) else inner


def _recordings(directory: str | Path) -> list[Path]:
    folder = wav_folder(directory)
    paths = list_files(folder, {".wav"}) if folder.is_dir() else []
    if not paths:
        state = "holds no .wav file" if Path(directory).is_dir() else "is not a folder"
        raise CorpusError(
            f"{NAME}: {directory} {state}, expected wav/*.wav in it; fetch it by `python -m data_prep.corpora.emodb --download {directory}`"
        )
    return paths


def utterances(directory: str | Path) -> list[Utterance]:
    """Lists the corpus, sorted by speaker and id.

    Args:
        directory: The corpus (with `wav/` inside) or the folder with the recordings itself.

    Raises:
        CorpusError: There is no recording, or file names are malformed; the message lists all of them.
    """
    found, problems = [], []
    for path in _recordings(directory):
        try:
            name = parse_name(path.stem)
        except CorpusError as error:
            problems.append(str(error))
        else:
            found.append(Utterance(id=path.stem, path=path, speaker=name.speaker, emotion=name.emotion))
    if problems:
        raise CorpusError(f"{NAME}: {len(problems)} malformed file name(s) in {wav_folder(directory)}: " + "; ".join(problems))
    return check_utterances(found, NAME)


def published_differences(utterances: Iterable[Utterance]) -> list[str]:
    """Compares the utterances of each speaker and emotion with the published counts.

    Returns:
        One line a difference, sorted by speaker, then in the order of `EMOTIONS`; empty for the published corpus.
    """
    return count_differences(utterances, PUBLISHED_COUNTS, EMOTIONS)


def read(source: Path) -> Reading:
    """Reads the corpus for the preparation.

    Raises:
        CorpusError: See `utterances`; or it is the generated corpus whose files have the same names.
    """
    for marker in (source / SYNTHETIC_MARKER, wav_folder(source) / SYNTHETIC_MARKER):
        if marker.exists():
            raise CorpusError(f"{NAME}: {marker} says that this audio is generated, expected {CORPUS.title}; prepare it as 'synthetic'")
    found = utterances(source)
    return Reading(NAME, found, differences=published_differences(found))


def verify(directory: str | Path, checksums: Mapping[str, str] | None = None) -> Comparison:
    """Compares the recordings with a list of checksums (file name -> sha256), by default the published one.

    Raises:
        CorpusError: There is no recording.
    """
    _recordings(directory)
    return compare(wav_folder(directory), read_checksums(CHECKSUMS) if checksums is None else checksums)


def download(
    directory: str | Path, url: str = URL, checksums: Mapping[str, str] | None = None, config: TransferConfig | None = None
) -> Comparison:
    """Fetches what the corpus lacks, verified file by file; continues what an earlier call began.

    Args:
        directory: The corpus; made when needed.
        url: Address of the published archive.
        checksums: File name -> sha256, by default the published list.
        config: Limits of the transfer.

    Returns:
        The recordings against the list: complete, possibly with unexpected files that were there before.

    Raises:
        DownloadError: The archive cannot be fetched (the message says what to do by hand), or is not the published one.
    """
    checksums = read_checksums(CHECKSUMS) if checksums is None else checksums
    try:
        return install(url, directory, checksums, folder=ARCHIVE_FOLDER, target=wav_folder(directory), config=config)
    except ArchiveError:
        raise
    except DownloadError as error:
        raise DownloadError(
            f"{error}. Run the command again later, or with --url and another address of the same archive; or fetch the archive with a "
            f"browser, unpack it so that {Path(directory) / ARCHIVE_FOLDER}/*.wav exist, check them by "
            f"`python -m data_prep.corpora.emodb --verify {directory}`, and pass EMODB={directory} to make"
        ) from error


@command.entry
def main(
    to: Annotated[
        Path | None,
        typer.Option("--download", metavar="DIR", help="fetch the published archive and verify every file, instead of --verify"),
    ] = None,
    at: Annotated[
        Path | None, typer.Option("--verify", metavar="DIR", help="compare the files with the published checksums, instead of --download")
    ] = None,
    url: Annotated[str, typer.Option(help="address of the archive")] = URL,
) -> int:
    """Fetches or verifies Emo-DB."""
    return published.fetch_or_verify(CORPUS.title, to, at, wav_folder, lambda directory: download(directory, url, config=TRANSFER), verify)


if __name__ == "__main__":
    sys.exit(main())
