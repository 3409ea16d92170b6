"""nEMO as it is published: its file names, its counts and its speakers.

I. Christop, "nEMO: Dataset of Emotional Speech in Polish", LREC-COLING 2024.

There is no download here: the recordings are in https://github.com/amu-cai/nEMO, under CC BY-NC-SA 4.0, and `git clone` fetches them.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from data_prep.checksums import list_files
from data_prep.file_names import codes
from data_prep.loader import SYNTHETIC_MARKER, Corpus, Reading, count_differences
from ser_acrnn.data.corpus import CorpusError, Utterance, check_utterances

NAME = "nemo"
REPOSITORY = "https://github.com/amu-cai/nEMO"
FOLDER = "samples"

# The order of the project's other corpora; the corpus's own words.
EMOTION_OF_WORD = {
    "anger": "angry",
    "sadness": "sad",
    "happiness": "happy",
    "neutral": "neutral",
    "fear": "fear",
    "surprised": "surprise",
}
EMOTIONS = tuple(EMOTION_OF_WORD.values())
# Sex and age in years, as `data.tsv` has them.
SPEAKERS = {
    "EB0": ("female", 27),
    "IC0": ("female", 28),
    "KD0": ("female", 28),
    "KS0": ("male", 23),
    "MK0": ("female", 23),
    "MP0": ("male", 24),
    "SM0": ("male", 24),
    "TP0": ("male", 26),
    "WR0": ("male", 23),
}
# Utterances a speaker in the published distribution, in the order of EMOTIONS; 4481 in all. MK0 never acts surprise.
PUBLISHED_COUNTS = {
    "EB0": (90, 90, 90, 90, 90, 89),
    "IC0": (90, 90, 90, 90, 90, 90),
    "KD0": (90, 90, 90, 90, 90, 90),
    "KS0": (90, 90, 90, 90, 90, 90),
    "MK0": (90, 90, 90, 90, 90, 0),
    "MP0": (29, 49, 30, 90, 17, 41),
    "SM0": (90, 90, 89, 90, 89, 90),
    "TP0": (90, 90, 90, 90, 90, 89),
    "WR0": (90, 90, 90, 89, 90, 90),
}


_PARTS: dict[str, Collection[str]] = {
    "speaker": SPEAKERS,
    "emotion": EMOTION_OF_WORD,
    "sentence": tuple(str(number) for number in range(1, 91)),
}


class RecordingName(NamedTuple):
    """What a file name says: `EB0_anger_1` is speaker EB0, emotion angry, sentence 1."""

    speaker: str
    emotion: str
    sentence: str


def parse_name(stem: str) -> RecordingName:
    """Reads a file name without its suffix.

    >>> parse_name("EB0_anger_1")
    RecordingName(speaker='EB0', emotion='angry', sentence='1')

    Raises:
        CorpusError: A part of the name has another form; the message says which, its value and what was expected.
    """
    speaker, word, sentence = codes(stem, "_", _PARTS)
    return RecordingName(speaker, EMOTION_OF_WORD[word], sentence)


def text_of(utterance: str) -> str:
    """The sentence that is said, by an utterance's name."""
    return parse_name(utterance).sentence


def details_of(utterance: str) -> dict[str, str]:
    """The speaker's sex and age, by an utterance's name."""
    sex, age = SPEAKERS[parse_name(utterance).speaker]
    return {"sex": sex, "age": str(age)}


CORPUS = Corpus(NAME, "nEMO", EMOTIONS, text=text_of, details=details_of, licence="CC BY-NC-SA 4.0", language="Polish")


def read(source: Path) -> Reading:
    """Reads the corpus for the preparation.

    Args:
        source: The folder that holds `samples`, or that one. Speakers may be absent.

    Raises:
        CorpusError: There is no recording, or recordings are misnamed; the message lists all of them.
    """
    folder = source / FOLDER if (source / FOLDER).is_dir() else source
    paths = list_files(folder, {".wav"}) if folder.is_dir() else []
    if not paths:
        raise CorpusError(f"{NAME}: no .wav file in {folder}, expected {FOLDER}/*.wav; fetch them by `git clone {REPOSITORY}`")
    found, problems = [], []
    for path in paths:
        try:
            name = parse_name(path.stem)
        except CorpusError as error:
            problems.append(f"{path}: {error}")
        else:
            found.append(Utterance(path.stem, path, name.speaker, name.emotion))
    if problems:
        raise CorpusError(f"{NAME}: {len(problems)} misnamed recording(s):\n" + "\n".join(problems))
    return Reading(
        f"{NAME}-synthetic" if (folder / SYNTHETIC_MARKER).exists() else NAME,
        check_utterances(found, NAME),
        about={"utterances": len(found)},
        differences=count_differences(found, PUBLISHED_COUNTS, EMOTIONS),
    )
