"""Which turns the look-alike of IEMOCAP has: its dialogs, who speaks in them, with which code, when and how long.

At scale 1 the turns a code, and the improvised ones a speaker and emotion, are the published ones. The shares of the improvised dialogs
in the other codes are ours, but for excited; so is who speaks which of these, and in which dialog.
"""

from __future__ import annotations

import itertools
import zlib
from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from data_prep.corpora.iemocap import EMOTION_OF_CODE, PUBLISHED_COUNTS, PUBLISHED_TURNS, SESSIONS
from data_prep.corpora.iemocap.labels import parse_dialog
from data_prep.synthetic.voice import SynthesisConfig

SCALE = 0.02  # some two hundred turns, of which a quarter is the paper's selection

SCRIPTS = ("script01_1", "script01_2", "script01_3", "script02_1", "script02_2", "script03_1", "script03_2")
# Scenes that became two dialogs, by session and the letter of who wears the markers.
SPLIT_SCENES = {
    "3M": {"impro05": ("impro05a", "impro05b"), "impro08": ("impro08a", "impro08b")},
    "5M": {"script01_1": ("script01_1", "script01_1b")},
}
# Improvised turns of the codes that PUBLISHED_COUNTS does not have; the rest are scripted. 663 are published, the others ours.
IMPROVISED_TURNS = {"exc": 663, "xxx": 1024, "fru": 755, "sur": 44, "fea": 16, "oth": 1, "dis": 1}
# Turns that the release has although they lack a forced alignment: dialog, letter, number. The codes are ours.
UNALIGNED = {("Ses03M_impro03", "M", 1): "neu", ("Ses03F_impro07", "M", 30): "sad"}


@dataclass(frozen=True)
class TurnConfig:
    """Lengths and places of turns. A turn's length is log-normal, cut off at both ends; median and spread are solved from the published
    mean of 4.38 s and the 1353 of 2280 utterances that are longer than 3 s.

    Attributes:
        median_seconds: Median of the length.
        spread: Standard deviation of its logarithm.
        shortest_seconds: Published least length.
        longest_seconds: Published greatest length.
        first_seconds: When a dialog's first turn begins, ours.
        gap_seconds: Least and most silence between turns, ours.
        edge_seconds: Silence before and after the speech, ours.
        sound_seconds: Mean length of a sound in the sentences at a rate of 1, pauses left out, measured.
        words_a_pause: Words for which the speech may pause once to three times, ours.
        tone_seconds: Length of what stands for turns that are not spoken, ours.
        tone_hertz: The pitch of its tone, ours.
    """

    median_seconds: float = 3.51
    spread: float = 0.666
    shortest_seconds: float = 0.73
    longest_seconds: float = 29.13
    first_seconds: float = 6.29
    gap_seconds: tuple[float, float] = (0.2, 1.5)
    edge_seconds: float = 0.05
    sound_seconds: float = 0.075
    words_a_pause: int = 8
    tone_seconds: float = 0.1
    tone_hertz: float = 440.0


TURNS = TurnConfig()
SYNTHESIS = SynthesisConfig()
FRAME_SECONDS = SYNTHESIS.frame_samples / SYNTHESIS.sample_rate_hertz


class Turn(NamedTuple):
    """One turn: its dialog, the letter of who speaks, its number, its code, when it begins and how long it is, in seconds."""

    dialog: str
    letter: str
    number: int
    code: str
    start: float
    seconds: float

    @property
    def name(self) -> str:
        """The turn's name, such as `Ses01F_impro01_M003`."""
        return f"{self.dialog}_{self.letter}{self.number:03}"

    @property
    def session(self) -> str:
        """`1` to `5`."""
        return self.dialog[4]

    @property
    def is_wanted(self) -> bool:
        """Whether it is in the paper's selection."""
        return self.code in EMOTION_OF_CODE and parse_dialog(self.dialog)[1] == "improvised"

    @property
    def is_aligned(self) -> bool:
        """Whether the release has a forced alignment of it."""
        return (self.dialog, self.letter, self.number) not in UNALIGNED


def dialog_names() -> list[str]:
    """Returns the release's 151 dialogs, by session; a scene with a woman's markers is followed by the same with a man's."""
    names = []
    for session, letter in itertools.product(SESSIONS, "FM"):
        scenes = [f"impro{number:02}" for number in range(1, 8 if session == "1" else 9)] + list(SCRIPTS)
        split = SPLIT_SCENES.get(session + letter, {})
        names += [f"Ses0{session}{letter}_{part}" for scene in scenes for part in split.get(scene, (scene,))]
    return sorted(names, key=lambda name: (name[4], name[7:], name[5]))


def plan(scale: float = SCALE, seed: int = 0) -> list[Turn]:
    """Returns the turns of a look-alike, sorted by dialog and, in a dialog, by time.

    Args:
        scale: Share of the published numbers, above 0 and up to 1; a speaker keeps one improvised turn at least of each of the paper's
            emotions, and improvised and scripted dialogs one of each other code.
        seed: Deals the turns to the dialogs and chooses their lengths.

    Raises:
        ValueError: A scale out of range.
    """
    if not 0 < scale <= 1:
        raise ValueError(f"scale is {scale}, expected a number above 0 and up to 1")
    codes_of: dict[tuple[str, str], list[str]] = defaultdict(list)  # (kind, speaker) -> codes
    for speaker, counts in PUBLISHED_COUNTS.items():
        for code, count in zip(EMOTION_OF_CODE, counts, strict=True):
            codes_of["improvised", speaker] += [code] * max(1, round(count * scale))
    wanted = dict(zip(EMOTION_OF_CODE, map(sum, zip(*PUBLISHED_COUNTS.values(), strict=True)), strict=True))
    speakers = itertools.cycle(PUBLISHED_COUNTS)
    for code, count in PUBLISHED_TURNS.items():
        improvised = IMPROVISED_TURNS.get(code, 0)
        for kind, total in (("improvised", improvised), ("scripted", count - improvised - wanted.get(code, 0))):
            for speaker in itertools.islice(speakers, max(1, round(total * scale)) if total else 0):
                codes_of[kind, speaker].append(code)

    # (dialog, letter) -> codes in order of time; a speaker's turns go in turn to the session's dialogs.
    dealt: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (dialog, letter, _), code in UNALIGNED.items():
        codes_of["improvised", dialog[4] + letter].remove(code)
    for (kind, speaker), codes in codes_of.items():
        rng = generator(seed, kind + speaker)
        dialogs = [name for name in dialog_names() if parse_dialog(name) == (speaker[0], kind)]
        first = int(rng.integers(len(dialogs)))
        for index, code in enumerate(rng.permutation(codes)):
            dealt[dialogs[(first + index) % len(dialogs)], speaker[1]].append(str(code))
    return [turn for dialog in sorted(dialog_names()) for turn in _schedule(dialog, dealt[dialog, "F"], dealt[dialog, "M"], seed)]


def _schedule(dialog: str, woman: list[str], man: list[str], seed: int) -> list[Turn]:
    """Returns a dialog's turns in order of time, numbered a speaker."""
    rng = generator(seed, dialog)
    unaligned = [(letter, number, code) for (place, letter, number), code in UNALIGNED.items() if place == dialog]
    queues = {
        letter: zip((number for number in itertools.count() if (dialog, letter, number) not in UNALIGNED), codes, strict=False)
        for letter, codes in (("F", woman), ("M", man))
    }
    order = [str(letter) for letter in rng.permutation(list("F" * len(woman) + "M" * len(man)))]
    names = [(letter, *next(queues[letter])) for letter in order] + unaligned
    turns, clock = [], TURNS.first_seconds
    for letter, number, code in names:
        length = float(
            np.clip(np.exp(rng.normal(np.log(TURNS.median_seconds), TURNS.spread)), TURNS.shortest_seconds, TURNS.longest_seconds)
        )
        seconds = round(length / FRAME_SECONDS) * FRAME_SECONDS
        turns.append(Turn(dialog, letter, number, code, clock, seconds))
        clock += seconds + float(rng.uniform(*TURNS.gap_seconds))
    return turns


def generator(seed: int, name: str) -> np.random.Generator:
    """Returns the source of all that is random about a thing of that name; the same everywhere."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(name.encode())])))
