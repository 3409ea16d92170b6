"""What a corpus is to the rest of the package: a list of utterances with speaker and emotion.

Published corpora are read from their own layout by modules outside this package; a corpus of one's own is read from a CSV.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


class CorpusError(ValueError):
    """A corpus that cannot be used as it is; the message lists every file or row and what was expected of it."""


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
        CorpusError: No utterance, an empty speaker or emotion, a speaker with a slash, or an id that occurs twice.
    """
    ordered = sorted(utterances, key=lambda utterance: (utterance.speaker, utterance.id))
    problems = [] if ordered else ["no utterance found"]
    seen: set[str] = set()
    for utterance in ordered:
        for field in ("id", "speaker", "emotion"):
            if not getattr(utterance, field).strip():
                problems.append(f"{utterance.path}: {field} is empty, expected a name")
        if "/" in utterance.speaker or "\\" in utterance.speaker:
            problems.append(f"{utterance.path}: the speaker is {utterance.speaker!r}, expected a name without slashes: it names a file")
        if utterance.id in seen:
            problems.append(f"{utterance.path}: the id {utterance.id!r} occurs twice, expected unique ids")
        seen.add(utterance.id)
    if problems:
        raise CorpusError(f"{source}: " + "; ".join(problems))
    return ordered


def read_csv(path: str | Path) -> list[Utterance]:
    """Reads a corpus of one's own: a CSV with the columns `path, speaker, emotion` and, optionally, `session` and `id`.

    A relative path is taken from the CSV's own folder; without `id` the path as written names the utterance.

    Raises:
        CorpusError: A column or value is missing, a file does not exist, or an id occurs twice.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: cannot be read ({error}), expected a CSV file in UTF-8") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = {"path", "speaker", "emotion"} - set(reader.fieldnames or ())
    if missing:
        raise CorpusError(f"{path}: lacks the column(s) {sorted(missing)}, expected path, speaker and emotion; found {reader.fieldnames}")
    rows = [{key: (value or "").strip() for key, value in row.items() if key} for row in reader]
    utterances = [
        Utterance(
            id=row.get("id") or row["path"],
            path=(path.parent / row["path"]),
            speaker=row["speaker"],
            emotion=row["emotion"],
            session=row.get("session", ""),
        )
        for row in rows
    ]
    absent = [str(utterance.path) for utterance in utterances if not utterance.path.is_file()]
    if absent:
        raise CorpusError(f"{path}: {len(absent)} file(s) do not exist: " + ", ".join(absent))
    return check_utterances(utterances, str(path))
