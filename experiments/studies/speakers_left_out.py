"""New voices of a corpus that a network of several corpora knows: groups of its speakers are left out, all else trains.

python -m experiments.studies.speakers_left_out --prepared build/data/crema_d,build/data/banglaser,build/data/emodb --corpus emodb

Nobody validates and nothing is chosen, so that two speakers may be left out together: each fold trains on eight of Emo-DB's ten, as
those of the paper do. Results and checkpoints that are there are gone on from.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from data_prep import command
from experiments.options import RESULTS, WORK, Epochs, KeptModels, PreparedCorpora, Results, Work
from experiments.studies import open_corpora
from experiments.studies.left_out import SEED
from experiments.studies.unheard_speakers import FOLDER, PROTOCOL, table
from ser_acrnn import files
from ser_acrnn.config import Preset
from ser_acrnn.data.grouped import GroupedCorpus
from ser_acrnn.data.pooled import BETWEEN, PooledCorpus, corpus_of
from ser_acrnn.data.prepared import PreparedCorpus
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.evaluation.protocol import Fold
from ser_acrnn.locks import lock


def groups_of(pool: PooledCorpus, corpus: str, number: int) -> dict[str, str]:
    """Whom each fold leaves out: the speakers of one corpus, in groups with about as many recordings each.

    Returns:
        Speaker -> `emodb-03+09`, or of the other corpora the corpus.

    Raises:
        ValueError: The corpus is not among them, or has fewer speakers than groups.
    """
    mine = pool.manifest[pool.group == corpus]["speaker"].value_counts()
    if len(mine) < number:
        raise ValueError(f"{corpus}: has {len(mine)} speakers in {list(pool.corpora)}, expected {number} or more, one a group")
    parts = files.balanced({str(speaker): int(count) for speaker, count in mine.items()}, number)
    named = {f"{corpus}-{'+'.join(sorted(speaker.partition(BETWEEN)[2] for speaker in part))}": part for part in parts}
    others = {speaker: corpus_of(speaker) for speaker in pool.speakers}
    return others | {speaker: name for name, part in named.items() for speaker in part}


def grouped(pool: PreparedCorpus, groups: dict[str, str]) -> GroupedCorpus:
    """Several corpora, or the copies of their recordings, as the folds split them."""
    return GroupedCorpus(pool, {one.utterance: groups[one.speaker] for one in pool.manifest.itertuples()})


def folds(groups: dict[str, str], corpus: str) -> list[Fold]:
    """Each group of the corpus's speakers tested by what all others taught; nobody validates."""
    every = sorted(set(groups.values()))
    return [Fold(tuple(one for one in every if one != test), None, test) for test in every if test.startswith(f"{corpus}-")]


def run(
    prepared: Sequence[Path],
    corpus: str,
    number: int,
    recipe: str,
    preset: Preset,
    *,
    results: Path,
    work: Path,
    models: Path,
    devices: str,
) -> None:
    """Trains and judges all folds that have no result."""
    pool, copies = open_corpora.opened(prepared, preset), open_corpora.opened_copies(prepared, preset)
    groups = groups_of(pool, corpus, number)
    for fold in folds(groups, corpus):
        this = Run(pool.name, recipe, preset, fold, SEED, PROTOCOL)
        path = results / FOLDER / recipe / this.name()
        if not path.is_file():
            open_corpora.judge(
                grouped(pool, groups),
                copies and grouped(copies, groups),
                this,
                path,
                work / FOLDER / recipe / this.name(".npz"),
                models / FOLDER / recipe / this.name(".keras"),
                devices,
            )


@command.entry
def main(
    prepared: PreparedCorpora,
    corpus: Annotated[str, typer.Option(help="whose speakers are left out")] = "emodb",
    groups: Annotated[int, typer.Option(min=2, help="of speakers, each left out by a fold")] = 5,
    recipe: Annotated[str, typer.Option(help=f"one of {', '.join(open_corpora.RECIPES)}")] = "robust-by-utterance",
    epochs: Epochs = None,
    models: KeptModels = Path("build/models"),
    devices: Annotated[str, typer.Option(help="as of run_grid")] = "auto",
    results: Results = RESULTS,
    work: Work = WORK,
) -> None:
    """Trains and judges the folds that are not there yet, and prints the table.

    Raises:
        LockedError: Another process trains them.
        ValueError: The corpora or the recipe cannot be used.
    """
    if recipe not in open_corpora.RECIPES:
        raise ValueError(f"--recipe is {recipe!r}, expected one of {list(open_corpora.RECIPES)}")
    preset = open_corpora.RECIPES[recipe]
    if epochs is not None:
        preset = replace(preset, training=replace(preset.training, epochs=epochs))
    with lock(work / FOLDER / f"{recipe}.lock"):
        run(prepared, corpus, groups, recipe, preset, results=results, work=work, models=models, devices=devices)
        print(table(recipe, corpus, results))


if __name__ == "__main__":
    sys.exit(main())
