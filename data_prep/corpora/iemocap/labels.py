"""IEMOCAP's label files: what the name of a dialog or a turn says, and the turns and codes of a file.

One file a dialog; each turn has a line with its time, name, the raters' majority code, and means of valence, activation and dominance.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ser_acrnn.data.corpus import CorpusError

_DIALOG = re.compile(r"Ses0([1-5])[FM]_(?:(impro)[0-9]{2}[ab]?|script0[0-9]_[0-9]b?)")
_DIALOG_FORM = "Ses0<session><F|M>_impro<NN>[a|b] or Ses0<session><F|M>_script0<N>_<N>[b]"
_TAIL = re.compile(r"_([FM])[0-9]{3}")
_NUMBER = r"[-+]?[0-9]+(?:\.[0-9]+)?"
_LABEL = re.compile(rf"\[{_NUMBER} - {_NUMBER}\]\t([^\t ]+)\t([A-Za-z]+)\t\[{_NUMBER}, {_NUMBER}, {_NUMBER}\]")
_LABEL_FORM = "[<start> - <end>]<tab><turn><tab><code><tab>[<valence>, <activation>, <dominance>]"


class TurnName(NamedTuple):
    """What a turn's name says: in `Ses01F_impro01_M003` the man of session 1 speaks, in an improvised dialog."""

    dialog: str
    kind: str
    session: str
    speaker: str


def parse_dialog(name: str) -> tuple[str, str]:
    """Reads a dialog's name.

    >>> parse_dialog("Ses05M_script01_1b")
    ('5', 'scripted')

    Returns:
        The session and `improvised` or `scripted`. The letter before the underscore, which tells who wore the markers, is of no use here.

    Raises:
        CorpusError: The name has another form.
    """
    match = _DIALOG.fullmatch(name)
    if match is None:
        raise CorpusError(f"dialog {name!r}, expected {_DIALOG_FORM}")
    return match[1], "improvised" if match[2] else "scripted"


def parse_turn(name: str) -> TurnName:
    """Reads a turn's name, which is the dialog's and five characters more.

    >>> parse_turn("Ses03M_impro05a_F012")
    TurnName(dialog='Ses03M_impro05a', kind='improvised', session='3', speaker='3F')

    Raises:
        CorpusError: The name has another form.
    """
    dialog, tail = name[:-5], _TAIL.fullmatch(name[-5:])
    if tail is None:
        raise CorpusError(f"turn {name!r}, expected <dialog>_<F|M><3 digits>")
    session, kind = parse_dialog(dialog)
    return TurnName(dialog, kind, session, session + tail[1])


def read_labels(path: Path, session: str, codes: dict[str, str]) -> list[str]:
    """Adds the turns of a label file, with their codes, to those read before; returns what is wrong with the file."""
    try:
        if parse_dialog(path.stem)[0] != session:
            return [f"{path}: a dialog of another session, expected dialogs of session {session}"]
    except CorpusError as error:
        return [f"{path}: {error}"]
    problems = []
    with path.open(encoding="latin-1") as stream:  # raters' comments may hold any byte
        for number, line in enumerate(stream, start=1):
            if not line.lstrip().startswith("["):
                continue  # the header, a rater's line or a blank one
            try:
                turn, code = _read_label(line.rstrip(), path.stem, codes)
            except CorpusError as error:
                problems.append(f"{path}, line {number}: {error}")
            else:
                codes[turn] = code
    return problems


def _read_label(line: str, dialog: str, known: Mapping[str, str]) -> tuple[str, str]:
    """Returns turn and code of a label line."""
    match = _LABEL.fullmatch(line)
    if match is None:
        raise CorpusError(f"{line!r}, expected {_LABEL_FORM}")
    turn, code = match.groups()
    if parse_turn(turn).dialog != dialog:
        raise CorpusError(f"turn {turn!r}, expected turns of the dialog {dialog}")
    if turn in known:
        raise CorpusError(f"turn {turn!r} is labelled a second time, expected one label a turn")
    return turn, code
