"""Who trains, who validates, who tests, and which epoch counts: the protocol as values and checks. Neither Keras nor TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LEAVE_ONE_SPEAKER_OUT = "leave-one-speaker-out"
SPEAKER_AND_TEXTS = "leave-one-speaker-and-texts-out"
LEAKY_RANDOM, LEAKY_SEGMENTS, LEAKY_CHOICE, LEAKY_NORMALISATION = (
    f"leaky-{what}" for what in ("random", "segments", "choice", "normalisation")
)
# What a fold leaves out. The paper's is the first. The leaky ones are here solely to show by how much each flatters: utterances are split
# at random, so that every voice of the test is known from training; so are 3 s segments, so that utterances are too; the test speaker
# chooses the epoch; the features are normalised over the whole corpus, the test speaker's among them.
PROTOCOLS = (
    LEAVE_ONE_SPEAKER_OUT,
    "leave-one-session-out",
    "leave-one-group-out",
    SPEAKER_AND_TEXTS,
    LEAKY_RANDOM,
    LEAKY_SEGMENTS,
    LEAKY_CHOICE,
    LEAKY_NORMALISATION,
)
_FLATTER = "these numbers flatter, and say nothing of speakers that were not heard"
# What a fold of each tests, in words; and, where somebody validates, on whom it chooses the epoch.
TESTS = {
    LEAVE_ONE_SPEAKER_OUT: ("each fold tests one speaker", "another one"),
    "leave-one-session-out": ("each fold tests the speakers of one session", "those of another"),
    "leave-one-group-out": ("each fold tests one group of speakers", "another one"),
    SPEAKER_AND_TEXTS: ("each fold tests one speaker on sentences that nobody says in training", "another one"),
    LEAKY_RANDOM: (
        f"LEAKY: the utterances are split at random, the voices of the test are known from training; {_FLATTER}; each fold tests one part",
        "another one",
    ),
    LEAKY_SEGMENTS: (
        f"LEAKY: segments are split at random, the utterances of the test are known from training; {_FLATTER}; each fold tests one part",
        "another one",
    ),
    LEAKY_CHOICE: (f"LEAKY: the test speaker chooses; {_FLATTER}; each fold tests one speaker", "the same one"),
    LEAKY_NORMALISATION: (
        f"LEAKY: features are normalised over the whole corpus, the test speaker's among them; {_FLATTER}; each fold tests one speaker",
        "another one",
    ),
}
SPEAKERS_SHARED = (LEAKY_RANDOM, LEAKY_SEGMENTS)
BY_SPEAKER = (LEAVE_ONE_SPEAKER_OUT, LEAKY_CHOICE, LEAKY_NORMALISATION)  # whose groups are the speakers
RANDOM_PARTS = 10


class LeakError(ValueError):
    """A split or a use of it in which something of the test would be known beforehand."""


@dataclass(frozen=True)
class Fold:
    """One split by speakers, or by groups of speakers such as sessions.

    Attributes:
        train: Speakers whose segments fit the weights and the normalisation.
        validation: The speaker on whom the epoch is chosen; None where it is fixed beforehand.
        test: The speaker who is judged, after that.

    Raises:
        LeakError: A speaker in two parts, or no training speaker.
        TypeError: A name alone where several are expected.
    """

    train: tuple[str, ...]
    validation: str | None
    test: str

    def __post_init__(self) -> None:
        _refuse_text("train", self.train)
        if not self.train:
            raise LeakError(f"fold with test speaker {self.test!r} has no training speaker, expected at least one")
        everyone = [*self.heard, self.test]
        twice = sorted({speaker for speaker in everyone if everyone.count(speaker) > 1})
        if twice:
            raise LeakError(f"fold with test speaker {self.test!r} has speaker(s) {twice} in two parts, expected disjoint parts")

    @property
    def heard(self) -> tuple[str, ...]:
        """Who is read before the test: training and validation."""
        return self.train if self.validation is None else (*self.train, self.validation)

    def exchanged(self) -> Fold:
        """The fold in which the test speaker chooses the epoch, and who validates here tests: what `leaky-choice` trains.

        Raises:
            LeakError: Nobody validates.
        """
        if self.validation is None:
            raise LeakError(f"fold with test speaker {self.test!r} has nobody who validates, expected one to exchange with")
        return Fold(self.train, self.test, self.validation)

    def without_validation(self) -> Fold:
        """The fold in which the validation speaker trains too."""
        return Fold(tuple(sorted(self.heard)), None, self.test)


def grouping(
    protocol: str, utterances: Iterable[tuple[str, str, str]], groups: Mapping[str, str] | None = None, seed: int = 0
) -> dict[str, str]:
    """What the folds of a protocol leave out: the group of each utterance.

    Args:
        protocol: One of `PROTOCOLS`, but leave-one-speaker-and-texts-out, whose folds have groups of their own.
        utterances: Name, speaker and session of each utterance of the corpus.
        groups: Speaker -> group, for `leave-one-group-out`.
        seed: What the random parts are drawn by.

    Returns:
        Utterance -> speaker, session, group of its speaker, or one of ten random parts of nearly equal size.

    Raises:
        LeakError: An utterance has no speaker, or not what the protocol splits by; or a speaker is in two sessions.
        ValueError: An unknown protocol.
    """
    rows = list(utterances)
    if nameless := [name for name, speaker, _ in rows if not speaker]:
        raise LeakError(f"{len(nameless)} utterance(s) have no speaker, such as {nameless[0]!r}, expected one each")
    if protocol in BY_SPEAKER:
        return {name: speaker for name, speaker, _ in rows}
    if protocol == "leave-one-session-out":
        group_of = {speaker: session for _, speaker, session in rows}
        if torn := sorted({speaker for _, speaker, session in rows if group_of[speaker] != session}):
            raise LeakError(f"speaker(s) {torn} are in several sessions, expected one each for leave-one-session-out")
    elif protocol == "leave-one-group-out":
        group_of = dict(groups or {})
    elif protocol in SPEAKERS_SHARED:
        import numpy as np  # folds of speakers need the standard library alone

        names = sorted(name for name, _, _ in rows)
        order = np.random.default_rng(seed).permutation(len(names))
        return {names[index]: f"part{place % RANDOM_PARTS}" for place, index in enumerate(order)}
    elif protocol == SPEAKER_AND_TEXTS:
        raise ValueError(f"{protocol} has groups of its own for each fold, expected `leave_one_speaker_and_texts_out` to make them")
    else:
        raise ValueError(f"no protocol is called {protocol!r}, expected one of {PROTOCOLS}")
    if homeless := sorted({speaker for _, speaker, _ in rows if not group_of.get(speaker)}):
        raise LeakError(f"speaker(s) {homeless} have no {protocol.split('-')[2]}, expected one for {protocol}")
    return {name: group_of[speaker] for name, speaker, _ in rows}


def leave_one_speaker_out(speakers: Iterable[str], partner: Mapping[str, str] | None = None) -> list[Fold]:
    """One fold a speaker: that one tests, another validates, the rest train (paper, section III). Groups of speakers do as well.

    Args:
        speakers: At least three.
        partner: The validation speaker of each test speaker, such as the other speaker of the session; without it the next speaker
            in sorted order, cyclically.

    Returns:
        The folds in the sorted order of their test speakers.

    Raises:
        LeakError: Fewer than three speakers, a nameless speaker, or a partner who is not one of them.
        TypeError: A name alone.
    """
    _refuse_text("speakers", speakers)
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


def _refuse_text(what: str, names: Iterable[str]) -> None:
    if isinstance(names, str):  # it would be taken for its letters
        raise TypeError(f"{what} is the text {names!r}, expected a list or tuple of names")


TEXTS_TOGETHER = 2


def leave_one_speaker_and_texts_out(
    speakers: Mapping[str, str], texts: Mapping[str, str], partner: Mapping[str, str] | None = None
) -> list[tuple[Fold, dict[str, str]]]:
    """Folds in which neither the speaker nor the sentence of a test utterance is in training or validation.

    Sentences are left out in pairs of their sorted order. The folds of a pair are those of `leave_one_speaker_out`; whoever does not test
    says the other sentences alone.

    Args:
        speakers: Utterance -> speaker.
        texts: Utterance -> sentence.
        partner: See `leave_one_speaker_out`.

    Returns:
        Each fold with the group of every utterance: its speaker, or where its sentence is left out speaker and sentences, `03-a01+a02`.

    Raises:
        LeakError: See `leave_one_speaker_out`; or fewer than four sentences.
    """
    every = sorted(set(texts.values()))
    if len(every) < 2 * TEXTS_TOGETHER:
        raise LeakError(f"the sentences are {every}, expected {2 * TEXTS_TOGETHER} or more: some are left out, the rest train")
    found = []
    for start in range(0, len(every), TEXTS_TOGETHER):
        left_out = every[start : start + TEXTS_TOGETHER]
        name = {speaker: f"{speaker}-{'+'.join(left_out)}" for speaker in speakers.values()}
        groups = {utterance: name[speaker] if texts[utterance] in left_out else speaker for utterance, speaker in speakers.items()}
        folds = leave_one_speaker_out(speakers.values(), partner)
        found += [(Fold(fold.train, fold.validation, name[fold.test]), groups) for fold in folds if name[fold.test] in groups.values()]
    return found


def check_leaks(fold: Fold, utterances: Iterable[tuple[str, str, str, str]], *, speakers: bool = True) -> None:
    """Makes sure that no speaker, no utterance and no identical audio stands in two parts of a fold.

    Args:
        fold: The split.
        utterances: Name, group, speaker and the audio's sha256 of all utterances of the corpus; the group is what the fold splits by.
        speakers: False lets a speaker stand in two parts, which is what `SPEAKERS_SHARED` are about.

    Raises:
        LeakError: A name, a speaker or a checksum in two parts, or a group of the fold without an utterance; the message lists all.
    """
    part = {speaker: "training" if speaker in fold.train else "validation" for speaker in fold.heard} | {fold.test: "test"}
    seen: dict[tuple[str, str], tuple[str, str]] = {}
    problems, heard = [], set()
    for name, group, speaker, checksum in utterances:
        if group not in part:
            continue
        heard.add(group)
        for kind, value in (("utterance", name), ("audio", checksum), *([("speaker", speaker)] if speakers else [])):
            where, first = seen.setdefault((kind, value), (part[group], name))
            if where != part[group]:
                problems.append(f"the same {kind} {value} is in {where} ({first}) and in {part[group]} ({name})")
    problems += [f"{group} has no utterance" for group in sorted(set(part) - heard)]
    if problems:
        raise LeakError(f"fold with test {fold.test!r}: {'; '.join(problems)}; expected disjoint parts")


def chosen_epoch(curve: Sequence[Mapping[str, Any]], choice: str = "validation") -> int:
    """The epoch with the best UAR on the validation speaker; of equals the lower validation loss, then the earlier. Or the last one.

    Args:
        curve: Entries with `epoch`, `validation_uar` and `validation_loss`.
        choice: `"validation"`, or `"last"`, which does not look at the validation speaker.

    Returns:
        The entry's `epoch`.

    Raises:
        ValueError: No entry.
    """
    if not curve:
        raise ValueError("the validation curve is empty, expected at least one epoch")
    if choice == "last":
        return curve[-1]["epoch"]
    return max(curve, key=lambda entry: (entry["validation_uar"], -entry["validation_loss"], -entry["epoch"]))["epoch"]


def impatient(curve: Sequence[Mapping[str, Any]], choice: str, patience: int) -> bool:
    """Whether a training ends here: so many epochs have passed since the best one; see `chosen_epoch`."""
    return curve[-1]["epoch"] - chosen_epoch(curve, choice) >= patience
