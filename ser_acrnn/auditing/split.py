"""What a split is to the audit: recordings, and which of them are in which part of which fold."""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

TRAIN, VALIDATION, TEST = PARTS = ("train", "validation", "test")
_WORDS = {
    TRAIN: ("train", "training", "trn"),
    VALIDATION: ("validation", "valid", "val", "dev", "devel", "development"),
    TEST: ("test", "testing", "tst", "eval", "evaluation", "heldout"),
}
_PART_OF_WORD = {word: part for part, words in _WORDS.items() for word in words}


class SplitError(ValueError):
    """A split that cannot be read or made; the message names file, value and expectation."""


@dataclass(frozen=True)
class Recording:
    """A recording as a split names it; what is not known is "".

    Attributes:
        id: Its name in the split.
        path: Its file, as the split has it.
        segment: Which part of the file it is, such as `[0.5,1.5]`, in seconds; "": all of it.
        speaker: Who speaks.
        emotion: Label.
        text: Which sentence is said.
        session: The session, or the dialogue, in which it was recorded.
        sex: Of the speaker.
        table: The file that names it, where each file begins its names anew; "" elsewhere.
        more: All that the split says of it, by its own names.
    """

    id: str
    path: str = ""
    segment: str = ""
    speaker: str = ""
    emotion: str = ""
    text: str = ""
    session: str = ""
    sex: str = ""
    table: str = ""
    more: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        """What the split calls it: its file where it names one."""
        return self.path or self.id

    @cached_property
    def key(self) -> str:
        """What two mentions of one recording have in common: file and segment, or else the name."""
        found = f"{self.file}{self.segment}" if self.path else self.id
        return f"{found} of {self.table}" if self.table else found

    @property
    def file(self) -> str:
        """Its path in one form."""
        return posixpath.normpath(self.path.replace("\\", "/"))

    @property
    def seconds(self) -> tuple[float, float] | None:
        """From when to when it is in its file, all of which is from 0 to infinity; None where the segment says no times."""
        start, _, end = self.segment.strip("[]").partition(",")
        try:
            return float(start or 0), float(end or math.inf)
        except ValueError:
            return None


@dataclass(frozen=True)
class Row:
    """A recording as a table lists it.

    Attributes:
        recording: The recording.
        part: One of `PARTS`; "" where the table does not say.
        fold: Name of the fold; "" where there is one alone.
    """

    recording: Recording
    part: str = ""
    fold: str = ""


@dataclass(frozen=True)
class SplitFold:
    """One fold: the recordings of each part, of which those of `train` and `validation` are heard before those of `test`."""

    name: str
    train: tuple[Recording, ...]
    validation: tuple[Recording, ...]
    test: tuple[Recording, ...]

    def part(self, name: str) -> tuple[Recording, ...]:
        """The recordings of one of `PARTS`."""
        return {TRAIN: self.train, VALIDATION: self.validation, TEST: self.test}[name]

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """Those of all parts."""
        return self.train + self.validation + self.test


@dataclass(frozen=True)
class Split:
    """A split of a corpus.

    Attributes:
        name: For reports and errors.
        folds: At least one, each with a training and a test part.
        corpus: The corpus whose file names it has, see `ser_acrnn.auditing.conventions`; "" of none that is known.
        unseen_texts: Whether the test's sentences are to be new; elsewhere everybody may say the same ones, as in most acted corpora.
    """

    name: str
    folds: tuple[SplitFold, ...]
    corpus: str = ""
    unseen_texts: bool = False

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """All mentions of recordings, in the order of folds and parts."""
        return tuple(recording for fold in self.folds for recording in fold.recordings)


@cache
def part_named(word: str) -> str:
    """The part that a word means, such as `dev` or `test-1`; "" of any other."""
    return _PART_OF_WORD.get(re.sub(r"[\s_.-]*(?:set|split|part)?[\s_.-]*\d*$", "", word.strip().casefold()).replace("-", ""), "")


def folds_of(rows: Iterable[Row], source: str) -> tuple[SplitFold, ...]:
    """Puts rows together: by fold and part; of rows that have a fold alone, each fold tests its own and trains on all others.

    Raises:
        SplitError: Rows say neither, some do and some do not, or a fold has no training or no test part.
    """
    listed = list(rows)
    by_fold = [row for row in listed if row.fold and not row.part]
    if by_fold and len(by_fold) < len(listed):
        raise SplitError(f"{source}: {len(by_fold)} of {len(listed)} rows have a fold and no part, expected all of them or none")
    names = sorted({row.fold for row in listed}, key=natural)
    if "" in names and len(names) > 1:
        one = next(row.recording.id for row in listed if not row.fold)
        raise SplitError(f"{source}: {one!r} has no fold, and others do, expected all of them or none to have one")
    if by_fold:
        found = [_tested_in_turn(name, by_fold) for name in names]
    else:
        if nowhere := [row for row in listed if not row.part]:
            raise SplitError(
                f"{source}: {nowhere[0].recording.id!r} has neither a part nor a fold ({len(nowhere)} of {len(listed)}), expected a column "
                "for either, or files or folders named train, validation and test; `ser-acrnn split` makes a split of recordings"
            )
        found = [_fold(name, [row for row in listed if row.fold == name]) for name in names]
    for fold in found:
        if absent := [part for part in (TRAIN, TEST) if not fold.part(part)]:
            which = f"fold {fold.name}" if fold.name else "the split"
            raise SplitError(f"{source}: {which} has no {absent[0]} part, expected recordings there")
    return tuple(found)


def natural(text: str) -> list[tuple[int, str]]:
    """What sorts `fold 10` behind `fold 9`."""
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in re.split(r"(\d+)", text)]


def _tested_in_turn(name: str, rows: Sequence[Row]) -> SplitFold:
    train, test = (tuple(row.recording for row in rows if (row.fold == name) is tests) for tests in (False, True))
    return SplitFold(name, train, (), test)


def _fold(name: str, rows: Sequence[Row]) -> SplitFold:
    train, validation, test = (tuple(row.recording for row in rows if row.part == part) for part in PARTS)
    return SplitFold(name, train, validation, test)
