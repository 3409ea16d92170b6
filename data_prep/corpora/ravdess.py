"""RAVDESS as it is published: its file names, its counts, and the audio-only speech that is taken from it.

S. R. Livingstone, F. A. Russo, "The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS)", PLoS ONE 13(5), 2018.

There is no download here: the archive is on Zenodo, https://zenodo.org/records/1188976, under CC BY-NC-SA 4.0.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from data_prep.checksums import list_files
from data_prep.file_names import codes
from data_prep.loader import SYNTHETIC_MARKER, Corpus, Reading, count_differences
from ser_acrnn.data.corpus import CorpusError, Utterance, check_utterances

NAME = "ravdess"
RECORD = "https://zenodo.org/records/1188976"
ARCHIVE = "Audio_Speech_Actors_01-24.zip"

ACTORS = tuple(f"{number:02}" for number in range(1, 25))  # odd numbers are men, even ones women
# The order of the project's other corpora, then the two classes that they do not have.
EMOTIONS = ("angry", "sad", "happy", "neutral", "fear", "disgust", "calm", "surprise")
# Six folds rather than twenty-four: one actor has 60 utterances, four of them neutral, which is little to choose an epoch on. Men and
# women alternate, so that four actors in a row are two of each, and no fold is validated or judged on one sex.
GROUP_OF_ACTOR = {actor: f"{ACTORS[first]}-{ACTORS[first + 3]}" for first in range(0, 24, 4) for actor in ACTORS[first : first + 4]}

# Utterances an actor in the published distribution, in the order of EMOTIONS, 1440 in all: two statements, said twice, in two
# intensities, of which neutral has one.
PUBLISHED_COUNTS = dict.fromkeys(ACTORS, (8, 8, 8, 4, 8, 8, 8, 8))


def _numbered(*words: str) -> dict[str, str]:
    return {f"{number:02}": word for number, word in enumerate(words, start=1)}


# Part of a name, and what its numbers stand for.
_NAME_PARTS = {
    "modality": _numbered("full audio-video", "video-only", "audio-only"),
    "vocal channel": _numbered("speech", "song"),
    "emotion": _numbered("neutral", "calm", "happy", "sad", "angry", "fear", "disgust", "surprise"),
    "intensity": _numbered("normal", "strong"),
    "statement": _numbered("Kids are talking by the door", "Dogs are sitting by the door"),
    "repetition": _numbered("first", "second"),
    "actor": _numbered(*ACTORS),
}
_WANTED = ("audio-only", "speech")


class RecordingName(NamedTuple):
    """What a file name says, in words."""

    modality: str
    channel: str
    emotion: str
    intensity: str
    statement: str
    repetition: str
    actor: str


def parse_name(stem: str) -> RecordingName:
    """Reads a file name without its suffix.

    >>> parse_name("03-01-06-01-02-01-12")[:4]
    ('audio-only', 'speech', 'fear', 'normal')

    Raises:
        CorpusError: A part of the name has another form; the message says which, its value and what was expected.
    """
    numbers = codes(stem, "-", _NAME_PARTS)
    if numbers[2:4] == ["01", "02"]:
        raise CorpusError(f"{stem!r}: intensity '02' of neutral, expected 01: neutral is not acted strongly")
    return RecordingName(*(words[number] for number, words in zip(numbers, _NAME_PARTS.values(), strict=True)))


def details_of(utterance: str) -> dict[str, str]:
    """The actor's sex and the intensity, by an utterance's name."""
    name = parse_name(utterance)
    return {"sex": "male" if int(name.actor) % 2 else "female", "intensity": name.intensity}


CORPUS = Corpus(
    NAME,
    "RAVDESS",
    EMOTIONS,
    groups=GROUP_OF_ACTOR,
    protocol="leave-one-group-out",
    details=details_of,
    licence="CC BY-NC-SA 4.0",
    language="English",
)


def read(source: Path) -> Reading:
    """Reads the audio-only speech for the preparation; song and video that lie beside it are left out.

    Args:
        source: The folder that holds `Actor_01` to `Actor_24`, or the one that holds `Audio_Speech_Actors_01-24`. Actors may be absent.

    Raises:
        CorpusError: There is no such speech, or recordings are misnamed or in another actor's folder; the message lists all of them.
    """
    found, left_out, problems = [], [], []
    for path in _files(source):
        try:
            if reason := _reason_to_leave_out(path):
                left_out.append({"utterance": path.stem, "reason": reason})
            else:
                found.append(_utterance(path))
        except CorpusError as error:
            problems.append(f"{path}: {error}")
    if problems:
        raise CorpusError(f"{NAME}: {len(problems)} misnamed or misplaced recording(s):\n" + "\n".join(problems))
    counts = dict(sorted(Counter(one["reason"] for one in left_out).items()))
    if not found:
        raise CorpusError(
            f"{NAME}: no audio-only speech in {source} (left out: {counts or 'nothing'}), expected Actor_<NN>/*.wav in it; "
            f"fetch {ARCHIVE} from {RECORD}, unpack it, and name the folder that holds Actor_01 to Actor_24"
        )
    # Each lies in <release>/Actor_<NN>; what this project generated is another corpus, and says so wherever its numbers appear.
    generated = any((one.path.parents[1] / SYNTHETIC_MARKER).exists() for one in found)
    return Reading(
        f"{NAME}-synthetic" if generated else NAME,
        check_utterances(found, NAME),
        about={"utterances": len(found), "left_out": counts},
        left_out=left_out,
        differences=count_differences(found, PUBLISHED_COUNTS, EMOTIONS),
    )


def _files(source: Path) -> list[Path]:
    """Lists recordings and films of all actors; a copy in the archive's folder is read only where there are no actors beside it."""
    for root in (source, *sorted(source.glob("[Aa]udio_[Ss]peech_[Aa]ctors_01-24"))):
        if actors := sorted(folder for folder in root.glob("Actor_*") if folder.is_dir()):
            return [path for folder in actors for path in list_files(folder, {".wav", ".mp4"})]
    return []


def _reason_to_leave_out(path: Path) -> str:
    """Says what a file is that is no audio-only speech; "" for audio-only speech."""
    if path.suffix.lower() == ".mp4":
        return "film"
    kind = parse_name(path.stem)[:2]
    return "" if kind == _WANTED else " ".join(kind)


def _utterance(path: Path) -> Utterance:
    name = parse_name(path.stem)
    if path.parent.name != f"Actor_{name.actor}":
        raise CorpusError(f"is of actor {name.actor!r} but in {path.parent.name}, expected the folder Actor_{name.actor}")
    return Utterance(path.stem, path, name.actor, name.emotion)
