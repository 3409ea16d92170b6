"""A network of several open corpora: recipes judged by leaving one training corpus out after the other, then the best one on all of them.

python -m experiments.studies.open_corpora --prepared build/data/crema_d,build/data/banglaser,build/data/emodb --name acrnn3d-open

Results and checkpoints that are there are gone on from: the same command starts and resumes it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from data_prep import command
from data_prep.degraded import degraded_name
from experiments import familiarity, shipped
from experiments.catalogue import ablations
from experiments.cross_corpus.recordings import SIX
from experiments.grid.runs import corpus_name, prepared_path
from experiments.options import RESULTS, WORK, Epochs, KeptModels, PreparedCorpora, Results, Work
from experiments.studies.left_out import FOLDER, PROTOCOL, SEED, finished, network, uar_of
from ser_acrnn.cli.progress import Progress
from ser_acrnn.config import Preset
from ser_acrnn.data.pooled import PooledCorpus
from ser_acrnn.data.prepared import PreparedCorpus, open_corpus
from ser_acrnn.evaluation import calibration, report
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.evaluation.protocol import Fold
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.locks import lock

logger = logging.getLogger(__name__)


COPIES = 4  # of each recording; Emo-DB's own robust network has eight, of a twentieth of the recordings


def _recipes() -> dict[str, Preset]:
    """What is chosen from: the light networks by what they are normalised by, on speech with short pauses, all corpora drawn alike.

    The robust ones learn from degraded copies as well.
    """
    bases = ("best-by-utterance", "best-by-training", "best-by-speaker")
    change = {**ablations.CHANGES["best-by-utterance"]["short-pauses"], "training": {"sampling": "corpora"}}
    found = {base.removeprefix("best-"): ablations.changed(ablations.BASES[base], change) for base in bases}
    for name in ("by-utterance", "by-speaker"):
        found[f"robust-{name}"] = replace(found[name], training=replace(found[name].training, copies=COPIES))
    return {name: replace(preset, model=replace(preset.model, emotions=SIX)) for name, preset in found.items()}


RECIPES = _recipes()
# Those by the speaker have heard all of whom they judge, and are not compared with the others.
BY_SPEAKER = [name for name, preset in RECIPES.items() if preset.model.normalisation == "speaker"]
UNADAPTED = [name for name in RECIPES if name not in BY_SPEAKER]


def folds(corpora: Sequence[str]) -> list[Fold]:
    """Each corpus tested by what the others taught; nobody validates.

    Raises:
        ValueError: Fewer than two corpora.
    """
    if len(corpora) < 2:
        raise ValueError(f"--prepared names {list(corpora)}, expected two corpora or more: one is left out")
    return [Fold(tuple(name for name in corpora if name != test), None, test) for test in corpora]


def opened(prepared: Sequence[Path], preset: Preset) -> PooledCorpus:
    """The corpora as the preset's recipe prepared them, pooled.

    Raises:
        DatasetError: One is not there, or is of another recipe.
        LicenceError: One is not open.
    """
    corpora = [open_corpus(prepared_path(path, preset)) for path in prepared]
    shipped.check_licences("a network that is to ship", {"corpus": "+".join(corpus.name for corpus in corpora)})
    return PooledCorpus(corpora, preset.model.emotions)


def opened_copies(prepared: Sequence[Path], preset: Preset) -> PooledCorpus | None:
    """The degraded copies of the corpora, pooled like them; None where the preset trains without.

    Raises:
        DatasetError: They are not there, or of another recipe.
    """
    if preset.training.copies is None:
        return None
    names = [corpus_name(path) for path in prepared]
    copies = [open_corpus(prepared_path(path, preset, degraded_name(name))) for path, name in zip(prepared, names, strict=True)]
    return PooledCorpus(copies, preset.model.emotions, names)


def leave_one_out(
    prepared: Sequence[Path], recipe: str, preset: Preset, results: Path, work: Path, models: Path, devices: str
) -> list[RunResult]:
    """Trains and judges a recipe on all folds but those that have a result, and keeps their networks."""
    corpus, copies = opened(prepared, preset), opened_copies(prepared, preset)
    for fold in folds(list(corpus.corpora)):
        this = Run(corpus.name, recipe, preset, fold, SEED, PROTOCOL)
        path = results / FOLDER / recipe / this.name()
        if not path.is_file():
            judge(corpus, copies, this, path, work / FOLDER / f"{recipe}-{fold.test}.npz", network(models, recipe, fold.test), devices)
    return finished(recipe, results)


def judge(corpus: PreparedCorpus, copies: PreparedCorpus | None, this: Run, path: Path, checkpoint: Path, kept: Path, devices: str) -> None:
    """Trains and judges a run of several corpora, and keeps its result and its network."""
    from ser_acrnn.models.saving import in_float32, save_compact
    from ser_acrnn.training import run as training
    from ser_acrnn.training.pooled import PooledAcrnn

    with Progress(this.preset.training.epochs, f"{this.system} without {this.fold.test}", "epochs") as progress:
        result, model = training.run(
            corpus,
            this,
            copies=copies,
            system=PooledAcrnn(training.settled(this.preset, devices)),
            devices=devices,
            checkpoint=checkpoint,
            on_epoch=lambda entry: _show(progress, entry),
        )
    kept.parent.mkdir(parents=True, exist_ok=True)
    save_compact(in_float32(model), kept)
    result.save(path)
    checkpoint.unlink(missing_ok=True)


def _show(progress: Progress, entry: dict) -> None:
    progress.reach(entry["epoch"], f"loss {entry['loss']:.3f}")


def chosen(found: dict[str, list[RunResult]]) -> str:
    """The recipe with the highest mean UAR over the corpora left out; of equals the first."""
    return max(found, key=lambda name: float(np.mean([uar_of(result) for result in found[name]])))


def table(found: dict[str, list[RunResult]]) -> str:
    """UAR in percent of each recipe on each corpus left out, and their mean, as Markdown."""
    tests = [result.fold["test"] for result in next(iter(found.values()))]
    rows = [[name, *map(uar_of, results)] for name, results in found.items()]
    return report.markdown_table(
        ["recipe", *tests, "mean"], [[name, *(f"{value:.1f}" for value in row), f"{np.mean(row):.1f}"] for name, *row in rows]
    )


@command.entry
def main(
    prepared: PreparedCorpora,
    name: Annotated[str, typer.Option(help="what the network is called")] = "acrnn3d-open",
    recipe: Annotated[str, typer.Option(help="what is chosen from, separated by commas")] = ",".join(UNADAPTED),
    epochs: Epochs = None,
    models: KeptModels = Path("build/models"),
    directory: Annotated[Path, typer.Option(help="folder of the network, its index and its card")] = Path("build/models"),
    devices: Annotated[str, typer.Option(help="as of run_grid")] = "auto",
    results: Results = RESULTS,
    work: Work = WORK,
) -> None:
    """Chooses the recipe, and trains the network; with one recipe alone nothing is chosen, and the network comes before the folds.

    Raises:
        LicenceError: A corpus is not open.
        LockedError: Another process trains it.
        ValueError: The corpora or the recipe cannot be used.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    if unknown := sorted(set(recipe.split(",")) - set(RECIPES)):
        raise ValueError(f"--recipe names {unknown}, expected some of {list(RECIPES)}")
    presets = {one: RECIPES[one] for one in recipe.split(",")}
    if len({one in BY_SPEAKER for one in presets}) > 1:
        raise ValueError(f"--recipe names {list(presets)}, expected none of {BY_SPEAKER} or these alone: they have heard whom they judge")
    if epochs is not None:
        presets = {one: replace(preset, training=replace(preset.training, epochs=epochs)) for one, preset in presets.items()}
    with lock(work / FOLDER / f"{name}.lock"):

        def judged(one: str) -> list[RunResult]:
            return leave_one_out(prepared, one, presets[one], results, work, models, devices)

        best = chosen({one: judged(one) for one in presets}) if len(presets) > 1 else recipe
        path = directory / f"{name}.keras"
        if not path.is_file():
            train(prepared, presets[best], path, work / FOLDER / f"{name}.npz", devices)
        complete(prepared, best, presets[best], path, results, models, devices)
        print(table({one: judged(one) for one in presets}))
        complete(prepared, best, presets[best], path, results, models, devices)
        print(f"{path}: {best}, {path.stat().st_size / 1e6:.2f} MB")


def train(prepared: Sequence[Path], preset: Preset, path: Path, checkpoint: Path, devices: str) -> None:
    """Trains on all corpora, and keeps the network."""
    from ser_acrnn.models.saving import in_float32, save_compact
    from ser_acrnn.training import run as training
    from ser_acrnn.training.pooled import PooledAcrnn

    with Progress(preset.training.epochs, path.stem, "epochs") as progress:
        model = training.train_on_all(
            opened(prepared, preset),
            preset,
            SEED,
            copies=opened_copies(prepared, preset),
            system=PooledAcrnn(training.settled(preset, devices)),
            devices=devices,
            checkpoint=checkpoint,
            on_epoch=lambda entry: _show(progress, entry),
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    save_compact(in_float32(model), path)
    checkpoint.unlink(missing_ok=True)


def complete(prepared: Sequence[Path], recipe: str, preset: Preset, path: Path, results: Path, models: Path, devices: str) -> None:
    """Gives the network what it knows of its training, and its temperature, by the folds that are there; its index and its card."""
    from experiments.reporting import model_cards
    from ser_acrnn.models import heads, loading

    corpus, model = opened(prepared, preset), loading.load(path)
    networks = {name: network(models, recipe, name) for name in corpus.corpora}
    kept = {name: file for name, file in networks.items() if file.is_file()}
    about = shipped.index(path.parent).get(path.stem, {})
    if sorted(kept) != about.get("familiarity_by"):
        temperature = _temperature([result for result in finished(recipe, results) if result.fold["test"] in kept])
        model = familiarity.learned(model, preset, corpus, kept, opened_copies(prepared, preset))
        shipped.ship(
            heads.at_temperature(model, temperature / about.get("temperature", 1.0)),
            path.stem,
            preset,
            path.parent,
            corpus=corpus.name,
            system=recipe,
            seed=SEED,
            devices=devices,
            familiarity_by=sorted(kept),
            temperature=temperature,
        )
    model_cards.write(path.stem, results, path.parent)


def _temperature(results: Sequence[RunResult]) -> float:
    """By which posteriors are as sure as they are right on corpora that were left out, each counting as much; 1 where there is none."""
    scored = [calibration.scored_utterances(result.utterances, result.emotions) for result in results]
    return float(np.exp(np.mean([np.log(calibration.fitted_temperature(one)) for one in scored]))) if scored else 1.0


if __name__ == "__main__":
    sys.exit(main())
