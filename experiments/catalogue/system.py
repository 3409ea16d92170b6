"""What a row of the tables stands for, as a value: nothing is read out of its name."""

from __future__ import annotations

from dataclasses import dataclass, field

from experiments.catalogue.baselines import SvmPreset
from ser_acrnn.config import DnnElmPreset, Preset

SEEDS = 5  # paper, section III


@dataclass(frozen=True)
class System:
    """A system: a configuration that is trained, a change of one, or several whose networks judge together.

    Attributes:
        name: As results and commands call it.
        preset: What is trained; None where its members are, or the catalogue does not know the system.
        title: As tables call it; by default the name.
        base: Name of the system that it is a change of; "" where it stands for itself.
        change: What is changed of it.
        members: Names of the systems whose networks judge together, run by run.
        conditions: Names of the changes of it that only judge in another way, so that one training has the results of all, the plainest
            last.
        seeds: Runs of each fold that make it complete.
    """

    name: str
    preset: Preset | DnnElmPreset | SvmPreset | None = None
    title: str = ""
    base: str = ""
    change: str = ""
    members: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    seeds: int = field(default=SEEDS, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", self.title or self.name)
