"""A split -> files in the formats that are read here: a CSV, EmoBox's JSON lines, SpeechBrain's CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ser_acrnn import files
from ser_acrnn.auditing.split import PARTS, VALIDATION, Recording, Split, SplitError

CSV, EMOBOX, SPEECHBRAIN_CSV, SPEECHBRAIN_JSON = FORMATS = ("csv", "emobox", "speechbrain-csv", "speechbrain-json")
TABLE = "folds.csv"
_DESCRIBING = ("text", "session", "sex")
_LENGTHS = ("duration", "length")  # in seconds, as SpeechBrain and EmoBox call it


def write(split: Split, folder: Path, form: str = CSV) -> list[Path]:
    """Writes a split; paths stay as they were.

    Args:
        split: The split.
        folder: New or empty.
        form: One of `FORMATS`.

    Returns:
        The files, each of which is whole or not there.

    Raises:
        SplitError: The folder holds something, or no format is called so.
        WriteError: A file cannot be written.
    """
    if form not in FORMATS:
        raise SplitError(f"the format is {form!r}, expected one of {', '.join(FORMATS)}")
    if folder.is_dir() and any(folder.iterdir()):
        raise SplitError(f"{folder}: holds {min(path.name for path in folder.iterdir())!r}, expected a new or an empty folder")
    written = []
    for name, text in _WRITERS[form](split, folder.resolve().name):
        files.write_text(folder / name, text)
        written.append(folder / name)
    return written


def _table(split: Split, name: str) -> Iterator[tuple[str, str]]:
    rows = [
        {"fold": fold.name, "part": part, "path": one.path, "id": one.id if one.id != one.path else "", **_segment(one), **_described(one)}
        for fold in split.folds
        for part in PARTS
        for one in fold.part(part)
    ]
    yield TABLE, _csv(rows)


def _emobox(split: Split, name: str) -> Iterator[tuple[str, str]]:
    corpus, called = split.corpus or name, _names(split)
    for number, part, found in _parts(split):
        entries = [
            {
                **({"type": "raw", "task": "category", "channel": 1} | _length(one, "length")),
                **(one.more if "key" in one.more else {}),
                "key": called[one.key],
                "dataset": corpus,
                "wav": one.path or one.id,
                "emo": one.emotion,
                **({"spk": one.speaker} if one.speaker else {}),
                **_segment(one),
                **_known(one),
            }
            for one in found
        ]
        yield (
            f"fold_{number}/{corpus}_{part}_fold_{number}.jsonl",
            "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries),
        )


def _speechbrain_csv(split: Split, name: str) -> Iterator[tuple[str, str]]:
    called = _names(split)
    for number, part, found in _parts(split):
        rows = [{"ID": called[one.key], **_length(one, "duration"), **_of_speechbrain(one)} for one in found]
        yield f"fold_{number}/{part}.csv", _csv(rows)


def _speechbrain_json(split: Split, name: str) -> Iterator[tuple[str, str]]:
    called = _names(split)
    for number, part, found in _parts(split):
        entries = {called[one.key]: {**_length(one, "length"), **_of_speechbrain(one)} for one in found}
        yield f"fold_{number}/{part}.json", json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


_WRITERS: dict[str, Callable[[Split, str], Iterator[tuple[str, str]]]] = {
    CSV: _table,
    EMOBOX: _emobox,
    SPEECHBRAIN_CSV: _speechbrain_csv,
    SPEECHBRAIN_JSON: _speechbrain_json,
}


def _names(split: Split) -> dict[str, str]:
    """What each recording is called in files that need a name of its own for each: its name, or else file and segment."""
    names = {one.key: one.id for one in split.recordings}
    return names if len(set(names.values())) == len(names) else {key: key for key in names}


def _parts(split: Split) -> Iterator[tuple[int, str, tuple[Recording, ...]]]:
    """Number of the fold, the part as the toolkits call it, and its recordings."""
    for number, fold in enumerate(split.folds, 1):
        for part in PARTS:
            if found := fold.part(part):
                yield number, "valid" if part == VALIDATION else part, found


def _of_speechbrain(one: Recording) -> dict[str, Any]:
    return {"wav": one.path or one.id, "spk_id": one.speaker, "emo": one.emotion, **_segment(one), **_known(one)}


def _described(one: Recording) -> dict[str, str]:
    return {"speaker": one.speaker, "emotion": one.emotion, **{role: getattr(one, role) for role in _DESCRIBING}}


def _known(one: Recording) -> dict[str, str]:
    return {role: value for role in _DESCRIBING if (value := getattr(one, role))}


def _length(one: Recording, name: str) -> dict[str, Any]:
    found = [one.more[key] for key in _LENGTHS if one.more.get(key) not in (None, "")]
    return {name: found[0]} if found else {}


def _segment(one: Recording) -> dict[str, str]:
    return {edge: str(one.more.get(edge, "")) for edge in ("start", "end")} if one.segment else {}


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """With those columns that hold something; a row is one line."""
    columns = [column for column in dict.fromkeys(column for row in rows for column in row) if any(row.get(column) for row in rows)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[" ".join(str(row.get(column, "")).splitlines()) for column in columns] for row in rows])
    return text.getvalue()
