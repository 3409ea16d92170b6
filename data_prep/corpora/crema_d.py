"""CREMA-D as it is published: its file names, its counts, checksums, speakers and listeners' votes, and how to fetch it.

H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova, R. Verma, "CREMA-D: Crowd-Sourced Emotional Multimodal Actors Dataset", IEEE
Transactions on Affective Computing 5(4), 2014. Under the Open Database License 1.0, its contents under the Database Contents License 1.0.

    python -m data_prep.corpora.crema_d --download DIR
    python -m data_prep.corpora.crema_d --verify DIR
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from data_prep import command, published
from data_prep.checksums import Comparison, compare, list_files, read_checksums
from data_prep.download import DownloadError, fetch_each
from data_prep.file_names import codes
from data_prep.loader import SYNTHETIC_MARKER, Corpus, Reading, count_differences
from ser_acrnn import tables
from ser_acrnn.data.corpus import CorpusError, Utterance, check_utterances

NAME = "crema_d"
REPOSITORY = "https://github.com/CheyneyComputerScience/CREMA-D"
# The repository keeps audio in Git LFS, whose files have an address of their own.
URL = "https://media.githubusercontent.com/media/CheyneyComputerScience/CREMA-D/master/AudioWAV/"
FOLDER, VOTES = "AudioWAV", Path("processedResults") / "tabulatedVotes.csv"
LFS_POINTER = b"version https://git-lfs"
# The sums of the repository's LFS pointers, as `sha256sum *.wav` writes them; and its VideoDemographics.csv, of which two columns are here.
CHECKSUMS = Path(__file__).with_name("crema_d_sha256sums.txt")
_SPEAKERS = Path(__file__).with_name("crema_d_speakers.csv")

# The order of the project's other corpora.
EMOTION_OF_CODE = {"ANG": "angry", "SAD": "sad", "HAP": "happy", "NEU": "neutral", "FEA": "fear", "DIS": "disgust"}
EMOTIONS = tuple(EMOTION_OF_CODE.values())
INTENSITY_OF_CODE = {"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified"}
SENTENCES = ("DFA", "IEO", "IOM", "ITH", "ITS", "IWL", "IWW", "MTI", "TAI", "TIE", "TSI", "WSI")


class Speaker(NamedTuple):
    """What was published of a speaker; the age is in years."""

    sex: str
    age: str


with _SPEAKERS.open(encoding="utf-8", newline="") as _stream:
    SPEAKERS = {row["speaker"]: Speaker(row["sex"], row["age"]) for row in csv.DictReader(_stream)}


def _groups() -> dict[str, str]:
    """Ten groups of nine or ten speakers: women and men are dealt out in turn, so that each group has four or five of both."""
    by_sex = sorted(SPEAKERS, key=lambda speaker: (SPEAKERS[speaker].sex, speaker))
    return {speaker: f"group{place % 10}" for place, speaker in enumerate(by_sex)}


def details_of(utterance: str) -> dict[str, str]:
    """The speaker's sex and age and the intensity, by an utterance's name."""
    name = parse_name(utterance)
    return {**SPEAKERS[name.speaker]._asdict(), "intensity": name.intensity}


# What stands under two emotions is the same audio wholly or in part: 1072_IEO_DIS_MD holds both angry recordings one after the other.
_NO_AUDIO, _TWO_LABELS = "holds no audio, as its authors say", "the same audio stands under two emotions"
UNUSABLE = {
    "1076_MTI_SAD_XX": _NO_AUDIO,
    "1006_TIE_HAP_XX": _TWO_LABELS,
    "1006_TIE_NEU_XX": _TWO_LABELS,
    "1012_IWL_HAP_XX": _TWO_LABELS,
    "1012_TSI_ANG_XX": _TWO_LABELS,
    "1013_WSI_DIS_XX": _TWO_LABELS,
    "1013_WSI_SAD_XX": _TWO_LABELS,
    "1017_IWL_ANG_XX": _TWO_LABELS,
    "1017_IWL_FEA_XX": _TWO_LABELS,
    "1017_IWW_ANG_XX": _TWO_LABELS,
    "1017_IWW_FEA_XX": _TWO_LABELS,
    "1067_IEO_DIS_LO": _TWO_LABELS,
    "1067_IEO_FEA_LO": _TWO_LABELS,
    "1072_IEO_ANG_LO": _TWO_LABELS,
    "1072_IEO_ANG_MD": _TWO_LABELS,
    "1072_IEO_DIS_MD": _TWO_LABELS,
}
_PARTS: dict[str, Collection[str]] = {
    "speaker": SPEAKERS,
    "sentence": SENTENCES,
    "emotion": EMOTION_OF_CODE,
    "intensity": INTENSITY_OF_CODE,
}


class RecordingName(NamedTuple):
    """What a file name says, in words but for the sentence."""

    speaker: str
    sentence: str
    emotion: str
    intensity: str


def parse_name(stem: str) -> RecordingName:
    """Reads a file name without its suffix.

    >>> parse_name("1001_IEO_ANG_HI")
    RecordingName(speaker='1001', sentence='IEO', emotion='angry', intensity='high')

    Raises:
        CorpusError: A part of the name has another form; the message says which, its value and what was expected.
    """
    speaker, sentence, emotion, intensity = codes(stem, "_", _PARTS)
    return RecordingName(speaker, sentence, EMOTION_OF_CODE[emotion], INTENSITY_OF_CODE[intensity])


CORPUS = Corpus(
    NAME,
    "CREMA-D",
    EMOTIONS,
    groups=_groups(),
    protocol="leave-one-group-out",
    details=details_of,
    licence="ODbL 1.0",
    language="English",
    attribution="H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova, R. Verma, CREMA-D, IEEE Transactions on Affective "
    "Computing 5(4), 2014, https://github.com/CheyneyComputerScience/CREMA-D",
)


def wav_folder(directory: str | Path) -> Path:
    """Returns the folder that holds, or is to hold, the recordings: `directory/AudioWAV`, or the directory itself where they are in it."""
    directory = Path(directory)
    inner = directory / FOLDER
    return directory if not inner.is_dir() and directory.is_dir() and list_files(directory, {".wav"}) else inner


def _recordings(directory: str | Path) -> list[Path]:
    folder = wav_folder(directory)
    paths = list_files(folder, {".wav"}) if folder.is_dir() else []
    if not paths:
        raise CorpusError(
            f"{NAME}: no .wav file in {folder}, expected {FOLDER}/*.wav; fetch it by `python -m data_prep.corpora.crema_d --download "
            f"{directory}`, or by `git lfs clone {REPOSITORY}`"
        )
    return paths


def read(source: Path) -> Reading:
    """Reads the corpus for the preparation; what is `UNUSABLE` is left out.

    Args:
        source: The folder that holds `AudioWAV`, or that one. Speakers may be absent.

    Raises:
        CorpusError: There is no recording, Git LFS has not fetched them, or file names are malformed; the message lists all of these.
    """
    found, left_out, problems = [], [], []
    for path in _recordings(source):
        try:
            name = parse_name(path.stem)
        except CorpusError as error:
            problems.append(str(error))
            continue
        if path.stem in UNUSABLE:
            left_out.append({"utterance": path.stem, "reason": UNUSABLE[path.stem]})
        else:
            found.append(Utterance(path.stem, path, name.speaker, name.emotion))
    if problems:
        raise CorpusError(f"{NAME}: {len(problems)} malformed file name(s) in {wav_folder(source)}: {tables.listed(problems)}")
    if pointers := [path.name for path in _recordings(source) if _is_pointer(path)]:
        raise CorpusError(
            f"{NAME}: {len(pointers)} file(s) in {wav_folder(source)} are pointers of Git LFS, such as {pointers[0]}, expected audio; "
            "fetch it by `git lfs pull`"
        )
    generated = (wav_folder(source) / SYNTHETIC_MARKER).exists()
    return Reading(
        f"{NAME}-synthetic" if generated else NAME,
        check_utterances(found, NAME),
        about={"utterances": len(found), "left_out": dict(sorted(Counter(one["reason"] for one in left_out).items()))},
        left_out=left_out,
        differences=count_differences(found, _published_counts(), EMOTIONS),
    )


def _is_pointer(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(LFS_POINTER)) == LFS_POINTER


def _published_counts() -> dict[str, tuple[int, ...]]:
    """Without those that are left out."""
    names = [parse_name(Path(file).stem) for file in read_checksums(CHECKSUMS) if Path(file).stem not in UNUSABLE]
    counts = Counter((name.speaker, name.emotion) for name in names)
    return {speaker: tuple(counts[speaker, emotion] for emotion in EMOTIONS) for speaker in SPEAKERS}


def votes(directory: str | Path) -> dict[str, dict[str, int]]:
    """What listeners who only heard a recording took it for.

    Args:
        directory: The corpus, with `processedResults/tabulatedVotes.csv` in it.

    Returns:
        Utterance -> emotion -> number of votes, in the order of `EMOTIONS`.

    Raises:
        CorpusError: The table is not there, or is another one.
    """
    path, letters = Path(directory) / VOTES, {emotion[0].upper(): emotion for emotion in EMOTIONS}
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        # The first digit of a row's number: 1, who heard; 2, who saw the face; 3, who heard and saw.
        heard = {row["fileName"]: {emotion: int(row[letter]) for letter, emotion in letters.items()} for row in rows if row[""][0] == "1"}
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror}), expected the table of {REPOSITORY}") from error
    except (csv.Error, LookupError, TypeError, ValueError) as error:
        raise CorpusError(f"{path}: cannot be read as the listeners' votes ({error!r}), expected the table of {REPOSITORY}") from error
    if not heard:
        raise CorpusError(f"{path}: holds no votes of listeners who only heard, expected the table of {REPOSITORY}")
    return heard


def verify(directory: str | Path, checksums: Mapping[str, str] | None = None) -> Comparison:
    """Compares the recordings with a list of checksums (file name -> sha256), by default the published one.

    Raises:
        CorpusError: There is no recording.
    """
    _recordings(directory)
    return compare(wav_folder(directory), read_checksums(CHECKSUMS) if checksums is None else checksums)


def download(directory: str | Path, url: str = URL, checksums: Mapping[str, str] | None = None) -> Comparison:
    """Fetches the recordings that are not there or differ, one by one, each verified; continues what an earlier call began.

    Args:
        directory: The corpus; made when needed.
        url: Address of the folder of recordings.
        checksums: File name -> sha256, by default the published list.

    Raises:
        DownloadError: A recording cannot be fetched; the message says what to do by hand.
    """
    checksums = read_checksums(CHECKSUMS) if checksums is None else checksums
    try:
        return fetch_each(url, wav_folder(directory), checksums)
    except DownloadError as error:
        raise DownloadError(
            f"{error}. Run the command again later; or `git lfs clone {REPOSITORY}`, check it by "
            f"`python -m data_prep.corpora.crema_d --verify CREMA-D`, and pass CREMA_D=CREMA-D to make"
        ) from error


@command.entry
def main(
    to: Annotated[
        Path | None, typer.Option("--download", metavar="DIR", help="fetch and verify the recordings; --verify instead compares alone")
    ] = None,
    at: Annotated[
        Path | None, typer.Option("--verify", metavar="DIR", help="instead compare what is there with the published checksums")
    ] = None,
    url: Annotated[str, typer.Option(help="address of the folder of recordings")] = URL,
) -> int:
    """Fetches or verifies CREMA-D."""
    return published.fetch_or_verify(CORPUS.title, to, at, wav_folder, lambda directory: download(directory, url), verify)


if __name__ == "__main__":
    sys.exit(main())
