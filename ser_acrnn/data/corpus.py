"""What a corpus is to the rest of the package: a list of utterances with speaker and emotion.

Published corpora are read from their own layout by modules outside this package; a corpus of one's own is read from a CSV.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ser_acrnn import tables

logger = logging.getLogger(__name__)

_COLUMNS = ("path", "speaker", "emotion")
# What stands for a missing value where a table is made by hand or by a program.
PLACEHOLDERS = frozenset({"nan", "none", "null", "na", "n/a", "#n/a", "unknown", "undefined", "unlabelled", "unlabeled", "tbd", "?", "-"})
_LONGEST_SPEAKER_BYTES = 150  # file systems take 255 for a name, some of which a result's or checkpoint's ending needs


class CorpusError(ValueError):
    """A corpus that cannot be used as it is; the message lists files or rows, the first of many, and what was expected of each."""


@dataclass(frozen=True)
class Utterance:
    """One recording of one speaker with one emotion.

    Attributes:
        id: Unique name within the corpus, by convention the file's stem.
        path: The audio file.
        speaker: Name of the speaker; a fold is a split of these.
        emotion: Label.
        session: The recording session, where a corpus has them; `""` elsewhere.
        copy: Which degraded copy of the recording it is, made when it is read; 0: the recording as it is.
    """

    id: str
    path: Path
    speaker: str
    emotion: str
    session: str = ""
    copy: int = 0


def check_utterances(utterances: Iterable[Utterance], source: str) -> list[Utterance]:
    """Returns the utterances sorted by speaker and id, after checking that they can be judged speaker-independently.

    Args:
        utterances: Any number of utterances.
        source: Name of the corpus, for the error's text.

    Raises:
        CorpusError: No utterance, an empty speaker or emotion, a speaker that cannot name a file, or an id that occurs twice.
    """
    ordered = sorted(utterances, key=lambda utterance: (utterance.speaker, utterance.id))
    problems = [] if ordered else ["no utterance found, expected one at least"]
    seen: set[str] = set()
    for utterance in ordered:
        for field in ("id", "speaker", "emotion"):
            if not getattr(utterance, field).strip():
                problems.append(f"{utterance.path}: {field} is empty, expected a name")
        if "/" in utterance.speaker or "\\" in utterance.speaker:
            problems.append(f"{utterance.path}: the speaker is {utterance.speaker!r}, expected a name without slashes: it names a file")
        if (size := len(utterance.speaker.encode())) > _LONGEST_SPEAKER_BYTES:
            problems.append(f"{utterance.path}: the speaker has {size} bytes, expected {_LONGEST_SPEAKER_BYTES} at most: it names a file")
        if utterance.id in seen:
            problems.append(f"{utterance.path}: the id {utterance.id!r} occurs twice, expected unique ids")
        seen.add(utterance.id)
    if problems:
        raise CorpusError(f"{source}: {tables.listed(problems)}")
    return ordered


def read_csv(path: str | Path) -> list[Utterance]:
    """Reads a corpus of one's own: a CSV with the columns `path, speaker, emotion` and, optionally, `session` and `id`.

    A relative path is taken from the CSV's own folder; without `id` the path as written names the utterance. Names that look alike or
    like a missing value are warned of.

    Raises:
        CorpusError: The CSV cannot be read, see `ser_acrnn.tables.read`; a column or value is missing, an emotion cannot be one, a file
            does not exist or stands in two rows, or an id occurs twice. All such rows are named by their lines.
    """
    path = Path(path)
    try:
        table = tables.read(path)
    except tables.TableError as error:
        raise CorpusError(str(error)) from error
    if missing := sorted(set(_COLUMNS) - set(table.columns)):
        raise CorpusError(
            f"{path}: lacks the column(s) {missing}, expected path, speaker and emotion; "
            f"found {table.columns}{tables.similar(missing, table.columns)}"
        )
    rows = [(line, dict(zip(table.columns, cells, strict=True))) for line, cells in table.rows]
    if times := [column for column in ("start", "end") if any(row.get(column) for _, row in rows)]:
        logger.warning("%s: has the column(s) %s, which are not looked at; expected a file a recording, all of which is heard", path, times)
    empty = [f"line {line}: {column} is empty, expected a name" for line, row in rows for column in _COLUMNS if not row[column]]
    strange = [
        f"line {line}: emotion is {row['emotion']!r}, expected a name on a line, none of {list(tables.PREDICTED)}"
        for line, row in rows
        if row["emotion"] and not tables.can_be_an_emotion(row["emotion"])
    ]
    if empty or strange:
        raise CorpusError(f"{path}, {tables.listed(empty or strange)}")
    utterances = {
        line: Utterance(
            id=row.get("id") or row["path"],
            path=path.parent / row["path"],
            speaker=row["speaker"],
            emotion=row["emotion"],
            session=row.get("session", ""),
        )
        for line, row in rows
    }
    # Unlike `Path.is_file`, this also says no of names that are too long for a file.
    absent = [f"{one.path} (line {line})" for line, one in utterances.items() if not os.path.isfile(one.path)]
    if absent:
        raise CorpusError(f"{path}: {len(absent)} file(s) do not exist: {tables.listed(absent, ', ')}")
    if repeated := _repeated(utterances):
        raise CorpusError(f"{path}, {tables.listed(repeated)}")
    for column in ("speaker", "emotion"):
        for hint in _hints(column, {line: getattr(one, column) for line, one in utterances.items()}):
            logger.warning("%s, %s", path, hint)
    return check_utterances(utterances.values(), str(path))


def _repeated(utterances: Mapping[int, Utterance]) -> list[str]:
    """What is wrong with each row whose file an earlier row has, by whatever path."""
    first: dict[tuple[int, int], int] = {}
    problems = []
    for line, utterance in utterances.items():
        status = utterance.path.stat()
        earlier = first.setdefault((status.st_dev, status.st_ino), line)
        if earlier != line:
            differing = [
                f"{column} {before!r} and {now!r}"
                for column in ("emotion", "speaker")
                if (before := getattr(utterances[earlier], column)) != (now := getattr(utterance, column))
            ]
            paths = dict.fromkeys(str(one.path) for one in (utterances[earlier], utterance))
            how = f", with {' and '.join(differing)}" if differing else ""
            problems.append(f"lines {earlier} and {line}: have the same file, {' and '.join(paths)}{how}; expected each recording once")
    return problems


def _hints(column: str, values: Mapping[int, str]) -> list[str]:
    """Names that may not be meant as they stand, each with its first line."""
    first: dict[str, int] = {}
    for line, value in values.items():
        first.setdefault(value, line)
    hints = [
        f"line {first[last]}: {column} {last!r} and {', '.join(f'{one!r} (line {first[one]})' for one in others)} look alike, "
        "and are taken for different ones"
        for *others, last in tables.look_alike(first)
    ]
    return hints + [
        f"line {line}: {column} is {value!r}, which is taken for a name; expected one, or the row to be left out"
        for value, line in first.items()
        if tables.alike(value) in PLACEHOLDERS
    ]
