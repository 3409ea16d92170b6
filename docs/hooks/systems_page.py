"""The experiments' catalogue -> a line on every system, for the glossary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from experiments import catalogue
from experiments.catalogue import ablations
from ser_acrnn.config.features import SpeechGate

MARK = "<!-- systems -->"
# What the catalogue's values do not say by themselves.
DESCRIPTIONS = {
    "tiny": "a small network for the demo, the tests and a first look at a corpus",
    "narrow": "the paper's network of one convolution with fewer maps and units, small enough to change one setting after the other",
    "lite": "the light network: two convolutions and masked padding, trained as the paper says",
    "lite-augmented": "`lite` with augmentation on a fixed schedule, normalised by the training speakers",
    "lite-by-utterance": "`lite` with augmentation on a fixed schedule, each utterance normalised by itself",
    "lite-by-speaker": "`lite` with augmentation on a fixed schedule, normalised by all unlabelled audio of the speaker who is judged",
    "best-by-training": "`lite-augmented` where all has been chosen: nobody validates, no dropout, judged at five tempos",
    "best-by-utterance": "`lite-by-utterance` where all has been chosen; changed by `robust-short-pauses` the network `acrnn3d-emodb`",
    "best-by-speaker": "`lite-by-speaker` where all has been chosen",
    "adapted-by-training": "`best-by-training` with batch norm adapted to the speaker who is judged",
    "adapted-by-utterance": "`best-by-utterance` with batch norm adapted to the speaker who is judged",
    "adapted-by-speaker": "`best-by-speaker` with batch norm adapted too; the recipe of the network `acrnn3d-emodb-adapted`",
    "dnn-elm": "the paper's baseline: a deep network on stacked frames, and an extreme learning machine upon its posteriors",
    "dnn-elm-whole": "`dnn-elm` on all of an utterance instead of its loudest tenth",
    "opensmile-compare-svm": "openSMILE's ComParE 2016 functionals and a linear support vector machine",
    "opensmile-egemaps-svm": "openSMILE's eGeMAPS functionals and a linear support vector machine",
    "opensmile-compare-svm-by-speaker": "`opensmile-compare-svm` with functionals standardised by all of the speaker's recordings",
    "opensmile-egemaps-svm-by-speaker": "`opensmile-egemaps-svm` with functionals standardised by all of the speaker's recordings",
}


def description(name: str) -> str:
    """A system in a line of Markdown.

    Raises:
        KeyError: Nothing is known of it.
    """
    system = catalogue.SYSTEMS[name]
    if system.members:
        return f"{_listed(system.members)} as an ensemble, by the mean of their posteriors"
    if name in DESCRIPTIONS:
        return DESCRIPTIONS[name]
    if name in ablations.PAPER:
        model = ablations.PAPER[name].model
        count = len(model.conv)
        channels = "log-Mels, deltas and delta-deltas" if model.channels == 3 else "log-Mels alone"
        return f"the paper's network with {count} convolution{'s' if count > 1 else ''}, on {channels}"
    base = catalogue.SYSTEMS[system.base]  # a KeyError of one that is nobody's change
    return f"`{base.name}` with {', '.join(_differences(asdict(base.preset), asdict(system.preset)))}"


def table() -> str:
    """The list of all systems as Markdown; changes of a system stand below it, folded away."""
    lines: list[str] = []
    for name, system in catalogue.SYSTEMS.items():
        if system.base:
            continue
        lines.append(f"- **`{name}`**: {description(name)}.")
        if changes := [other for other, its in catalogue.SYSTEMS.items() if its.base == name]:
            lines += ["", f'    ??? abstract "{len(changes)} change{"s" if len(changes) > 1 else ""} of `{name}`"', ""]
            lines += [f"        - `{other}`: {description(other).removeprefix(f'`{name}` ')}." for other in changes]
            lines.append("")
    return "\n".join(lines)


def _differences(base: dict[str, Any], changed: dict[str, Any]) -> Iterator[str]:
    """The fields in which two configurations differ, and their values in the changed one."""
    for field, value in changed.items():
        if isinstance(value, dict) and base[field] is None:
            own = ", ".join(_differences(asdict(SpeechGate()), value)) if field == "speech_gate" else ""
            yield f"`{field}`" + (f" ({own})" if own else "")
        elif isinstance(value, dict):
            yield from _differences(base[field], value)
        elif value != base[field]:
            yield f"`{field} = {value}`"


def _listed(members: tuple[str, ...]) -> str:
    quoted = [f"`{member}`" for member in members]
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}"
