"""The card of a network that learned from several corpora: what it is worth on corpora, languages and speakers that it has never heard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_prep.loader import find
from experiments import catalogue
from experiments.cross_corpus import confidence, page, recordings
from experiments.cross_corpus import results as across
from experiments.reporting.by_details import parts_of
from experiments.shipped import learned_from
from experiments.studies import behaviour, left_out, unheard_speakers
from ser_acrnn.evaluation import metrics, report
from ser_acrnn.evaluation.calibration import reliability
from ser_acrnn.evaluation.results import RunResult

# What is judged where one figure is given, and what was heard before; a network that normalises by the speaker has to hear something.
_HEARD = {
    "unadapted": "nothing heard before",
    "halves": "one half of a speaker's recordings heard, without labels, when the other is judged",
}


def card(name: str, about: Mapping[str, Any], results: Path, use: str) -> str:
    """The card, from the network's entry in the index and all results that say what it is worth.

    Args:
        name: What users call the network.
        about: Its entry.
        results: Root of the results.
        use: How it is used.

    Raises:
        ResultError: A result is not what its name says.
    """
    emotions = about["emotions"]
    mine = [one for one in across.collect(results) if one.system.rpartition(".")[0] == name]
    condition = "halves" if about["normalisation"] == "speaker" else "unadapted"
    plain = sorted((one for one in mine if one.system.endswith(f".{condition}")), key=lambda one: one.corpus)
    options = f"--recipe {about['system']}" + (f" --name {name}" if name != "acrnn3d-open" else "")
    return f"""# {name}

A 3-D convolutional recurrent network with attention after Chen et al. (IEEE Signal Processing Letters 25(10), 2018),
{about["parameters"]:,} parameters, for {len(emotions)} emotions: {", ".join(emotions)}.

## Use

{use}

## Data and training

{report.markdown_table(["corpus", "language", "emotions", "licence", "by"], _corpora(about))}

Corpora and emotions are drawn evenly, and the loss leaves out what a corpus lacks.{_copies(about)}
Recipe `{about["system"]}` of `experiments.studies.open_corpora`, `{about["recipe_hash"]}` of the features, seed {about["seed"]},
{about["epochs"]} epochs with the last one taken, a schedule that was fixed before; {about["precision"]} on {about["backend"]}
({about["device"]}). Made by `make train-open OPEN="{options}"`; weights in float16, loaded as
float32.{_temperature(about)}

## What it is worth

On corpora that it has never heard, in percent UAR over the emotions that both have, whose number stands in brackets where it is not
that of the heading; nothing was chosen by them. Chance is 25 of four emotions, and 16.7 of six. {_conditions(condition)}

{report.markdown_table(["judged on", "language", "recordings", "heard before", "four emotions", "six emotions"], _across(mine))}

By what was published of speakers and recordings, six emotions, {_HEARD[condition]}:

{report.markdown_table(["judged on", "part", "recordings", "UAR, %"], _by_details(plain))}

{_calibration(plain)}

{_folds(about["system"], results)}
{_speakers(about, results)}{behaviour.section(results, name, about)}
## Limits

Acted speech in three languages: how well it does on spontaneous speech, other languages, children, old
voices or other microphones is unknown, and worse is to be expected. It tells portrayals of emotions apart and does not know what anyone
feels. It must not be used to judge people: not in hiring, schooling, policing, credit, insurance or medicine.
"""


def _conditions(fewest: str) -> str:
    half = "one half of the recordings, without labels, when the other is judged; or all of them"
    return f"Of each speaker\nnothing was heard before; or {half}." if fewest == "unadapted" else f"Heard of\neach speaker is {half}."


def _speakers(about: Mapping[str, Any], results: Path) -> str:
    tables = {name: unheard_speakers.table(about["system"], name, results) for name in learned_from(about)}
    return "".join(
        f"""
Trained without some speakers of {catalogue.corpus(name).title} and judged on these, group after group, nothing heard before; beside it
networks of {catalogue.corpus(name).title} alone. UAR of each speaker over the emotions of both, its mean over speakers with Student's t
interval, differences paired by speaker:

{table}
"""
        for name, table in tables.items()
        if table
    )


def _corpora(about: Mapping[str, Any]) -> list[list[str]]:
    every = [catalogue.corpus(name) for name in learned_from(about)]
    emotions = [", ".join(emotion for emotion in about["emotions"] if emotion in corpus.emotions) for corpus in every]
    return [[one.title, one.language, known, one.licence, one.attribution] for one, known in zip(every, emotions, strict=True)]


def _copies(about: Mapping[str, Any]) -> str:
    number = about.get("copies")
    return f" Beside each recording it learned from {number} degraded copies (`data_prep.degraded`)." if number else ""


def _temperature(about: Mapping[str, Any]) -> str:
    if not about.get("familiarity_by"):
        return ""
    *others, last = [catalogue.corpus(name).title for name in about["familiarity_by"]]
    left_out = f"{', '.join(others)} and {last}" if others else last
    return f"""

How sure it is, its temperature of {about["temperature"]:.2f}, and from where on it says `unsure` come from the same recipe trained
without one of the corpora, and judged on that one: {left_out}."""


def _across(results: Sequence[RunResult]) -> list[list[str]]:
    rows = []
    for one in sorted(results, key=lambda one: (one.corpus, list(across.CONDITIONS).index(one.system.rpartition(".")[2]))):
        judge, _, condition = one.system.rpartition(".")
        figures = [page.uar([one], (judge, condition, tuple(one.fold["train"])), one.corpus, wanted) for wanted in recordings.SETS.values()]
        cells = [
            f"{value:.1f}" + (f" ({number})" if number != len(wanted) else "")
            for (value, number), wanted in zip(figures, recordings.SETS.values(), strict=True)
        ]
        corpus = catalogue.corpus(one.corpus)
        rows.append([corpus.title, corpus.language, str(len(one.utterances)), condition, *cells])
    return rows


def _by_details(results: Iterable[RunResult]) -> list[list[str]]:
    rows = []
    for one in results:
        corpus = find(one.corpus).CORPUS
        parts: dict[str, set[str]] = {}
        for utterance in one.utterances:
            for part in parts_of(utterance["id"], corpus.details) if corpus.details else ():
                parts.setdefault(part, set()).add(utterance["id"])
        for part, names in sorted(parts.items()):
            some = replace(one, utterances=[each for each in one.utterances if each["id"] in names])
            there = {each["emotion"] for each in some.utterances}
            truth, decided = across.decisions(some, [emotion for emotion in one.emotions if emotion in there])
            rows.append([corpus.title, part, str(len(names)), f"{100 * metrics.unweighted_average_recall(truth, decided):.1f}"])
    return rows


def _calibration(results: Iterable[RunResult]) -> str:
    said = [f"{100 * reliability(confidence.scored(one)).error:.1f} points on {catalogue.corpus(one.corpus).title}" for one in results]
    if not said:
        return "What its confidence is worth has not been measured."
    return f"Its confidence and the share of right decisions differ by {' and by '.join(said)} (expected calibration error)."


def _has_heard_the_speaker(folds: Mapping[str, RunResult]) -> bool:
    """Whether a recipe normalises by all that there is of the speaker who is judged."""
    return any(one.config["model"]["normalisation"] == "speaker" for one in folds.values())


def _folds(recipe: str, results: Path) -> str:
    found = {name: {one.fold["test"]: one for one in left_out.finished(name, results)} for name in left_out.recipes(results)}
    if not (mine := found.pop(recipe, {})):
        return "What the same recipe is worth on each of its training corpora, when that one is left out, has not been measured."
    alike = [name for name, folds in found.items() if _has_heard_the_speaker(folds) == _has_heard_the_speaker(mine)]
    others = [name for name in alike if found[name].keys() & mine.keys()]
    rows = []
    for test, one in mine.items():
        corpus = catalogue.corpus(test)
        beside = [f"{left_out.uar_of(found[name][test]):.1f}" if test in found[name] else "" for name in others]
        rows.append([corpus.title, corpus.language, str(len(set(one.truth))), f"{left_out.uar_of(one):.1f}", *beside])
    heads = ["left out", "language", "emotions", *(f"`{name}`" for name in (recipe, *others))]
    common = [test for test in mine if all(test in found[name] for name in others)]
    means = [sum(left_out.uar_of(folds[test]) for test in common) for folds in (mine, *(found[name] for name in others))]
    chosen = ""
    if others and means[0] == max(means):
        chosen = "; of several recipes the one with the highest mean over the corpora that all of them left out was taken"
    table = report.markdown_table(heads, rows)
    heard = "all of each speaker's recordings heard, without labels" if _has_heard_the_speaker(mine) else "nothing heard before"
    return f"Trained without one of the corpora and judged on that one, {heard}, UAR in %{chosen}:\n\n{table}"
