"""Which column of a table holds what: names that are usual, and those that a user gives."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ser_acrnn import tables
from ser_acrnn.auditing.split import Recording, Row, SplitError, part_named
from ser_acrnn.data.corpus import PLACEHOLDERS

# In this order: of several that are there, the first counts. Names are compared without case.
USUAL: dict[str, tuple[str, ...]] = {
    "path": ("path", "file", "wav", "file_name", "filename", "file_path", "filepath", "audio", "audio_path", "audio_file", "wav_path"),
    "id": ("id", "key", "utterance", "utterance_id", "utt_id", "utt", "file_id", "name", "recording"),
    "speaker": ("speaker", "speaker_id", "spk_id", "spk", "speakerid", "actor", "actor_id", "subject"),
    "emotion": ("emotion", "emo", "label", "emotion_label", "category"),
    "part": ("part", "split", "subset", "partition", "set", "split_set"),
    "fold": ("fold", "fold_id", "cv_fold"),
    "text": ("text", "sentence", "text_id", "sentence_id", "transcript", "transcription", "statement", "raw_text"),
    "session": ("session", "session_id", "dialogue", "dialog", "dialogue_id", "conversation"),
    "sex": ("sex", "gender"),
}

_NOBODY = PLACEHOLDERS - {"na"}  # which are initials, too
_DURATION = re.compile(r"(?:(\d+) days? )?(\d+):(\d\d):(\d\d(?:\.\d+)?)")
_OF_A_RECORDING = ("path", "speaker", "emotion", "text", "session", "sex")


@dataclass(frozen=True)
class Columns:
    """Names of columns that a user gives; "": one of those that are usual, see `USUAL`.

    Attributes:
        without: Roles that are not looked for.
    """

    path: str = ""
    id: str = ""
    speaker: str = ""
    emotion: str = ""
    part: str = ""
    fold: str = ""
    text: str = ""
    session: str = ""
    sex: str = ""
    without: tuple[str, ...] = ()

    def found(self, columns: Sequence[str], source: str) -> dict[str, str]:
        """Role -> the column that holds it.

        Raises:
            SplitError: A column that was named is not there, or none names the recordings.
        """
        usual = {tables.alike(column): column for column in reversed(columns)}
        roles: dict[str, str] = {}
        for role, names in USUAL.items():
            given = getattr(self, role)
            if role in self.without:
                continue
            if given and given not in columns:
                raise SplitError(
                    f"{source}: lacks the column {given!r}, expected the {role} there; found {list(columns)}"
                    f"{tables.similar([given], list(columns))}"
                )
            if column := given or next((usual[name] for name in names if name in usual), ""):
                roles[role] = column
        if not {"path", "id"} & roles.keys():
            raise SplitError(
                f"{source}: lacks a column of recordings, expected one of {[*USUAL['path'], *USUAL['id']]}; found {list(columns)}"
            )
        return roles


def row_of(cells: Mapping[str, Any], roles: Mapping[str, str], where: str, part: str = "", fold: str = "") -> Row:
    """A row of a table or an entry of a JSON file.

    Args:
        cells: Column -> value.
        roles: Role -> column.
        where: File and line.
        part: What the file is, where no column says so.
        fold: Likewise.

    Raises:
        SplitError: It names no recording, or a part that is none.
    """
    said = {role: _text(cells.get(column)) for role, column in roles.items()}
    path, name = said.get("path", ""), said.get("id", "")
    if not path and not name:
        raise SplitError(f"{where}: {roles.get('path', roles.get('id'))} is empty, expected the name of a recording")
    word = said.get("part", "")
    if "part" in roles and not part_named(word):
        raise SplitError(f"{where}: {roles['part']} is {word!r}, expected train, validation or test")
    start, end = (_time(_text(cells.get(edge))) for edge in ("start", "end"))
    known: dict[str, Any] = {role: said[role] for role in _OF_A_RECORDING if role in said}
    if tables.alike(known.get("speaker", "")) in _NOBODY:
        known["speaker"] = ""
    recording = Recording(**{**known, "id": name or path, "segment": f"[{start},{end}]" if start or end else "", "more": cells})
    return Row(recording, part_named(word) or part, said.get("fold", "") or fold)


def _time(text: str) -> str:
    """Seconds in one form, so that 4 and 4.0 are the same; what is no number stays, and no number at all is "".

    Durations, as pandas writes them for audformat, become seconds.
    """
    found = _DURATION.fullmatch(text)
    days, hours, minutes, rest = (float(part or 0) for part in found.groups()) if found else (0.0, 0.0, 0.0, 0.0)
    try:
        seconds = 86_400 * days + 3_600 * hours + 60 * minutes + rest if found else float(text)
    except ValueError:
        return "" if text == "NaT" else text
    return f"{seconds:.6f}".rstrip("0").rstrip(".") if math.isfinite(seconds) else ""


def _text(value: Any) -> str:
    if isinstance(value, Mapping):  # audio as the Hugging Face hub keeps it, with its bytes
        value = value.get("path")
    return "" if value is None else str(value).strip()
