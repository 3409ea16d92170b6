"""What the file names of published corpora say of speaker, sentence, session and emotion; and rules that a user writes."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ser_acrnn.auditing.split import Recording, SplitError

FEMALE, MALE = "female", "male"
_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")
ROLES = ("speaker", "text", "session", "sex", "emotion")


@dataclass(frozen=True)
class Convention:
    """How a corpus names its files.

    Attributes:
        corpus: Its name.
        pattern: Of the end of a path without its suffix; its groups are some of `ROLES`.
        emotions: What stands for an emotion in a name -> the emotion.
        speakers: What stands for a speaker -> the speaker, where that differs.
        sexes: Speaker, or what the group `sex` has -> sex.
        speaker: How the speaker is put together from the groups, where not by one.
        text: How the sentence is.
    """

    corpus: str
    pattern: str
    emotions: Mapping[str, str]
    speakers: Mapping[str, str] = field(default_factory=dict)
    sexes: Mapping[str, str] = field(default_factory=dict)
    speaker: str = "{speaker}"
    text: str = ""

    def read(self, name: str) -> dict[str, str] | None:
        """Role -> value of a path or name; None where it has another form."""
        found = re.search(rf"(?:^|/){self.pattern}$", _SUFFIX.sub("", name.replace("\\", "/")))
        if not found:
            return None
        groups = {role: value or "" for role, value in found.groupdict().items()}
        speaker = self.speaker.format(**groups)
        speaker = self.speakers.get(speaker, speaker)
        text = self.text.format(**groups) if self.text else groups.get("text", "")
        sex = self.sexes.get(groups.get("sex", ""), self.sexes.get(speaker, ""))
        emotion = self.emotions.get(groups.get("emotion", ""), "")
        return {"speaker": speaker, "text": text, "session": groups.get("session", ""), "sex": sex, "emotion": emotion}


def _words(text: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in text.split())


CONVENTIONS = (
    Convention(
        "emodb",
        r"(?P<speaker>\d\d)(?P<text>[ab]\d\d)(?P<emotion>[WTFNAEL])[a-z]",
        _words("W=angry T=sad F=happy N=neutral A=fear E=disgust L=bored"),
        sexes={**dict.fromkeys(("03", "10", "11", "12", "15"), MALE), **dict.fromkeys(("08", "09", "13", "14", "16"), FEMALE)},
    ),
    Convention(
        "cremad",
        r"(?P<speaker>1\d{3})_(?P<text>[A-Z]{3})_(?P<emotion>ANG|DIS|FEA|HAP|NEU|SAD)_(?:XX?|LO|MD|HI)",
        _words("ANG=angry DIS=disgust FEA=fear HAP=happy NEU=neutral SAD=sad"),
    ),
    Convention(
        "ravdess",
        r"0[1-3]-0[12]-(?P<emotion>0[1-8])-0[12]-(?P<text>0[12])-0[12]-(?P<speaker>[012]\d)",
        _words("01=neutral 02=calm 03=happy 04=sad 05=angry 06=fear 07=disgust 08=surprise"),
        sexes={f"{actor:02}": MALE if actor % 2 else FEMALE for actor in range(1, 25)},
    ),
    Convention(
        "iemocap",  # the letter before the underscore is who wears the sensors, the last one who speaks
        r"(?P<session>Ses0[1-5])[FM]_(?:impro|script)\d\d(?:_\d)?[a-z]?_(?P<sex>[FM])(?:\d{3}|XX\d)",
        {},
        sexes={"F": FEMALE, "M": MALE},
        speaker="{session}{sex}",
    ),
    Convention(
        "nemo",
        r"(?P<speaker>[A-Z]{2}0)_(?P<emotion>anger|fear|happiness|neutral|sadness|surprised)_(?P<text>\d+)",
        _words("anger=angry fear=fear happiness=happy neutral=neutral sadness=sad surprised=surprise"),
    ),
    Convention(
        "mead",  # sentences are numbered anew for each emotion
        r"(?P<speaker>[MW]\d{3})[/_-](?:audio[/_-])?(?P<emotion>[a-z]+)[/_-]level[_-][123][/_-](?P<text>\d{3})",
        _words("angry=angry contempt=contempt disgusted=disgust fear=fear happy=happy neutral=neutral sad=sad surprised=surprise"),
        sexes={f"{letter}{number:03}": sex for letter, sex in (("M", MALE), ("W", FEMALE)) for number in range(100)},
        text="{emotion}-{text}",
    ),
    Convention(
        "tess",
        r"(?P<speaker>OAF|OA|YAF)_(?P<text>[a-z]+)_(?P<emotion>angry|disgust|fear|happy|neutral|ps|sad)",
        _words("angry=angry disgust=disgust fear=fear happy=happy neutral=neutral ps=surprise sad=sad"),
        speakers={"OA": "OAF"},  # of one file
        sexes=dict.fromkeys(("OAF", "YAF"), FEMALE),
    ),
    Convention(
        "savee",
        r"(?P<speaker>DC|JE|JK|KL)[/_](?P<text>(?P<emotion>sa|su|[adfhn])\d\d)",
        _words("a=angry d=disgust f=fear h=happy n=neutral sa=sad su=surprise"),
        sexes=dict.fromkeys(("DC", "JE", "JK", "KL"), MALE),
    ),
)
BY_NAME = {convention.corpus: convention for convention in CONVENTIONS}


def convention_of(names: Collection[str], corpus: str = "") -> Convention | None:
    """The convention that is called for, or else the only one that every name follows.

    Raises:
        SplitError: No corpus is called so, or a name does not follow its convention.
    """
    if not corpus:
        found = [convention for convention in CONVENTIONS if all(convention.read(name) for name in names)]
        return found[0] if len(found) == 1 and names else None
    if corpus not in BY_NAME:
        raise SplitError(f"the corpus is {corpus!r}, expected one of {', '.join(BY_NAME)}")
    if strange := [name for name in names if not BY_NAME[corpus].read(name)]:
        raise SplitError(
            f"{strange[0]}: is not named as a file of {corpus} ({len(strange)} of {len(names)}), expected names as it publishes"
        )
    return BY_NAME[corpus]


def completed(recording: Recording, known: Mapping[str, str], rules: Mapping[str, re.Pattern[str]]) -> Recording:
    """The recording with what rules say of it, and, where it is not known yet, its corpus's convention.

    Args:
        recording: As the split has it.
        known: Role -> value by the convention.
        rules: Role -> pattern, whose first group, or the group of the role's name, is the value.

    Raises:
        SplitError: A name does not match a rule.
    """
    found: dict[str, Any] = {role: value for role, value in known.items() if value and not getattr(recording, role)}
    for role, pattern in rules.items():
        match = pattern.search(recording.name)
        if not match:
            raise SplitError(f"{recording.name}: does not match {pattern.pattern!r}, expected its {role} to be found so")
        found[role] = match[role if role in pattern.groupindex else 1] or ""
    return replace(recording, **found) if found else recording


def rule(role: str, pattern: str) -> re.Pattern[str]:
    """A rule of a user.

    Raises:
        SplitError: It is no regular expression, or has no group.
    """
    try:
        found = re.compile(pattern)
    except re.error as error:
        raise SplitError(f"the rule for the {role} is {pattern!r} ({error}), expected a regular expression") from error
    if not found.groups:
        raise SplitError(f"the rule for the {role} is {pattern!r}, expected a group in brackets around what names it")
    return found
