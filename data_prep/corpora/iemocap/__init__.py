"""IEMOCAP as it is released: its folders, its label files, its counts, and the utterances that the paper takes from it.

C. Busso et al., "IEMOCAP: Interactive emotional dyadic motion capture database", Language Resources and Evaluation 42(4), 2008.

There is no download: the corpus is licensed by USC SAIL and handed out on request, https://sail.usc.edu/iemocap/.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer

from data_prep.checksums import list_files
from data_prep.corpora.iemocap.labels import parse_turn, read_labels
from data_prep.loader import SYNTHETIC_MARKER, Corpus, Reading, count_differences
from ser_acrnn.data.corpus import CorpusError, Utterance, check_utterances

NAME = "iemocap"
REQUEST = "https://sail.usc.edu/iemocap/iemocap_release.htm"
RELEASE_FOLDER = "IEMOCAP_full_release"
SESSIONS = ("1", "2", "3", "4", "5")
LABELS = Path("dialog", "EmoEvaluation")
RECORDINGS = Path("sentences", "wav")
Dialogs = Literal["improvised", "scripted", "all"]
DIALOGS = get_args(Dialogs)

# The order is the paper's, section 3: happy is `hap` alone.
EMOTION_OF_CODE = {"ang": "angry", "sad": "sad", "hap": "happy", "neu": "neutral"}
EXCITED = "exc"  # counts as happy when asked for
EMOTIONS = tuple(EMOTION_OF_CODE.values())
# The validation speaker is the test speaker's partner of the same session.
_PARTNER = {f"{session}{own}": f"{session}{other}" for session in SESSIONS for own, other in ("FM", "MF")}
CORPUS = Corpus(NAME, "IEMOCAP", EMOTIONS, partner=_PARTNER)

# Turns a code in the release, 10 039 in all; `xxx` is a turn on which the raters had no majority.
PUBLISHED_TURNS = {
    "xxx": 2507,
    "fru": 1849,
    "neu": 1708,
    "ang": 1103,
    "sad": 1084,
    "exc": 1041,
    "hap": 595,
    "sur": 107,
    "fea": 40,
    "oth": 3,
    "dis": 2,
}

# Improvised utterances a speaker, in the order of EMOTIONS; 2280 in all.
PUBLISHED_COUNTS = {
    "1F": (37, 43, 18, 119),
    "1M": (25, 61, 15, 104),
    "2F": (7, 63, 25, 90),
    "2M": (15, 37, 29, 127),
    "3F": (22, 108, 39, 95),
    "3M": (68, 82, 21, 103),
    "4F": (47, 41, 10, 51),
    "4M": (37, 40, 21, 123),
    "5F": (18, 73, 56, 151),
    "5M": (13, 60, 50, 136),
}


def selection_name(merge_excited: bool = False, dialogs: str = "improvised") -> str:
    """Names a selection as recipes and results show it; without arguments the paper's.

    >>> selection_name()
    'improvised, happy = hap'
    """
    return f"{dialogs if dialogs != 'all' else 'all dialogs'}, happy = hap{' + exc' if merge_excited else ''}"


@dataclass(frozen=True)
class Release:
    """What was read of a release, what was chosen, and what was left out and why.

    Every turn is in one place: `turns` is the number of `utterances` and of those `missing`, plus `turns_of_other_dialogs`, plus the sum of
    `turns_of_other_codes`.

    Attributes:
        selection: Name of the selection, see `selection_name`.
        utterances: The chosen ones, sorted by speaker and id.
        dialogs: Number of label files read; the full release has 151.
        turns: Number of labelled turns in them.
        codes: Turns a code, whatever the dialog, sorted by code.
        turns_of_other_dialogs: Turns of the dialogs that were not asked for.
        turns_of_other_codes: In the dialogs asked for, turns a code that is none of the chosen emotions, sorted by code.
        unknown_codes: `<turn>: <code>` of codes that the published release does not have.
        missing: Turns that would be chosen but have no recording.
        unlabelled: Recordings, of any dialog, without a label.
    """

    selection: str
    utterances: tuple[Utterance, ...]
    dialogs: int
    turns: int
    codes: Mapping[str, int]
    turns_of_other_dialogs: int
    turns_of_other_codes: Mapping[str, int]
    unknown_codes: tuple[str, ...]
    missing: tuple[str, ...]
    unlabelled: tuple[str, ...]

    def report(self) -> dict[str, Any]:
        """Returns everything but the utterances, as JSON can hold it."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "utterances"}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def left_out(self) -> list[dict[str, str]]:
        """Returns the turns without a recording as a prepared corpus's recipe lists what it lacks."""
        return [{"utterance": turn, "reason": "labelled, but there is no recording"} for turn in self.missing]

    def checked(self, *, skip_bad: bool = False) -> list[Utterance]:
        """Returns the utterances, sorted by speaker and id.

        Args:
            skip_bad: Do without turns that have no recording.

        Raises:
            CorpusError: Turns without a recording, all of them named, or no utterance at all.
        """
        if self.missing and not skip_bad:
            raise CorpusError(
                f"{NAME}: {len(self.missing)} labelled turn(s) without a recording, expected "
                f"Session<N>/{RECORDINGS.as_posix()}/<dialog>/<turn>.wav (--skip-bad leaves them out): {', '.join(self.missing)}"
            )
        return check_utterances(self.utterances, f"{NAME} ({self.selection})")


def read_release(directory: str | Path, *, merge_excited: bool = False, dialogs: str = "improvised") -> Release:
    """Reads the labels of a release and finds their recordings; without options, the paper's selection.

    Args:
        directory: The folder that holds `Session1` to `Session5`, or the one that holds `IEMOCAP_full_release`. Sessions may be absent.
        merge_excited: Count excited turns as happy. The paper does not.
        dialogs: `improvised`, as the paper, `scripted` or `all`.

    Raises:
        CorpusError: There is no release, or label files are malformed; the message lists every line that is.
        ValueError: An unknown value of `dialogs`.
    """
    if dialogs not in DIALOGS:
        raise ValueError(f"dialogs is {dialogs!r}, expected one of {', '.join(DIALOGS)}")
    emotion_of_code = EMOTION_OF_CODE | ({EXCITED: "happy"} if merge_excited else {})
    codes: dict[str, str] = {}
    problems: list[str] = []
    recordings: dict[tuple[str, str], Path] = {}
    label_files = 0
    for session, folder in _sessions(directory).items():
        recordings |= _recordings(folder / RECORDINGS)
        for path in list_files(folder / LABELS, {".txt"}):
            label_files += 1
            problems += read_labels(path, session, codes)
    if problems:
        raise CorpusError(f"{NAME}: {len(problems)} fault(s) in the label files:\n" + "\n".join(problems))

    found: list[Utterance] = []
    missing: list[str] = []
    turns_of_other_dialogs, turns_of_other_codes = 0, Counter[str]()
    for turn, code in codes.items():
        name = parse_turn(turn)
        if dialogs not in ("all", name.kind):
            turns_of_other_dialogs += 1
        elif code not in emotion_of_code:
            turns_of_other_codes[code] += 1
        elif (name.dialog, turn) not in recordings:
            missing.append(turn)
        else:
            found.append(Utterance(turn, recordings[name.dialog, turn], name.speaker, emotion_of_code[code], name.session))
    return Release(
        selection=selection_name(merge_excited, dialogs),
        utterances=tuple(sorted(found, key=lambda utterance: (utterance.speaker, utterance.id))),
        dialogs=label_files,
        turns=len(codes),
        codes=dict(sorted(Counter(codes.values()).items())),
        turns_of_other_dialogs=turns_of_other_dialogs,
        turns_of_other_codes=dict(sorted(turns_of_other_codes.items())),
        unknown_codes=tuple(f"{turn}: {code}" for turn, code in sorted(codes.items()) if code not in PUBLISHED_TURNS),
        missing=tuple(sorted(missing)),
        unlabelled=tuple(sorted(stem for dialog, stem in recordings if stem not in codes or stem[:-5] != dialog)),
    )


def utterances(
    directory: str | Path, *, merge_excited: bool = False, dialogs: str = "improvised", skip_bad: bool = False
) -> list[Utterance]:
    """Lists the utterances of a selection, sorted by speaker and id; see `read_release` and `Release.checked`."""
    return read_release(directory, merge_excited=merge_excited, dialogs=dialogs).checked(skip_bad=skip_bad)


def published_differences(utterances: Iterable[Utterance]) -> list[str]:
    """Compares the utterances of each speaker and emotion with the published counts of the paper's selection, and of no other.

    Returns:
        One line a difference, sorted by speaker, then in the order of `EMOTIONS`; empty for the full release.
    """
    return count_differences(utterances, PUBLISHED_COUNTS, EMOTIONS)


def read(
    source: Path,
    *,
    merge_excited: Annotated[bool, typer.Option("--merge-excited", help="count excited turns as happy; the paper does not")] = False,
    dialogs: Annotated[Dialogs, typer.Option(help="which dialogs; the paper has the improvised ones")] = "improvised",
    skip_bad: bool = False,
) -> Reading:
    """Reads a selection for the preparation; another selection than the paper's, or a look-alike, has a name of its own."""
    release = read_release(source, merge_excited=merge_excited, dialogs=dialogs)
    found = release.checked(skip_bad=skip_bad)
    release_folder = next(iter(_sessions(source).values())).parent
    synthetic = "-synthetic" if (release_folder / SYNTHETIC_MARKER).exists() else ""
    suffix = synthetic + ("" if dialogs == "improvised" else f"-{dialogs}") + ("-excited" if merge_excited else "")
    return Reading(
        NAME + suffix,
        found,
        about=release.report(),
        left_out=release.left_out(),
        differences=[] if suffix else published_differences(found),
    )


def _sessions(directory: str | Path) -> dict[str, Path]:
    """Finds the sessions' folders, each of which has label files."""
    directory = Path(directory)
    for root in (directory, directory / RELEASE_FOLDER):
        if sessions := {session: root / f"Session{session}" for session in SESSIONS if (root / f"Session{session}").is_dir()}:
            break
    unlabelled = [str(folder / LABELS) for folder in sessions.values() if not _has_labels(folder / LABELS)]
    if unlabelled or not sessions:
        state = f"no <dialog>.txt in {', '.join(unlabelled)}" if unlabelled else f"no Session1 to Session5 in {directory}"
        raise CorpusError(
            f"{NAME}: {state}; expected {RELEASE_FOLDER}/Session<N>/{LABELS.as_posix()}/<dialog>.txt and "
            f".../Session<N>/{RECORDINGS.as_posix()}/<dialog>/<turn>.wav. The corpus is licensed by USC SAIL and there is no download: "
            f"ask for it with the release form at {REQUEST}, unpack what they send, and name the folder that holds Session1 to Session5"
        )
    return sessions


def _has_labels(folder: Path) -> bool:
    return folder.is_dir() and bool(list_files(folder, {".txt"}))


def _recordings(folder: Path) -> dict[tuple[str, str], Path]:
    """Lists a session's recordings by dialog, which is their folder, and turn."""
    dialogs = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")) if folder.is_dir() else []
    return {(dialog.name, path.stem): path for dialog in dialogs for path in list_files(dialog, {".wav"})}
