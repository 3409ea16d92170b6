"""What a network's embeddings are worth on a corpus that it has not heard: logistic regression on them, and on eGeMAPS, on the same folds.

python -m experiments.studies.embeddings --prepared build/data/ravdess --source ../ravdess --network acrnn3d-open

Each fold's test speakers are heard by nothing but the network, which knows none of them; the regression's strength is chosen by leaving
out one training group after the other. By speaker: vectors standardised by all recordings of their speaker. A result a fold and system;
those that are there, of these weights, are not computed again.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import sklearn
import typer
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from data_prep import command
from experiments import catalogue
from experiments.catalogue import baselines
from experiments.grid.runs import Experiment, corpus_name, split_corpus
from experiments.options import RESULTS, WORK, FunctionalsWork, Results, Source
from experiments.shipped import index, learned_from
from experiments.studies.checkpoints import recordings_of
from ser_acrnn import __version__, files
from ser_acrnn.audio import AudioError
from ser_acrnn.auditing import linear_svm
from ser_acrnn.cli.progress import Progress
from ser_acrnn.config.features import hash_of
from ser_acrnn.evaluation import metrics, report
from ser_acrnn.evaluation.comparison import paired_differences
from ser_acrnn.evaluation.intervals import TESTED, around, compared
from ser_acrnn.evaluation.protocol import Fold, check_leaks
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.evaluation.summary import Summary
from ser_acrnn.features.functionals import functionals_of, opensmile_extractor
from ser_acrnn.locks import lock

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # scikit-learn's C
BY_SPEAKER = "-by-speaker"
EGEMAPS = "egemaps"
_SUFFIXES = {"": "the training speakers", BY_SPEAKER: "the speaker"}
_READING = (
    "UAR in percent, mean over groups of speakers, with 95 % intervals; less eGeMAPS is paired by group, with the t test and Holm's "
    "correction over the rows. By speaker: standardised by all recordings of the speaker, those that are judged among them."
)
_PRESET = baselines.BY_TRAINING["opensmile-egemaps-svm"]


@command.entry
def main(
    prepared: Annotated[Path, typer.Option(help="a prepared corpus of any recipe, which the network has not heard")],
    source: Source,
    network: Annotated[str, typer.Option(help="a network that ships")] = "acrnn3d-open",
    results: Results = RESULTS,
    work: FunctionalsWork = WORK,
) -> None:
    """Computes what is missing, writes the page of the corpus and prints it; exit code 75 when another process does.

    Raises:
        LockedError: Another process is at it.
        ValueError: The network is unknown, or has heard the corpus; or a recording cannot be used.
    """
    facts = catalogue.corpus(corpus_name(prepared))
    if network not in index():
        raise ValueError(f"--network is {network}, expected one of {list(index())}")
    if facts.name in (heard := learned_from(index()[network])):
        raise ValueError(f"{prepared}: {network} has learned from {', '.join(heard)}, expected a corpus that it has not heard")
    preset = replace(_PRESET, model=replace(_PRESET.model, emotions=facts.emotions))
    experiment = split_corpus(prepared, facts, EGEMAPS, preset)
    folder = results / "embeddings" / facts.name
    with lock(work / f"{facts.name}.embeddings.lock"):
        found = [result for name in (EGEMAPS, network) for result in computed(experiment, name, source, folder, work)]
    page = folder / "embeddings.md"
    title = f"# Embeddings of {network} on {facts.title}, {experiment.protocol}"
    files.write_text(page, f"{title}\n\n{table(Summary.of(found), network)}\n\n{_READING} {report.made_with(found)}\n")
    print(f"{page.read_text(encoding='utf-8').rstrip()}\n\n{page}")


def computed(experiment: Experiment, name: str, source: Path, folder: Path, work: Path) -> list[RunResult]:
    """The results of one kind of vectors on all folds, as they are and by speaker; from their files where they are of the same weights."""
    known = index()
    features = {"vectors": name, **({"sha256": known[name]["sha256"]} if name in known else {})}
    configs = {
        name + suffix: {
            "features": features,
            "model": {"emotions": list(experiment.facts.emotions), "normalisation": normalisation},
            "training": {"train_on_validation": True},
        }
        for suffix, normalisation in (("", "training"), (BY_SPEAKER, "speaker"))
    }
    found: list[RunResult] = []
    vectors = None
    for fold, (system, config) in product(experiment.folds, configs.items()):
        path = folder / system / f"{fold.test}-seed0.json"
        if path.is_file() and RunResult.load(path).config == config:
            found.append(RunResult.load_checked(path, experiment.split))
            continue
        if vectors is None:
            vectors, program = vectors_of(experiment, name, source, work)
        result = scored(experiment, fold, system, config, vectors, program)
        result.save(path)
        found.append(result)
    return found


def vectors_of(experiment: Experiment, name: str, source: Path, work: Path) -> tuple[NDArray[np.float32], str]:
    """The vectors of each row of the corpus's manifest, shape `(recordings, numbers)`, and what computed them.

    Raises:
        AudioError: A recording cannot be used.
    """
    manifest = experiment.corpus.manifest
    recordings = recordings_of(manifest, source)
    paths = [recordings[utterance] for utterance in manifest["utterance"]]
    with Progress(len(paths), name, "recordings") as progress:
        if name == EGEMAPS:
            extractor, kept = opensmile_extractor(_PRESET.features), list(zip(manifest["sha256"], paths, strict=True))
            return functionals_of(kept, _PRESET.features, extractor, work / "functionals", progress.update), extractor.program
        from ser_acrnn.inference.embedder import Embedder
        from ser_acrnn.inference.predictor import Predictor

        predictor, found = Predictor(name), []
        for embedding in Embedder(predictor).embed_many(paths):
            if isinstance(embedding, AudioError):
                raise embedding
            found.append(embedding)
            progress.update()
    return np.stack(found), predictor.network.runtime


def scored(
    experiment: Experiment, fold: Fold, system: str, config: Mapping[str, Any], vectors: NDArray[np.float32], program: str
) -> RunResult:
    """Fits the regression on all speakers of a fold but those that test, and judges these.

    Args:
        experiment: The corpus and its folds.
        fold: Which.
        system: What the result is called.
        config: What it is of; the normalisation `"speaker"` standardises each speaker's vectors by themselves.
        vectors: Of each row of the corpus's manifest, shape `(recordings, numbers)`.
        program: What computed them.

    Raises:
        LeakError: A speaker, an utterance or identical audio is in two parts of the fold.
    """
    from ser_acrnn.training.devices import place

    started, corpus, fold = time.perf_counter(), experiment.corpus_of(fold), fold.without_validation()
    rows, emotions = corpus.manifest.assign(group=corpus.group), list(experiment.facts.emotions)
    check_leaks(fold, rows[["utterance", "group", "speaker", "sha256"]].itertuples(index=False))
    truth = np.array([emotions.index(emotion) for emotion in rows["emotion"]])
    train, test = rows["group"].isin(fold.train).to_numpy(), (rows["group"] == fold.test).to_numpy()
    if config["model"]["normalisation"] == "speaker":
        vectors = linear_svm.normalised_by_speaker(vectors, rows["speaker"].to_numpy())
    search = fitted(vectors[train], truth[train], rows["group"].to_numpy()[train])
    posteriors = np.zeros((test.sum(), len(emotions)))
    posteriors[:, search.classes_] = search.predict_proba(vectors[test].astype(np.float64))
    return RunResult(
        corpus=experiment.corpus.name,
        system=system,
        fold={"train": list(fold.train), "validation": None, "test": fold.test},
        seed=0,
        emotions=emotions,
        utterances=[
            {"id": row.utterance, "emotion": row.emotion, "posteriors": [round(float(value), 6) for value in said]}
            for row, said in zip(rows[test].itertuples(), posteriors, strict=True)
        ],
        chosen_epoch=1,
        validation_curve=[],
        recipe_hash=hash_of(config["features"]),
        config=dict(config),
        version=__version__,
        backend=f"scikit-learn {sklearn.__version__}, {program}",
        device=place("cpu", 1).description,
        precision="float64",
        wall_seconds=round(time.perf_counter() - started, 2),
        protocol=experiment.protocol,
        chosen={"strength": search.best_params_["logisticregression__C"], "uar_of_training_speakers": round(float(search.best_score_), 6)},
    )


def fitted(vectors: NDArray[np.floating], emotions: NDArray[np.int_], groups: NDArray[Any]) -> GridSearchCV:
    """Chooses the strength by leaving out one training group after the other, by UAR, then fits all of them."""
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=2_000, class_weight="balanced")),
        {"logisticregression__C": list(STRENGTHS)},
        scoring=make_scorer(metrics.unweighted_average_recall),
        cv=LeaveOneGroupOut(),
        error_score="raise",
    )
    return search.fit(vectors.astype(np.float64), emotions, groups=groups)


def table(summary: Summary, network: str) -> str:
    """A row for each kind of vectors and standardisation, as Markdown; the network's beside eGeMAPS under the same."""
    places = [(network + suffix, EGEMAPS + suffix) for suffix in _SUFFIXES]
    pairs = {pair.first: pair for pair in paired_differences(summary.results, places)}
    rows = []
    for suffix, by in _SUFFIXES.items():
        for name, title in ((EGEMAPS, "eGeMAPS, 88 functionals"), (network, f"`{network}`, 64 numbers")):
            row = summary.rows[name + suffix]
            rows.append([title, by, around(row.uar, row.low, row.high), *compared(pairs.get(name + suffix)), str(row.folds)])
    return report.markdown_table(["vectors", "standardised by", "UAR", "less eGeMAPS", *TESTED, "groups"], rows)


if __name__ == "__main__":
    sys.exit(main())
