"""The embedded synthetic corpus on disk: its files are named as Emo-DB's, its counts are not published."""

from __future__ import annotations

from pathlib import Path

from data_prep.corpora.emodb import EMOTIONS, text_of, utterances
from data_prep.loader import GENERATED, Corpus, Reading

NAME = "synthetic"
CORPUS = Corpus(NAME, "embedded synthetic corpus", EMOTIONS, caveat=GENERATED, text=text_of, licence="MIT")


def read(source: Path) -> Reading:
    """Reads the corpus for the preparation."""
    return Reading(NAME, utterances(source))
