"""The index of the networks that ship: what each learned from, and whether that may be passed on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_prep.loader import OPEN_LICENCES
from experiments import catalogue
from ser_acrnn.pretrained import DIRECTORY, INDEX


class LicenceError(ValueError):
    """A corpus whose licence does not let a network that learned from it ship."""


def index(directory: Path = DIRECTORY) -> dict[str, dict[str, Any]]:
    """What is known of each network, by its name; nothing where there is no index yet."""
    path = directory / INDEX
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def learned_from(about: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the corpora that trained a network; several are joined by `+` in the index."""
    return tuple(about["corpus"].split("+"))


def check_licences(network: str, about: Mapping[str, Any]) -> None:
    """Makes sure that a network may ship.

    Raises:
        LicenceError: It learned from a corpus that is not open.
    """
    for name in learned_from(about):
        corpus = catalogue.corpus(name)
        if not corpus.is_open:
            licence = corpus.licence or "unknown to its loader"
            raise LicenceError(
                f"{network}: learned from {corpus.title}, whose licence is {licence}, expected corpora under {', '.join(OPEN_LICENCES)}"
            )
