"""What two parts of a fold share: recordings, speakers, sentences, sessions; from the labels alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from ser_acrnn import tables
from ser_acrnn.auditing.findings import Finding, named, numbers, sentence, where
from ser_acrnn.auditing.split import TEST, TRAIN, VALIDATION, Recording, Split, SplitFold, natural

_TEST_KNOWN, _TEST_CHOSEN_BY, _CHOICE_KNOWN = (TRAIN, TEST), (VALIDATION, TEST), (TRAIN, VALIDATION)
# What is compared: attribute of a recording, between which parts it is looked for, and where of these it is wrong.
_KINDS = {
    "recordings": ("key", (_TEST_KNOWN, _TEST_CHOSEN_BY, _CHOICE_KNOWN), (_TEST_KNOWN, _TEST_CHOSEN_BY, _CHOICE_KNOWN)),
    "speakers": ("speaker", (_TEST_KNOWN, _TEST_CHOSEN_BY, _CHOICE_KNOWN), (_TEST_KNOWN, _TEST_CHOSEN_BY)),
    "sentences": ("text", (_TEST_KNOWN,), ()),
    "sessions": ("session", (_TEST_KNOWN, _TEST_CHOSEN_BY, _CHOICE_KNOWN), (_TEST_KNOWN,)),
}


@dataclass(frozen=True)
class _Shared:
    """What a fold's later part shares with an earlier one.

    Attributes:
        fold: Name of the fold.
        names: What both have.
        earlier: How many there are in the earlier part.
        later: Likewise.
        mentions: How many recordings of the later part have them.
        size: How many recordings that part has.
    """

    fold: str
    names: tuple[str, ...]
    earlier: int
    later: int
    mentions: int
    size: int


def shared(split: Split) -> Iterator[tuple[Finding, bool]]:
    """Yields what parts share, and whether it is wrong.

    Wrong is what lets something of the test be known beforehand: shared recordings, and speakers and sessions of the test part in training,
    or speakers of it in validation; sentences where they are to be new.
    """
    for kind, (role, pairs, wrong) in _KINDS.items():
        for earlier, later in pairs:
            found = [one for fold in split.folds if (one := _of(fold, role, earlier, later))]
            if (kind, earlier, later) == ("recordings", *_TEST_CHOSEN_BY):
                same = [one for one in found if len(one.names) == one.earlier == one.later]
                if same:
                    yield _selection(same, len(split.folds)), True
                found = [one for one in found if one not in same]
            if found:
                is_wrong = split.unseen_texts if kind == "sentences" else (earlier, later) in wrong
                yield _finding(kind, found, earlier, later, len(split.folds)), is_wrong


def overlapping(split: Split) -> Iterator[Finding]:
    """Yields segments of the same file that are in two parts and share some time, though they are not the same."""
    for earlier, later in _KINDS["recordings"][1]:
        found = {fold.name: pairs for fold in split.folds if (pairs := _overlaps(fold.part(earlier), fold.part(later)))}
        if found:
            names = tuple(sorted({name for pairs in found.values() for name in pairs}, key=natural))
            place = "training" if earlier == TRAIN else earlier
            counts = [len(pairs) for pairs in found.values()]
            words = ("segments", "share") if max(counts) > 1 else ("segment", "shares")
            text = (
                f"{where(list(found), len(split.folds))}{numbers(counts)} {words[0]} of the {later} part {words[1]} time with another of "
            )
            text += f"the same file in the {place} part: {named(names)}"
            yield Finding("segments", sentence(text), len(names), names, tuple(found), (earlier, later))


def _overlaps(earlier: Iterable[Recording], later: Iterable[Recording]) -> list[str]:
    """Those of the later ones, each with one of the earlier."""
    heard: dict[tuple[str, str], list[tuple[Recording, tuple[float, float]]]] = {}
    for one in earlier:
        if one.path and (seconds := one.seconds):
            heard.setdefault((one.file, one.table), []).append((one, seconds))
    found = []
    for one in later:
        others = heard.get((one.file, one.table), []) if one.path else []
        if not (times := one.seconds) or any(other.key == one.key for other, _ in others):
            continue
        at_once = (other for other, (start, end) in others if start < times[1] and times[0] < end)
        if other := next(at_once, None):
            found.append(f"{one.key} and {other.key}")
    return found


def alike(split: Split) -> Iterator[tuple[Finding, bool]]:
    """Yields names that differ in case, spaces or leading zeros alone; of speakers it is wrong, since they may be one."""
    for kind, role in (("speakers", "speaker"), ("emotions", "emotion")):
        named = sorted({getattr(recording, role) for recording in split.recordings} - {""})
        for names in map(tuple, tables.look_alike(named)):
            text = f"the {kind} {' and '.join(map(repr, names))} look alike, and are taken for different ones"
            yield Finding("similar-names", sentence(text), len(names), names), role == "speaker"


def conflicts(recordings: Iterable[Recording]) -> Iterator[Finding]:
    """Yields those of some recordings that have two emotions, or two speakers."""
    listed = list(recordings)
    for kind, role in (("label-conflicts", "emotion"), ("speaker-conflicts", "speaker")):
        said: dict[str, set[str]] = {}
        for recording in listed:
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


def _of(fold: SplitFold, role: str, earlier: str, later: str) -> _Shared | None:
    value = attrgetter(role)
    first, second = ({value(one) for one in fold.part(part)} - {""} for part in (earlier, later))
    if not (names := first & second):
        return None
    every = {one.key: value(one) for one in fold.part(later)}
    mentions = sum(found in names for found in every.values())
    return _Shared(fold.name, tuple(sorted(names, key=natural)), len(first), len(second), mentions, len(every))


def _finding(kind: str, found: list[_Shared], earlier: str, later: str, folds: int) -> Finding:
    names = tuple(sorted({name for one in found for name in one.names}, key=natural))
    counts = [len(one.names) for one in found]
    everyone = all(len(one.names) == one.later for one in found)
    several = max(one.later for one in found) > 1
    which = f"{numbers(counts)} of the {numbers([one.later for one in found])}"
    if everyone:
        which = f"all {numbers(counts)}" if several else "the only"
    start = where([one.fold for one in found], folds)
    words = kind if several else kind[:-1]
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


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
