"""The named experiments: which corpora, which systems, and what the letter reports for each, Tables I and II."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ser_acrnn.config import EMODB_EMOTIONS, IEMOCAP_EMOTIONS, PRESETS, Preset, letter_conv
from ser_acrnn.report import Published

FOLDS, SEEDS = 10, 5  # letter, section III


@dataclass(frozen=True)
class Corpus:
    """A corpus of the experiments.

    Attributes:
        name: Of its prepared folder.
        title: As tables call it.
        emotions: Classes, in the letter's order.
        partner: The validation speaker of each test speaker; None: the next speaker.
        caveat: Printed wherever its numbers appear.
    """

    name: str
    title: str
    emotions: tuple[str, ...]
    partner: Mapping[str, str] | None = None
    caveat: str = ""


_GENERATED = "Generated audio that imitates speech: these numbers show that the software works, and nothing about emotions."

CORPORA = {
    corpus.name: corpus
    for corpus in (
        Corpus("emodb", "Emo-DB", EMODB_EMOTIONS),
        # The validation speaker is the test speaker's partner of the same session.
        Corpus(
            "iemocap",
            "IEMOCAP",
            IEMOCAP_EMOTIONS,
            partner={f"{session}{own}": f"{session}{other}" for session in range(1, 6) for own, other in ("FM", "MF")},
        ),
        Corpus(
            "synthetic",
            "embedded synthetic corpus",
            EMODB_EMOTIONS,
            caveat=_GENERATED,
        ),
    )
}

_TABLE_1 = {
    "emodb": {
        1: (81.53, 6.96),
        2: (81.72, 6.32),
        3: (82.74, 5.03),
        4: (81.75, 6.22),
        5: (82.82, 4.99),
        6: (82.69, 5.53),
        7: (80.84, 5.09),
    },
    "iemocap": {
        1: (64.20, 5.73),
        2: (64.18, 5.57),
        3: (64.11, 5.23),
        4: (64.62, 5.27),
        5: (63.80, 5.45),
        6: (64.74, 5.44),
        7: (63.95, 5.12),
    },
}
PUBLISHED = {
    (corpus, f"acrnn3d-{layers}conv"): Published(*numbers, "Table I")
    for corpus, rows in _TABLE_1.items()
    for layers, numbers in rows.items()
} | {
    ("emodb", "acrnn2d-5conv"): Published(79.38, 7.78, "Table II"),
    ("iemocap", "acrnn2d-6conv"): Published(62.40, 6.70, "Table II"),
}


def _systems() -> dict[str, Preset]:
    paper = PRESETS["paper-emodb"]
    systems = {"tiny": PRESETS["tiny"]}
    for layers in range(1, 8):
        for channels in (3, 1):
            model = replace(paper.model, conv=letter_conv(layers), channels=channels)

            systems[f"acrnn{'3d' if channels == 3 else '2d'}-{layers}conv"] = replace(paper, model=model)
    return systems


SYSTEMS = _systems()


# Compared on the runs that both have: what deltas and delta-deltas are worth, at each depth.
PAIRS = [(f"acrnn3d-{layers}conv", f"acrnn2d-{layers}conv") for layers in range(1, 8)]


def corpus(name: str) -> Corpus:
    """The entry of a prepared corpus; a variant such as `iemocap-excited` is judged as its corpus, under a title that names it.

    Raises:
        ValueError: An unknown name.
    """
    base, _, variant = name.partition("-")
    if base not in CORPORA:
        raise ValueError(f"no corpus is called {name!r}, expected one of {sorted(CORPORA)} or a variant of one")
    entry = CORPORA[base]
    if not variant:
        return entry
    caveat = _GENERATED if "synthetic" in variant.split("-") else entry.caveat
    return replace(entry, name=name, title=f"{entry.title}, variant {variant}", caveat=caveat)


def system(name: str, corpus: Corpus) -> Preset:
    """The configuration of a system on a corpus.

    Raises:
        ValueError: An unknown name.
    """
    if name not in SYSTEMS:
        raise ValueError(f"no system is called {name!r}, expected one of {sorted(SYSTEMS)}")
    preset = SYSTEMS[name]
    return replace(preset, model=replace(preset.model, emotions=corpus.emotions))


def number_list(text: str) -> list[int]:
    """Parses `"0,2,5-7"` into numbers.

    Raises:
        ValueError: Anything else.
    """
    numbers: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        try:
            numbers.update(range(int(first), int(last if dash else first) + 1))
        except ValueError:
            raise ValueError(f"{text!r} is not a list of numbers and ranges, expected something like 0,2,5-7") from None
    return sorted(numbers)


def order(names: Iterable[str]) -> list[str]:
    """System names without repetition in the catalogue's order; unknown ones come last."""
    known = list(SYSTEMS)
    return sorted(set(names), key=lambda name: (known.index(name) if name in known else len(known), name))


def titles(names: Iterable[str]) -> dict[str, str]:
    """System names as tables call them."""
    return {name: _title(name) for name in names}


def _title(name: str) -> str:
    for prefix, words in (("acrnn3d-", "3-D ACRNN"), ("acrnn2d-", "2-D ACRNN")):
        if name.startswith(prefix):
            return f"{words}, {name.removeprefix(prefix).removesuffix('conv')} conv"
    return name
