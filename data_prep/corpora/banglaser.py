"""BanglaSER as it is published: its file names and its counts.

R. K. Das, N. Islam, M. R. Ahmed, S. Islam, S. Shatabda, A. K. M. M. Islam, "BanglaSER: A speech emotion recognition dataset for the Bangla
language", Data in Brief 42, 2022.

There is no download here: the archive is on Mendeley Data, https://data.mendeley.com/datasets/t9h6p943xy/5, under CC BY 4.0.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from data_prep.checksums import list_files_below
from data_prep.file_names import codes
from data_prep.loader import SYNTHETIC_MARKER, Corpus, Reading, count_differences
from ser_acrnn.data.corpus import CorpusError, Utterance, check_utterances

NAME = "banglaser"
RECORD = "https://data.mendeley.com/datasets/t9h6p943xy/5"

SPEAKERS = tuple(f"{number:02}" for number in range(1, 35))  # odd numbers are men, even ones women
EMOTIONS = ("angry", "sad", "happy", "neutral", "surprise")
# Ten groups of one or two men and as many women. Seven speakers lack neutral, and no group has these alone.
GROUP_OF_SPEAKER = {speaker: f"group{(int(speaker) - 1) // 2 % 10}" for speaker in SPEAKERS}
WITHOUT_NEUTRAL = ("11", "12", "13", "16", "18", "20", "29")

# Utterances a speaker in the published distribution, in the order of EMOTIONS, 1467 in all: three sentences, each said three times.
PUBLISHED_COUNTS = {speaker: (9, 9, 9, 0 if speaker in WITHOUT_NEUTRAL else 9, 9) for speaker in SPEAKERS}
# Takes of speaker 19 that are another speaker's audio, found by their sound (`ser_acrnn.data.duplicates`). Nobody knows whose they are.
_TAKES_OF_TWO = {
    **{
        f"03-01-{emotion}-{sentence}-0{take}": "13"
        for emotion, sentence in (("01-01", "02"), ("02-01", "03"), ("04-02", "02"))
        for take in (1, 2, 3)
    },
    "03-01-04-02-03-01": "16",
}
UNUSABLE = {
    f"{take}-{speaker}": "the same audio stands under two speakers" for take, other in _TAKES_OF_TWO.items() for speaker in (other, "19")
}

_THREE = ("01", "02", "03")
# Part of a name, and what it may be. Three published names begin with 01; the intensity says no more than the emotion does.
_NAME_PARTS = {
    "mode": ("01", "03"),
    "statement type": ("01",),
    "emotion": ("01", "02", "03", "04", "05"),
    "intensity": ("01", "02"),
    "sentence": _THREE,
    "repetition": _THREE,
    "speaker": SPEAKERS,
}
EMOTION_OF_NUMBER = {"01": "happy", "02": "sad", "03": "angry", "04": "surprise", "05": "neutral"}


class RecordingName(NamedTuple):
    """What a file name says."""

    emotion: str
    sentence: str
    repetition: str
    speaker: str


def parse_name(stem: str) -> RecordingName:
    """Reads a file name without its suffix.

    >>> parse_name("03-01-04-02-03-01-15")
    RecordingName(emotion='surprise', sentence='03', repetition='01', speaker='15')

    Raises:
        CorpusError: A part of the name has another form; the message says which, its value and what was expected.
    """
    numbers = codes(stem, "-", _NAME_PARTS)
    return RecordingName(EMOTION_OF_NUMBER[numbers[2]], *numbers[4:])


def details_of(utterance: str) -> dict[str, str]:
    """The speaker's sex, by an utterance's name."""
    return {"sex": "male" if int(parse_name(utterance).speaker) % 2 else "female"}


CORPUS = Corpus(
    NAME,
    "BanglaSER",
    EMOTIONS,
    groups=GROUP_OF_SPEAKER,
    protocol="leave-one-group-out",
    details=details_of,
    licence="CC BY 4.0",
    language="Bangla",
    attribution="R. K. Das, N. Islam, M. R. Ahmed, S. Islam, S. Shatabda, A. K. M. M. Islam, BanglaSER, Data in Brief 42, 2022, "
    "https://data.mendeley.com/datasets/t9h6p943xy/5",
)


def _expected_counts() -> dict[str, tuple[int, ...]]:
    """The published ones, without those that are left out."""
    less = Counter((name.speaker, name.emotion) for name in map(parse_name, UNUSABLE))
    return {
        speaker: tuple(count - less[speaker, emotion] for emotion, count in zip(EMOTIONS, counts, strict=True))
        for speaker, counts in PUBLISHED_COUNTS.items()
    }


def read(source: Path) -> Reading:
    """Reads the corpus for the preparation; what is `UNUSABLE` is left out.

    Args:
        source: A folder with the recordings in it, in whatever folders. Speakers may be absent.

    Raises:
        CorpusError: There is no recording, or recordings are misnamed; the message lists all of them.
    """
    found, left_out, problems = [], [], []
    for path in list_files_below(source, {".wav"}):
        try:
            name = parse_name(path.stem)
        except CorpusError as error:
            problems.append(f"{path}: {error}")
            continue
        if reason := UNUSABLE.get(path.stem):
            left_out.append({"utterance": path.stem, "reason": reason})
        else:
            found.append(Utterance(path.stem, path, name.speaker, name.emotion))
    if problems:
        raise CorpusError(f"{NAME}: {len(problems)} misnamed recording(s):\n" + "\n".join(problems))
    if not found:
        raise CorpusError(
            f"{NAME}: no .wav file in {source}, expected the recordings of {RECORD}; fetch and unpack them, and name the folder"
        )
    generated = any((path / SYNTHETIC_MARKER).exists() for path in {source, *(one.path.parent for one in found)})
    return Reading(
        f"{NAME}-synthetic" if generated else NAME,
        check_utterances(found, NAME),
        about={"utterances": len(found), "left_out": dict(Counter(one["reason"] for one in left_out))},
        left_out=left_out,
        differences=count_differences(found, _expected_counts(), EMOTIONS),
    )
