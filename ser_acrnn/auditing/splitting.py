"""Recordings -> a split in which nobody of the test is heard before: by speaker, by groups of speakers, by session, or by sentence too."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ser_acrnn.auditing.findings import named
from ser_acrnn.auditing.split import Recording, Split, SplitError, SplitFold, natural
from ser_acrnn.evaluation import protocol

SPEAKER, GROUP, SESSION, SPEAKER_AND_TEXT = SCHEMES = ("speaker", "group", "session", "speaker-and-text")
FOLDS = 5  # groups of speakers where a user does not say how many


def made(
    recordings: Sequence[Recording], scheme: str = SPEAKER, *, name: str = "split", folds: int = 0, validation: bool = True, seed: int = 0
) -> Split:
    """Divides recordings into folds.

    Args:
        recordings: Each once, with its speaker; for sessions and sentences with those, too.
        scheme: What a fold tests: each speaker, groups of speakers with the emotions and sexes of all as nearly as speakers allow, each
            session, or each speaker on sentences that nobody says in training.
        name: Of the split.
        folds: Number of groups of speakers; 0: five, and of `speaker-and-text` each speaker alone.
        validation: Whether the next speaker, group or session chooses the epoch; of two speakers a session, the partner does.
        seed: What the groups are drawn by.

    Raises:
        SplitError: A speaker, session or sentence is not known, or there are fewer speakers, or recordings of each emotion, than
            folds, or one fold.
        LeakError: There are fewer than three speakers, groups or sessions, or than two where nobody validates, or fewer than four
            sentences; or a speaker is in two sessions.
    """
    if scheme not in SCHEMES:
        raise SplitError(f"the scheme is {scheme!r}, expected one of {', '.join(SCHEMES)}")
    needed = {SESSION: ("speaker", "session"), SPEAKER_AND_TEXT: ("speaker", "text")}.get(scheme, ("speaker",))
    for role in needed:
        if missing := sorted(one.key for one in recordings if not getattr(one, role)):
            raise SplitError(
                f"{name}: the {role} of {len(missing)} recordings is not known ({named(missing)}), expected a column or a rule for it"
            )
    by_key = {one.key: one for one in recordings}
    speakers = {key: one.speaker for key, one in by_key.items()}
    if scheme == GROUP or (scheme == SPEAKER_AND_TEXT and folds):
        groups = _stratified(recordings, folds or FOLDS, seed, name)
    elif scheme == SESSION:
        groups = protocol.grouping("leave-one-session-out", ((one.key, one.speaker, one.session) for one in recordings))
    else:
        groups = speakers
    if scheme == SPEAKER_AND_TEXT:
        found = protocol.leave_one_speaker_and_texts_out(groups, {key: one.text for key, one in by_key.items()})
    else:
        found = [(fold, groups) for fold in _one_out(sorted(set(groups.values())), scheme, recordings, validation, name)]
    parts = [(fold if validation else fold.without_validation(), group_of) for fold, group_of in found]
    ordered = sorted(parts, key=lambda pair: natural(pair[0].test))
    return Split(name, tuple(_fold(fold, group_of, by_key) for fold, group_of in ordered), unseen_texts=scheme == SPEAKER_AND_TEXT)


def _one_out(groups: Sequence[str], scheme: str, recordings: Sequence[Recording], validation: bool, name: str) -> list[protocol.Fold]:
    """A fold each group; two are enough where nobody validates."""
    if len(groups) < (fewest := 2 + validation):
        what = {SPEAKER: "speakers", SESSION: "sessions"}.get(scheme, "groups of speakers")
        who = "one tests, one validates, the rest train" if validation else "one tests, the rest train"
        raise protocol.LeakError(f"{name}: has the {what} {list(groups)}, expected {fewest} at least: {who}")
    if not validation:
        return [protocol.Fold(tuple(other for other in groups if other != test), None, test) for test in groups]
    return protocol.leave_one_speaker_out(groups, _partners(recordings) if scheme == SPEAKER else None)


def _stratified(recordings: Sequence[Recording], folds: int, seed: int, name: str) -> dict[str, str]:
    """The number of the group that each recording's speaker is in, partners of a session in the same where there are sessions enough."""
    from sklearn.model_selection import StratifiedGroupKFold

    speakers = [one.speaker for one in recordings]
    if folds < 2:
        raise SplitError(f"{name}: folds is {folds}, expected 2 or more")
    if folds > len(set(speakers)):
        raise SplitError(f"{name}: has {len(set(speakers))} speakers, expected at least as many as folds, {folds}")
    classes = [f"{one.emotion}/{one.sex}" for one in recordings]
    if folds > (most := max(Counter(classes).values())):
        raise SplitError(f"{name}: has at most {most} recordings of an emotion and sex, expected at least as many as folds, {folds}")
    sessions = [one.session for one in recordings]
    whole = all(sessions) and len(set(zip(speakers, sessions, strict=True))) == len(set(speakers)) and len(set(sessions)) >= folds
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of classes with fewer recordings than folds, which the audit names
        parting = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        parts = list(parting.split(classes, classes, sessions if whole else speakers))
    return {recordings[place].key: str(number) for number, (_, places) in enumerate(parts, 1) for place in places}


def _partners(recordings: Iterable[Recording]) -> dict[str, str] | None:
    """The other speaker of each speaker's session; None unless every session has two, and every speaker one session."""
    sessions: dict[str, set[str]] = {}
    for one in recordings:
        sessions.setdefault(one.session, set()).add(one.speaker)
    speakers = [speaker for pair in sessions.values() for speaker in pair]
    if "" in sessions or any(len(pair) != 2 for pair in sessions.values()) or len(speakers) > len(set(speakers)):
        return None
    return {speaker: next(iter(pair - {speaker})) for pair in sessions.values() for speaker in pair}


def _fold(fold: protocol.Fold, group_of: Mapping[str, str], by_key: Mapping[str, Recording]) -> SplitFold:
    heard = (fold.train, () if fold.validation is None else (fold.validation,), (fold.test,))
    return SplitFold(fold.test, *(tuple(one for key, one in by_key.items() if group_of[key] in groups) for groups in heard))
