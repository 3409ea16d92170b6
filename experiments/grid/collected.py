"""The results of a corpus under a protocol, read from their folder and checked against the corpus's manifest there."""

from __future__ import annotations

from pathlib import Path

from data_prep.loader import Corpus
from experiments import catalogue
from ser_acrnn.evaluation import results_manifest
from ser_acrnn.evaluation.results import ResultError, RunResult, collect
from ser_acrnn.evaluation.results_check import Split, folder_name


def results_of(root: Path, corpus: Corpus, protocol: str) -> list[RunResult]:
    """Reads all results, with the corpus's own partners and groups; see `ser_acrnn.evaluation.results.collect`.

    Args:
        root: The root folder of the results.
        corpus: Whose results.
        protocol: Whose results.

    Raises:
        ResultError: There is none, or something there cannot be right.
    """
    directory = root / folder_name(corpus.name, protocol)
    rows = results_manifest.read(directory)
    if rows is None:
        return collect(directory)
    try:
        split = Split.of(corpus.name, protocol, rows, catalogue.partner(corpus, protocol), corpus.groups, corpus.text)
    except ValueError as error:
        raise ResultError(f"{directory / results_manifest.MANIFEST}: {error}") from error
    return collect(directory, split)
