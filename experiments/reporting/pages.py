"""Pages that quote results, such as the README: their tables between marks, as the result files have them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from data_prep.loader import Corpus
from experiments import catalogue
from experiments.catalogue import ablations
from experiments.grid.collected import results_of
from experiments.reporting import protocol_tables, tables
from experiments.studies import enrolment, invariance, other_sounds, robustness, speech_bounds
from ser_acrnn.evaluation.protocol import PROTOCOLS, SPEAKER_AND_TEXTS
from ser_acrnn.evaluation.results_check import folder_name
from ser_acrnn.evaluation.summary import Summary

NONE_YET = "*No runs yet.*"


def insert(text: str, name: str, block: str) -> str:
    """Replaces what stands between `<!-- name -->` and `<!-- /name -->`.

    Raises:
        ValueError: The marks are missing.
    """
    pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"the marks <!-- {name} --> and <!-- /{name} --> are missing")
    return pattern.sub(lambda match: f"{match[1]}{block}\n{match[2]}", text)


def updated(pages: Sequence[Path], root: Path, corpus: Corpus, summary: Summary, every: Summary, table: str) -> dict[Path, str]:
    """Pages with the corpus's tables as the results have them, those of which a page has the marks.

    Args:
        pages: Files.
        root: The root folder of the results.
        corpus: Whose results.
        summary: The summary of all of its own protocol but changed systems, with those that judge together.
        every: The changed ones too.
        table: The overview.

    Returns:
        Each page's text.

    Raises:
        ValueError: A page has no mark.
    """
    name = corpus.name
    others = [protocol for protocol in PROTOCOLS if (root / folder_name(name, protocol)).is_dir()]

    def under(protocol: str) -> Summary:
        return Summary.of(catalogue.ordered(results_of(root, corpus, protocol)) if protocol in others else [])

    blocks: dict[str, Callable[[], str]] = {
        f"results {folder_name(name, summary.results[0].protocol)}": lambda: table,
        f"headline {name}": lambda: tables.headline_table(corpus, every, catalogue.HEADLINES, paper=True),
        f"headline-adapted {name}": lambda: tables.headline_table(corpus, every, catalogue.HEADLINES_ADAPTED, paper=False),
        f"robustness {name}": lambda: robustness.table(root, name),
        f"enrolment {name}": lambda: enrolment.table(root, name),
        f"invariance {name}": lambda: invariance.table(root, name),
        f"speech-bounds {name}": lambda: speech_bounds.table(root, name),
        f"other-sounds {name}": lambda: other_sounds.table(root, name),
        f"disjoint {name}": lambda: protocol_tables.disjoint_table(every),
        f"texts {name}": lambda: protocol_tables.texts_table(every, under(SPEAKER_AND_TEXTS)),
        f"leaky {name}": lambda: protocol_tables.leaky_table(summary, {one: under(one) for one in others if one.startswith("leaky")}),
        f"selection {name}": lambda: tables.selection_table(summary.with_seeds),
        **{f"ablations {name} {base}": partial(tables.ablation_table, base, every) for base in ablations.CHANGES},
    }
    texts = {}
    for page in pages:
        text = page.read_text(encoding="utf-8")
        marked = [mark for mark in blocks if f"<!-- {mark} -->" in text]
        if not marked:
            raise ValueError(f"{page}: the marks <!-- results {name} --> or others of {name} are missing")
        try:
            for mark in marked:
                text = insert(text, mark, blocks[mark]() or NONE_YET)
        except ValueError as error:
            raise ValueError(f"{page}: {error}") from error
        texts[page] = text
    return texts
