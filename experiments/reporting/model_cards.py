"""The card of a shipped network: what it was trained on, what it is worth on unheard speakers, and what it is not for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data_prep.loader import Corpus
from experiments import catalogue
from experiments.catalogue import ablations
from experiments.grid.collected import results_of
from experiments.reporting import pooled_cards
from experiments.shipped import index, learned_from
from experiments.studies import behaviour
from ser_acrnn import files
from ser_acrnn.config import FIVE_TEMPOS, TrainConfig
from ser_acrnn.evaluation import report
from ser_acrnn.evaluation.calibration import calibration, reliability
from ser_acrnn.evaluation.comparison import paired_differences
from ser_acrnn.evaluation.intervals import ends
from ser_acrnn.evaluation.summary import Summary, confusion_percent

_USE = {
    "training": "`ser-acrnn predict recording.wav --model {name}`, or `ser_acrnn.load_pretrained({name!r})`.",
    "speaker": "`ser-acrnn predict --same-speaker --model {name} recordings/`, or `Predictor({name!r})` and its `enrol` with recordings "
    "of the speaker, dozens if there are and eight at least, in various moods and without labels: it takes mean and variance of the "
    "log-Mels from that speaker's own audio, and batch norm's.",
    "utterance": "`ser-acrnn predict recording.wav --model {name}`; each recording is normalised by itself. With `--same-speaker` "
    "batch norm adapts to the recordings of one speaker, in various moods and without labels.",
    "segment": "`ser-acrnn predict recording.wav --model {name}`, or `ser_acrnn.load_pretrained({name!r})`; each 3 s are normalised by "
    "themselves, inside the network.",
}
_CONDITION = {
    "training": "nothing of the test speaker is seen before it is judged",
    "speaker": "mean and variance of the test speaker's unlabelled audio are used, all of it",
    "utterance": "nothing of the test speaker is seen before it is judged, each utterance is normalised by itself",
    "segment": "nothing of the test speaker is seen before it is judged, each 3 s are normalised by themselves",
}


def write(name: str, results: Path, directory: Path) -> Path:
    """Writes `<name>.md` from the index and the results of the network's system.

    Args:
        name: The name of a network in the directory's index.
        results: Root of the results.
        directory: Where shipped networks are kept.

    Raises:
        ResultError: There is no result of its system, or a result is not what its name says.
    """
    about, path = index(directory)[name], directory / f"{name}.md"
    if len(learned_from(about)) > 1:
        files.write_text(path, pooled_cards.card(name, about, results, use(name, about)))
        return path
    corpus = catalogue.corpus(about["corpus"])
    every = Summary.of(catalogue.with_ensembles(results_of(results, corpus, corpus.protocol)))
    files.write_text(path, _card(name, about, corpus.title, every, behaviour.section(results, name, about)))
    return path


def use(name: str, about: Mapping[str, Any]) -> str:
    """How a network of the index is used, a sentence or two."""
    return _USE[about["normalisation"]].format(name=name)


def updated(directory: Path, corpus: Corpus, every: Summary, results: Path) -> dict[Path, str]:
    """The cards of a corpus's networks as its results have them.

    Args:
        directory: Where shipped networks are kept.
        corpus: The corpus.
        every: The summary of all its results, with those that judge together.
        results: Root of the results.

    Returns:
        File -> text.
    """
    known = {name: about for name, about in index(directory).items() if about["corpus"] == corpus.name}
    return {
        directory / f"{name}.md": _card(name, about, corpus.title, every, behaviour.section(results, name, about))
        for name, about in known.items()
    }


def _card(name: str, about: dict, corpus: str, every: Summary, behaves: str = "") -> str:
    base = catalogue.entry(about["system"]).base or about["system"]
    whose, plain, row = "The same system", every.rows.get(base), every.rows[about["system"]]
    if plain and plain.folds > row.folds:
        whose = (
            f"`{about['system']}` has {row.folds} fold(s) x {row.seeds} seed(s) so far, UAR {report.spread(row.uar, row.std_runs)} %. "
            f"What follows is of `{base}`, the same but for the change that the name ends in"
        )
        row = plain
    results = every.by_system[row.system]
    interval = ends(row.low, row.high)
    figures = [
        f"UAR {report.spread(row.uar, row.std_runs)} % over runs" + (f", 95 % interval over speakers {interval} %" if interval else ""),
        f"pooled over all test utterances {row.pooled_uar:.2f} %, weighted accuracy {row.wa:.2f} %",
    ]
    if TrainConfig.from_dict(results[0].config["training"]).judging_tempos == FIVE_TEMPOS:
        figures[0] = f"heard at five tempos (`--tempos`): {figures[0]}"
    adapted = catalogue.ADAPTED.get(base, "")
    families = (ablations.pairs(base), catalogue.PAIRS)  # as the report's tables have them
    of = "" if row.system == base else f"`{base}` "
    compared = {(pair.first, pair.second): pair for pairs in families for pair in paired_differences(every.results, pairs)}
    for system, words in (
        (f"{base}.as-spoken", "heard as it is spoken, a fifth of the work"),
        (adapted, "heard at five tempos, batch norm adapted to all unlabelled audio of the speaker (`--same-speaker`, `enrol`)"),
    ):
        if other := compared.get((system, base)):
            facts = [ends(other.low, other.high, "+"), f"{other.runs} pairs of runs", other.verdict]
            figures.append(f"{of}{words}: {other.mean:+.1f} points ({', '.join(filter(None, facts))})")
    if found := calibration(results):
        error = 100 * reliability(found.before).error
        figures.append(f"its confidence and the share of right decisions differ by {error:.1f} points (expected calibration error)")
    emotions = results[0].emotions
    percent = confusion_percent(results)
    confusion = report.markdown_table(
        ["truth \\ decision, %", *emotions],
        [[emotion, *(f"{value:.1f}" for value in line)] for emotion, line in zip(emotions, percent, strict=True)],
    )
    unheard = about.get("familiarity_by", [])
    made = ", with\nthe folds' networks by `--models`; " if unheard else ";\n"
    command = f"python -m experiments.release --prepared build/data/{about['corpus']} --system {about['system']} --name {name}"
    return f"""# {name}

A 3-D convolutional recurrent network with attention after Chen et al. (IEEE Signal Processing Letters 25(10), 2018), system
`{about["system"]}`, {about["parameters"]:,} parameters, for {len(emotions)} emotions: {", ".join(emotions)}.

## Use

{use(name, about)}

## Data and training

All speakers of {corpus}; recipe `{about["recipe_hash"]}` of the features, seed {about["seed"]}, {about["epochs"]} epochs with the last one
taken, a schedule that was fixed before; {about["precision"]} on {about["backend"]} ({about["device"]}). Made by
`{command}`{made}weights in float16, loaded as
float32.
{_limit(unheard)}
## What it is worth

Its own training speakers say nothing. {whose}, trained without the speaker who is judged
({results[0].protocol}, {row.folds} folds x {row.seeds} seeds, {row.runs} runs; {_CONDITION[about["normalisation"]]}). A
difference is called a gain or a loss where Holm's correction, over the comparisons of its table in the report, leaves less than 5 %:

{_listed(figures)}

{confusion}
{behaves}
## Limits

Acted speech of a few actors in one language, recorded in a studio: how well it does on spontaneous speech, other languages, children, old
voices or other microphones is unknown, and worse is to be expected. It tells portrayals of emotions apart and does not know what anyone
feels. It must not be used to judge people: not in hiring, schooling, policing, credit, insurance or medicine.
"""


def _limit(unheard: Sequence[str]) -> str:
    """From where on the network is unsure, a paragraph; empty where it does not know."""
    if not unheard:
        return ""
    return f"""
It says `unsure` of what is further from its training's embeddings than nineteen of twenty degraded recordings of unheard speakers
({", ".join(unheard)}) are from those of a fold's network.
"""


def _listed(items: list[str]) -> str:
    return ";\n".join(f"- {item}" for item in items) + "."
