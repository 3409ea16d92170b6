"""Who trains, who validates, who tests, and which epoch counts: the protocol as values. Neither Keras nor TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class LeakError(ValueError):
    """A split in which something of the test would be known beforehand."""


@dataclass(frozen=True)
class Fold:
    """One split by speakers.

    Attributes:
        train: Speakers whose segments fit the weights and the normalisation.
        validation: The speaker on whom the epoch is chosen.
        test: The speaker who is judged, after that.

    Raises:
        LeakError: A speaker in two parts, or no training speaker.
    """

    train: tuple[str, ...]
    validation: str
    test: str

    def __post_init__(self) -> None:
        if not self.train:
            raise LeakError(f"fold with test speaker {self.test!r} has no training speaker, expected at least one")
        parts = [*self.train, self.validation, self.test]
        twice = sorted({speaker for speaker in parts if parts.count(speaker) > 1})
        if twice:
            raise LeakError(f"fold with test speaker {self.test!r} has speaker(s) {twice} in two parts, expected disjoint parts")


def leave_one_speaker_out(speakers: Iterable[str], partner: Mapping[str, str] | None = None) -> list[Fold]:
    """One fold a speaker: that one tests, another validates, the rest train (letter, section III).

    Args:
        speakers: At least three.
        partner: The validation speaker of each test speaker, such as the other speaker of the session; without it the next speaker
            in sorted order, cyclically.

    Returns:
        The folds in the sorted order of their test speakers.

    Raises:
        LeakError: Fewer than three speakers, a nameless speaker, or a partner who is not one of them.
    """
    ordered = sorted(set(speakers))
    if len(ordered) < 3 or not all(ordered):
        raise LeakError(f"speakers are {ordered}, expected at least three names: one tests, one validates, the rest train")
    following = dict(zip(ordered, [*ordered[1:], ordered[0]], strict=True)) if partner is None else dict(partner)
    strangers = sorted(test for test in ordered if following.get(test) not in ordered)
    if strangers:
        raise LeakError(f"speaker(s) {strangers} have no validation partner among {ordered}")
    return [
        Fold(tuple(speaker for speaker in ordered if speaker not in (test, following[test])), following[test], test) for test in ordered
    ]


def check_leaks(fold: Fold, utterances: Iterable[tuple[str, str, str]]) -> None:
    """Makes sure that no utterance and no identical audio stands in two parts of a fold.

    Args:
        fold: The split.
        utterances: Name, speaker and the audio's sha256 of all utterances of the corpus.

    Raises:
        LeakError: A name or a checksum in two parts, or a speaker of the fold without an utterance; the message lists all of them.
    """
    part = dict.fromkeys(fold.train, "training") | {fold.validation: "validation", fold.test: "test"}
    seen: dict[tuple[str, str], tuple[str, str]] = {}
    problems, heard = [], set()
    for name, speaker, checksum in utterances:
        if speaker not in part:
            continue
        heard.add(speaker)
        for kind, value in (("utterance", name), ("audio", checksum)):
            where, first = seen.setdefault((kind, value), (part[speaker], name))
            if where != part[speaker]:
                problems.append(f"the same {kind} {value} is in {where} ({first}) and in {part[speaker]} ({name})")
    problems += [f"speaker {speaker} has no utterance" for speaker in sorted(set(part) - heard)]
    if problems:
        raise LeakError(f"fold with test speaker {fold.test!r}: {'; '.join(problems)}; expected disjoint parts")


def chosen_epoch(curve: Sequence[Mapping[str, Any]]) -> int:
    """The epoch with the best UAR on the validation speaker; of equals the lower validation loss, then the earlier.

    Args:
        curve: Entries with `epoch`, `validation_uar` and `validation_loss`.

    Returns:
        The entry's `epoch`.

    Raises:
        ValueError: No entry.
    """
    if not curve:
        raise ValueError("the validation curve is empty, expected at least one epoch")
    return max(curve, key=lambda entry: (entry["validation_uar"], -entry["validation_loss"], -entry["epoch"]))["epoch"]
