"""What an audit finds: a sentence each, with counts and names, that can be quoted; and the report of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ser_acrnn.auditing.split import PARTS, Split, SplitFold
from ser_acrnn.evaluation.markdown import markdown_table

if TYPE_CHECKING:  # heavy, and not needed for labels alone
    from ser_acrnn.auditing.estimates import Estimate

MOST_NAMED = 12
_COUNTED = {"recordings": "key", "speakers": "speaker", "sentences": "text", "sessions": "session", "emotions": "emotion"}


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a split, or that its reader should know.

    Attributes:
        kind: What it is of, such as `speakers`.
        sentence: What was found, in words.
        count: How many there are of what is named.
        names: All of them, sorted.
        folds: Names of the folds in which it was found; "" is a split's only fold.
        parts: The parts of the fold that it is about.
    """

    kind: str
    sentence: str
    count: int
    names: tuple[str, ...]
    folds: tuple[str, ...] = ("",)
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Audit:
    """The report on one split.

    Attributes:
        split: What was audited.
        findings: What is wrong with it.
        notes: What is not wrong, but limits what its figures say.
        unchecked: What could not be looked for, and why.
        estimate: By how much it flatters; None where nobody asked.
    """

    split: Split
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...] = ()
    unchecked: tuple[str, ...] = ()
    estimate: Estimate | None = None

    @property
    def clean(self) -> bool:
        """Whether nothing wrong was found."""
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "split": self.split.name,
            "corpus": self.split.corpus,
            "clean": self.clean,
            "folds": [
                {"fold": fold.name, "parts": {part: self._row(fold, part) for part in PARTS if fold.part(part)}}
                for fold in self.split.folds
            ],
            "findings": [asdict(finding) for finding in self.findings],
            "notes": [asdict(note) for note in self.notes],
            "unchecked": list(self.unchecked),
            "estimate": None if self.estimate is None else self.estimate.to_dict(),
        }

    def to_markdown(self) -> str:
        """A table of the parts, and the sentences."""
        rows = [
            [fold.name, part, *(str(count) if count else "" for count in self._row(fold, part).values())]
            for fold in self.split.folds
            for part in PARTS
            if fold.part(part)
        ]
        kept = [place for place in range(2 + len(_COUNTED)) if any(row[place] for row in rows)]
        heads = ["fold", "part", *_COUNTED]
        text = [f"# {self.split.name}", markdown_table([heads[place] for place in kept], [[row[place] for place in kept] for row in rows])]
        text.append(_listed("Findings", [f"{one.kind}: {one.sentence}" for one in self.findings]) or "Nothing was found.")
        text.append(_listed("Estimate", [self.estimate.sentence] if self.estimate else []))
        text.append(_listed("Notes", [f"{one.kind}: {one.sentence}" for one in self.notes]))
        text.append(_listed("Not checked", self.unchecked))
        return "\n\n".join(piece for piece in text if piece)

    def _row(self, fold: SplitFold, part: str) -> dict[str, int]:
        found = fold.part(part)
        return {kind: len({getattr(one, role) for one in found} - {""}) for kind, role in _COUNTED.items()}

    def __str__(self) -> str:
        return self.to_markdown()


def named(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def numbers(counts: Sequence[int]) -> str:
    """`3`, or `3 to 5`."""
    return f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"


def where(folds: Sequence[str], of: int) -> str:
    """The beginning of a sentence on some of a split's folds; "" where the split has one fold alone."""
    if of == 1:
        return ""
    if len(folds) == of:
        return f"in each of the {of} folds "
    return f"in fold {folds[0]} " if len(folds) == 1 else f"in {len(folds)} of the {of} folds "


def sentence(text: str) -> str:
    """With a capital letter and a full stop."""
    return f"{text[0].upper()}{text[1:]}."


def _listed(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"{title}:", "", *(f"- {line}" for line in lines)]) if lines else ""
