"""What a result file must agree with beyond being one: its own name, its configuration, its corpus, and a fold of its protocol."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self

import pandas as pd

from ser_acrnn.config.features import hash_of
from ser_acrnn.evaluation.protocol import (
    LEAKY_CHOICE,
    LEAVE_ONE_SPEAKER_OUT,
    SPEAKER_AND_TEXTS,
    Fold,
    LeakError,
    grouping,
    leave_one_speaker_and_texts_out,
    leave_one_speaker_out,
)
from ser_acrnn.evaluation.results_manifest import Row


class Grouped(Protocol):
    """What is asked of a prepared corpus: its name, its manifest, and the group of each row."""

    name: str
    manifest: pd.DataFrame
    group: pd.Series


@dataclass(frozen=True)
class Split:
    """A corpus as a protocol splits it: what its results are of.

    Attributes:
        corpus: The corpus's name; None where it may have any.
        protocol: See `ser_acrnn.evaluation.protocol.PROTOCOLS`.
        emotion: Utterance -> its label.
        group: Utterance -> what the folds split by.
        folds: All that the protocol makes of the groups, in the form in which somebody validates, where there is one.
        by_fold: Where folds split by groups of their own: test part -> utterance -> group, instead of `group`.
    """

    corpus: str | None
    protocol: str
    emotion: Mapping[str, str]
    group: Mapping[str, str]
    folds: Sequence[Fold]
    by_fold: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        corpus: str,
        protocol: str,
        rows: Sequence[Row],
        partner: Mapping[str, str] | None = None,
        groups: Mapping[str, str] | None = None,
        text: Callable[[str], str] | None = None,
    ) -> Self:
        """What a protocol makes of a manifest.

        Args:
            corpus: Its name.
            protocol: One of `ser_acrnn.evaluation.protocol.PROTOCOLS`.
            rows: The manifest.
            partner: See `ser_acrnn.evaluation.protocol.leave_one_speaker_out`.
            groups: See `ser_acrnn.evaluation.protocol.grouping`.
            text: Utterance -> the sentence that is said, for `leave-one-speaker-and-texts-out`.

        Raises:
            ValueError: The corpus cannot be split so, see `ser_acrnn.evaluation.protocol.grouping`.
        """
        emotion = {row.utterance: row.emotion for row in rows}
        if protocol == SPEAKER_AND_TEXTS:
            if text is None:
                raise LeakError(f"{corpus}: nothing tells what is said, expected texts for {protocol}")
            speakers, texts = {row.utterance: row.speaker for row in rows}, {row.utterance: text(row.utterance) for row in rows}
            split = leave_one_speaker_and_texts_out(speakers, texts, partner)
            return cls(corpus, protocol, emotion, speakers, [fold for fold, _ in split], {fold.test: its for fold, its in split})
        group = grouping(protocol, [(row.utterance, row.speaker, row.session) for row in rows], groups)
        folds = leave_one_speaker_out(group.values(), partner)
        return cls(corpus, protocol, emotion, group, folds)

    @classmethod
    def of_prepared(cls, corpus: Grouped, protocol: str, folds: Sequence[Fold], by_fold: Mapping[str, Grouped] | None = None) -> Self:
        """A prepared corpus, grouped by its protocol, and its folds; or by fold, see `by_fold`."""

        def grouped(one: Grouped) -> dict[str, str]:
            return dict(zip(one.manifest["utterance"], one.group, strict=True))

        emotion = dict(zip(corpus.manifest["utterance"], corpus.manifest["emotion"], strict=True))
        own = {test: grouped(one) for test, one in (by_fold or {}).items()}
        return cls(corpus.name, protocol, emotion, grouped(corpus), folds, own)

    def members(self, test: str | None, group: str | None) -> dict[str, str]:
        """The utterances of a group, as the fold with that test part has them, each with its label."""
        return self._members[test if test in self.by_fold else None].get(group, {})

    @cached_property
    def _members(self) -> dict[str | None, dict[str | None, dict[str, str]]]:
        found: dict[str | None, dict[str | None, dict[str, str]]] = {}
        for test, groups in [(None, self.group), *self.by_fold.items()]:
            parts = found.setdefault(test, {})
            for name, group in groups.items():
                parts.setdefault(group, {})[name] = self.emotion[name]
        return found


def folder_name(corpus: str, protocol: str) -> str:
    """Name of the folder with a corpus's results; the paper's protocol goes without saying, any other stands behind a dot."""
    return corpus if protocol == LEAVE_ONE_SPEAKER_OUT else f"{corpus}.{protocol}"


def of_folder(name: str) -> tuple[str, str]:
    """Corpus and protocol of a folder of results by its name: `emodb`, or `emodb.leaky-random`."""
    corpus, _, protocol = name.partition(".")
    return corpus, protocol or LEAVE_ONE_SPEAKER_OUT


def problems(fields: Mapping[str, Any], path: Path, split: Split | None) -> Iterator[str]:
    """Yields what is wrong with a result, each with value and expectation; nothing of one that can be what it says.

    Args:
        fields: The fields of a `ser_acrnn.evaluation.results.RunResult`.
        path: The file, `<system>/<test>-seed<N>.json`.
        split: What it should be of; without it neither the fold, nor which utterances there are, nor their labels can be checked.

    Raises:
        AttributeError, LookupError, TypeError: A field is not of its kind.
    """
    yield from _of_the_kinds(fields)
    yield from _of_the_name(fields, path)
    yield from _of_the_configuration(fields)
    for name in ("utterances", "validation_utterances"):
        yield from _of_posteriors(name, fields[name], fields["emotions"])
    yield from _of_the_test_curve(fields)
    if split is not None:
        yield from _of_the_split(fields, split)


def _of_the_kinds(fields: Mapping[str, Any]) -> Iterator[str]:
    for name in ("version", "backend", "device", "precision"):
        if not isinstance(fields[name], str):
            yield f"{name} is {fields[name]!r}, expected a text"
    seconds = fields["wall_seconds"]
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or not 0 <= seconds < math.inf:
        yield f"wall_seconds is {seconds!r}, expected seconds"


def _of_the_name(fields: Mapping[str, Any], path: Path) -> Iterator[str]:
    test, seed = fields["fold"]["test"], fields["seed"]
    if path.name != f"{test}-seed{seed}.json":
        yield f"fold.test is {test!r} and seed is {seed!r}, expected those of the file's name: <test>-seed<N>.json"
    if path.parent.name != fields["system"]:
        yield f"system is {fields['system']!r}, expected {path.parent.name!r}, its folder's name"


def _of_the_configuration(fields: Mapping[str, Any]) -> Iterator[str]:
    config, curve, epoch = fields["config"], fields["validation_curve"], fields["chosen_epoch"]
    if (expected := hash_of(config["features"])) != fields["recipe_hash"]:
        yield f"recipe_hash is {fields['recipe_hash']!r}, expected {expected!r}, the hash of config.features"
    if (emotions := config["model"]["emotions"]) != fields["emotions"]:
        yield f"emotions are {fields['emotions']}, expected {emotions}, those of config.model"
    if curve and epoch not in (epochs := [entry["epoch"] for entry in curve]):
        yield f"chosen_epoch is {epoch!r}, expected one of the curve's, {epochs[0]} to {epochs[-1]}"


def _of_the_test_curve(fields: Mapping[str, Any]) -> Iterator[str]:
    utterances, emotions = len(fields["utterances"]), len(fields["emotions"])
    for entry in fields["test_curve"]:
        decisions = entry["decisions"]
        if len(decisions) != utterances or not set(decisions) <= set(range(emotions)):
            yield f"test_curve: epoch {entry['epoch']} has {len(decisions)} decisions, expected {utterances} of 0 to {emotions - 1}"


def _of_posteriors(which: str, utterances: Sequence[Mapping[str, Any]], emotions: Sequence[str]) -> Iterator[str]:
    if which == "utterances" and not utterances:
        yield f"{which} is empty, expected those of the test part"
    seen = set()
    for utterance in utterances:
        name, posteriors = utterance["id"], utterance["posteriors"]
        if name in seen:
            yield f"{which}: {name} occurs twice, expected each utterance once"
        seen.add(name)
        if utterance["emotion"] not in emotions:
            yield f"{which}: {name} is {utterance['emotion']!r}, expected one of {emotions}"
        if len(posteriors) != len(emotions):
            yield f"{which}: {name} has {len(posteriors)} posteriors, expected {len(emotions)}, one an emotion"
        if not all(map(math.isfinite, posteriors)):
            yield f"{which}: {name} has the posteriors {posteriors}, expected finite numbers"


def _of_the_split(fields: Mapping[str, Any], split: Split) -> Iterator[str]:
    if split.corpus not in (None, fields["corpus"]):
        yield f"corpus is {fields['corpus']!r}, expected {split.corpus!r}"
    if fields["protocol"] != split.protocol:
        yield f"protocol is {fields['protocol']!r}, expected {split.protocol!r}"
    fold, everyone_trains = fields["fold"], fields["config"]["training"].get("train_on_validation", False)
    planned = (one.without_validation() if everyone_trains else one for one in split.folds if one.test == fold["test"])
    allowed = [{"train": list(one.train), "validation": one.validation, "test": one.test} for one in planned]
    if split.protocol == LEAKY_CHOICE:
        allowed = [{**one, "validation": one["test"]} for one in allowed]
    if fold not in allowed:
        expected = " or ".join(map(str, allowed)) or f"one that tests some of {sorted({one.test for one in split.folds})}"
        yield f"fold is {fold}, expected {expected} under {split.protocol}"
    yield from _of_members("utterances", fields["utterances"], split.members(fold["test"], fold["test"]))
    if judged := fields["validation_utterances"]:
        yield from _of_members("validation_utterances", judged, split.members(fold["test"], fold["validation"]))


def _of_members(which: str, utterances: Iterable[Mapping[str, Any]], expected: Mapping[str, str]) -> Iterator[str]:
    found = {utterance["id"]: utterance["emotion"] for utterance in utterances}
    if strangers := sorted(found.keys() - expected.keys()):
        yield f"{which}: has {strangers[0]}, expected utterances of the fold's part alone"
    if absent := sorted(expected.keys() - found.keys()):
        yield f"{which}: lacks {absent[0]}, expected all {len(expected)} utterances of the fold's part"
    for name, emotion in found.items():
        if emotion != expected.get(name, emotion):
            yield f"{which}: {name} is {emotion!r}, expected {expected[name]!r} as the corpus has it"
