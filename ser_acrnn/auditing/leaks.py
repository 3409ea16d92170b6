"""What two parts of a fold share: recordings, speakers, sentences, sessions; from the labels alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ser_acrnn import tables
from ser_acrnn.auditing.findings import Finding, named, numbers, sentence, where
from ser_acrnn.auditing.split import TEST, TRAIN, VALIDATION, Recording, Split, SplitFold, natural

ROLES = {"recordings": "key", "speakers": "speaker", "sentences": "text", "sessions": "session"}
_PAIRS = ((TRAIN, TEST), (VALIDATION, TEST), (TRAIN, VALIDATION))


@dataclass(frozen=True)
class _Shared:
    """What a fold's later part shares with an earlier one."""

    fold: str
    names: tuple[str, ...]
    of: int
    mentions: int
    size: int


def shared(split: Split) -> Iterator[tuple[Finding, bool]]:
    """Yields what parts share, and whether it is wrong.

    Wrong is what lets something of the test be known beforehand: shared recordings, and speakers, sentences or sessions of the test part
    in training, or speakers of it in validation; sentences where they are to be new.
    """
    for kind, role in ROLES.items():
        for earlier, later in _PAIRS:
            found = [one for fold in split.folds if (one := _of(fold, role, earlier, later))]
            if kind == "recordings" and (earlier, later) == (VALIDATION, TEST):
                same = [one for one in found if one.mentions == one.size and one.of == _different(split, one.fold)]
                if same:
                    yield _selection(same, len(split.folds)), True
                found = [one for one in found if one not in same]
            if found and not (kind == "sentences" and (earlier, later) != (TRAIN, TEST)):  # nothing is tested by the others
                yield _finding(kind, found, earlier, later, len(split.folds)), _is_wrong(kind, earlier, later, split)


def alike(split: Split) -> Iterator[Finding]:
    """Yields speakers and emotions whose names differ in case, spaces or leading zeros, and are taken for different ones."""
    for kind, role in (("speakers", "speaker"), ("emotions", "emotion")):
        groups: dict[str, set[str]] = {}
        for value in {getattr(recording, role) for recording in split.recordings} - {""}:
            groups.setdefault(tables.alike(value), set()).add(value)
        for names in (tuple(sorted(group)) for group in groups.values() if len(group) > 1):
            text = f"the {kind} {' and '.join(map(repr, names))} look alike, and are taken for different ones"
            yield Finding("similar-names", sentence(text), len(names), names)


def conflicts(split: Split) -> Iterator[Finding]:
    """Yields recordings that have two emotions, or two speakers."""
    for kind, role in (("label-conflicts", "emotion"), ("speaker-conflicts", "speaker")):
        said: dict[str, set[str]] = {}
        for recording in split.recordings:
            if value := getattr(recording, role):
                said.setdefault(recording.key, set()).add(value)
        names = tuple(sorted(key for key, values in said.items() if len(values) > 1))
        if names:
            first = " and ".join(map(repr, sorted(said[names[0]])))
            text = f"{_count(len(names), 'recording')} {'has' if len(names) == 1 else 'have'} two {role}s or more: {named(names)} ({first}"
            yield Finding(kind, sentence(f"{text} of {names[0]})"), len(names), names)


def unknown_speakers(split: Split) -> Iterator[Finding]:
    """Yields recordings whose speaker nothing tells, so that nobody can say who of the test is known from training."""
    names = tuple(sorted({recording.key for recording in split.recordings if not recording.speaker}))
    if names:
        every = len({recording.key for recording in split.recordings})
        which = f"all {every}" if len(names) == every else f"{len(names)} of the {every}"
        text = f"the speakers of {which} recordings are unknown (such as {names[0]}), so that nobody can say whose voice is in two parts"
        yield Finding("unknown-speakers", sentence(text), len(names), names)


def _is_wrong(kind: str, earlier: str, later: str, split: Split) -> bool:
    if kind == "recordings":
        return True
    if kind == "speakers":
        return later == TEST
    if kind == "sentences":
        return split.unseen_texts
    return (earlier, later) == (TRAIN, TEST)


def _of(fold: SplitFold, role: str, earlier: str, later: str) -> _Shared | None:
    value: Callable[[Recording], str] = lambda recording: getattr(recording, role)  # noqa: E731
    first, second = ({value(one) for one in fold.part(part)} - {""} for part in (earlier, later))
    if not (names := first & second):
        return None
    mentions = len({one.key for one in fold.part(later) if value(one) in names})
    return _Shared(fold.name, tuple(sorted(names, key=natural)), len(second), mentions, len({one.key for one in fold.part(later)}))


def _finding(kind: str, found: list[_Shared], earlier: str, later: str, folds: int) -> Finding:
    names = tuple(sorted({name for one in found for name in one.names}, key=natural))
    counts = [len(one.names) for one in found]
    everyone = all(len(one.names) == one.of for one in found)
    which = f"all {numbers(counts)}" if everyone and max(counts) > 1 else f"{numbers(counts)} of the {numbers([one.of for one in found])}"
    start = where([one.fold for one in found], folds)
    words = kind if max(one.of for one in found) > 1 else kind[:-1]
    verb, place = "are" if max(counts) > 1 else "is", "training" if earlier == TRAIN else earlier
    text = f"{start}{which} {words} of the {later} part {verb} in the {place} part, too: {named(names)}"
    if kind != "recordings":
        text += f"; that concerns {sum(one.mentions for one in found)} of {sum(one.size for one in found)} {later} recordings"
    return Finding(kind, sentence(text), len(names), names, tuple(one.fold for one in found), (earlier, later))


def _selection(same: list[_Shared], folds: int) -> Finding:
    names = tuple(sorted({name for one in same for name in one.names}))
    text = (
        f"{where([one.fold for one in same], folds)}the validation part is the test part, recording by recording "
        f"({numbers([one.size for one in same])}): what is chosen by it is chosen on the test"
    )
    return Finding("selection", sentence(text), len(names), names, tuple(one.fold for one in same), (VALIDATION, TEST))


def _different(split: Split, fold: str) -> int:
    return next(len({one.key for one in each.validation}) for each in split.folds if each.name == fold)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
